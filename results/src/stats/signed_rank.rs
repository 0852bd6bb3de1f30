//! Whether pairs differ in one direction: Wilcoxon's signed ranks ("Individual Comparisons by Ranking Methods",
//! Biometrics Bulletin 1(6), 1945). For arms whose repetitions were interleaved, so that what drifts is common to both
//! members of a pair and falls out of their difference.

use super::{
    distribution::normal_two_sided,
    len_f64,
    mann_whitney::{EXACT_UP_TO, Shift, bounds, normal_rank, rank_in},
    ranks::{Ranks, ways_by_sum},
    trend::median,
};
use crate::hist::count_f64;

/// Result of [`signed_rank`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// Sum of the ranks of the positive differences.
    pub v: f64,
    /// Two-sided p-value: exact up to [`EXACT_UP_TO`] pairs, ties included.
    pub p: f64,
    /// Matched-pairs rank-biserial correlation, -1 to 1: how much more rank speaks for positive than for negative.
    pub biserial: f64,
}

/// The test that `differences` are as often above zero as below. Differences of nothing are left out, as Wilcoxon did.
#[must_use]
pub fn signed_rank(differences: &[f64]) -> SignedRank {
    let differing: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let sizes: Vec<f64> = differing.iter().map(|d| d.abs()).collect();
    let ranks = Ranks::of(&sizes);
    let positive: u64 = ranks.doubled.iter().zip(&differing).filter(|(_, d)| **d > 0.0).map(|(r, _)| r).sum();
    let all: u64 = ranks.doubled.iter().sum();
    let p = if differing.is_empty() {
        1.0
    } else if differing.len() <= EXACT_UP_TO {
        exact_p(&ranks.doubled, positive.min(all - positive))
    } else {
        normal_p(&ranks, positive)
    };
    let biserial = if all == 0 { 0.0 } else { 2.0 * count_f64(positive) / count_f64(all) - 1.0 };
    SignedRank { v: count_f64(positive) / 2.0, p, biserial }
}

/// Over all ways to give signs to the ranks: twice the tail up to the smaller sum.
fn exact_p(doubled: &[u64], smaller: u64) -> f64 {
    let items: Vec<usize> = doubled.iter().filter_map(|r| usize::try_from(*r).ok()).collect();
    let ways = ways_by_sum(&items);
    let total: f64 = ways.iter().sum();
    let smaller = usize::try_from(smaller).unwrap_or(usize::MAX).min(ways.len() - 1);
    (2.0 * ways[..=smaller].iter().sum::<f64>() / total).min(1.0)
}

fn normal_p(ranks: &Ranks, positive_doubled: u64) -> f64 {
    let n = len_f64(ranks.doubled.len());
    let ties: f64 = ranks.ties.iter().map(|t| count_f64(*t)).map(|t| t * t * t - t).sum();
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    let distance = ((count_f64(positive_doubled) / 2.0 - n * (n + 1.0) / 4.0).abs() - 0.5).max(0.0);
    if variance > 0.0 { normal_two_sided(distance / variance.sqrt()) } else { 1.0 }
}

/// The centre of `differences`: the median of the means of all pairs of them, each with itself too (Hodges & Lehmann
/// 1963), with the interval that belongs to the test (Hollander & Wolfe, section 3.3). `None` of nothing.
#[must_use]
pub fn centre(differences: &[f64], confidence: f64) -> Option<Shift> {
    let mut means = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
    for (i, d) in differences.iter().enumerate() {
        means.extend(differences[i..].iter().map(|other| f64::midpoint(*d, *other)));
    }
    let estimate = median(&mut means)?;
    let n = differences.len();
    let rank = if n <= EXACT_UP_TO {
        rank_in(&ways_by_sum(&(1..=n).collect::<Vec<_>>()), (1.0 - confidence) / 2.0)
    } else {
        let n = len_f64(n);
        normal_rank(n * (n + 1.0) / 4.0, (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt(), confidence)
    };
    Some(Shift { estimate, interval: bounds(&means, rank) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hamilton depression scale before and after (Hollander & Wolfe 1973, table 3.1).
    #[expect(clippy::approx_constant, reason = "3.14 was measured")]
    fn depression() -> Vec<f64> {
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        before.iter().zip(after).map(|(b, a)| b - a).collect()
    }

    #[test]
    fn hollander_and_wolfes_depression_data_give_v_of_40() {
        // R: wilcox.test(x, y, paired = TRUE, alternative = "greater") gives V = 40, p = 0.01953.
        let t = signed_rank(&depression());
        assert!((t.v - 40.0).abs() < 1e-9 && (t.p / 2.0 - 0.019_53).abs() < 5e-6, "{t:?}");
        assert!((t.biserial - (80.0 / 45.0 - 1.0)).abs() < 1e-9);
    }

    #[test]
    fn the_ranks_of_the_interval_are_those_of_the_tables() {
        // Critical V at 5 % two-sided: 0 for 6 pairs, 3 for 8, 8 for 10, 52 for 20.
        for (n, critical) in [(6_u32, 0_usize), (8, 3), (10, 8), (20, 52)] {
            let items: Vec<usize> = (1..=n as usize).collect();
            assert_eq!(rank_in(&ways_by_sum(&items), 0.025), critical + 1, "{n}");
        }
        assert_eq!(centre(&[1.0, 2.0, 3.0], 0.95).unwrap().interval, None);
    }

    #[test]
    fn the_centre_of_the_depression_data_is_the_median_of_its_45_means() {
        // R: wilcox.test(x, y, paired = TRUE, conf.int = TRUE) gives 0.46 and [0.01, 0.786].
        let c = centre(&depression(), 0.95).unwrap();
        let [low, high] = c.interval.unwrap();
        assert!((c.estimate - 0.46).abs() < 1e-9, "{c:?}");
        assert!((low - 0.01).abs() < 1e-9 && (high - 0.786).abs() < 1e-9, "{c:?}");
    }

    #[test]
    fn differences_of_nothing_show_nothing() {
        let t = signed_rank(&[0.0; 12]);
        assert!((t.p - 1.0).abs() < 1e-12 && t.biserial.abs() < 1e-12);
        assert_eq!(centre(&[], 0.95), None);
    }

    #[test]
    fn beyond_the_exact_range_the_normal_takes_over_smoothly() {
        let d: Vec<f64> = (1..=60).map(|i| if i % 3 == 0 { -f64::from(i) } else { f64::from(i) }).collect();
        let exact = signed_rank(&d).p;
        let ranks = Ranks::of(&d.iter().map(|x| x.abs()).collect::<Vec<_>>());
        let positive = ranks.doubled.iter().zip(&d).filter(|(_, d)| **d > 0.0).map(|(r, _)| r).sum();
        assert!((normal_p(&ranks, positive) / exact - 1.0).abs() < 0.05);
    }
}
