//! One line between two cores: the loops, and what is made of the times that they take.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use tickcert_results::{certificate::LineLatency, stats::quantile, time::TickScale};

use crate::{
    clocks::tsc,
    pair::{self, PairError},
};

/// A line of its own, and the one beside it, which some processors fetch along.
#[repr(align(128))]
struct Line(AtomicU8);

/// Whose turn it is, or that it is over.
const SECOND: u8 = 0;
const FIRST: u8 = 1;
const OVER: u8 = 2;

/// Round trips in a sample: reading the counter is less than a hundredth of them, and a few samples fit into a millisecond.
pub(super) const ROUND_TRIPS: u32 = 200;
/// Samples not taken: until both threads are awake and caches and predictors have what they need.
const WARM_UP: u32 = 10;
/// The fewest samples, however long they take.
const FEWEST: usize = 25;
/// The most; the memory for them is there before the first one.
const MOST: usize = 50_000;

/// Lets the line go to and fro for `duration` ticks; what [`ROUND_TRIPS`] took, time after time, in ticks. Where even the fewest
/// samples take more than `at_most` ticks (a core was taken off line, so that both threads share the other and every round trip
/// waits for the scheduler), it is given up.
pub(super) fn samples(cores: [u32; 2], duration: u64, at_most: u64) -> Result<Vec<u64>, PairError> {
    let line = Line(AtomicU8::new(SECOND));
    let (samples, ()) = pair::run(cores, || first(&line.0, duration, at_most), || second(&line.0))?;
    if samples.len() < FEWEST { Err(PairError::TooSlow { cores }) } else { Ok(samples) }
}

/// The side that takes the time, and ends it.
fn first(line: &AtomicU8, duration: u64, at_most: u64) -> Vec<u64> {
    let mut samples = vec![0; MOST];
    let start = tsc::now();
    let passed = || tsc::now().raw().saturating_sub(start.raw());
    // One by one: of those that wait for the scheduler a whole sample would take seconds.
    let warm = (0..WARM_UP * ROUND_TRIPS).all(|_| {
        round_trips(line, 1);
        passed() < at_most
    });
    let (began, mut taken) = (passed(), 0);
    for sample in samples.iter_mut().take(if warm { MOST } else { 0 }) {
        let before = tsc::now();
        round_trips(line, ROUND_TRIPS);
        let after = tsc::now();
        *sample = after.raw().saturating_sub(before.raw());
        taken += 1;
        let since = after.raw().saturating_sub(start.raw());
        if since >= at_most || (taken >= FEWEST && since.saturating_sub(began) >= duration) {
            break;
        }
    }
    line.store(OVER, Relaxed);
    samples.truncate(taken);
    samples
}

#[inline(always)]
fn round_trips(line: &AtomicU8, number: u32) {
    for _ in 0..number {
        while line.compare_exchange(FIRST, SECOND, Relaxed, Relaxed).is_err() {}
    }
}

/// The side that answers.
fn second(line: &AtomicU8) {
    while line.compare_exchange(SECOND, FIRST, Relaxed, Relaxed) != Err(OVER) {}
}

/// Quantiles of one way, of samples in ticks of [`ROUND_TRIPS`] each.
pub(super) fn summary(cores: [u32; 2], mut samples: Vec<u64>, scale: TickScale) -> LineLatency {
    samples.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a sample lasts far less than 2^53 ticks")]
    let one_way = |q| {
        let ticks = quantile::of_sorted(&samples, q).unwrap_or_default();
        ticks as f64 * scale.ns_per_tick / f64::from(2 * ROUND_TRIPS)
    };
    LineLatency {
        cores,
        one_way_ns: one_way(0.5),
        min_ns: one_way(0.0),
        p90_ns: one_way(0.9),
        samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        round_trips: ROUND_TRIPS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::tests::two_cores;

    #[test]
    fn one_way_is_half_of_a_round_trip_and_the_median_a_sample_that_was_seen() {
        // 1 to 10 us for 200 round trips, in a clock of 1 GHz.
        let samples = (1..=10).rev().map(|n| n * 1_000).collect();
        let found = summary([3, 4], samples, TickScale::from_hz(1e9));
        assert_eq!((found.cores, found.samples, found.round_trips), ([3, 4], 10, ROUND_TRIPS));
        for (found, known) in [(found.one_way_ns, 12.5), (found.min_ns, 2.5), (found.p90_ns, 22.5)] {
            assert!((found - known).abs() < 1e-9, "{found} is not {known}");
        }
    }

    #[test]
    fn no_time_at_all_still_gives_the_fewest_samples_that_make_a_median() {
        let Some(cores) = two_cores() else { return };
        assert_eq!(samples(cores, 0, u64::MAX).unwrap().len(), FEWEST);
    }

    #[test]
    fn threads_that_have_to_share_a_core_are_given_up_instead_of_waited_for() {
        let Some([core, _]) = two_cores() else { return };
        let e = samples([core, core], 0, 50_000_000).unwrap_err();
        assert!(matches!(e, PairError::TooSlow { .. }), "{e}");
        assert!(e.remedy().contains("online"), "{}", e.remedy());
    }
}
