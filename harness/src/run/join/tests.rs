use std::{fs, sync::LazyLock};

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    sample::{Index, select},
};
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
                *stamp = left + 1_000 + 1_500 * place as u64 / 7;
            }
            stamps[Departure::DEPARTURE] = left + 3_000;
            departures.push(Departure { stamps });
        }
        Self { _folder: folder, tape, schedule, sent, arrivals, departures }
    }

    fn join(&self) -> Joined {
        self.join_with(None, false)
    }

    /// The same with a trader whose clock is another host's, or of several threads.
    fn join_with(&self, trader_scale: Option<TickScale>, threads: bool) -> Joined {
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
        join(Sources {
            tape: &self.tape,
            schedule: &self.schedule,
            exchange: &samples,
            trader: &trader,
            scale: SCALE,
            trader_scale,
            threads,
            late_after: Nanos::MILLI,
            stamps: None,
        })
        .unwrap()
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
fn of_a_trader_with_another_clock_its_own_times_are_its_clocks_and_nothing_is_joined_that_takes_both() {
    let one_clock = Case::new().join();
    let mut case = Case::new();
    // Half as fast, and of another beginning.
    for stamp in case.departures.iter_mut().flat_map(|d| &mut d.stamps) {
        *stamp = (*stamp - BASE) / 2 + 77;
    }
    let joined = case.join_with(Some(TickScale { ns_per_tick: SCALE.ns_per_tick * 2.0 }), false);
    assert_eq!(joined.counts, one_clock.counts);
    assert_eq!((joined.counters_in_step, joined.legs.as_slice()), (None, &[1, 3, 4, 5, 7][..]));
    for (order, same) in joined.orders.iter().zip(&one_clock.orders) {
        assert_eq!((order.t2t_sent(), order.t2t_due()), (same.t2t_sent(), same.t2t_due()));
        assert!(order.trader.get().abs_diff(same.trader.get()) <= 2, "{order:?} {same:?}");
        for &leg in &joined.legs {
            let (leg, same) = (joined.stages[&order.order][leg], one_clock.stages[&order.order][leg]);
            assert!(leg.get().abs_diff(same.get()) <= 2, "{leg} {same}");
        }
    }
}

#[test]
fn the_way_across_the_queues_is_a_stage_of_its_own_where_there_are_any_and_else_none() {
    let case = Case::new();
    let (alone, threads) = (case.join(), case.join_with(None, true));
    let names = |joined: &Joined| joined.legs.iter().map(|n| STAGES[*n]).collect::<Vec<_>>();
    assert_eq!(names(&alone), ["rx", "decode", "book", "decide", "risk", "encode", "tx"]);
    let with_queues = ["rx", "decode", "hand-off", "book", "decide", "risk", "hand-over", "encode", "tx"];
    assert_eq!(names(&threads), with_queues);
    let leg = |joined: &Joined, name| joined.stages[&0][STAGES.iter().position(|s| *s == name).unwrap()];
    assert_eq!(leg(&alone, "book"), leg(&threads, "hand-off") + leg(&threads, "book"));
    assert_eq!(leg(&alone, "encode"), leg(&threads, "hand-over") + leg(&threads, "encode"));
    for joined in [&alone, &threads] {
        assert!(joined.stages.values().all(|legs| legs.iter().map(|l| l.get()).sum::<u64>() == 5_000));
    }
}

#[test]
fn a_packet_that_was_not_sent_is_skipped_and_its_order_is_no_sample() {
    let mut case = Case::new();
    case.sent[3] = 0;
    let counts = case.join().counts;
    assert_eq!(counts.skipped, 1);
    assert!(counts.matched < counts.expected_orders);
}

/// What the endpoints of one repetition wrote.
static WRITTEN: LazyLock<(Case, [Vec<u8>; 2])> = LazyLock::new(|| {
    let case = Case::new();
    case.join();
    let files = ["samples", "departures"].map(|name| fs::read(case._folder.path().join(name)).unwrap());
    (case, files)
});

/// Eight bytes in a file, and what they become.
fn words() -> impl proptest::strategy::Strategy<Value = Vec<(Index, u64)>> {
    let extreme = select(vec![0, 1, 1 << 63, (1 << 63) - 1, u64::MAX, BASE]);
    vec((any::<Index>(), prop_oneof![extreme, any::<u64>(), BASE - 1_000..BASE + 10_000_000]), 0..6)
}

proptest! {
    // Each writes two files and starts a thread.
    #![proptest_config(ProptestConfig { cases: (ProptestConfig::default().cases / 10).max(100), ..ProptestConfig::default() })]

    #[test]
    fn fuzz_of_damaged_samples_every_order_has_one_fate(exchange in words(), trader in words()) {
        let (case, files) = &*WRITTEN;
        let paths = ["spoilt", "spoilt departures"].map(|name| case._folder.path().join(name));
        for ((path, file), words) in paths.iter().zip(files).zip([exchange, trader]) {
            let mut bytes = file.clone();
            for (at, word) in words {
                let at = at.index(bytes.len() / 8) * 8;
                bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            }
            fs::write(path, bytes).unwrap();
        }
        let Ok(exchange) = ExchangeSamples::read(&paths[0]) else { return Ok(()) };
        let trader = TraderSamples::read(&paths[1]).unwrap();
        let (tape, schedule) = (&case.tape, &case.schedule);
        let sources = Sources { tape, schedule, exchange: &exchange, trader: &trader, scale: SCALE, trader_scale: None, threads: false, late_after: Nanos::MILLI, stamps: None };
        let joined = join(sources).unwrap();
        let c = joined.counts;
        prop_assert_eq!(c.matched, joined.orders.len() as u64);
        let early = c.matched + c.lost + c.wrong + c.late + c.bad_stamps - c.expected_orders;
        prop_assert!(early <= exchange.sent.len() as u64);
        for order in &joined.orders {
            prop_assert!(order.t2t_sent() <= Nanos::MILLI);
        }
    }
}
