//! Where the warm-up ends.
//!
//! At least 10,000 triggers or 500 ms are discarded, whichever comes first. Then the first two successive windows whose
//! medians agree mark the start of what is kept: both windows belong to it, since the first of them already looked like
//! the second. Two medians agree when they differ by at most 5 %, or when their 95 % order-statistic intervals overlap.
//! Only medians are compared: the tail of a window of a few thousand samples says too little, and a stall of the host
//! is to be measured, not waited out. A slow drift is not for the warm-up to remove but for [`super::independence`] to
//! report.

use super::{len_f64, order_statistic::rank_interval, quantile::of_sorted, ranks::as_u64};
use crate::{certificate::WarmUp, hist::count_f64, time::Nanos};

/// What is discarded at least and at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUpRule {
    /// Triggers after which it may end.
    pub triggers: usize,
    /// Time after which it may end, if that comes first.
    pub time: Nanos,
    /// Share of all samples that may be discarded, 0 to 1. This is never exceeded, not even for the two above.
    pub most: f64,
}

impl Default for WarmUpRule {
    fn default() -> Self {
        Self { triggers: 10_000, time: Nanos(500 * Nanos::MILLI.0), most: 0.5 }
    }
}

/// Result of [`find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUpEnd {
    /// Index of the first sample to keep.
    pub first_kept: usize,
    /// Whether two successive windows agreed; if not, all that may be discarded is discarded.
    pub stationary: bool,
}

/// Two medians that differ by no more than this share agree.
const TOLERANCE: f64 = 0.05;
/// A window has a twentieth of the samples, within these bounds.
const WINDOW: (usize, usize) = (100, 10_000);

/// Finds the end of the warm-up in `samples` in the order of time; of each, `latency`, and when it was due, `at`,
/// counted from the start of the repetition. Only those that decide are looked at: there may be millions.
#[must_use]
pub fn find<T>(samples: &[T], latency: impl Fn(&T) -> Nanos, at: impl Fn(&T) -> Nanos, rule: WarmUpRule) -> WarmUpEnd {
    let n = samples.len();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let most = (len_f64(n) * rule.most.clamp(0.0, 1.0)).floor() as usize;
    let window = (n / 20).clamp(WINDOW.0, WINDOW.1);
    let mut start = samples.partition_point(|s| at(s) < rule.time).min(rule.triggers);
    while start <= most && start + 2 * window <= n {
        let (first, second) = (&samples[start..start + window], &samples[start + window..start + 2 * window]);
        if agree(first, second, &latency) {
            return WarmUpEnd { first_kept: start, stationary: true };
        }
        start += window;
    }
    WarmUpEnd { first_kept: most.min(n), stationary: false }
}

fn agree<T>(first: &[T], second: &[T], latency: impl Fn(&T) -> Nanos) -> bool {
    let centre = |window: &[T]| Centre::of(window.iter().map(&latency).collect());
    match (centre(first), centre(second)) {
        (Some(a), Some(b)) => {
            let near = (a.median - b.median).abs() <= TOLERANCE * a.median.min(b.median);
            near || (a.low <= b.high && b.low <= a.high)
        }
        _ => false,
    }
}

/// A window's median with its interval.
struct Centre {
    low: f64,
    median: f64,
    high: f64,
}

impl Centre {
    fn of(mut sorted: Vec<Nanos>) -> Option<Self> {
        sorted.sort_unstable();
        let ranks = rank_interval(as_u64(sorted.len()), 0.5, 0.95)?;
        let at = |rank: u64| Some(count_f64(sorted.get(usize::try_from(rank).ok()?.checked_sub(1)?)?.0));
        let median = count_f64(of_sorted(&sorted, 0.5)?.0);
        Some(Self { low: at(ranks.lower)?, median, high: at(ranks.upper)? })
    }
}

