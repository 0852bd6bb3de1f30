//! How well a quantile is known from independent samples, whatever their distribution: the interval between two order
//! statistics (David & Nagaraja, "Order Statistics", 3rd ed., section 7.1; Hahn & Meeker, "Statistical Intervals").
//!
//! Latencies within a repetition are seldom independent, so this is a floor: no interval may claim to be narrower.

use crate::hist::count_f64;

/// Ranks, from 1, of the samples that bound a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankInterval {
    /// Rank of the lower bound.
    pub lower: u64,
    /// Rank of the upper bound.
    pub upper: u64,
    /// Probability that the quantile lies between the two; at least the confidence that was asked for.
    pub coverage: f64,
}

/// The ranks that bound the quantile `q` of `n` independent samples with at least `confidence`, the rest split evenly;
/// `None` where there are too few samples for two such ranks.
#[must_use]
pub fn rank_interval(n: u64, q: f64, confidence: f64) -> Option<RankInterval> {
    if n == 0 || !(q > 0.0 && q < 1.0) {
        return None;
    }
    let below = Binomial::new(n, q);
    let tail = (1.0 - confidence) / 2.0;
    // The quantile lies under the sample of rank r with P(B < r), above or at it with P(B >= r), where B counts the
    // samples that do not exceed the quantile.
    let (mut lower, mut missed_below) = (0, 0.0);
    let mut cumulative = 0.0;
    let mut upper = None;
    for (count, p) in (below.first..).zip(&below.probabilities) {
        // Here `cumulative` is P(B < count).
        if cumulative <= tail {
            (lower, missed_below) = (count, cumulative);
        }
        if upper.is_none() && 1.0 - cumulative <= tail {
            upper = Some((count, 1.0 - cumulative));
        }
        cumulative += p;
    }
    // Beyond the last count with a weight everything has been seen.
    let last = below.first + u64::try_from(below.probabilities.len()).ok()?;
    let (upper, missed_above) = upper.unwrap_or((last, 0.0));
    (lower >= 1 && upper <= n).then_some(RankInterval { lower, upper, coverage: 1.0 - missed_below - missed_above })
}

/// The binomial distribution's weights around its mode, as far as they matter. By the ratio of neighbours and
/// normalised, so that no factorial is needed and millions of samples lose no precision.
struct Binomial {
    first: u64,
    probabilities: Vec<f64>,
}

impl Binomial {
    fn new(n: u64, q: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n")]
        let mode = (((count_f64(n) + 1.0) * q).floor() as u64).min(n);
        let odds = q / (1.0 - q);
        let mut down = Vec::new();
        let (mut k, mut weight) = (mode, 1.0);
        while k > 0 && weight > 1e-18 {
            weight *= count_f64(k) / (count_f64(n - k + 1) * odds);
            down.push(weight);
            k -= 1;
        }
        let first = k;
        let mut probabilities: Vec<f64> = down.into_iter().rev().collect();
        (k, weight) = (mode, 1.0);
        probabilities.push(1.0);
        while k < n && weight > 1e-18 {
            weight *= count_f64(n - k) * odds / count_f64(k + 1);
            probabilities.push(weight);
            k += 1;
        }
        let total: f64 = probabilities.iter().sum();
        for p in &mut probabilities {
            *p /= total;
        }
        Self { first, probabilities }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(n: u64, q: f64, lower: u64, upper: u64, coverage: f64) {
        let i = rank_interval(n, q, 0.95).unwrap();
        assert_eq!((i.lower, i.upper), (lower, upper), "n = {n}, q = {q}: {i:?}");
        assert!((i.coverage - coverage).abs() < 5e-5, "{i:?}");
    }

    #[test]
    fn the_intervals_of_the_median_are_those_of_the_tables() {
        // Conover, "Practical Nonparametric Statistics": n = 10: ranks 2 and 9; n = 20: 6 and 15; n = 30: 10 and 21.
        known(10, 0.5, 2, 9, 0.9785);
        known(20, 0.5, 6, 15, 0.9586);
        known(30, 0.5, 10, 21, 0.9572);
        known(6, 0.5, 1, 6, 0.9688);
    }

    #[test]
    fn the_interval_of_a_tail_agrees_with_the_exact_binomial() {
        // scipy 1.17: by the cdf of binom(n, q).
        known(1_000, 0.99, 983, 997, 0.976_09);
        known(10_000_000, 0.5, 4_996_901, 5_003_100, 0.950_04);
    }

    #[test]
    fn five_samples_bound_no_median_with_95_percent() {
        assert_eq!(rank_interval(5, 0.5, 0.95), None);
        assert_eq!(rank_interval(100, 0.999, 0.95), None);
        assert_eq!(rank_interval(0, 0.5, 0.95), None);
        assert_eq!(rank_interval(10, 1.0, 0.95), None);
    }
}
