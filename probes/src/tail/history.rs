//! All that was seen on both cores in one trial.

use tickcert_results::{certificate::Side, time::Nanos};

use super::event::Event;
#[cfg(feature = "bpf")]
use super::{record::Record, spans::spans};

/// Events that found no room, and the time in which they may have been: as events are written when they end, that is until the
/// watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub events: u64,
    /// The earliest of them began.
    pub first: Nanos,
    /// The watch ended.
    pub until: Nanos,
}

/// What happened on the measured cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Of each side.
    sides: [OfSide; 2],
    untimed: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfSide {
    /// By beginning.
    events: Vec<Event>,
    /// For each, the latest end of it and all before it.
    reach: Vec<Nanos>,
    lost: Option<Lost>,
}

impl OfSide {
    fn new(events: Vec<Event>, lost: Option<Lost>) -> Self {
        let furthest = |so_far: &mut Nanos, event: &Event| {
            *so_far = (*so_far).max(event.end);
            Some(*so_far)
        };
        Self { reach: events.iter().scan(Nanos::ZERO, furthest).collect(), events, lost }
    }
}

impl History {
    /// Of these events, in any order.
    #[must_use]
    pub fn new(mut events: Vec<Event>, lost: [Option<Lost>; 2]) -> Self {
        events.sort_by_key(|e| e.begin);
        let of =
            |side: Side| OfSide::new(events.iter().filter(|e| e.side == side).copied().collect(), lost[side.index()]);
        Self { sides: Side::BOTH.map(of), untimed: 0 }
    }

    /// From what the programs wrote, in the order in which they did; `timed` are the timed thread and the core of each side,
    /// `until` is when the watch ended, `untimed` are softirqs that were only counted.
    #[cfg(feature = "bpf")]
    pub(super) fn of_records(
        records: &[Record],
        timed: [[u32; 2]; 2],
        until: Nanos,
        lost: [Option<Lost>; 2],
        untimed: u64,
    ) -> Self {
        let of = |side: Side| OfSide::new(spans(side, records, timed[side.index()], until), lost[side.index()]);
        Self { sides: Side::BOTH.map(of), untimed }
    }

    /// Events of one core that touch the time between, in the order in which they began.
    #[must_use]
    pub fn between(&self, side: Side, from: Nanos, until: Nanos) -> Vec<&Event> {
        let OfSide { events, reach, .. } = &self.sides[side.index()];
        let end = events.partition_point(|e| e.begin <= until);
        let begin = reach.partition_point(|reach| *reach < from).min(end);
        events[begin..end].iter().filter(|e| e.end >= from).collect()
    }

    /// Whether events of that core were lost then.
    #[must_use]
    pub fn lost_between(&self, side: Side, from: Nanos, until: Nanos) -> bool {
        self.sides[side.index()].lost.is_some_and(|l| l.first <= until && l.until >= from)
    }

    /// Events that were lost, of both cores.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.sides.iter().filter_map(|side| side.lost).map(|lost| lost.events).sum()
    }

    /// Softirqs that the timed threads ran within their own calls, with nothing in them that was not of these calls: part of
    /// them, and not among the events.
    #[must_use]
    pub const fn untimed(&self) -> u64 {
        self.untimed
    }

    /// Events that were kept, of both cores.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sides.iter().map(|side| side.events.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tail::What;

    proptest! {
        #[test]
        fn what_touches_a_time_is_found_however_long_ago_it_began(
            spans in proptest::collection::vec((0_u64..200, 0_u64..100), 0..30), from in 0_u64..300, len in 0_u64..50,
        ) {
            let event = |(begin, len): &(u64, u64)| Event {
                side: Side::Trader, what: What::Softirq(3), begin: Nanos(*begin), end: Nanos(begin + len), waited: false,
            };
            let all: Vec<Event> = spans.iter().map(event).collect();
            let (from, until) = (Nanos(from), Nanos(from + len));
            let wanted = all.iter().filter(|e| e.begin <= until && e.end >= from).count();
            let history = History::new(all, [None; 2]);
            prop_assert_eq!(history.between(Side::Trader, from, until).len(), wanted);
            prop_assert!(history.between(Side::Exchange, from, until).is_empty());
        }
    }
}
