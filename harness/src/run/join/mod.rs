//! Joins what the endpoints recorded with what the tape expects: every order's fate, and its latencies.

pub mod attribute;
mod fates;
mod sending;
mod stages;
mod stamps;
#[cfg(test)]
mod tests;
pub mod ties;

use std::{collections::HashMap, io, thread};

use tickcert_results::{
    certificate::Counts,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::{
    load::Schedule,
    tape::{Expected, Tape},
};

pub use sending::{Lateness, Span};
pub use stages::STAGES;
pub use stamps::{JoinedStamps, OrderStamps, StampSources, Useless};

use crate::endpoint::samples::{Departure, ExchangeSamples, TraderSamples};
use fates::{Fate, Fates, received_sha256};
use sending::{lateness, span};
use stages::{Legs, in_step, stages, stages_of_trader};
use stamps::join_stamps;

/// The orders of a repetition, by the oracle's number, and what became of them.
pub struct Joined {
    /// What was counted.
    pub counts: Counts,
    /// SHA-256 of all orders received, in order of arrival.
    pub received_sha256: String,
    /// Lateness of each packet that was sent, in the order of the schedule, and whether it had to queue behind another.
    pub schedule_error: Vec<Lateness>,
    /// Each expected order that arrived as expected, in the oracle's order.
    pub orders: Vec<OrderSample>,
    /// The stages (see [`STAGES`]) by order, where all were stamped.
    pub stages: HashMap<u32, [Nanos; STAGES.len()]>,
    /// Which of [`STAGES`] those are that mean something: the first and the last are from one end's clock to the other's, and in one
    /// thread there is no hand-off.
    pub legs: Vec<usize>,
    /// The counters of the two cores differ by no more than this, the longer of the smallest legs either way: a larger
    /// difference would make one of the true legs negative. `None` where no leg was stamped, and where the trader has several
    /// threads: the legs begin and end on more than two cores then.
    pub counters_in_step: Option<Nanos>,
    /// The hardware stamps, where any were taken.
    pub stamps: Option<JoinedStamps>,
    /// Times from the first packet to the last, as intended and as achieved.
    pub span: Span,
}

/// One order that arrived as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderSample {
    /// The oracle's number.
    pub order: u32,
    /// Number of the packet that caused it, through all passes.
    pub packet: u32,
    /// When the packet was due, from the start of the schedule.
    pub due: Nanos,
    /// When it left; signed, since a stamp that does not belong must show.
    pub sent_ns: i64,
    /// When the order arrived.
    pub arrival_ns: i64,
    /// In the trader: order's departure minus tick's arrival.
    pub trader: Nanos,
}

impl OrderSample {
    /// Order's arrival minus tick's departure. Never negative: such an order is counted among the bad stamps instead.
    #[must_use]
    pub fn t2t_sent(&self) -> Nanos {
        Nanos(u64::try_from(self.arrival_ns.saturating_sub(self.sent_ns)).unwrap_or_default())
    }

    /// Order's arrival minus the due time. Never negative, as above.
    #[must_use]
    pub fn t2t_due(&self) -> Nanos {
        Nanos(u64::try_from(self.arrival_ns).unwrap_or_default()).saturating_sub(self.due)
    }
}

/// What is joined.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What was expected.
    pub tape: &'a Tape,
    /// When each packet was due.
    pub schedule: &'a Schedule,
    /// What left and what arrived.
    pub exchange: &'a ExchangeSamples,
    /// What the trader stamped.
    pub trader: &'a TraderSamples,
    /// From the counter to time.
    pub scale: TickScale,
    /// The trader's own counter, where it is on another host: nothing is joined then that takes stamps of both.
    pub trader_scale: Option<TickScale>,
    /// Whether the trader has several threads.
    pub threads: bool,
    /// An order that takes longer from its tick's departure is late.
    pub late_after: Nanos,
    /// What was logged of hardware stamps, where they were taken.
    pub stamps: Option<StampSources<'a>>,
}

/// Joins one repetition.
///
/// # Errors
/// When the endpoints' files can't be read any more.
pub fn join(sources: Sources<'_>) -> io::Result<Joined> {
    // The digest takes as long as all the rest.
    thread::scope(|s| {
        let digest = s.spawn(|| received_sha256(sources.exchange));
        let mut joined = match_orders(sources)?;
        let ended = |_| Err(io::Error::other("the thread that digests the orders has ended"));
        joined.received_sha256 = digest.join().unwrap_or_else(ended)?;
        Ok(joined)
    })
}

