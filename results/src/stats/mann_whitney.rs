//! Whether the repetitions of one arm rank higher than those of another: Mann and Whitney's U ("On a Test of Whether
//! One of Two Random Variables is Stochastically Larger than the Other", 1947), with Hodges and Lehmann's shift.
//!
//! Ranks, because a repetition that fell into a stall of the host must not hide or feign a difference.

use super::{
    distribution::normal_two_sided,
    len_f64,
    ranks::{Ranks, as_u64, ways_by_size},
    trend::median,
};
use crate::hist::count_f64;

/// Up to this many values in both arms together, p is exact; beyond it is normal with correction for ties.
pub const EXACT_UP_TO: usize = 60;

/// Result of [`mann_whitney`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the value of b is the larger, equal ones counting half.
    pub u: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// Whether p is exact (with ties: over all ways to deal the values to the arms) or from the normal approximation.
    pub exact: bool,
    /// Cliff's delta, -1 to 1: how much more often a value of b is larger than one of a, than smaller.
    pub delta: f64,
}

/// The test of `a` against `b`; `None` where an arm is empty.
#[must_use]
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<MannWhitney> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let ranks = Ranks::of(&all);
    let of_b: u64 = ranks.doubled[a.len()..].iter().sum();
    let (m, n) = (len_f64(a.len()), len_f64(b.len()));
    let u = count_f64(of_b) / 2.0 - n * (n + 1.0) / 2.0;
    let exact = all.len() <= EXACT_UP_TO;
    let p = if exact { exact_p(&ranks.doubled, b.len(), of_b) } else { normal_p(&ranks, m, n, u) };
    Some(MannWhitney { u, p, exact, delta: 2.0 * u / (m * n) - 1.0 })
}

/// Over all ways to deal `n` of the ranks to b: twice the smaller tail.
fn exact_p(doubled: &[u64], n: usize, observed: u64) -> f64 {
    let items: Vec<usize> = doubled.iter().filter_map(|r| usize::try_from(*r).ok()).collect();
    let ways = &ways_by_size(&items, n)[n];
    let total: f64 = ways.iter().sum();
    let observed = usize::try_from(observed).unwrap_or(usize::MAX).min(ways.len() - 1);
    let (low, high): (f64, f64) = (ways[..=observed].iter().sum(), ways[observed..].iter().sum());
    (2.0 * low.min(high) / total).min(1.0)
}

/// Normal, with correction for ties and for continuity (Lehmann, "Nonparametrics", 1975, eq. 1.35).
fn normal_p(ranks: &Ranks, m: f64, n: f64, u: f64) -> f64 {
    let total = m + n;
    let ties: f64 = ranks.ties.iter().map(|t| count_f64(*t)).map(|t| t * t * t - t).sum();
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0);
    if variance > 0.0 { normal_two_sided(distance / variance.sqrt()) } else { 1.0 }
}

/// A shift and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Median of the differences.
    pub estimate: f64,
    /// Interval that belongs to the test; `None` where there are too few values for it.
    pub interval: Option<[f64; 2]>,
}

/// By how much `b` is shifted against `a`: the median of all differences b - a (Hodges & Lehmann 1963), with the interval
/// of all shifts that the test would not reject at `1 - confidence` (Hollander & Wolfe, "Nonparametric Statistical
/// Methods", section 4.3). `None` where an arm is empty.
#[must_use]
pub fn shift(a: &[f64], b: &[f64], confidence: f64) -> Option<Shift> {
    let mut differences: Vec<f64> = b.iter().flat_map(|y| a.iter().map(move |x| y - x)).collect();
    let estimate = median(&mut differences)?;
    let rank = if a.len() + b.len() <= EXACT_UP_TO {
        exact_rank(a.len(), b.len(), (1.0 - confidence) / 2.0)
    } else {
        let (m, n) = (len_f64(a.len()), len_f64(b.len()));
        normal_rank(m * n / 2.0, (m * n * (m + n + 1.0) / 12.0).sqrt(), confidence)
    };
    Some(Shift { estimate, interval: bounds(&differences, rank) })
}

/// The largest rank r from 1 with P(U ≤ r-1) ≤ `tail`; 0 where there is none.
fn exact_rank(m: usize, n: usize, tail: f64) -> usize {
    let ways = &ways_by_size(&(1..=m + n).collect::<Vec<_>>(), n)[n];
    // The sum of ranks starts at n(n+1)/2, where U is 0.
    rank_in(ways.get(n * (n + 1) / 2..).unwrap_or_default(), tail)
}

/// The largest rank r from 1 for which the first r weights are at most `tail` of the whole; 0 where there is none.
pub(super) fn rank_in(ways: &[f64], tail: f64) -> usize {
    let total: f64 = ways.iter().sum();
    let mut cumulative = 0.0;
    ways.iter()
        .take_while(|w| {
            cumulative += **w;
            cumulative / total <= tail
        })
        .count()
}

