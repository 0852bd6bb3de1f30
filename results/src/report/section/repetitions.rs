//! Every attempt that was made: what became of its orders, how well its load was kept, whether it counts.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{banner, chip};
use crate::{
    certificate::{Cell, CounterValues, Purpose, Repetition},
    report::{data::Group, text},
};

/// More values than this are shown as how many there are.
const VALUES: usize = 3;

pub(in crate::report) fn repetitions(group: &Group<'_>) -> Markup {
    html! {
        section.repetitions {
            h2 { "Repetitions " (chip(group.evidence)) }
            (banner(group.evidence))
            p.note { "Every attempt is kept, the invalid ones too. Counts are of the whole attempt, warm-up included." }
            @for view in &group.cells {
                div.attempts {
                    h3 { (view.cell.title()) span.dim { " · " (view.cell.load.text) } }
                    p.note { (plan(view.cell)) }
                    (orders(view.cell))
                    (load(view.cell))
                    (counters(view.cell))
                    (notes(view.cell))
                }
            }
        }
    }
}

/// How many repetitions were planned, and how many of them count.
fn plan(cell: &Cell) -> Markup {
    let valid = |purpose| cell.repetitions.iter().filter(|r| r.valid && r.purpose() == purpose).count();
    let of = |planned: u32, purpose, what: &str| {
        let valid = valid(purpose);
        html! { span.bad[valid < planned as usize] { (valid) " of " (planned) " planned" (what) " are valid" } }
    };
    html! {
        @match cell.planned {
            Some(plan) => {
                (of(plan.repetitions, Purpose::Latency, ""))
                @if plan.staged > 0 { ", " (of(plan.staged, Purpose::Stages, " for the stages")) }
                @if plan.unstamped > 0 { ", " (of(plan.unstamped, Purpose::Cost, " without stamps")) }
                "."
            }
            None => { "How many were planned is not recorded." }
        }
    }
}

/// What became of the orders.
fn orders(cell: &Cell) -> Markup {
    html! {
        table.attempts {
            thead { tr {
                th { "Rep." } th.num { "Run as" } th { "Counts" } th.num { "Ticks sent" } th.num { "Expected" }
                th.num { "Received" } th.num { "Matched" } th.num { "Lost" } th.num { "Wrong" } th.num { "Dupl." }
                th.num { "Late" } th.num { "Unasked" } th.num { "Bad stamps" } th { "Digest" }
            } }
            tbody { @for r in &cell.repetitions { (orders_of(r)) } }
        }
    }
}

fn orders_of(r: &Repetition) -> Markup {
    let c = &r.counts;
    let faults = [c.lost, c.wrong, c.duplicate, c.late, c.unexpected, c.bad_stamps];
    let digest = r.orders_sha256 == r.expected_sha256;
    html! {
        tr.invalid[!r.valid] {
            td { (name(r)) }
            td.num { (r.position) }
            td { (standing(r)) }
            td.num {
                (text::count(c.sent))
                @if c.skipped > 0 { span.ci.bad { (text::count(c.skipped)) " skipped" } }
            }
            td.num { (text::count(c.expected_orders)) }
            td.num { (text::count(c.received_orders)) }
            td.num { (text::count(c.matched)) }
            @for fault in faults { td.num.bad[fault > 0] { (text::count(fault)) } }
            td.bad[!digest] { @if digest { "= tape" } @else { "≠ tape" } }
        }
        @if !r.invalid_reasons.is_empty() {
            tr.invalid { td {} td.why colspan="13" { "Invalid: " (r.invalid_reasons.join("; ")) } }
        }
    }
}

fn name(r: &Repetition) -> String {
    if r.attempt > 1 { format!("{}/{}", r.repetition, r.attempt) } else { r.repetition.to_string() }
}

fn standing(r: &Repetition) -> &'static str {
    match (r.valid, r.purpose()) {
        (false, _) => "✕ no",
        (true, Purpose::Stages) => "stages only",
        (true, Purpose::Cost) => "cost of stamps",
        (true, Purpose::Latency) => "✓ yes",
    }
}

