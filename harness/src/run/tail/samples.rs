//! The slow ticks of one trial: found among its samples, joined with what the kernel did.

use std::io;

use tickcert_probes::tail::History;
use tickcert_results::{
    certificate::{Side, TailCause, TailEvent},
    time::{Nanos, SignedNanos, TickScale, Ticks},
};
use tickcert_scenarios::load::Schedule;

use super::{
    cause::{Judge, typical},
    queue::{Line, Ordered},
    recording::Seen,
    taken::{Marks, taken},
};
use crate::{
    endpoint::samples::{Departure, ExchangeSamples, TraderSamples},
    run::{join::OrderSample, measured::Measured},
};

/// Slow ticks of one trial that are looked at, at most…
const MOST: usize = 1000;
/// …and of few samples this share: the tail of several trials together may lie in one of them.
const ONE_IN: usize = 50;
/// …but so many.
const LEAST: usize = 20;
/// Ticks as fast as most, by which it is known what events take of such.
const TYPICAL: usize = 1000;
/// Slowest ticks with a timeline.
const TIMELINES: usize = 10;
/// Events of a timeline.
const EVENTS: usize = 40;

/// What is known of the tail of a trial.
pub struct TrialTail {
    /// Orders that were measured.
    pub orders: u64,
    /// `t2t_due` of the slowest of them, slowest first: more than are looked at.
    pub slowest: Vec<Nanos>,
    /// Those that were looked at, slowest first.
    pub slow: Vec<Slow>,
    /// `t2t_due` of those that would have been, had the trader left stamps of them.
    pub unstamped: Vec<Nanos>,
    /// How far off the place of an event may be.
    pub error: Nanos,
    /// Events that found no room.
    pub lost: u64,
    /// Softirqs that are part of the ends' own calls, and were not timed.
    pub untimed: u64,
    /// What the hypervisor says that it took from the cores of exchange and trader.
    pub stolen: Option<[Nanos; 2]>,
}

/// A slow tick.
#[derive(Clone, Debug)]
pub struct Slow {
    /// The oracle's number of its order.
    pub order: u32,
    /// From due to the order's arrival.
    pub t2t_due: Nanos,
    /// Why.
    pub cause: TailCause,
    /// What that took; of an unexplained one, what no event did.
    pub took: Option<Nanos>,
    /// When it was sent, seen by the trader, and its order sent; from when it was due.
    pub marks: [SignedNanos; 3],
    /// When the first was due that it queued behind, from when it was due itself.
    pub since: SignedNanos,
    /// Of the slowest ones: what the kernel did, and how much of that is left out.
    pub events: (Vec<TailEvent>, u64),
}

/// What a trial left behind.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    /// When each packet was due.
    pub schedule: &'a Schedule,
    /// What left and what arrived.
    pub exchange: &'a ExchangeSamples,
    /// What the trader stamped.
    pub trader: &'a TraderSamples,
    /// Orders that arrived as expected, in the oracle's order.
    pub orders: &'a [OrderSample],
    /// From the counter to time.
    pub scale: TickScale,
}

/// Joins the slowest ticks of a trial with what the kernel did; `None` where there is nothing to join.
///
/// # Errors
/// When the samples can't be read any more.
pub fn look_into(left: Left<'_>, seen: &Seen) -> io::Result<Option<TrialTail>> {
    let Some(ways) = Ways::new(&left, seen)? else { return Ok(None) };
    let Seen { history, mapping, stolen, .. } = seen;
    let measured = Measured::new(left.orders, left.schedule);
    let mut by_latency: Vec<&OrderSample> = measured.kept().iter().collect();
    by_latency.sort_unstable_by_key(|o| std::cmp::Reverse(o.t2t_due()));
    let n = by_latency.len();
    let Some(middle) = by_latency.get(n / 2) else { return Ok(None) };
    let median = middle.t2t_due();
    let usual: Vec<_> = most_usual(&by_latency).filter_map(|o| ways.of(o)).collect();
    let way_there = middle_of(usual.iter().map(|m| m.seen.saturating_sub(m.sent)).collect());
    let usual: Vec<_> = usual.iter().map(|m| taken(history, &m.stretches(), mapping.error())).collect();
    let line = ways.line(&left, way_there);
    let judge = Judge {
        history,
        line: &line,
        error: mapping.error(),
        median,
        typical: typical(&usual),
        each: line.quickest_packet(median),
        not_watched: &seen.not_watched,
    };
    let looked_at = MOST.min(n / ONE_IN).max(LEAST).min(n);
    let (mut slow, mut unstamped) = (Vec::with_capacity(looked_at), Vec::new());
    for (place, order) in by_latency.iter().take(looked_at).enumerate() {
        let Some(marks) = ways.of(order) else {
            unstamped.push(order.t2t_due());
            continue;
        };
        let judged = judge.judge(usize::try_from(order.packet).unwrap_or(usize::MAX), &marks);
        let from_due = |at: Nanos| SignedNanos(signed(at) - signed(marks.due));
        let since = marks.due.saturating_sub(judged.before);
        slow.push(Slow {
            order: order.order,
            t2t_due: order.t2t_due(),
            cause: judged.cause,
            took: judged.took,
            marks: [marks.sent, marks.seen, marks.left].map(from_due),
            since: from_due(since),
            events: if place < TIMELINES { timeline(history, since, &marks) } else { (Vec::new(), 0) },
        });
    }
    Ok(Some(TrialTail {
        orders: n as u64,
        slowest: by_latency.iter().take(4 * looked_at).map(|o| o.t2t_due()).collect(),
        slow,
        unstamped,
        error: mapping.error(),
        lost: history.lost(),
        untimed: history.untimed(),
        stolen: *stolen,
    }))
}

