//! How many repetitions it would take to decide.

use super::{distribution::student_quantile, len_f64};

/// No more than this many repetitions are ever asked for: beyond it the value is as good as at the limit.
pub const MOST_REPETITIONS: usize = 1_000;

/// About how many repetitions would make a 95 % interval stay on one side of `limit`, if value and spread stay as they
/// are: the half width of the interval (logarithmic, as [`super::bootstrap`] makes it) is Student's t times the spread
/// over √n. `None` where it takes more than [`MOST_REPETITIONS`], or where a figure makes no sense.
#[must_use]
pub fn repetitions_needed(have: usize, value: f64, ci95: [f64; 2], limit: f64) -> Option<usize> {
    let positive = [value, ci95[0], ci95[1], limit].iter().all(|x| x.is_finite() && *x > 0.0);
    if have < 2 || !positive {
        return None;
    }
    let t_over_root = |n: usize| student_quantile(0.975, len_f64(n - 1)) / len_f64(n).sqrt();
    let spread = (ci95[1] / ci95[0]).ln() / 2.0 / t_over_root(have);
    let margin = (limit / value).ln().abs();
    (have + 1..=MOST_REPETITIONS).find(|n| t_over_root(*n) * spread < margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_margin_takes_about_four_times_the_repetitions() {
        // Half width 10 % with 20 repetitions, margin 5 %: t(19)/√20 = 0.468, t(77)/√78 = 0.2255, t(75)/√76 = 0.2285.
        let ci = [1_000.0 * (-0.1_f64).exp(), 1_000.0 * 0.1_f64.exp()];
        let needed = repetitions_needed(20, 1_000.0, ci, 1_000.0 * 0.05_f64.exp()).unwrap();
        assert!((70..=76).contains(&needed), "{needed}");
    }

    #[test]
    fn a_value_at_the_limit_is_never_decided() {
        assert_eq!(repetitions_needed(10, 1_000.0, [900.0, 1_100.0], 1_000.0), None);
        assert_eq!(repetitions_needed(10, 1_000.0, [900.0, 1_100.0], f64::NAN), None);
        assert_eq!(repetitions_needed(1, 1_000.0, [900.0, 1_100.0], 1_050.0), None);
    }
}
