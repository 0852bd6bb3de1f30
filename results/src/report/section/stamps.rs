//! Hardware stamps: what was asked for, what stamps and by which clocks, and of each lane what came of it.

use maud::{Markup, html};

use super::chip;
use crate::{
    certificate::{
        Cell, CellStamps, Certificate, ClockRecord, Conversion, EndStamps, HwStamps, SignedQuantiles, StampCounts,
        StampingCost, StampingEnd, StampingRecord,
    },
    report::text,
    stamp::{ClockOffset, Lock, StampPolicy},
    time::Nanos,
    wire::WireSpan,
};

/// The quantiles that are shown of spans.
const QUANTILES: [&str; 7] = ["min", "p50", "p90", "p99", "p99_9", "p99_99", "max"];

pub(in crate::report) fn stamps(c: &Certificate) -> Markup {
    let cells: Vec<(&Cell, &CellStamps)> = c.cells.iter().filter_map(|c| Some((c, c.stamps.as_ref()?))).collect();
    html! {
        @if c.probes.stamping.is_some() || !cells.is_empty() {
            section #stamps {
                h2 { "Hardware stamps" }
                @if let Some(record) = &c.probes.stamping { (wanted(record)) }
                @for (cell, stamps) in cells { (of_cell(cell, stamps)) }
            }
        }
    }
}

/// What the profile asks for, and what the wire has.
fn wanted(record: &StampingRecord) -> Markup {
    html! {
        p {
            @match record.policy {
                StampPolicy::Require => "The profile requires them: without, nothing is certified.",
                StampPolicy::Prefer => "The profile takes them where they can be had.",
                StampPolicy::Off => "The profile leaves them out.",
            }
            @if let Some(why) = &record.not_looked_at { " None were taken: " (why) "." }
        }
        @if record.ends().next().is_some() { (ends(record)) }
        @if !record.clocks.is_empty() { (clocks(&record.clocks)) }
    }
}

fn ends(record: &StampingRecord) -> Markup {
    let row = |who: &str, end: &StampingEnd| {
        let ways = |transmit, receive| match (transmit, receive) {
            (true, true) => "both ways",
            (true, false) => "frames that leave",
            (false, true) => "frames that arrive",
            (false, false) => "nothing",
        };
        html! {
            tr {
                td { span.id { (who) } br; span.dim { (end.interface) } }
                td { @if end.driver.is_empty() { "–" } @else { (end.driver) } }
                td { @match &end.clock { Some(clock) => (clock), None => "none" } }
                td { (ways(end.claimed.transmit, end.claimed.receive)) }
                td.bad[!(end.seen.transmit && end.seen.receive)] {
                    (ways(end.seen.transmit, end.seen.receive))
                    br; span.ci { "of " (end.seen.frames) " frames" }
                }
                td { (end.why_not.join("; ")) @if let Some(undone) = &end.undone { " Afterwards: " (undone) "." } }
            }
        }
    };
    html! {
        h3 { "What stamps" }
        table {
            thead { tr { th { "End" } th { "Driver" } th { "Clock" } th { "Claims to stamp" } th { "Was seen to stamp" } th { "Noticed" } } }
            tbody {
                @if let Some(end) = &record.exchange { (row("exchange", end)) }
                @if let Some(end) = &record.trader { (row("trader", end)) }
            }
        }
    }
}

fn clocks(clocks: &[ClockRecord]) -> Markup {
    let lock = |lock: Lock| match lock {
        Lock::Locked => "locked",
        Lock::Unlocked => "not locked",
        Lock::Unknown => "not known",
    };
    html! {
        h3 { "Their clocks through the run" }
        table {
            thead { tr {
                th { "Clock" } th { "Kept by" } th { "Lock" } th.num { "Offset from the system's, first" } th.num { "last" }
                th.num { "Drift" } th.num { "From its reference, at most" } th { "Noticed" }
            } }
            tbody {
                @for clock in clocks {
                    tr {
                        td { span.id { (clock.clock) } br; span.dim { (clock.name) } }
                        td { @if clock.source.is_empty() { "nobody, as far as can be told" } @else { (clock.source) } }
                        td.bad[clock.lock == Lock::Unlocked] { (lock(clock.lock)) }
                        @for reading in [clock.readings.first(), clock.readings.last()] {
                            td.num { @match reading {
                                Some(r) => { (offset(r.offset_ns)) br; span.ci { "± " (text::duration(Nanos(r.width_ns.0.div_ceil(2)))) } }
                                None => "–",
                            } }
                        }
                        td.num { @match clock.drift_ppb { Some(ppb) => (format!("{ppb:+.1} ppb")), None => "–" } }
                        td.num { @match clock.largest_offset_ns { Some(n) => (text::duration(n)), None => "–" } }
                        td { (clock.troubles.join("; ")) }
                    }
                }
            }
        }
    }
}

