//! The samples of a repetition in time order: do they depend on each other, do they drift?

use super::{
    autocorrelation::{autocorrelation, ljung_box},
    len_f64,
    quantile::of_unsorted,
    ranks::Ranks,
    trend::{mann_kendall, median, theil_sen},
};
use crate::{certificate::Independence, hist::count_f64, time::Nanos};

/// Lags that Ljung and Box's test looks at.
pub const LAGS: usize = 10;
/// Slices whose medians are tested for a trend.
pub const SLICES: usize = 50;
/// Below this p-value a test is said to have failed.
pub const SIGNIFICANCE: f64 = 0.01;
/// An autocorrelation below this is too small to widen an interval noticeably, however certain it is.
pub const NOTABLE_LAG1: f64 = 0.1;
/// A drift below this share of the median is too small to matter, however certain it is.
pub const NOTABLE_DRIFT: f64 = 0.02;
/// Fewer repetitions than this show no trend: with five, even values that only rise are too likely by chance.
pub const LEAST_FOR_TREND: usize = 8;

/// Fewer slices than this are too few for the normal approximation of Mann and Kendall's test.
const LEAST_SLICES: usize = 10;
/// Fewer samples in a slice than this make no median worth the name.
const LEAST_PER_SLICE: usize = 10;

/// Both tests on `latencies` in the order of time. The autocorrelation is that of the ranks, so that one long stall does
/// not drown the rest. With too few samples for a test its p-value is 1: nothing was found.
#[must_use]
pub fn independence(latencies: &[Nanos]) -> Independence {
    let ranks: Vec<f64> = Ranks::of_latencies(latencies).doubled.into_iter().map(count_f64).collect();
    let autocorrelations = autocorrelation(&ranks, LAGS);
    let lag1 = autocorrelations.first().copied().unwrap_or(0.0);
    let autocorrelation_p =
        if latencies.len() > 2 * LAGS { ljung_box(latencies.len(), &autocorrelations).p } else { 1.0 };
    let (drift_p, drift_share) = drift(latencies);
    Independence { lag1, autocorrelation_p, drift_p, drift_share }
}

/// p-value of a trend of the slices' medians, and its size over the whole window as a share of their median.
fn drift(latencies: &[Nanos]) -> (f64, f64) {
    let slices = SLICES.min(latencies.len() / LEAST_PER_SLICE);
    if slices < LEAST_SLICES {
        return (1.0, 0.0);
    }
    let mut medians: Vec<f64> = slices_of(latencies, slices)
        .filter_map(|slice| of_unsorted(&mut slice.to_vec(), 0.5).map(|m| count_f64(m.0)))
        .collect();
    let p = mann_kendall(&medians).p;
    let rise = theil_sen(&medians) * len_f64(medians.len());
    let share = median(&mut medians).filter(|m| *m > 0.0).map_or(0.0, |m| rise / m);
    (p, share)
}

/// `n` slices of nearly equal length, without a remainder.
fn slices_of<T>(of: &[T], n: usize) -> impl Iterator<Item = &[T]> {
    (0..n).map(move |i| &of[i * of.len() / n..(i + 1) * of.len() / n])
}

/// Whether successive samples depend on each other so much that only the spread between repetitions says how certain a
/// value is.
#[must_use]
pub fn depends(found: &Independence) -> bool {
    found.autocorrelation_p < SIGNIFICANCE && found.lag1.abs() >= NOTABLE_LAG1
}

/// Whether the latency drifted while it was measured, by so much that it matters.
#[must_use]
pub fn drifts(found: &Independence) -> bool {
    is_notable(found.drift_p, found.drift_share)
}

fn is_notable(p: f64, share: f64) -> bool {
    p < SIGNIFICANCE && share.abs() >= NOTABLE_DRIFT
}

/// How far the repetitions' medians, in the order in which they ran, rose or fell over the run, as a share of their
/// median; `None` where there are too few to tell, or no trend that is certain and large enough to matter.
#[must_use]
pub fn drift_between(medians: &[Nanos]) -> Option<f64> {
    if medians.len() < LEAST_FOR_TREND {
        return None;
    }
    let mut values: Vec<f64> = medians.iter().map(|m| count_f64(m.0)).collect();
    let (p, rise) = (mann_kendall(&values).p, theil_sen(&values) * len_f64(values.len() - 1));
    let share = median(&mut values).filter(|m| *m > 0.0).map_or(0.0, |m| rise / m);
    is_notable(p, share).then_some(share)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _};
    use rand_pcg::Pcg64;

    use super::*;

    fn noise(n: usize, base: impl Fn(usize) -> u64) -> Vec<Nanos> {
        let mut rng = Pcg64::seed_from_u64(11);
        (0..n).map(|i| Nanos(base(i) + rng.random_range(0..1_000_u64))).collect()
    }

    #[test]
    fn independent_samples_raise_no_concern() {
        let found = independence(&noise(20_000, |_| 8_000));
        assert!(found.lag1.abs() < 0.03, "{found:?}");
        assert!(!depends(&found) && !drifts(&found), "{found:?}");
    }

    #[test]
    fn a_drift_of_ten_percent_is_found_with_its_size() {
        let found = independence(&noise(20_000, |i| 10_000 + i as u64 / 20));
        assert!(found.drift_p < 1e-6 && (found.drift_share - 0.0909).abs() < 0.01, "{found:?}");
        assert!(drifts(&found), "{found:?}");
    }

    #[test]
    fn a_slow_wave_makes_successive_samples_dependent() {
        let found = independence(&noise(20_000, |i| 8_000 + (i as u64 / 500 % 2) * 2_000));
        assert!(found.lag1 > 0.5 && found.autocorrelation_p < 1e-9, "{found:?}");
        assert!(depends(&found), "{found:?}");
    }

    #[test]
    fn a_single_stall_is_no_autocorrelation() {
        let mut samples = noise(20_000, |_| 8_000);
        samples[10_000] = Nanos(5_000_000_000);
        assert!(independence(&samples).lag1.abs() < 0.03);
    }

    #[test]
    fn repetitions_that_rise_by_a_percent_each_are_a_drift_and_those_in_any_order_are_none() {
        let rising: Vec<Nanos> = (0..10).map(|n| Nanos(8_000 + 80 * n)).collect();
        let share = drift_between(&rising).unwrap();
        assert!((share - 0.0861).abs() < 0.001, "{share}");
        let falling: Vec<Nanos> = rising.iter().rev().copied().collect();
        assert!((drift_between(&falling).unwrap() + share).abs() < 1e-9);
        assert_eq!(drift_between(&rising[..LEAST_FOR_TREND - 1]), None);
        let mixed = [3, 9, 1, 7, 5, 2, 8, 4, 6, 0].map(|n| rising[n]);
        assert_eq!(drift_between(&mixed), None);
        let slight: Vec<Nanos> = (0..10).map(|n| Nanos(80_000 + n)).collect();
        assert_eq!(drift_between(&slight), None, "certain, and too small to matter");
    }

    #[test]
    fn too_few_samples_show_nothing() {
        for n in [0, 1, 5] {
            let found = independence(&noise(n, |_| 5));
            assert!((found.autocorrelation_p - 1.0).abs() < 1e-12 && (found.drift_p - 1.0).abs() < 1e-12, "{found:?}");
        }
    }
}