/// From the middle fifth, evenly.
fn most_usual<'o>(by_latency: &[&'o OrderSample]) -> impl Iterator<Item = &'o OrderSample> {
    let n = by_latency.len();
    let middle = by_latency.get(n * 2 / 5..n.div_ceil(5) * 3).unwrap_or(by_latency);
    middle.iter().step_by(middle.len().div_ceil(TYPICAL).max(1)).copied()
}

/// Zero of none.
fn middle_of(mut times: Vec<Nanos>) -> Nanos {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// From samples to marks on the clock of the events.
struct Ways<'a> {
    seen: &'a Seen,
    scale: TickScale,
    base: Ticks,
    /// By order: when the trader saw the tick, and had sent the order.
    at_trader: Vec<(Option<Ticks>, Option<Ticks>)>,
}

impl<'a> Ways<'a> {
    fn new(left: &Left<'_>, seen: &'a Seen) -> io::Result<Option<Self>> {
        let Some(base) = Ticks::new(left.exchange.base) else { return Ok(None) };
        let mut at_trader = Vec::with_capacity(left.orders.len());
        left.trader.each(|d| at_trader.push((d.at(Departure::ARRIVAL), d.at(Departure::DEPARTURE))))?;
        Ok(Some(Self { seen, scale: left.scale, base, at_trader }))
    }

    /// So long after the start of the schedule.
    fn at(&self, from_start: u64) -> Nanos {
        let ticks = self.base.raw().saturating_add(self.scale.ticks(Nanos(from_start)));
        Ticks::new(ticks).map_or(Nanos::ZERO, |at| self.seen.mapping.at(at))
    }

    fn of(&self, order: &OrderSample) -> Option<Marks> {
        let (seen, left) = *self.at_trader.get(usize::try_from(order.order).ok()?)?;
        let positive = |ns: i64| u64::try_from(ns).unwrap_or_default();
        Some(Marks {
            due: self.at(order.due.get()),
            sent: self.at(positive(order.sent_ns)),
            seen: self.seen.mapping.at(seen?),
            left: self.seen.mapping.at(left?),
            arrival: self.at(positive(order.arrival_ns)),
        })
    }

    fn line(&self, left: &Left<'_>, way_there: Nanos) -> Line {
        let from_start = |at: Ticks| self.scale.ns(at.since(self.base)).unwrap_or_default();
        let sent = left.exchange.sent.iter().map(|raw| Ticks::new(*raw).map(from_start)).collect();
        let order = |o: &OrderSample| {
            let (seen, left) = *self.at_trader.get(usize::try_from(o.order).ok()?)?;
            let arrival = Nanos(u64::try_from(o.arrival_ns).unwrap_or_default());
            let packet = usize::try_from(o.packet).ok()?;
            Some(Ordered { packet, seen: from_start(seen?), left: from_start(left?), arrival })
        };
        let orders = left.orders.iter().filter_map(order).collect();
        Line { due: left.schedule.due().to_vec(), sent, orders, way_there }
    }
}

fn signed(at: Nanos) -> i64 {
    i64::try_from(at.get()).unwrap_or(i64::MAX)
}

/// What the kernel did on both cores in the time of a tick, and since what it was queued behind.
fn timeline(history: &History, since: Nanos, marks: &Marks) -> (Vec<TailEvent>, u64) {
    let mut events: Vec<_> = Side::BOTH.iter().flat_map(|side| history.between(*side, since, marks.arrival)).collect();
    events.sort_by_key(|e| std::cmp::Reverse(e.end.saturating_sub(e.begin)));
    let left_out = events.len().saturating_sub(EVENTS);
    events.truncate(EVENTS);
    events.sort_by_key(|e| e.begin);
    let from_due = |at: Nanos| SignedNanos(signed(at) - signed(marks.due));
    let shown = events.into_iter().map(|e| TailEvent {
        side: e.side,
        kind: e.what.kind(),
        name: e.what.name(),
        start_ns: from_due(e.begin),
        end_ns: from_due(e.end),
    });
    (shown.collect(), left_out as u64)
}