impl WarmUpEnd {
    /// As the certificate records it; `samples` and `at` as in [`find`].
    #[must_use]
    pub fn record<T>(&self, samples: &[T], at: impl Fn(&T) -> Nanos) -> WarmUp {
        let end = samples.get(self.first_kept).or(samples.last()).map(at).unwrap_or_default();
        WarmUp {
            orders: as_u64(self.first_kept),
            duration_ns: if self.first_kept == 0 { Nanos::ZERO } else { end },
            share: if samples.is_empty() { 0.0 } else { len_f64(self.first_kept) / len_f64(samples.len()) },
            stationary: self.stationary,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand_pcg::Pcg64;

    use super::*;

    /// `n` samples, one every `every` ns, around what `base` says, 10 % noise.
    fn series(n: u64, every: u64, base: impl Fn(u64) -> u64) -> Vec<(Nanos, Nanos)> {
        let mut rng = Pcg64::seed_from_u64(5);
        let mut value = |i| Nanos(base(i) * rng.random_range(950..1_050) / 1_000);
        (0..n).map(|i| (value(i), Nanos(i * every))).collect()
    }

    /// Of latencies and due times.
    fn find(samples: &[(Nanos, Nanos)], rule: WarmUpRule) -> WarmUpEnd {
        super::find(samples, |s| s.0, |s| s.1, rule)
    }

    #[test]
    fn a_steady_series_loses_the_minimum_only() {
        let x = series(100_000, 10_000, |_| 8_000);
        assert_eq!(find(&x, WarmUpRule::default()), WarmUpEnd { first_kept: 10_000, stationary: true });
    }

    #[test]
    fn half_a_second_ends_it_where_triggers_are_rare() {
        let x = series(20_000, 1_000_000, |_| 8_000);
        let end = find(&x, WarmUpRule::default());
        assert_eq!(end, WarmUpEnd { first_kept: 500, stationary: true });
        let recorded = end.record(&x, |s| s.1);
        assert_eq!((recorded.orders, recorded.duration_ns), (500, Nanos(500_000_000)));
        assert!((recorded.share - 0.025).abs() < 1e-12);
    }

    #[test]
    fn a_slow_start_is_discarded_whole() {
        // Falls from 16 us to 8 us over the first 30,000 samples.
        let x = series(100_000, 10_000, |i| 8_000 + 8_000 * 30_000_u64.saturating_sub(i) / 30_000);
        let end = find(&x, WarmUpRule::default());
        assert!(end.stationary && (25_000..=35_000).contains(&end.first_kept), "{end:?}");
    }

    #[test]
    fn a_series_that_never_settles_loses_what_is_allowed_and_says_so() {
        let x = series(100_000, 10_000, |i| 8_000 * (1 + i / 5_000 % 2));
        let end = find(&x, WarmUpRule { most: 0.4, ..WarmUpRule::default() });
        assert_eq!(end, WarmUpEnd { first_kept: 40_000, stationary: false });
    }

    #[test]
    fn too_few_samples_are_not_called_stationary() {
        let x = series(150, 10_000_000, |_| 8_000);
        assert_eq!(find(&x, WarmUpRule::default()), WarmUpEnd { first_kept: 75, stationary: false });
        assert_eq!(find(&[], WarmUpRule::default()), WarmUpEnd { first_kept: 0, stationary: false });
    }

    proptest! {
        #[test]
        fn never_more_is_discarded_than_allowed(
            x in prop::collection::vec(1_u64..1_000_000, 0..2_000), most in 0.0..1.0_f64, triggers in 0_usize..3_000,
        ) {
            let x: Vec<_> = x.into_iter().zip(0..).map(|(x, i)| (Nanos(x), Nanos(i * 1_000_000))).collect();
            let end = find(&x, WarmUpRule { most, triggers, ..WarmUpRule::default() });
            prop_assert!(len_f64(end.first_kept) <= most * len_f64(x.len()) + 1e-9);
        }
    }
}
