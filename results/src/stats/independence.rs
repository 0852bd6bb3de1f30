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
const NOTABLE_LAG1: f64 = 0.1;
/// A drift below this share of the median is too small to matter, however certain it is.
const NOTABLE_DRIFT: f64 = 0.02;

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

/// What a reader should know, a sentence each; nothing where both tests passed or what they found is too small to matter.
#[must_use]
pub fn concerns(found: &Independence) -> Vec<String> {
    let mut said = Vec::new();
    if found.autocorrelation_p < SIGNIFICANCE && found.lag1.abs() >= NOTABLE_LAG1 {
        said.push(format!(
            "successive samples depend on each other (autocorrelation {:.2} at lag 1): only the spread between \
             repetitions says how certain a value is",
            found.lag1
        ));
    }
    if found.drift_p < SIGNIFICANCE && found.drift_share.abs() >= NOTABLE_DRIFT {
        said.push(format!(
            "the latency drifted by {:+.1} % of its median while it was measured (Mann-Kendall p = {:.1e})",
            found.drift_share * 100.0,
            found.drift_p
        ));
    }
    said
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
        assert!(concerns(&found).is_empty(), "{found:?}");
    }

    #[test]
    fn a_drift_of_ten_percent_is_found_with_its_size() {
        let found = independence(&noise(20_000, |i| 10_000 + i as u64 / 20));
        assert!(found.drift_p < 1e-6 && (found.drift_share - 0.0909).abs() < 0.01, "{found:?}");
        assert!(concerns(&found).iter().any(|c| c.contains("drifted by +9")), "{:?}", concerns(&found));
    }

    #[test]
    fn a_slow_wave_makes_successive_samples_dependent() {
        let found = independence(&noise(20_000, |i| 8_000 + (i as u64 / 500 % 2) * 2_000));
        assert!(found.lag1 > 0.5 && found.autocorrelation_p < 1e-9, "{found:?}");
        assert!(concerns(&found)[0].contains("depend on each other"));
    }

    #[test]
    fn a_single_stall_is_no_autocorrelation() {
        let mut samples = noise(20_000, |_| 8_000);
        samples[10_000] = Nanos(5_000_000_000);
        assert!(independence(&samples).lag1.abs() < 0.03);
    }

    #[test]
    fn too_few_samples_show_nothing() {
        for n in [0, 1, 5] {
            let found = independence(&noise(n, |_| 5));
            assert!((found.autocorrelation_p - 1.0).abs() < 1e-12 && (found.drift_p - 1.0).abs() < 1e-12, "{found:?}");
        }
    }
}
