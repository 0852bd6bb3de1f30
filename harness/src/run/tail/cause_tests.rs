use tickcert_probes::tail::{Comm, Event, Lost, Vector};

use super::{super::queue::Ordered, *};

/// A packet every 10 µs; every tenth asks for an order, which is there 5 µs after it was due unless told otherwise.
const EVERY: u64 = 10_000;
const MEDIAN: u64 = 5_000;

fn event(side: Side, what: What, begin: u64, end: u64) -> Event {
    Event { side, what, begin: Nanos(begin), end: Nanos(end), waited: false }
}

fn stress() -> What {
    What::Thread(Comm::from("stress"))
}

fn ordered(packet: u64, seen: u64, left: u64, arrival: u64) -> Ordered {
    let [seen, left, arrival] = [seen, left, arrival].map(Nanos);
    Ordered { packet: usize::try_from(packet).unwrap(), seen, left, arrival }
}

fn line(sent: impl Fn(u64) -> u64, arrival: impl Fn(u64) -> u64) -> Line {
    let packets = 0..1000_u64;
    Line {
        due: packets.clone().map(|n| Nanos(n * EVERY)).collect(),
        sent: packets.clone().map(|n| Some(Nanos(sent(n)))).collect(),
        orders: packets.step_by(10).map(|n| ordered(n, sent(n) + 1000, arrival(n) - 1000, arrival(n))).collect(),
        way_there: Nanos(1000),
    }
}

fn on_time() -> Line {
    line(|n| n * EVERY, |n| n * EVERY + MEDIAN)
}

fn judge_with(history: &History, line: &Line, typical: Taken, packet: u64, marks: Marks) -> Judged {
    judge_at(history, line, typical, Nanos(1000), packet, &marks)
}

fn judge_at(history: &History, line: &Line, typical: Taken, each: Nanos, packet: u64, marks: &Marks) -> Judged {
    let (error, median) = (Nanos(50), Nanos(MEDIAN));
    let judge = Judge { history, line, error, median, typical, each, not_watched: &[] };
    judge.judge(usize::try_from(packet).unwrap(), marks)
}

/// A tick due at `due` that was seen at once and whose order came after `took`.
fn marks(due: u64, took: u64) -> Marks {
    let [due, sent, seen] = [due, due + 10, due + 1000].map(Nanos);
    Marks { due, sent, seen, left: due + Nanos(took - 1000), arrival: due + Nanos(took) }
}

fn judged(events: &[Event], packet: u64, marks: Marks) -> Judged {
    judge_with(&History::new(events.to_vec(), [None; 2]), &on_time(), Taken::new(), packet, marks)
}

fn cause(what: What, side: Side, queued: bool) -> TailCause {
    TailCause { kind: what.kind(), name: what.name(), side: Some(side), queued }
}

#[test]
fn the_event_that_took_most_is_the_cause() {
    let timer = What::Vector(Vector::LocalTimer);
    let events = [event(Side::Trader, stress(), 102_000, 142_000), event(Side::Trader, timer, 150_000, 153_000)];
    let found = judged(&events, 10, marks(100_000, 60_000));
    let wanted = Judged { cause: cause(stress(), Side::Trader, false), took: Some(Nanos(40_000)), before: Nanos(0) };
    assert_eq!(found, wanted);
}

#[test]
fn events_that_take_less_than_half_of_the_excess_explain_nothing() {
    let timer = What::Vector(Vector::LocalTimer);
    let found = judged(&[event(Side::Trader, timer, 150_000, 153_000)], 10, marks(100_000, 60_000));
    assert_eq!(found.cause, TailCause::unexplained(false, &[]));
}

#[test]
fn what_every_tick_has_is_no_cause_however_long_it_takes() {
    let net_rx = What::Softirq(3);
    let usual = Taken::from([((Side::Trader, net_rx), Nanos(3_000))]);
    let of = |len: u64| {
        let history = History::new(vec![event(Side::Trader, net_rx, 101_000, 101_000 + len)], [None; 2]);
        judge_with(&history, &on_time(), usual.clone(), 10, marks(100_000, MEDIAN + 4_000)).cause
    };
    assert_eq!(of(3_000), TailCause::unexplained(false, &[]));
    assert_eq!(of(6_000), cause(net_rx, Side::Trader, false));
}

