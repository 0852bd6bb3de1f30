//! The ratio of the quantiles of two arms, with its interval by bootstrap over the repetitions of each.
//!
//! Each arm's bootstrap gives the standard error of the logarithm of its quantile ([`super::bootstrap`]). The arms are independent,
//! so that of the logarithm of the ratio is the root of the sum of squares, with the degrees of freedom of Welch and
//! Satterthwaite (Satterthwaite, "An Approximate Distribution of Estimates of Variance Components", Biometrics Bulletin 2(6), 1946).
//! For several ratios at once the level is shared out equally (Bonferroni), so that all intervals hold together with 95 %.

use super::{LEAST_REPETITIONS, bootstrap::Spread, distribution::student_quantile, len_f64};

/// The interval of a ratio, of which `ln_ratio` is the logarithm, between the quantiles that the two spreads are of; one of so many
/// `comparisons`. `None` below [`LEAST_REPETITIONS`] in either arm.
#[must_use]
pub fn ratio_interval(ln_ratio: f64, arms: [&Spread; 2], comparisons: usize) -> Option<[f64; 2]> {
    if arms.iter().any(|arm| arm.repetitions() < LEAST_REPETITIONS) {
        return None;
    }
    let [a, b] = arms.map(Spread::standard_error);
    let variances = [a?.powi(2), b?.powi(2)];
    let variance: f64 = variances.iter().sum();
    let tail = 0.025 / len_f64(comparisons.max(1));
    let half = if variance > 0.0 {
        let parts = variances.iter().zip(arms).map(|(v, arm)| v.powi(2) / arm.degrees_of_freedom());
        student_quantile(1.0 - tail, variance.powi(2) / parts.sum::<f64>()) * variance.sqrt()
    } else {
        0.0
    };
    Some([(ln_ratio - half).exp(), (ln_ratio + half).exp()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hist::Histogram, stats::bootstrap::PooledRepetitions, time::Nanos};

    fn arm(medians: &[u64]) -> Spread {
        let all: Vec<Histogram> =
            medians.iter().map(|m| Histogram::of([m - 1, *m, m + 1].map(Nanos)).unwrap()).collect();
        PooledRepetitions::new(&all.iter().collect::<Vec<_>>()).resample(&[0.5], 1).remove(0)
    }

    #[test]
    fn arms_without_spread_have_an_interval_without_width() {
        let same = arm(&[100; 5]);
        let [low, high] = ratio_interval(0.0, [&same, &same], 3).unwrap();
        assert!((low - 1.0).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn more_comparisons_make_wider_intervals_around_the_same_ratio() {
        let (a, b) = (arm(&[100, 102, 104, 101, 99]), arm(&[120, 121, 125, 119, 122]));
        let of = |n| ratio_interval(1.2_f64.ln(), [&a, &b], n).unwrap();
        let (one, ten) = (of(1), of(10));
        assert!(ten[0] < one[0] && one[1] < ten[1], "{one:?} {ten:?}");
        assert!((one[0] * one[1] / 1.44 - 1.0).abs() < 1e-9, "it is even in the logarithm");
        assert!(one[0] > 1.1 && one[1] < 1.3, "{one:?}");
    }

    /// By hand: the same variance in both arms of five gives 8 degrees of freedom, of which Student's 97.5 % is 2.306.
    #[test]
    fn equal_arms_of_five_have_eight_degrees_of_freedom() {
        let a = arm(&[100, 110, 120, 130, 140]);
        let half = ratio_interval(0.0, [&a, &a], 1).unwrap()[1].ln();
        let by_hand = 2.306 * (2.0 * a.standard_error().unwrap().powi(2)).sqrt();
        assert!((half / by_hand - 1.0).abs() < 1e-3, "{half} {by_hand}");
    }

    #[test]
    fn four_repetitions_in_either_arm_have_none() {
        let (few, enough) = (arm(&[100; 4]), arm(&[100; 5]));
        assert_eq!(ratio_interval(0.0, [&few, &enough], 1), None);
        assert_eq!(ratio_interval(0.0, [&enough, &few], 1), None);
    }
}