/// All but the digest.
fn match_orders(sources: Sources<'_>) -> io::Result<Joined> {
    let Sources { tape, schedule, exchange, trader, scale, trader_scale, threads, late_after, stamps } = sources;
    let legs = stages::legs(trader_scale.is_none(), threads);
    let expected = tape.expected(schedule.due().len());
    let fates = Fates::new(&expected, exchange)?;
    let mut counts = fates.counts;
    counts.sent = exchange.sent.iter().filter(|s| **s != 0).count() as u64;
    counts.skipped = exchange.sent.len() as u64 - counts.sent;
    let (mut orders, mut all_stages) = (Vec::with_capacity(expected.len()), HashMap::new());
    let mut keep = |(n, fate): (usize, &Fate), departure: Option<&Departure>| match sample(
        n, *fate, &expected, departure, &legs, &sources,
    ) {
        Outcome::Lost => counts.lost += 1,
        Outcome::Wrong => counts.wrong += 1,
        Outcome::BadStamps => counts.bad_stamps += 1,
        Outcome::Good(sample, _) if sample.t2t_sent() > late_after => counts.late += 1,
        Outcome::Good(sample, stages) => {
            counts.matched += 1;
            all_stages.extend(stages.map(|legs| (sample.order, legs)));
            orders.push(sample);
        }
    };
    let mut in_order = fates.first.iter().enumerate();
    trader.each(|departure| in_order.next().into_iter().for_each(|order| keep(order, Some(departure))))?;
    in_order.for_each(|order| keep(order, None));
    let stamps = stamps.map(|of| join_stamps(&sources, &of, &expected, &fates.first)).transpose()?;
    let (schedule_error, early) = lateness(schedule, exchange, scale);
    counts.bad_stamps += early;
    Ok(Joined {
        counts,
        received_sha256: String::new(),
        schedule_error,
        orders,
        counters_in_step: if trader_scale.is_none() && !threads { in_step(&all_stages) } else { None },
        legs,
        stages: all_stages,
        stamps,
        span: span(schedule, exchange, scale),
    })
}

enum Outcome {
    Lost,
    Wrong,
    BadStamps,
    Good(OrderSample, Option<Legs>),
}

fn sample(
    n: usize,
    fate: Fate,
    expected: &Expected<'_>,
    departure: Option<&Departure>,
    legs: &[usize],
    sources: &Sources<'_>,
) -> Outcome {
    let Sources { schedule, exchange, scale, trader_scale, .. } = *sources;
    let arrival = match fate {
        Fate::Nothing => return Outcome::Lost,
        Fate::Wrong => return Outcome::Wrong,
        Fate::Arrived(at, _) => at,
    };
    let (Some(packet), Some(base)) = (expected.packet(n), Ticks::new(exchange.base)) else { return Outcome::BadStamps };
    let (Some(sent), Some(due)) = (exchange.sent.get(packet).copied().and_then(Ticks::new), schedule.due().get(packet))
    else {
        return Outcome::BadStamps;
    };
    let arrival_ns = scale.signed_ns(arrival.since(base));
    let due_ns = i64::try_from(due.get()).unwrap_or(i64::MAX);
    let sent_ns = scale.signed_ns(sent.since(base));
    if arrival_ns < sent_ns || arrival_ns < due_ns {
        return Outcome::BadStamps;
    }
    // Every order that arrived as expected was sent by the trader, after a tick that it received: a missing or backward
    // pair of its stamps is a fault, not a gap in a column.
    let Some(departure) = departure else { return Outcome::BadStamps };
    let Some(trader) = span_of(departure, trader_scale.unwrap_or(scale)) else { return Outcome::BadStamps };
    let legs = match trader_scale {
        None => stages(sent, departure, arrival, scale, legs),
        Some(own) => stages_of_trader(departure, own, legs),
    };
    let Ok(stages) = legs else { return Outcome::BadStamps };
    let sample = OrderSample {
        order: u32::try_from(n).unwrap_or(u32::MAX),
        packet: u32::try_from(packet).unwrap_or(u32::MAX),
        due: *due,
        sent_ns,
        arrival_ns,
        trader,
    };
    Outcome::Good(sample, stages)
}

fn span_of(d: &Departure, scale: TickScale) -> Option<Nanos> {
    scale.ns(d.at(Departure::DEPARTURE)?.since(d.at(Departure::ARRIVAL)?))
}
