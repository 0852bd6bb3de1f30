//! How the exchange kept its schedule.

use tickcert_results::time::{Nanos, TickScale, Ticks};
use tickcert_scenarios::load::Schedule;

use crate::endpoint::samples::ExchangeSamples;

/// A packet's departure against its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// Departure minus due time.
    pub late: Nanos,
    /// The one before left after this one was due.
    pub queued: bool,
}

/// From the first packet to the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// By the schedule.
    pub intended: Nanos,
    /// In truth.
    pub achieved: Nanos,
}

/// Each packet's lateness, and how many left before they were due, which no sender of ours does.
pub(super) fn lateness(schedule: &Schedule, exchange: &ExchangeSamples, scale: TickScale) -> (Vec<Lateness>, u64) {
    let (mut all, mut early) = (Vec::with_capacity(exchange.sent.len()), 0);
    let Some(base) = Ticks::new(exchange.base) else { return (all, early) };
    let mut before: Option<Ticks> = None;
    for (due, sent) in schedule.due().iter().zip(&exchange.sent) {
        let Some(sent) = Ticks::new(*sent) else { continue };
        let due_at = base.raw().saturating_add(scale.ticks(*due));
        match Ticks::new(due_at).and_then(|d| scale.ns(sent.since(d))) {
            Some(late) => all.push(Lateness { late, queued: before.is_some_and(|b| b.raw() >= due_at) }),
            None => early += 1,
        }
        before = Some(sent);
    }
    (all, early)
}

pub(super) fn span(schedule: &Schedule, exchange: &ExchangeSamples, scale: TickScale) -> Span {
    let mut sent = exchange.sent.iter().copied().filter_map(Ticks::new);
    let first = sent.next();
    let achieved = first.and_then(|f| scale.ns(sent.next_back().unwrap_or(f).since(f))).unwrap_or_default();
    let due = schedule.due();
    let intended = due.last().copied().unwrap_or_default().saturating_sub(due.first().copied().unwrap_or_default());
    Span { intended, achieved }
}