#[test]
fn an_event_on_the_exchanges_core_while_the_trader_works_is_no_cause() {
    let found = judged(&[event(Side::Exchange, stress(), 102_000, 157_000)], 10, marks(100_000, 60_000));
    assert_eq!(found.cause, TailCause::unexplained(false, &[]));
}

#[test]
fn nothing_is_said_of_a_time_of_which_events_were_lost() {
    let lost = Lost { events: 3, first: Nanos(150_000), until: Nanos(900_000) };
    let history = History::new(vec![event(Side::Trader, stress(), 102_000, 142_000)], [None, Some(lost)]);
    let of = |packet, marks| judge_with(&history, &on_time(), Taken::new(), packet, marks).cause;
    assert_eq!(of(10, marks(100_000, 60_000)).kind, TailKind::NotKnown);
    // One that was over before the first was lost.
    assert_eq!(of(10, marks(100_000, 49_000)).kind, TailKind::Thread);
    // One without an event, in whose time something may have been lost.
    assert_eq!(of(30, marks(300_000, 60_000)).kind, TailKind::NotKnown);
}

#[test]
fn a_fault_of_unknown_length_leaves_the_cause_unknown() {
    let fault = What::Fault { major: false, ended: false };
    let found = judged(&[event(Side::Trader, fault, 102_000, 102_000)], 10, marks(100_000, 60_000));
    assert_eq!(found.cause.kind, TailKind::NotKnown);
}

#[test]
fn ticks_that_left_late_behind_a_disturbance_are_queued_behind_it() {
    // The exchange is away from 200 µs to 700 µs, and then sends one packet every µs until it has caught up.
    let sent = |n: u64| (n * EVERY).max(if n >= 20 { 700_000 + (n - 20) * 1000 } else { 0 });
    let arrival = |n: u64| sent(n) + MEDIAN;
    let history = History::new(vec![event(Side::Exchange, stress(), 200_000, 700_000)], [None; 2]);
    // Due at 710 µs, after it was over, and sent 41 µs late.
    let due = 700_000;
    let late = Marks {
        due: Nanos(due),
        sent: Nanos(sent(70)),
        seen: Nanos(sent(70) + 1000),
        left: Nanos(sent(70) + 4000),
        arrival: Nanos(arrival(70)),
    };
    let found = judge_with(&history, &line(sent, arrival), Taken::new(), 70, late);
    assert_eq!(found.cause, cause(stress(), Side::Exchange, true));
    assert_eq!(found.before, Nanos(500_000), "the first that it is behind was due at 200 µs");
    // One that was due in the midst of it was disturbed itself.
    let within = Marks {
        due: Nanos(600_000),
        sent: Nanos(sent(60)),
        seen: Nanos(sent(60) + 1000),
        left: Nanos(sent(60) + 4000),
        arrival: Nanos(arrival(60)),
    };
    let found = judge_with(&history, &line(sent, arrival), Taken::new(), 60, within);
    assert_eq!(found.cause, cause(stress(), Side::Exchange, false));
}

#[test]
fn a_trader_that_was_away_is_still_behind_for_as_long_as_the_packets_take_and_no_longer() {
    // Away for 500 µs until 690 µs: 50 packets of 1 µs each, less those that it could do since.
    let history = History::new(vec![event(Side::Trader, stress(), 190_000, 690_000)], [None; 2]);
    let seen_late = |due: u64, by: u64| Marks {
        due: Nanos(due),
        sent: Nanos(due),
        seen: Nanos(due + 1000 + by),
        left: Nanos(due + 4000 + by),
        arrival: Nanos(due + MEDIAN + by),
    };
    let of =
        |packet: u64, by| judge_with(&history, &on_time(), Taken::new(), packet, seen_late(packet * EVERY, by)).cause;
    assert_eq!(of(70, 41_000), cause(stress(), Side::Trader, true));
    // 250 µs later there can be no backlog left.
    assert_eq!(of(94, 41_000), TailCause::unexplained(false, &[]));
}

