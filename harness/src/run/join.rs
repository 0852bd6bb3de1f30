//! Joins what the endpoints recorded with what the tape expects: every order's fate, and its latencies.

use sha2::{Digest, Sha256};
use tickcert_results::{
    certificate::Counts,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::{
    digest::hex,
    load::Schedule,
    tape::{Expected, Tape},
};

use crate::endpoint::samples::{Departure, ExchangeSamples};

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
    /// Of the same orders, the stages (see [`STAGES`]); empty where they were not stamped.
    pub stages: Vec<[Nanos; STAGES.len()]>,
    /// Times from the first packet to the last, as intended and as achieved.
    pub span: Span,
}

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
    pub trader: Option<Nanos>,
}

impl OrderSample {
    /// Order's arrival minus tick's departure. Never negative: such an order is counted among the bad stamps instead.
    #[must_use]
    pub fn t2t_sent(&self) -> Nanos {
        Nanos(u64::try_from(self.arrival_ns - self.sent_ns).unwrap_or_default())
    }

    /// Order's arrival minus the due time. Never negative, as above.
    #[must_use]
    pub fn t2t_due(&self) -> Nanos {
        Nanos(u64::try_from(self.arrival_ns).unwrap_or_default()).saturating_sub(self.due)
    }
}

/// The stages, from the tick's departure at the exchange to the order's arrival there; they add up to `t2t_sent`. The
/// lane's two legs are `rx` and `tx`.
pub const STAGES: [&str; 7] = ["rx", "decode", "book", "decide", "risk", "encode", "tx"];

/// Joins one repetition.
#[must_use]
pub fn join(
    tape: &Tape,
    schedule: &Schedule,
    exchange: &ExchangeSamples,
    departures: &[Departure],
    scale: TickScale,
    late_after: Nanos,
) -> Joined {
    let expected = tape.expected(schedule.due().len());
    let fates = Fates::new(&expected, exchange);
    let mut counts = fates.counts;
    counts.sent = exchange.sent.iter().filter(|s| **s != 0).count() as u64;
    counts.skipped = exchange.sent.len() as u64 - counts.sent;
    let (mut orders, mut all_stages) = (Vec::with_capacity(expected.len()), Vec::new());
    for (n, fate) in fates.first.iter().enumerate() {
        match sample(n, *fate, &expected, schedule, exchange, departures.get(n), scale) {
            Outcome::Lost => counts.lost += 1,
            Outcome::Wrong => counts.wrong += 1,
            Outcome::BadStamps => counts.bad_stamps += 1,
            Outcome::Good(sample, _) if sample.t2t_sent() > late_after => counts.late += 1,
            Outcome::Good(sample, stages) => {
                counts.matched += 1;
                orders.push(sample);
                all_stages.extend(stages);
            }
        }
    }
    Joined {
        counts,
        received_sha256: fates.received_sha256,
        schedule_error: lateness(schedule, exchange, scale),
        orders,
        stages: all_stages,
        span: span(schedule, exchange, scale),
    }
}

/// What arrived for each expected order, first.
#[derive(Clone, Copy)]
enum Fate {
    Nothing,
    Wrong,
    Arrived(Ticks),
}

struct Fates {
    first: Vec<Fate>,
    counts: Counts,
    received_sha256: String,
}

impl Fates {
    fn new(expected: &Expected<'_>, exchange: &ExchangeSamples) -> Self {
        let mut counts = Counts {
            expected_orders: expected.len() as u64,
            received_orders: exchange.arrivals.len() as u64,
            ..Counts::default()
        };
        let mut first = vec![Fate::Nothing; expected.len()];
        let (mut sha, mut want) = (Sha256::new(), Vec::new());
        for arrival in &exchange.arrivals {
            let bytes = arrival.bytes().unwrap_or_default();
            sha.update(bytes);
            let Some((n, slot)) = expected.index(bytes).and_then(|n| Some((n, first.get_mut(n)?))) else {
                counts.unexpected += 1;
                continue;
            };
            if !matches!(slot, Fate::Nothing) {
                counts.duplicate += 1;
                continue;
            }
            expected.write(n, &mut want);
            *slot = match arrival.at() {
                Some(at) if want == bytes => Fate::Arrived(at),
                _ => Fate::Wrong,
            };
        }
        Self { first, counts, received_sha256: hex(&sha.finalize()) }
    }
}

enum Outcome {
    Lost,
    Wrong,
    BadStamps,
    Good(OrderSample, Option<[Nanos; STAGES.len()]>),
}

fn sample(
    n: usize,
    fate: Fate,
    expected: &Expected<'_>,
    schedule: &Schedule,
    exchange: &ExchangeSamples,
    departure: Option<&Departure>,
    scale: TickScale,
) -> Outcome {
    let arrival = match fate {
        Fate::Nothing => return Outcome::Lost,
        Fate::Wrong => return Outcome::Wrong,
        Fate::Arrived(at) => at,
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
    let trader = departure.and_then(|d| scale.ns(d.at(Departure::DEPARTURE)?.since(d.at(Departure::ARRIVAL)?)));
    let sample = OrderSample {
        order: u32::try_from(n).unwrap_or(u32::MAX),
        packet: u32::try_from(packet).unwrap_or(u32::MAX),
        due: *due,
        sent_ns,
        arrival_ns,
        trader,
    };
    Outcome::Good(sample, departure.and_then(|d| stages(sent, d, arrival, scale)))
}

/// The stages of an order whose every stage was stamped. Exchange and trader read the same counter, in step between
/// cores of one host (the clock probe says so); were it not, a negative leg would leave the order out here.
///
/// `tx` ends at the exchange, not with the trader's call: a kernel may hand the order over before that call returns.
fn stages(sent: Ticks, d: &Departure, arrival: Ticks, scale: TickScale) -> Option<[Nanos; STAGES.len()]> {
    let (mut legs, mut before) = ([Nanos::ZERO; STAGES.len()], sent);
    for (place, leg) in legs.iter_mut().enumerate() {
        let stamp = if place < Departure::DEPARTURE { d.at(place)? } else { arrival };
        *leg = scale.ns(stamp.since(before))?;
        before = stamp;
    }
    Some(legs)
}

fn lateness(schedule: &Schedule, exchange: &ExchangeSamples, scale: TickScale) -> Vec<Lateness> {
    let Some(base) = Ticks::new(exchange.base) else { return Vec::new() };
    let mut before: Option<Ticks> = None;
    let mut all = Vec::with_capacity(exchange.sent.len());
    for (due, sent) in schedule.due().iter().zip(&exchange.sent) {
        let Some(sent) = Ticks::new(*sent) else { continue };
        let due_at = base.raw() + scale.ticks(*due);
        let late = Ticks::new(due_at).and_then(|d| scale.ns(sent.since(d))).unwrap_or_default();
        all.push(Lateness { late, queued: before.is_some_and(|b| b.raw() >= due_at) });
        before = Some(sent);
    }
    all
}

fn span(schedule: &Schedule, exchange: &ExchangeSamples, scale: TickScale) -> Span {
    let mut sent = exchange.sent.iter().copied().filter_map(Ticks::new);
    let first = sent.next();
    let achieved = first.and_then(|f| scale.ns(sent.next_back().unwrap_or(f).since(f))).unwrap_or_default();
    let due = schedule.due();
    let intended = due.last().copied().unwrap_or_default().saturating_sub(due.first().copied().unwrap_or_default());
    Span { intended, achieved }
}
