//! How much of a tick's time each event of the kernel took, on the core where it mattered.

use std::collections::{BTreeMap, BTreeSet};

use tickcert_probes::tail::{Event, History, What};
use tickcert_results::{certificate::Side, time::Nanos};

/// An event by its name and core.
pub(super) type Key = (Side, What);
/// Time by event.
pub(super) type Taken = BTreeMap<Key, Nanos>;

/// The way of a tick, by the clock of the kernel's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The tick was due.
    pub(super) due: Nanos,
    /// It left.
    pub(super) sent: Nanos,
    /// The trader saw it.
    pub(super) seen: Nanos,
    /// The trader had sent the order.
    pub(super) left: Nanos,
    /// The exchange saw the order.
    pub(super) arrival: Nanos,
}

/// A stretch of time, and whose cores mattered in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: Nanos,
    pub(super) until: Nanos,
    /// The receiver's first.
    pub(super) cores: &'static [Side],
}

const EXCHANGE: &[Side] = &[Side::Exchange];
const TRADER: &[Side] = &[Side::Trader];
const THERE: &[Side] = &[Side::Trader, Side::Exchange];
const BACK: &[Side] = &[Side::Exchange, Side::Trader];

impl Marks {
    /// Until it leaves only the exchange's core matters, and between its arrival and the order's departure only the trader's.
    /// On the way either may: the kernel carries it on the sender's core or the receiver's, and the receiver has to look.
    pub(super) fn stretches(&self) -> [Stretch; 4] {
        let sent = self.sent.clamp(self.due, self.arrival.max(self.due));
        let arrival = self.arrival.max(sent);
        let seen = self.seen.clamp(sent, arrival);
        let left = self.left.clamp(seen, arrival);
        let stretch = |from, until, cores| Stretch { from, until, cores };
        [
            stretch(self.due, sent, EXCHANGE),
            stretch(sent, seen, THERE),
            stretch(seen, left, TRADER),
            stretch(left, arrival, BACK),
        ]
    }
}

impl Stretch {
    /// Of the time before a tick was due, in which those before it may have been kept on either core.
    pub(super) const fn before(from: Nanos, until: Nanos) -> Self {
        Self { from, until, cores: THERE }
    }
}

/// The time of each event within the stretches. Where one interrupts another on a core it is the inner one's, but a thread that
/// waits within its own system call or page fault does so for that, and one that is on another core is away for that, whatever
/// goes on here. Where there is one on either core it is that of the
/// receiver's, whose own work waits for its core in any case; unless nobody has that core, which follows from what keeps
/// the other. What lies within `error` of the end of a stretch may lie outside, and is not counted.
pub(super) fn taken(history: &History, stretches: &[Stretch], error: Nanos) -> Taken {
    let mut taken = Taken::new();
    for stretch in stretches {
        let (from, until) = (stretch.from + error, stretch.until.saturating_sub(error));
        if from < until {
            let events = stretch.cores.iter().flat_map(|side| history.between(*side, from, until));
            sweep(&events.collect::<Vec<_>>(), stretch.cores, from, until, &mut taken);
        }
    }
    taken
}

/// Walks from edge to edge: between two edges the time belongs to one of the events that go on.
fn sweep(events: &[&Event], cores: &[Side], from: Nanos, until: Nanos, taken: &mut Taken) {
    let mut edges: Vec<(Nanos, bool, usize)> = Vec::with_capacity(2 * events.len());
    for (n, event) in events.iter().enumerate() {
        let (begin, end) = (event.begin.max(from), event.end.min(until));
        if begin < end {
            edges.extend([(begin, true, n), (end, false, n)]);
        }
    }
    edges.sort_unstable();
    let (mut open, mut last) = (BTreeSet::new(), from);
    for (at, begins, n) in edges {
        if at > last
            && let Some(event) = whose(&open, events, cores)
        {
            let sum = taken.entry((event.side, event.what)).or_default();
            *sum = *sum + at.saturating_sub(last);
        }
        last = at;
        let mark = (events[n].begin, n);
        if begins {
            open.insert(mark);
        } else {
            open.remove(&mark);
        }
    }
}