/// The rank from the normal approximation to a statistic of that mean and deviation.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to be positive; few enough")]
pub(super) fn normal_rank(mean: f64, deviation: f64, confidence: f64) -> usize {
    let z = super::distribution::normal_quantile(f64::midpoint(1.0, confidence));
    (mean - z * deviation).floor().max(0.0) as usize
}

/// The `rank`-th smallest and the `rank`-th largest of sorted values.
pub(super) fn bounds(sorted: &[f64], rank: usize) -> Option<[f64; 2]> {
    let low = rank.checked_sub(1)?;
    Some([*sorted.get(low)?, *sorted.get(sorted.len().checked_sub(rank)?)?])
}

/// The smallest p-value that arms of these lengths can give: no more than this can ever be shown.
#[must_use]
pub fn smallest_p(a: usize, b: usize) -> f64 {
    let choose = |n: u64, k: u64| (0..k).map(|i| count_f64(n - i) / count_f64(i + 1)).product::<f64>();
    (2.0 / choose(as_u64(a + b), as_u64(b))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_p_of_hollander_and_wolfes_placenta_data_is_met() {
        // Hollander & Wolfe 1973, table 4.1; R: wilcox.test(x, y) gives W = 35, p = 0.2544.
        let x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let y = [1.15, 0.88, 0.90, 0.74, 1.21];
        let t = mann_whitney(&y, &x).unwrap();
        assert!(t.exact && (t.u - 35.0).abs() < 1e-9 && (t.p - 0.2544).abs() < 5e-5, "{t:?}");
        // R: wilcox.test(x, y, conf.int = TRUE) gives 0.305 and [-0.15, 0.76].
        let s = shift(&y, &x, 0.95).unwrap();
        let [low, high] = s.interval.unwrap();
        assert!((s.estimate - 0.305).abs() < 1e-9 && (low + 0.15).abs() < 1e-9 && (high - 0.76).abs() < 1e-9, "{s:?}");
    }

    #[test]
    fn the_example_of_ages_at_diagnosis_is_met_exactly_and_by_the_normal() {
        // scipy.stats.mannwhitneyu's documentation: U = 17, p = 1/9 exact and 0.11134688653 asymptotic.
        let (males, females) = ([19.0, 22.0, 16.0, 29.0, 24.0], [20.0, 11.0, 17.0, 12.0]);
        let t = mann_whitney(&females, &males).unwrap();
        assert!((t.u - 17.0).abs() < 1e-9 && (t.p - 1.0 / 9.0).abs() < 1e-12, "{t:?}");
        let all: Vec<f64> = females.iter().chain(&males).copied().collect();
        assert!((normal_p(&Ranks::of(&all), 4.0, 5.0, 17.0) - 0.111_346_886_53).abs() < 1e-9);
    }

    #[test]
    fn ties_are_dealt_with_exactly_and_by_the_normal() {
        // scipy 1.17: asymptotic with continuity 0.0705740679568; by enumeration of all 1716 deals 0.0629370629.
        let (a, b) = ([5.0, 7.0, 7.0, 8.0, 9.0, 12.0], [7.0, 9.0, 9.0, 11.0, 14.0, 15.0, 15.0]);
        let t = mann_whitney(&a, &b).unwrap();
        assert!((t.u - 34.0).abs() < 1e-9 && (t.p - 0.062_937_062_9).abs() < 1e-9, "{t:?}");
        let all: Vec<f64> = a.iter().chain(&b).copied().collect();
        assert!((normal_p(&Ranks::of(&all), 6.0, 7.0, 34.0) - 0.070_574_067_956_8).abs() < 1e-9);
    }

    #[test]
    fn complete_separation_of_five_and_five_gives_two_in_252() {
        let t = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]).unwrap();
        assert!((t.p - 2.0 / 252.0).abs() < 1e-12 && (t.delta - 1.0).abs() < 1e-12, "{t:?}");
        assert!((smallest_p(5, 5) - 2.0 / 252.0).abs() < 1e-12);
    }

    #[test]
    fn the_ranks_of_the_interval_are_those_of_the_tables() {
        // Critical U at 5 % two-sided: 2 for 5 and 5, 23 for 10 and 10, 127 for 20 and 20.
        for (n, critical) in [(5, 2), (10, 23), (20, 127)] {
            assert_eq!(exact_rank(n, n, 0.025), critical + 1, "{n}");
        }
        assert_eq!(shift(&[1.0, 2.0], &[3.0, 4.0], 0.95).unwrap().interval, None);
    }

    #[test]
    fn values_all_equal_show_nothing_and_empty_arms_are_refused() {
        let t = mann_whitney(&[1.0; 40], &[1.0; 40]).unwrap();
        assert!((t.p - 1.0).abs() < 1e-12 && t.delta.abs() < 1e-12);
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(shift(&[], &[1.0], 0.95), None);
    }
}