#[test]
fn ticks_that_come_faster_than_they_are_served_are_a_matter_of_the_load() {
    let mut line = on_time();
    // Twenty at once, each of which asks for an order; the trader takes one after the other.
    line.due.iter_mut().skip(100).take(20).for_each(|due| *due = Nanos(1_000_000));
    line.sent.iter_mut().skip(100).take(20).enumerate().for_each(|(n, s)| *s = Some(Nanos(1_000_000 + 100 * n as u64)));
    let at = |n: u64| 1_000_000 + n * MEDIAN;
    line.orders = (100..120).zip(1_u64..).map(|(p, n)| ordered(p, at(n) - 1000, at(n) - 100, at(n))).collect();
    let last = Marks {
        due: Nanos(1_000_000),
        sent: Nanos(1_001_900),
        seen: Nanos(1_099_000),
        left: Nanos(1_099_900),
        arrival: Nanos(1_100_000),
    };
    let found = judge_at(&History::default(), &line, Taken::new(), line.quickest_packet(Nanos(MEDIAN)), 119, &last);
    assert_eq!(found.cause.kind, TailKind::Load);
}

#[test]
fn a_gap_where_many_ticks_are_on_their_way_at_once_is_neither_the_load_nor_the_timers_of_the_second_before() {
    // One every 10 µs, each of which takes 50: 25 there, 2 at the trader, 23 back. From 5,000 to 5,200 µs the trader is away, and
    // nothing says why.
    let seen =
        |n: u64| (n * EVERY + 25_000).max(if (498..520).contains(&n) { 5_200_000 + (n - 498) * 2_000 } else { 0 });
    let orders = (0..1000).map(|n| ordered(n, seen(n), seen(n) + 2_000, seen(n) + 25_000)).collect();
    let line = Line { orders, way_there: Nanos(25_000), ..on_time() };
    // The core's timer, every 100 µs.
    let timer = What::Vector(Vector::LocalTimer);
    let timers = (0..100).map(|n| event(Side::Trader, timer, n * 100_000 + 50_000, n * 100_000 + 53_000)).collect();
    let history = History::new(timers, [None; 2]);
    let of = |n: u64| {
        let [due, sent, seen] = [n * EVERY, n * EVERY, seen(n)].map(Nanos);
        let marks = Marks { due, sent, seen, left: seen + Nanos(2_000), arrival: seen + Nanos(25_000) };
        let judge = Judge {
            history: &history,
            line: &line,
            error: Nanos(50),
            median: Nanos(50_000),
            typical: Taken::new(),
            each: line.quickest_packet(Nanos(50_000)),
            not_watched: &["system calls".to_owned()],
        };
        judge.judge(usize::try_from(n).unwrap(), &marks)
    };
    let first = of(498);
    assert_eq!(first.cause, TailCause::unexplained(false, &["system calls".to_owned()]));
    // 195 µs late; two timers of 3 µs lie in that.
    assert_eq!(first.took, Some(Nanos(195_000 - 6_000)));
    let behind = of(505);
    assert_eq!(behind.cause, TailCause::unexplained(true, &["system calls".to_owned()]));
    assert!(behind.cause.name.ends_with("or what is not watched: system calls"), "{}", behind.cause);
}

#[test]
fn of_several_events_none_of_which_takes_half_none_is_named() {
    let of = |n: u64| What::Softirq(u32::try_from(n).unwrap());
    let events: Vec<Event> =
        (0..4).map(|n| event(Side::Trader, of(n), 102_000 + n * 11_000, 113_000 + n * 11_000)).collect();
    let found = judged(&events, 10, marks(100_000, 60_000));
    assert_eq!((found.cause.kind, found.took), (TailKind::Several, Some(Nanos(44_000))));
}

#[test]
fn what_is_typical_is_the_median_over_all_ticks_with_or_without_it() {
    let key = (Side::Trader, What::Softirq(3));
    let of = |times: &[u64]| {
        let taken: Vec<Taken> =
            times.iter().map(|t| if *t == 0 { Taken::new() } else { Taken::from([(key, Nanos(*t))]) }).collect();
        typical(&taken)
    };
    assert_eq!(of(&[5, 7, 9]), Taken::from([(key, Nanos(7))]));
    assert_eq!(of(&[0, 0, 9]), Taken::new());
    assert_eq!(of(&[]), Taken::new());
}