/// To the nanosecond, also where it holds the leap seconds.
fn offset(of: ClockOffset) -> String {
    let size = of.size();
    if size < Nanos::SECOND {
        return of.to_string();
    }
    let sign = if of.0 < 0 { '-' } else { '+' };
    format!("{sign}{}.{:09} s", size.0 / Nanos::SECOND.0, size.0 % Nanos::SECOND.0)
}

fn of_cell(cell: &Cell, stamps: &CellStamps) -> Markup {
    let stamped: Vec<&HwStamps> =
        cell.repetitions.iter().filter(|r| r.valid && !r.unstamped).map(|r| &r.hw_stamps).collect();
    let sum = |of: fn(&HwStamps) -> Option<&EndStamps>| total(stamped.iter().filter_map(|h| of(h)));
    let ends = [("exchange", sum(|h| h.exchange.as_ref())), ("trader", sum(|h| h.trader.as_ref()))];
    html! {
        div.stamps {
            h3 { (cell.title()) span.dim { " · " (cell.load.text) } " " (chip(cell.evidence)) }
            @if let Some(why) = &stamps.not_certifiable { p.warning { "Not certifiable: " (why) "." } }
            @if let Some(why) = &stamps.fallback {
                p.warning { "The times of this lane are by the processor's clock: " (why) "." }
            }
            @if stamps.not_certifiable.is_none() && stamps.fallback.is_none() {
                @for why in stamps.exchange_why_not.iter().chain(&stamps.trader_why_not) { p.note { (why) "." } }
            }
            @if ends.iter().any(|(_, end)| end.is_some()) { (counts(&ends, stamps.floor)) }
            (spans(cell, stamps))
            (cost(stamps))
        }
    }
}

/// The counts of all repetitions together.
fn total<'r>(all: impl Iterator<Item = &'r EndStamps>) -> Option<EndStamps> {
    let add = |sum: &mut StampCounts, c: &StampCounts| {
        sum.asked += c.asked;
        sum.good += c.good;
        sum.missing += c.missing;
        sum.shared += c.shared;
        sum.late += c.late;
        sum.stale += c.stale;
        sum.duplicate += c.duplicate;
        sum.zero += c.zero;
        sum.unasked += c.unasked;
        sum.kernel += c.kernel;
        sum.disordered += c.disordered;
    };
    let mut sum: Option<EndStamps> = None;
    for end in all {
        let sum = sum.get_or_insert_with(|| EndStamps { clock: end.clock, ..EndStamps::default() });
        add(&mut sum.tx, &end.tx);
        add(&mut sum.rx, &end.rx);
    }
    sum
}

fn counts(ends: &[(&str, Option<EndStamps>); 2], floor: f64) -> Markup {
    let row = |who: &str, what: &str, c: &StampCounts| {
        let bad = [c.missing, c.late, c.stale, c.duplicate, c.zero, c.unasked];
        html! {
            tr {
                td { (who) ", " (what) }
                td.num.bad[c.coverage().is_some_and(|share| share < floor)] { (coverage(c)) }
                td.num { (text::count(c.asked)) }
                td.num { (text::count(c.good)) }
                @for n in bad { td.num.bad[n > 0] { (text::count(n)) } }
                td.num { (text::count(c.kernel)) }
                td.num.bad[c.disordered > 0] { (text::count(c.disordered)) }
            }
        }
    };
    html! {
        table.attempts {
            thead { tr {
                th { "Frames" } th.num { "Coverage" } th.num { "Asked" } th.num { "Good" } th.num { "Missing" } th.num { "Late" }
                th.num { "Stale" } th.num { "Twice" } th.num { "Zero" } th.num { "Unasked" } th.num { "Kernel's too" }
                th.num { "Wrong order" }
            } }
            tbody {
                @for (who, end) in ends {
                    @if let Some(end) = end.as_ref().filter(|e| e.clock.is_some() || e.tx.kernel + e.rx.kernel > 0) {
                        @let (sent, received) = if *who == "exchange" { ("ticks sent", "orders received") } else { ("orders sent", "ticks received") };
                        (row(who, sent, &end.tx))
                        (row(who, received, &end.rx))
                    }
                }
            }
        }
        p.note {
            "Of all valid repetitions with stamps together; each must reach " (text::percent(floor)) ". "
            "\"Kernel's too\" are frames with a software stamp beside the hardware's, \"wrong order\" those of them whose two "
            "stamps contradict each other."
            @let shared: u64 = ends.iter().filter_map(|(_, end)| end.as_ref()).map(|end| end.tx.shared + end.rx.shared).sum();
            @if shared > 0 {
                " Of the missing ones " (text::count(shared)) " were read from the byte stream at once with a later order, and "
                "the kernel keeps the last stamp only."
            }
        }
    }
}

