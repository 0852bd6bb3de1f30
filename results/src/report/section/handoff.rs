//! The comparison of hand-offs: a picture of each queue's tail, and the table behind it.

use maud::{Markup, html};

use super::{banner, chip};
use crate::{
    certificate::{CounterOffset, HandoffCell, HandoffComparison, Quantiles},
    report::{chart, text},
};

const QUANTILES: [&str; 4] = ["p50", "p99", "p99_9", "p99_99"];

pub(in crate::report) fn handoff(comparison: Option<&HandoffComparison>) -> Markup {
    html! { @if let Some(c) = comparison { (section(c)) } }
}

fn section(c: &HandoffComparison) -> Markup {
    html! {
        section.handoff {
            h2 { "Hand-off: the queue between decode and decide " (chip(c.evidence)) }
            (banner(c.evidence))
            p.note { (conditions(c)) }
            @if let Some(picture) = chart::handoffs(c) {
                figure.wide {
                    figcaption { strong { "From tick due until taken out" } "Every message of the valid repetitions, with whatever it waited for, in the queue or before it; " (chart::HANDOFF_MARKS) }
                    (picture)
                }
            }
            table.quantiles {
                caption {
                    "Microseconds over all valid repetitions; below each quantile its 95 % interval."
                    @if let Some(reference) = &c.reference { " The last two columns hold medians and p99.9 against those of " b { (reference) } ", by the repetitions' ranks; each of their intervals is at 95 % for itself, so that of many one or another misses." }
                }
                thead { tr {
                    th { "Hand-off" } th {} th.num { "n" }
                    @for q in QUANTILES { th.num { (text::quantile(q)) } }
                    th.num { "max" } th.num { "p50 ratio" } th.num { "p99.9 ratio" }
                } }
                @for cell in &c.cells { (rows(cell)) }
            }
            (invalid(c))
        }
    }
}

fn conditions(c: &HandoffComparison) -> String {
    let others = match c.producers {
        0 | 1 => String::new(),
        n => format!(
            ", {} producers of which {} only keep the queue busy{}",
            n,
            n - 1,
            if c.shared_cores { " (on the decoding core)" } else { "" }
        ),
    };
    let preempted = c.preemption.map_or_else(String::new, |p| {
        format!(
            "; the deciding core is taken away for {} every {} by a thread of real-time priority",
            text::duration(p.length_ns),
            text::duration(p.every_ns)
        )
    });
    format!(
        "Ticks from memory, without a lane, decoded on core {} and decided on core {}: {}, messages of {} bytes, room for {}{others}{preempted}. \
         Inline, the first of the two cores does everything. Every order is compared with the tape's. {}",
        c.decode_core,
        c.decide_core,
        c.load.text,
        c.message_bytes,
        text::count(c.capacity),
        counters(c)
    )
}

/// By how much a span between the two cores may be off.
fn counters(c: &HandoffComparison) -> String {
    let between = |o: CounterOffset| {
        format!(
            "The deciding core's counter was {:.0} to {:.0} ns ahead of the decoding one's: spans from one to the other are off by that.",
            o.at_least_ns, o.at_most_ns
        )
    };
    c.counter_offset.map_or_else(|| "How far the counters of the two cores are apart is not known.".to_owned(), between)
}

fn rows(cell: &HandoffCell) -> Markup {
    let parts = [
        ("tick due until taken out", &cell.taken_due_ns, "taken_due"),
        ("put in until taken out", &cell.hand_off_ns, "hand_off"),
        ("putting in", &cell.push_ns, ""),
        ("tick due to order", &cell.order_due_ns, "order_due"),
        ("tick sent to order", &cell.order_sent_ns, ""),
        ("tick sent after it was due", &cell.schedule_error_ns, ""),
    ];
    let shown: Vec<_> = parts.into_iter().filter(|(_, q, _)| q.n > 0).collect();
    html! {
        tbody {
            @for (at, (name, q, metric)) in shown.iter().enumerate() {
                tr {
                    @if at == 0 {
                        th.lane scope="rowgroup" rowspan=(shown.len()) { (cell.name) span.dim { (cell.summary) } }
                    }
                    td.metric { (name) }
                    td.num { (text::count(q.n)) }
                    @for quantile in QUANTILES { (value(q, quantile)) }
                    td.num { (q.max.map_or_else(|| "–".to_owned(), text::micros)) }
                    @for quantile in ["p50", "p99_9"] {
                        td.num {
                            @if let Some(r) = cell.ratios.get(&format!("{metric}.{quantile}")) {
                                (format!("{:.2}", r.ratio))
                                @if let Some([low, high]) = r.ci95 { span.ci { (format!("{low:.2} – {high:.2}")) } }
                            } @else { "–" }
                        }
                    }
                }
            }
            @if shown.is_empty() {
                tr { th.lane scope="row" { (cell.name) span.dim { (cell.summary) } } td.bad colspan="9" { "no repetition counts" } }
            }
        }
    }
}

fn value(q: &Quantiles, name: &str) -> Markup {
    let micros = |ns: f64| text::significant(ns / 1e3);
    html! {
        @match (q.by_name(name), q.needs_more.get(name)) {
            (Some(ns), _) => td.num {
                (text::micros(ns))
                @if let Some([low, high]) = q.ci95.get(name) { span.ci { (micros(*low)) " – " (micros(*high)) } }
            },
            (None, Some(more)) => td.num.needs { "needs " (text::count(*more)) " more" },
            (None, None) => td.num { "–" },
        }
    }
}

/// Repetitions that don't count, each with its reasons.
fn invalid(c: &HandoffComparison) -> Markup {
    let all: Vec<_> =
        c.cells.iter().flat_map(|cell| cell.repetitions.iter().filter(|r| !r.valid).map(move |r| (cell, r))).collect();
    html! {
        @if let Some(p) = c.preemption {
            h3 { "Putting in that stood still while the core was away" }
            p.note { "Messages whose putting in took " (text::duration(crate::time::Nanos(p.length_ns.get() / 2))) " or longer." }
            table.narrow {
                thead { tr { th { "Hand-off" } th.num { "Stood still" } th.num { "Core taken away" } } }
                tbody {
                    @for (cell, (stalled, taken)) in c.cells.iter().filter(|cell| cell.push_ns.n > 0).map(|cell| (cell, cell.stalled())) {
                        tr { td { (cell.name) } td.num { (text::count(stalled)) } td.num { (text::count(taken)) } }
                    }
                }
            }
        }
        @if !all.is_empty() {
            h3 { "Repetitions that do not count" }
            ul { @for (cell, r) in all { li { strong { (cell.name) } " " (r.repetition) ": " (r.invalid_reasons.join("; ")) } } }
        }
    }
}