/// What processor and kernel counted, where any of it was.
fn counters(cell: &Cell) -> Markup {
    let counted: Vec<_> = cell.repetitions.iter().filter_map(|r| Some((r, r.counters?))).collect();
    // What no repetition has is said among what did not run.
    let has = |at: usize| counted.iter().any(|(_, c)| [c.exchange, c.trader].iter().any(|v| v.named()[at].1.is_some()));
    let names = CounterValues::default().named();
    let shown: Vec<usize> = (0..names.len()).filter(|at| has(*at)).collect();
    html! {
        @if !shown.is_empty() {
            table.attempts {
                caption { "Counted over the timed loops, in the kernel and out of it" }
                thead { tr { th { "Rep." } th { "End" } @for at in &shown { th.num { (names[*at].0) } } } }
                tbody {
                    @for (r, c) in &counted {
                        @for (end, values) in [("exchange", c.exchange), ("trader", c.trader)] {
                            tr.invalid[!r.valid] {
                                td { (name(r)) }
                                td { (end) @if values.estimated { " (estimated)" } }
                                @for at in &shown { td.num { (values.named()[*at].1.map_or_else(|| "–".to_owned(), text::count)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How well the load was kept, what was discarded, whether the samples look independent.
fn load(cell: &Cell) -> Markup {
    html! {
        table.attempts {
            thead {
                tr {
                    th rowspan="2" { "Rep." } th.group colspan="2" { "Packets/s" } th.group colspan="5" { "Schedule error" }
                    th.group colspan="2" { "Warm-up" } th.group colspan="3" { "Independence" } th.group colspan="2" { "NIC stamps" }
                }
                tr {
                    th.num { "intended" } th.num { "achieved" } th.num { "p50" } th.num { "p99" } th.num { "max" }
                    th.num { "waiting p50" } th.num { "queued" } th.num { "orders" } th { "steady" }
                    th.num { "lag 1" } th.num { "p" } th.num { "drift" } th.num { "tx" } th.num { "rx" }
                }
            }
            tbody { @for r in &cell.repetitions { (load_of(r)) } }
        }
    }
}

fn load_of(r: &Repetition) -> Markup {
    let (e, w, i) = (&r.schedule_error_ns, &r.warm_up, &r.independence);
    let coverage = |share: Option<f64>| share.map_or("–".to_owned(), text::percent);
    html! {
        tr.invalid[!r.valid] {
            td { (name(r)) }
            td.num { (text::significant(r.intended_pps.0)) }
            td.num { (text::significant(r.achieved_pps.0)) }
            td.num { (text::duration(e.p50)) }
            td.num { (text::duration(e.p99)) }
            td.num { (text::duration(e.max)) }
            td.num { (text::duration(e.waiting_p50)) }
            td.num { (text::percent(f64::from(e.queued_ppm) / 1e6)) }
            td.num { (text::count(w.orders)) span.ci { (text::percent(w.share)) } }
            td { @if w.stationary { "yes" } @else { "no" } }
            td.num { (format!("{:.2}", i.lag1)) }
            td.num { (format!("{:.2}", i.autocorrelation_p)) }
            td.num { (text::percent(i.drift_share)) span.ci { "p " (format!("{:.2}", i.drift_p)) } }
            td.num { (coverage(r.hw_stamps.tx_coverage)) }
            td.num { (coverage(r.hw_stamps.rx_coverage)) }
        }
    }
}

/// What the endpoints noticed, each thing once over all attempts.
fn notes(cell: &Cell) -> Markup {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in cell.repetitions.iter().flat_map(|r| &r.notes) {
        let values = all.entry(key).or_default();
        if !values.contains(&value.as_str()) {
            values.push(value);
        }
    }
    html! {
        @if !all.is_empty() {
            p.notes {
                "Noticed by the endpoints: "
                @for (at, (key, values)) in all.iter().enumerate() {
                    @if at > 0 { "; " }
                    (key) " " (summary(values))
                }
                "."
            }
        }
    }
}

/// A range of numbers, or the values themselves while they are few.
fn summary(values: &[&str]) -> String {
    let mut numbers: Vec<u64> = values.iter().filter_map(|v| v.parse().ok()).collect();
    numbers.sort_unstable();
    match (numbers.first(), numbers.last()) {
        (Some(lo), Some(hi)) if numbers.len() == values.len() && lo != hi => {
            format!("{} to {}", text::count(*lo), text::count(*hi))
        }
        _ if values.len() > VALUES => format!("{} (and {} others)", values[..VALUES].join(", "), values.len() - VALUES),
        _ => values.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn numbers_become_a_range_and_words_a_list() {
        assert_eq!(summary(&["17", "3", "9"]), "3 to 17");
        assert_eq!(summary(&["3"]), "3");
        assert_eq!(summary(&["a", "b", "c", "d"]), "a, b, c (and 1 others)");
    }
}
