//! Joins what the endpoints recorded with what the tape expects: every order's fate, and its latencies.

use std::{collections::HashMap, io, thread};

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

use crate::endpoint::samples::{Departure, ExchangeSamples, TraderSamples};

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
    /// The counters of the two cores differ by no more than this, the longer of the smallest legs either way: a larger
    /// difference would make one of the true legs negative. `None` where no leg was stamped.
    pub counters_in_step: Option<Nanos>,
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
    pub trader: Nanos,
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
///
/// # Errors
/// When the endpoints' files can't be read any more.
pub fn join(
    tape: &Tape,
    schedule: &Schedule,
    exchange: &ExchangeSamples,
    trader: &TraderSamples,
    scale: TickScale,
    late_after: Nanos,
) -> io::Result<Joined> {
    // The digest takes as long as all the rest.
    thread::scope(|s| {
        let digest = s.spawn(|| received_sha256(exchange));
        let mut joined = match_orders(tape, schedule, exchange, trader, scale, late_after)?;
        let ended = |_| Err(io::Error::other("the thread that digests the orders has ended"));
        joined.received_sha256 = digest.join().unwrap_or_else(ended)?;
        Ok(joined)
    })
}

/// All but the digest.
fn match_orders(
    tape: &Tape,
    schedule: &Schedule,
    exchange: &ExchangeSamples,
    trader: &TraderSamples,
    scale: TickScale,
    late_after: Nanos,
) -> io::Result<Joined> {
    let expected = tape.expected(schedule.due().len());
    let fates = Fates::new(&expected, exchange)?;
    let mut counts = fates.counts;
    counts.sent = exchange.sent.iter().filter(|s| **s != 0).count() as u64;
    counts.skipped = exchange.sent.len() as u64 - counts.sent;
    let (mut orders, mut all_stages) = (Vec::with_capacity(expected.len()), HashMap::new());
    let mut keep = |(n, fate): (usize, &Fate), departure: Option<&Departure>| match sample(
        n, *fate, &expected, schedule, exchange, departure, scale,
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
    let (schedule_error, early) = lateness(schedule, exchange, scale);
    counts.bad_stamps += early;
    Ok(Joined {
        counts,
        received_sha256: String::new(),
        schedule_error,
        orders,
        counters_in_step: in_step(&all_stages),
        stages: all_stages,
        span: span(schedule, exchange, scale),
    })
}

/// SHA-256 of all orders received, in order of arrival.
fn received_sha256(exchange: &ExchangeSamples) -> io::Result<String> {
    let mut sha = Sha256::new();
    exchange.each_arrival(|arrival| sha.update(arrival.bytes().unwrap_or_default()))?;
    Ok(hex(&sha.finalize()))
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
}

impl Fates {
    fn new(expected: &Expected<'_>, exchange: &ExchangeSamples) -> io::Result<Self> {
        let mut counts = Counts {
            expected_orders: expected.len() as u64,
            received_orders: exchange.arrivals(),
            ..Counts::default()
        };
        let mut first = vec![Fate::Nothing; expected.len()];
        exchange.each_arrival(|arrival| {
            let bytes = arrival.bytes().unwrap_or_default();
            let Some((n, slot)) = expected.index(bytes).and_then(|n| Some((n, first.get_mut(n)?))) else {
                counts.unexpected += 1;
                return;
            };
            if !matches!(slot, Fate::Nothing) {
                counts.duplicate += 1;
                return;
            }
            *slot = match arrival.at() {
                Some(at) if expected.is(n, bytes) => Fate::Arrived(at),
                _ => Fate::Wrong,
            };
        })?;
        Ok(Self { first, counts })
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
    // Every order that arrived as expected was sent by the trader, after a tick that it received: a missing or backward
    // pair of its stamps is a fault, not a gap in a column.
    let Some(departure) = departure else { return Outcome::BadStamps };
    let Some(trader) = span_of(departure, scale) else { return Outcome::BadStamps };
    let Ok(stages) = stages(sent, departure, arrival, scale) else { return Outcome::BadStamps };
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

/// A stage that ends before it begins.
struct Backward;

/// The stages of an order; `None` unless every one was stamped. Exchange and trader read counters of two cores, which
/// an invariant TSC promises to be in step; [`Joined::counters_in_step`] bounds by how much they can differ, and
/// counters that differ by more show as a leg that runs backward.
///
/// `tx` ends at the exchange, not with the trader's call: a kernel may hand the order over before that call returns.
fn stages(
    sent: Ticks,
    d: &Departure,
    arrival: Ticks,
    scale: TickScale,
) -> Result<Option<[Nanos; STAGES.len()]>, Backward> {
    let (mut legs, mut before) = ([Nanos::ZERO; STAGES.len()], sent);
    for (place, leg) in legs.iter_mut().enumerate() {
        let stamp = if place < Departure::DEPARTURE { d.at(place) } else { Some(arrival) };
        let Some(stamp) = stamp else { return Ok(None) };
        *leg = scale.ns(stamp.since(before)).ok_or(Backward)?;
        before = stamp;
    }
    Ok(Some(legs))
}

fn span_of(d: &Departure, scale: TickScale) -> Option<Nanos> {
    scale.ns(d.at(Departure::DEPARTURE)?.since(d.at(Departure::ARRIVAL)?))
}

fn in_step(stages: &HashMap<u32, [Nanos; STAGES.len()]>) -> Option<Nanos> {
    let smallest = |leg: usize| stages.values().map(|legs| legs[leg]).min();
    Some(smallest(0)?.max(smallest(STAGES.len() - 1)?))
}

/// Each packet's lateness, and how many left before they were due, which no sender of ours does.
fn lateness(schedule: &Schedule, exchange: &ExchangeSamples, scale: TickScale) -> (Vec<Lateness>, u64) {
    let (mut all, mut early) = (Vec::with_capacity(exchange.sent.len()), 0);
    let Some(base) = Ticks::new(exchange.base) else { return (all, early) };
    let mut before: Option<Ticks> = None;
    for (due, sent) in schedule.due().iter().zip(&exchange.sent) {
        let Some(sent) = Ticks::new(*sent) else { continue };
        let due_at = base.raw() + scale.ticks(*due);
        match Ticks::new(due_at).and_then(|d| scale.ns(sent.since(d))) {
            Some(late) => all.push(Lateness { late, queued: before.is_some_and(|b| b.raw() >= due_at) }),
            None => early += 1,
        }
        before = Some(sent);
    }
    (all, early)
}

fn span(schedule: &Schedule, exchange: &ExchangeSamples, scale: TickScale) -> Span {
    let mut sent = exchange.sent.iter().copied().filter_map(Ticks::new);
    let first = sent.next();
    let achieved = first.and_then(|f| scale.ns(sent.next_back().unwrap_or(f).since(f))).unwrap_or_default();
    let due = schedule.due();
    let intended = due.last().copied().unwrap_or_default().saturating_sub(due.first().copied().unwrap_or_default());
    Span { intended, achieved }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tickcert_results::time::PerSecond;
    use tickcert_scenarios::{
        generator::{self, GeneratorConfig},
        load::Arrival,
        tape,
        trader::{Strategy, TraderConfig},
    };

    use super::*;
    use crate::endpoint::samples::{ArrivalLog, DepartureLog, STAMPS};

    /// One tick in 10 us, one order for each; leaves 10 ns late, is answered after 5 us, of which the trader takes 2.
    struct Case {
        _folder: TempDir,
        tape: Tape,
        schedule: Schedule,
        sent: Vec<u64>,
        arrivals: Vec<(u64, Vec<u8>)>,
        departures: Vec<Departure>,
    }

    const BASE: u64 = 1_000_000;
    const SCALE: TickScale = TickScale { ns_per_tick: 1.0 };

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tape");
            let ticks = generator::generate(&GeneratorConfig { messages: 50, ..GeneratorConfig::default() }).unwrap();
            tape::build(&path, &ticks, TraderConfig::new(Strategy::first_byte())).unwrap();
            let tape = Tape::open(&path).unwrap();
            let load = Arrival::Constant { rate: PerSecond(100_000.0) };
            let schedule = Schedule::new(&load, tape.times(), 2, 1).unwrap();
            let sent: Vec<u64> = schedule.due().iter().map(|d| BASE + d.get() + 10).collect();
            let expected = tape.expected(schedule.due().len());
            let (mut arrivals, mut departures, mut order) = (Vec::new(), Vec::new(), Vec::new());
            for n in 0..expected.len() {
                expected.write(n, &mut order);
                let left = sent[expected.packet(n).unwrap()];
                arrivals.push((left + 5_000, order.clone()));
                let mut stamps = [0; STAMPS];
                for (place, stamp) in stamps.iter_mut().enumerate() {
                    *stamp = left + 1_000 + 300 * place as u64;
                }
                stamps[Departure::DEPARTURE] = left + 3_000;
                departures.push(Departure { stamps });
            }
            Self { _folder: folder, tape, schedule, sent, arrivals, departures }
        }

        fn join(&self) -> Joined {
            let mut log = ArrivalLog::with_room(self.arrivals.len());
            for (at, order) in &self.arrivals {
                log.push(Ticks::new(*at).unwrap(), order);
            }
            let path = self._folder.path().join("samples");
            ExchangeSamples::write(&path, Ticks::new(BASE).unwrap(), &self.sent, &log).unwrap();
            let samples = ExchangeSamples::read(&path).unwrap();
            let mut log = DepartureLog::with_room(self.departures.len());
            self.departures.iter().for_each(|d| log.push(*d));
            let path = self._folder.path().join("departures");
            log.write(&path).unwrap();
            let trader = TraderSamples::read(&path).unwrap();
            join(&self.tape, &self.schedule, &samples, &trader, SCALE, Nanos::MILLI).unwrap()
        }

        /// Everything matched but `faults`.
        fn matched_but(&self, faults: u64) -> Counts {
            let counts = self.join().counts;
            assert_eq!(counts.matched, counts.expected_orders - faults, "{counts:?}");
            counts
        }
    }

    #[test]
    fn orders_as_expected_are_all_matched_and_their_latencies_are_those_put_in() {
        let case = Case::new();
        let joined = case.join();
        assert_eq!(joined.counts.matched, case.arrivals.len() as u64);
        assert_eq!(joined.received_sha256, case.tape.expected(case.schedule.due().len()).digest());
        for order in &joined.orders {
            assert_eq!((order.t2t_sent(), order.t2t_due(), order.trader), (Nanos(5_000), Nanos(5_010), Nanos(2_000)));
            let legs = joined.stages[&order.order];
            assert_eq!(legs.iter().map(|l| l.get()).sum::<u64>(), 5_000, "the stages add up to t2t_sent");
        }
        assert!(joined.schedule_error.iter().all(|l| l.late == Nanos(10) && !l.queued));
    }

    #[test]
    fn lateness_of_the_sender_is_in_t2t_due_and_not_in_t2t_sent() {
        let mut case = Case::new();
        let n = case.sent.len() - 1;
        case.sent[n] += 700_000;
        let last = case.arrivals.len() - 1;
        case.arrivals[last].0 += 700_000;
        for stamp in &mut case.departures[last].stamps {
            *stamp += 700_000;
        }
        let joined = case.join();
        let order = joined.orders.last().unwrap();
        assert_eq!((order.t2t_sent(), order.t2t_due()), (Nanos(5_000), Nanos(705_010)));
    }

    #[test]
    fn a_lost_a_wrong_a_repeated_and_an_unasked_order_are_each_counted_for_what_they_are() {
        let mut case = Case::new();
        case.arrivals.remove(3);
        assert_eq!(case.matched_but(1).lost, 1);
        let mut case = Case::new();
        *case.arrivals[3].1.last_mut().unwrap() ^= 1;
        assert_eq!(case.matched_but(1).wrong, 1);
        let mut case = Case::new();
        let again = case.arrivals[3].clone();
        case.arrivals.push(again);
        assert_eq!(case.matched_but(0).duplicate, 1);
        let mut case = Case::new();
        case.arrivals.push((BASE, b"no order of ours".to_vec()));
        assert_eq!(case.matched_but(0).unexpected, 1);
    }

    #[test]
    fn an_order_after_the_limit_is_late_and_is_no_sample() {
        let mut case = Case::new();
        case.arrivals[3].0 += 2_000_000;
        assert_eq!(case.matched_but(1).late, 1);
    }

    #[test]
    fn stamps_that_contradict_each_other_are_counted_and_not_dropped() {
        let mut case = Case::new();
        case.arrivals[3].0 = BASE;
        assert_eq!(case.matched_but(1).bad_stamps, 1);
        let mut case = Case::new();
        case.departures[3].stamps[Departure::DEPARTURE] = 1;
        assert_eq!(case.matched_but(1).bad_stamps, 1);
        let mut case = Case::new();
        case.departures.pop();
        assert_eq!(case.matched_but(1).bad_stamps, 1);
        let mut case = Case::new();
        case.sent[0] -= 20;
        assert_eq!(case.matched_but(0).bad_stamps, 1, "a packet that left before it was due");
    }

    #[test]
    fn counters_that_differ_are_bounded_by_the_shortest_leg_and_beyond_it_no_order_passes_for_good() {
        // Tick's and order's way take 1,000 and 2,500 ns.
        for ahead in [0_i64, 900, -900, 2_400, -1_100, 2_600] {
            let mut case = Case::new();
            for stamp in case.departures.iter_mut().flat_map(|d| &mut d.stamps) {
                *stamp = stamp.checked_add_signed(ahead).unwrap();
            }
            let joined = case.join();
            if !(-1_000..=2_500).contains(&ahead) {
                assert_eq!(joined.counts.bad_stamps, joined.counts.expected_orders);
                continue;
            }
            assert!(joined.counters_in_step.unwrap() >= Nanos(ahead.unsigned_abs()), "{:?}", joined.counters_in_step);
            assert_eq!(joined.counts.bad_stamps, 0, "{ahead}");
        }
        let mut plain = Case::new();
        plain.departures.iter_mut().for_each(|d| d.stamps[1..Departure::DEPARTURE].fill(0));
        assert_eq!(plain.join().counters_in_step, None);
    }

    #[test]
    fn a_packet_that_was_not_sent_is_skipped_and_its_order_is_no_sample() {
        let mut case = Case::new();
        case.sent[3] = 0;
        let counts = case.join().counts;
        assert_eq!(counts.skipped, 1);
        assert!(counts.matched < counts.expected_orders);
    }
}