/// Whose time it is while all these go on: they stand in the order in which they began.
fn whose<'e>(open: &BTreeSet<(Nanos, usize)>, events: &[&'e Event], cores: &[Side]) -> Option<&'e Event> {
    let on = |side: &Side| {
        let mut inner_first = open.iter().rev().map(|(_, n)| events[*n]).filter(|e| e.side == *side);
        if let Some(away) = inner_first.clone().find(|e| matches!(e.what, What::Migration(_))) {
            return Some(away);
        }
        let inner = inner_first.next()?;
        let own = |e: &&Event| matches!(e.what, What::Fault { .. } | What::Call(_)) && e.end >= inner.end;
        Some(if inner.waited { inner_first.find(own).unwrap_or(inner) } else { inner })
    };
    let found: Vec<&Event> = cores.iter().filter_map(on).collect();
    found.iter().find(|e| e.what != What::Idle).or(found.first()).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(side: Side, what: What, begin: u64, end: u64) -> Event {
        Event { side, what, begin: Nanos(begin), end: Nanos(end), waited: false }
    }

    fn history(events: &[Event]) -> History {
        History::new(events.to_vec(), [None; 2])
    }

    const NET_RX: What = What::Softirq(3);
    const IDLE: What = What::Idle;
    const MARKS: Marks =
        Marks { due: Nanos(1000), sent: Nanos(1100), seen: Nanos(1300), left: Nanos(1600), arrival: Nanos(2000) };

    fn of(events: &[Event], error: u64) -> Vec<(Key, u64)> {
        taken(&history(events), &MARKS.stretches(), Nanos(error)).into_iter().map(|(key, t)| (key, t.0)).collect()
    }

    #[test]
    fn an_event_counts_only_on_the_core_that_matters_then() {
        let late = [event(Side::Exchange, IDLE, 1000, 1100), event(Side::Trader, NET_RX, 1000, 1100)];
        assert_eq!(of(&late, 0), [((Side::Exchange, IDLE), 100)]);
        let at_work = [event(Side::Exchange, IDLE, 1300, 1600), event(Side::Trader, NET_RX, 1300, 1600)];
        assert_eq!(of(&at_work, 0), [((Side::Trader, NET_RX), 300)]);
        let through = [event(Side::Exchange, IDLE, 0, 5000)];
        assert_eq!(of(&through, 0), [((Side::Exchange, IDLE), 100 + 200 + 400)]);
    }

    #[test]
    fn an_interrupt_takes_its_time_from_what_it_interrupts() {
        let nested = [event(Side::Trader, IDLE, 1300, 1600), event(Side::Trader, NET_RX, 1400, 1450)];
        assert_eq!(of(&nested, 0), [((Side::Trader, IDLE), 250), ((Side::Trader, NET_RX), 50)]);
    }

    #[test]
    fn a_wait_within_a_call_or_a_fault_is_that_calls_or_faults_and_a_preemption_is_the_other_threads() {
        let away = |what, waited| Event { waited, ..event(Side::Trader, what, 1350, 1550) };
        let other = What::Thread(tickcert_probes::tail::Comm::from("other"));
        let major = What::Fault { major: true, ended: true };
        for own in [What::Call(7), major] {
            let own_event = event(Side::Trader, own, 1310, 1590);
            assert_eq!(of(&[own_event, away(IDLE, true)], 0), [((Side::Trader, own), 280)]);
            assert_eq!(of(&[own_event, away(other, true)], 0), [((Side::Trader, own), 280)]);
            let preempted = of(&[own_event, away(other, false)], 0);
            assert_eq!(preempted.iter().find(|(key, _)| key.1 == other).map(|(_, t)| *t), Some(200));
            // What interrupts within it takes its own.
            let all = of(&[own_event, away(IDLE, true), event(Side::Trader, NET_RX, 1400, 1450)], 0);
            assert_eq!(all.iter().map(|(_, t)| t).sum::<u64>(), 280);
            assert!(all.contains(&((Side::Trader, NET_RX), 50)), "{all:?}");
        }
    }

    #[test]
    fn a_thread_on_another_core_is_kept_by_that_and_by_nothing_that_goes_on_here() {
        let moved = What::Migration(3);
        let here = [event(Side::Trader, IDLE, 1350, 1550), event(Side::Trader, NET_RX, 1400, 1450)];
        let events = [&here[..], &[event(Side::Trader, moved, 1310, 1590)]].concat();
        assert_eq!(of(&events, 0), [((Side::Trader, moved), 280)]);
    }

    #[test]
    fn of_events_on_both_cores_it_is_the_receivers_that_counts_unless_that_is_idle() {
        let other = What::Thread(tickcert_probes::tail::Comm::from("other"));
        // On the way there the trader is the receiver, on the way back the exchange, whichever began first.
        let on_both = |trader, exchange| {
            [
                event(Side::Trader, trader, 900, 2500),
                event(Side::Exchange, exchange, 1100, 1300),
                event(Side::Exchange, exchange, 1600, 2000),
            ]
        };
        let wanted = [((Side::Exchange, NET_RX), 400), ((Side::Trader, other), 200 + 300)];
        assert_eq!(of(&on_both(other, NET_RX), 0), wanted);
        let idle = [((Side::Exchange, NET_RX), 200 + 400), ((Side::Trader, IDLE), 300)];
        assert_eq!(of(&on_both(IDLE, NET_RX), 0), idle);
    }

    #[test]
    fn what_may_lie_outside_by_the_error_of_the_clock_is_not_claimed() {
        let at_the_edge = [event(Side::Trader, NET_RX, 1980, 2500)];
        assert_eq!(of(&at_the_edge, 20), []);
        assert_eq!(of(&at_the_edge, 10), [((Side::Trader, NET_RX), 10)]);
        assert_eq!(of(&at_the_edge, 10_000), []);
    }

    #[test]
    fn marks_in_a_wrong_order_give_stretches_in_the_right_one() {
        let odd = Marks { seen: Nanos(900), left: Nanos(2500), ..MARKS };
        let whole: u64 = odd.stretches().iter().map(|s| s.until.0 - s.from.0).sum();
        assert_eq!(whole, 1000);
    }

    proptest! {
        #[test]
        fn events_never_take_more_than_the_time_there_is(
            spans in proptest::collection::vec((0_u64..3000, 0_u64..2000, any::<bool>(), 0_u32..10), 0..40),
            error in 0_u64..50,
        ) {
            let event = |(begin, len, trader, n): &(u64, u64, bool, u32)| {
                let side = if *trader { Side::Trader } else { Side::Exchange };
                event(side, What::Softirq(*n), *begin, begin + len)
            };
            let events: Vec<Event> = spans.iter().map(event).collect();
            let sum: u64 = of(&events, error).iter().map(|(_, t)| t).sum();
            prop_assert!(sum <= 1000);
            let touches = events.iter().any(|e| e.side == Side::Trader && e.begin.0 <= 1300 + error && e.end.0 >= 1600 - error);
            prop_assert!(!touches || sum >= 300 - 2 * error.min(150));
        }
    }
}
