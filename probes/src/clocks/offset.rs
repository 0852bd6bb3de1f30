//! How far the counters of two cores are apart, by round trips between them.
//!
//! The first core reads its counter (t0) and asks, the second sees it, reads its own (t1) and answers, the first sees that
//! and reads again (t2). The second read lies between the other two in time, wherever it was, so that the second counter is
//! ahead by at least t1 − t2 and at most t1 − t0. One offset must satisfy every round trip: the bounds are the tightest of
//! all, and the quickest round trip alone makes them as narrow as itself. Nothing is assumed of how the way there compares to
//! the way back.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};

use tickcert_results::{
    certificate::CounterOffset,
    time::{Nanos, TickScale, Ticks},
};

use super::tsc;
use crate::pair::{self, PairError};

/// The most round trips of a pair: more of them hardly find a quicker one.
const ROUND_TRIPS: u64 = 20_000;
/// A question that ends it.
const OVER: u64 = u64::MAX;

/// One writer, one reader, no neighbour.
#[repr(align(128))]
struct Line(AtomicU64);

/// What all round trips so far allow, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    at_least: i64,
    at_most: i64,
    round_trips: u32,
}

impl Bounds {
    const NONE: Self = Self { at_least: i64::MIN, at_most: i64::MAX, round_trips: 0 };

    fn narrow(&mut self, asked: Ticks, seen: Ticks, answered: Ticks) {
        self.at_least = self.at_least.max(seen.since(answered).0);
        self.at_most = self.at_most.min(seen.since(asked).0);
        self.round_trips += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "shown as nanoseconds; exact below 2^53 ticks")]
    fn record(self, cores: [u32; 2], scale: TickScale) -> CounterOffset {
        let ns = |ticks: i64| ticks as f64 * scale.ns_per_tick;
        CounterOffset {
            cores,
            at_least_ns: ns(self.at_least),
            at_most_ns: ns(self.at_most),
            round_trips: self.round_trips,
        }
    }
}

/// Measures how far the second core's counter is ahead of the first one's; some milliseconds, and no round trip is begun after
/// `limit`.
///
/// # Errors
/// [`PairError`].
pub fn measure(cores: [u32; 2], limit: Nanos, scale: TickScale) -> Result<CounterOffset, PairError> {
    let (question, answer) = (Line(AtomicU64::new(0)), Line(AtomicU64::new(0)));
    let longest = scale.ticks(limit);
    let (bounds, ()) = pair::run(
        cores,
        || {
            let bounds = ask(&question.0, &answer.0, longest);
            question.0.store(OVER, Release);
            bounds
        },
        || reply(&question.0, &answer.0),
    )?;
    Ok(bounds.record(cores, scale))
}

fn ask(question: &AtomicU64, answer: &AtomicU64, longest: u64) -> Bounds {
    let mut bounds = Bounds::NONE;
    let mut last = 0;
    let start = tsc::now();
    for number in 1..=ROUND_TRIPS {
        let asked = tsc::now();
        question.store(number, Release);
        // The other's reads only ever grow, so another value is another answer.
        let seen = loop {
            let seen = answer.load(Acquire);
            if seen != last {
                break seen;
            }
        };
        let answered = tsc::now();
        last = seen;
        bounds.narrow(asked, Ticks::new(seen).unwrap_or(Ticks::MIN), answered);
        if answered.raw().saturating_sub(start.raw()) > longest {
            break;
        }
    }
    bounds
}

fn reply(question: &AtomicU64, answer: &AtomicU64) {
    let mut last = 0;
    loop {
        let asked = question.load(Acquire);
        if asked == OVER {
            return;
        }
        if asked != last {
            answer.store(tsc::now().raw(), Release);
            last = asked;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pair::tests::two_cores;

    fn at(ticks: i64) -> Ticks {
        Ticks::new(u64::try_from(ticks).unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn a_known_offset_lies_within_the_bounds_however_lopsided_the_ways_are(
            offset in -1_000_000_i64..1_000_000,
            ways in proptest::collection::vec((1_i64..100_000, 1_i64..100_000), 1..50),
        ) {
            let (mut bounds, mut now) = (Bounds::NONE, 10_000_000);
            for &(there, back) in &ways {
                bounds.narrow(at(now), at(now + there + offset), at(now + there + back));
                now += there + back + 10;
            }
            prop_assert!(bounds.at_least <= offset && offset <= bounds.at_most);
            let quickest = ways.iter().map(|(there, back)| there + back).min().unwrap();
            prop_assert!(bounds.at_most - bounds.at_least <= quickest);
        }
    }

    #[test]
    fn counters_that_run_apart_leave_no_offset_that_fits() {
        let mut bounds = Bounds::NONE;
        bounds.narrow(at(1_000), at(1_005), at(1_010));
        bounds.narrow(at(2_000), at(2_505), at(2_010));
        let found = bounds.record([0, 1], TickScale::from_hz(1e9));
        assert!(!found.is_steady() && !found.in_step());
        assert_eq!(found.round_trips, 2);
    }

    #[test]
    fn the_counters_of_two_cores_of_this_host_are_bounded_from_both_sides_and_the_same_the_other_way() {
        let Some([a, b]) = two_cores() else { return };
        let scale = TickScale::from_hz(1e9);
        let of = |cores| measure(cores, Nanos::MILLI * 100, scale).unwrap();
        let (there, back) = (of([a, b]), of([b, a]));
        assert!(there.round_trips > 0 && back.round_trips > 0);
        if there.is_steady() && back.is_steady() && tsc::is_invariant() {
            // One offset fits both: b ahead of a by x is a ahead of b by -x.
            assert!(
                there.at_least_ns <= -back.at_least_ns && -back.at_most_ns <= there.at_most_ns,
                "{there:?} {back:?}"
            );
        }
    }
}
