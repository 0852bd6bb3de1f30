//! Why the slowest ticks of a lane were slow.

use maud::{Markup, html};

use crate::{
    certificate::{Cell, SlowTick, Tail, TailKind, TailRow},
    report::{chart, text},
    time::Nanos,
};

pub(super) fn tail(cell: &Cell) -> Markup {
    html! {
        @if let Some(tail) = &cell.tail {
            div.why-slow {
                h3 { "Why the slowest ticks were slow" }
                p.note { (about(tail)) }
                @if let Some(unsure) = unsure(tail) { p.warning { (unsure) } }
                (table(tail))
                @if !tail.slowest.is_empty() {
                    p.note {
                        "The slowest ticks. Upper row: before it was sent, on its way, in the trader, on the way back. Below: what the kernel did "
                        "on the core of the exchange and on that of the trader."
                    }
                    @for tick in &tail.slowest { (slow(tick)) }
                }
            }
        }
    }
}

/// Orders of which ten are above p99.9: with fewer that is no quantile.
const ENOUGH: u64 = 10_000;

fn about(tail: &Tail) -> String {
    let of = |value: Option<Nanos>| value.map_or_else(|| "–".to_owned(), text::duration);
    let (slow, orders) = (text::count(tail.slow), text::count(tail.orders));
    let which = if tail.orders < ENOUGH {
        format!("The {slow} slowest of {orders} ticks by t2t_due (from {})", of(tail.above_ns))
    } else {
        format!("The {slow} of {orders} ticks above p99.9 of t2t_due (from {})", of(tail.above_ns))
    };
    let untimed = (tail.untimed_softirqs > 0).then(|| {
        format!(
            " {} softirqs were run by the ends within their own system calls: they are part of the calls, and not timed.",
            text::count(tail.untimed_softirqs)
        )
    });
    let steal = tail.steal_ns.map(|[exchange, trader]| {
        let [exchange, trader] = [exchange, trader].map(text::duration);
        format!(
            " The hypervisor says, in steps of 10 ms, that it took {exchange} from the exchange's core and {trader} from the trader's."
        )
    });
    format!(
        "{which}, each with what took most of its time beyond the median ({}) and beyond what that takes of a usual tick. Events of the kernel \
         are placed within {}.{}{}",
        of(tail.typical_ns),
        of(tail.clock_error_ns),
        untimed.unwrap_or_default(),
        steal.unwrap_or_default(),
    )
}

fn unsure(tail: &Tail) -> Option<String> {
    let lost = (tail.lost_events > 0).then(|| {
        format!("{} events found no room: of ticks in that time nothing is said.", text::count(tail.lost_events))
    });
    let beyond = (tail.not_looked_at > 0).then(|| {
        format!(
            "{} more are beyond the slowest of their repetition and were not looked at.",
            text::count(tail.not_looked_at)
        )
    });
    let unstamped = (tail.without_stamps > 0).then(|| {
        format!("Of {} more the trader left no stamps: nothing is said of them.", text::count(tail.without_stamps))
    });
    let all: Vec<String> = lost.into_iter().chain(beyond).chain(unstamped).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn table(tail: &Tail) -> Markup {
    html! {
        table {
            thead { tr {
                th { "Cause" } th.num { "ticks" } th.num { "their time beyond the median" } th.num { "what the cause took of all that" }
                th.num { "without it p99.9 is lower by" } th.num { "p99.99 by" }
            } }
            tbody { @for row in &tail.causes { (cause(tail, row)) } }
        }
    }
}

fn cause(tail: &Tail, row: &TailRow) -> Markup {
    let all: u64 = tail.causes.iter().map(|r| r.excess_ns.0).sum();
    let took = |took: Nanos| {
        let share = if all == 0 { 0.0 } else { took.0 as f64 / all as f64 };
        format!("{} · {}", text::duration(took), text::percent(share))
    };
    let lower = |by: Option<Nanos>| by.map_or_else(|| "–".to_owned(), text::duration);
    html! {
        tr {
            td { (row.cause.to_string()) }
            td.num { (text::count(row.ticks)) }
            td.num { (text::duration(row.excess_ns)) }
            td.num { (row.taken_ns.map_or_else(|| "–".to_owned(), took)) }
            td.num { (lower(row.p99_9_ns)) }
            td.num { (lower(row.p99_99_ns)) }
        }
    }
}

fn slow(tick: &SlowTick) -> Markup {
    html! {
        figure.wide.slow-tick {
            figcaption {
                strong { (text::duration(tick.t2t_due_ns)) ": " (tick.cause.to_string()) }
                "Repetition " (tick.repetition) ", order " (tick.order) "."
                @if let Some(took) = tick.taken_ns {
                    @if tick.cause.kind == TailKind::Unexplained { " No event took " (text::duration(took)) "." }
                    @else { " The cause took " (text::duration(took)) "." }
                }
                @if tick.since_ns.0 < 0 {
                    " From " (text::duration(Nanos(tick.since_ns.0.unsigned_abs()))) " before it was due, when the first was due that it queued behind."
                }
                @if tick.left_out > 0 { " " (text::count(tick.left_out)) " shorter events are left out." }
            }
            (chart::timeline(tick))
        }
    }
}