/// A share never rounded up to the whole.
fn coverage(c: &StampCounts) -> String {
    match c.coverage() {
        None => "–".to_owned(),
        Some(_) if c.good == c.asked => "100\u{202f}%".to_owned(),
        Some(_) => {
            let thousandths = u128::from(c.good) * 100_000 / u128::from(c.asked);
            format!("{}.{:03}\u{202f}%", thousandths / 1_000, thousandths % 1_000)
        }
    }
}

fn spans(cell: &Cell, stamps: &CellStamps) -> Markup {
    let known = WireSpan::ALL.map(|span| (span, cell.latency_ns.wire.get(span.name())));
    html! {
        @if known.iter().any(|(_, q)| q.is_some()) {
            table {
                thead { tr { th { "Between stamps" } th.num { "n" } @for q in QUANTILES { th.num { (text::quantile(q)) } } } }
                tbody {
                    @for (span, q) in known {
                        @if let Some(q) = q { (span_row(span, q)) }
                    }
                }
            }
        }
        @if let Some(conversion) = &stamps.conversion { (convention(conversion)) }
        @if let Some(one_way) = &stamps.one_way {
            p.note {
                @match (&one_way.why_not, one_way.error_ns) {
                    (Some(why), _) => { "One way is not reported: " (why) "." }
                    (None, Some(error)) => {
                        "One way may be off by " (text::duration(error)) ", as far as the clocks were from their reference."
                    }
                    (None, None) => "One way is not reported.",
                }
            }
        }
    }
}

fn span_row(span: WireSpan, q: &SignedQuantiles) -> Markup {
    html! {
        tr {
            td { span.id { (span.name()) } br; span.dim { (span.meaning()) } }
            td.num { (text::count(q.n)) }
            @for name in QUANTILES {
                td.num {
                    @match (q.by_name(name), q.needs_more.get(name)) {
                        (Some(value), _) => {
                            (text::duration_ns(value.0 as f64))
                            @if let Some([lo, hi]) = q.ci95.get(name) {
                                br; span.ci title="95 % interval" { (text::duration_ns(*lo)) " – " (text::duration_ns(*hi)) }
                            }
                        }
                        (None, Some(more)) => span.ci { "needs " (text::count(*more)) " more" },
                        (None, None) => "–",
                    }
                }
            }
        }
    }
}

/// How spans of other conventions than start of frame to start of frame were made.
fn convention(c: &Conversion) -> Markup {
    let speed = |speed: &Option<crate::wire::LinkSpeed>| speed.map_or("unknown".to_owned(), |s| s.to_string());
    html! {
        p.note {
            "A stamp is of the start of a frame, after its preamble. Link of the exchange: " (speed(&c.exchange_mbps))
            ", of the trader: " (speed(&c.trader_mbps)) ". "
            @if let Some(headers) = c.headers {
                "End of message and end of frame (eot, eof) are the bytes before them at that speed: " (headers)
                " of headers, the tick, and 4 of the check sequence; frames untagged. "
            }
            @if let Some(why) = &c.why_not { "Not all of them are given: " (why) "." }
        }
    }
}

fn cost(stamps: &CellStamps) -> Markup {
    let time = |n: Option<Nanos>| n.map_or("–".to_owned(), text::duration);
    let ratio = |cost: &StampingCost| {
        html! {
            @match cost.ratio { Some(ratio) => (format!("{ratio:.3}")), None => "–" }
            @match (cost.ci95, cost.needs_more) {
                (Some([lo, hi]), _) => { br; span.ci title="95 % interval" { (format!("{lo:.3} – {hi:.3}")) } }
                (None, Some(more)) => { br; span.ci { "needs " (text::plural(more as usize, "more repetition", "more repetitions")) } }
                _ => {}
            }
        }
    };
    html! {
        @if !stamps.cost.is_empty() {
            table {
                thead { tr {
                    th { "What stamping costs" } th.num { "With stamps" } th.num { "Without" } th.num { "Ratio" } th.num { "Repetitions" }
                } }
                tbody {
                    @for (name, cost) in &stamps.cost {
                        tr {
                            td { "t2t_due, " (text::quantile(name)) }
                            td.num { (time(cost.with_ns)) }
                            td.num { (time(cost.without_ns)) }
                            td.num { (ratio(cost)) }
                            td.num { (cost.repetitions[0]) " and " (cost.repetitions[1]) }
                        }
                    }
                }
            }
        }
    }
}
