//! Whether a series drifts, and by how much: Mann and Kendall's test with Theil and Sen's slope, neither of which a
//! single outlier can turn.

use super::{distribution::normal_two_sided, len_f64, ranks::Ranks};
use crate::hist::count_f64;

/// Result of [`mann_kendall`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannKendall {
    /// Pairs that rise minus pairs that fall.
    pub s: i64,
    /// Variance of S where there is no trend, corrected for ties.
    pub variance: f64,
    /// S less its continuity correction in standard deviations.
    pub z: f64,
    /// Two-sided p-value from the normal approximation, good from about ten values on.
    pub p: f64,
}

/// Test for a monotonic trend (Mann 1945; Kendall 1975; with ties as in Gilbert, "Statistical Methods for Environmental
/// Pollution Monitoring", 1987, section 16.4). Takes time in the square of the length: give it slices, not samples.
#[must_use]
pub fn mann_kendall(series: &[f64]) -> MannKendall {
    let mut s = 0_i64;
    for (i, early) in series.iter().enumerate() {
        for late in &series[i + 1..] {
            s += i64::from(late > early) - i64::from(late < early);
        }
    }
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let ties: f64 = Ranks::of(series).ties.iter().map(|t| spread(count_f64(*t))).sum();
    let variance = spread(len_f64(series.len())) - ties;
    #[expect(clippy::cast_precision_loss, reason = "at most the number of pairs of slices")]
    let towards_zero = (s - s.signum()) as f64;
    let z = if variance > 0.0 { towards_zero / variance.sqrt() } else { 0.0 };
    MannKendall { s, variance, z, p: normal_two_sided(z) }
}

/// Median of the slopes of all pairs, per step of the index (Theil 1950; Sen, "Estimates of the Regression Coefficient
/// Based on Kendall's Tau", JASA 63, 1968). Zero for fewer than two values.
#[must_use]
pub fn theil_sen(series: &[f64]) -> f64 {
    let mut slopes = Vec::with_capacity(series.len() * series.len() / 2);
    for (i, early) in series.iter().enumerate() {
        slopes.extend(series[i + 1..].iter().zip(1_u32..).map(|(late, steps)| (late - early) / f64::from(steps)));
    }
    median(&mut slopes).unwrap_or(0.0)
}

/// The median, the mean of the middle two for an even number; `None` of nothing. Sorts its input.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_epa_with_two_groups_of_ties_is_met() {
        // EPA QA/G-9S, "Data Quality Assessment: Statistical Methods for Practitioners", 2006, page 109.
        let t = mann_kendall(&[10.0, 10.0, 10.0, 5.0, 10.0, 20.0, 18.0, 17.0, 15.0, 24.0, 15.0]);
        assert_eq!(t.s, 22);
        assert!((t.variance - 155.33).abs() < 0.005 && (t.z - 1.685).abs() < 0.0005, "{t:?}");
        assert!((t.p - 0.0920).abs() < 0.0001, "{t:?}");
    }

    #[test]
    fn a_series_that_always_rises_has_every_pair_for_it() {
        let t = mann_kendall(&(0..20).map(f64::from).collect::<Vec<_>>());
        assert_eq!(t.s, 190);
        assert!((t.variance - 950.0).abs() < 1e-9 && t.p < 1e-8, "{t:?}");
    }

    #[test]
    fn a_constant_series_has_no_trend() {
        let t = mann_kendall(&[5.0; 30]);
        assert_eq!((t.s, t.z), (0, 0.0));
        assert!((t.p - 1.0).abs() < 1e-12);
        assert!((mann_kendall(&[]).p - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_slope_of_a_line_is_found_in_spite_of_an_outlier() {
        let mut line: Vec<f64> = (0..21).map(|i| 3.0 + 0.5 * f64::from(i)).collect();
        line[7] = 1e6;
        assert!((theil_sen(&line) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_slope_of_four_values_is_the_median_of_its_six_pairs() {
        // Pairs of 10, 15, 14, 20: 5, 2, 10/3, -1, 2.5, 6; the middle two are 2.5 and 10/3.
        assert!((theil_sen(&[10.0, 15.0, 14.0, 20.0]) - f64::midpoint(2.5, 10.0 / 3.0)).abs() < 1e-12);
    }
}
