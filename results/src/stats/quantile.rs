//! Which quantile is meant, and how many samples it takes.
//!
//! A quantile q of n samples is the nearest-rank one: the smallest sample that at least ⌈q·n⌉ samples do not exceed
//! (type 1 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996). It is
//! always a sample that was really seen; nothing is interpolated.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hist::count_f64;

/// The quantiles that certificates hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Quantile {
    /// The smallest sample.
    #[serde(rename = "min")]
    Min,
    /// Median.
    #[serde(rename = "p50")]
    P50,
    /// 90 %.
    #[serde(rename = "p90")]
    P90,
    /// 99 %.
    #[serde(rename = "p99")]
    P99,
    /// 99.9 %.
    #[serde(rename = "p99_9")]
    P99_9,
    /// 99.99 %.
    #[serde(rename = "p99_99")]
    P99_99,
    /// The largest sample.
    #[serde(rename = "max")]
    Max,
}

impl Quantile {
    /// All, smallest first.
    pub const ALL: [Self; 7] = [Self::Min, Self::P50, Self::P90, Self::P99, Self::P99_9, Self::P99_99, Self::Max];

    /// Those between the extremes, with their levels.
    pub const LEVELS: [(Self, f64); 5] =
        [(Self::P50, 0.5), (Self::P90, 0.9), (Self::P99, 0.99), (Self::P99_9, 0.999), (Self::P99_99, 0.9999)];

    /// The name used in profiles and certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P99_9 => "p99_9",
            Self::P99_99 => "p99_99",
            Self::Max => "max",
        }
    }

    /// Its share of the samples; `None` for the extremes.
    #[must_use]
    pub fn level(self) -> Option<f64> {
        Self::LEVELS.iter().find(|(q, _)| *q == self).map(|(_, level)| *level)
    }

    /// `99.9 %`; `min` and `max` for the extremes.
    #[must_use]
    pub const fn percent(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::P50 => "50 %",
            Self::P90 => "90 %",
            Self::P99 => "99 %",
            Self::P99_9 => "99.9 %",
            Self::P99_99 => "99.99 %",
            Self::Max => "max",
        }
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Quantile {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|q| q.name() == name).ok_or(())
    }
}

/// The rank, from 1, of the nearest-rank quantile `q` among `n` samples: ⌈q·n⌉, but at least 1 and at most n.
///
/// The product is taken with 1e-12 of relative slack, so that 0.99 of 100 is the 99th although 0.99 is not a binary
/// fraction.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and n, whole")]
pub fn rank_of(q: f64, n: u64) -> u64 {
    let exact = q.clamp(0.0, 1.0) * count_f64(n);
    ((exact * (1.0 - 1e-12)).ceil() as u64).clamp(n.min(1), n)
}

/// The nearest-rank quantile of `sorted` samples; `None` where there are none.
#[must_use]
pub fn of_sorted<T: Copy>(sorted: &[T], q: f64) -> Option<T> {
    let rank = rank_of(q, u64::try_from(sorted.len()).ok()?);
    sorted.get(usize::try_from(rank.checked_sub(1)?).ok()?).copied()
}

/// The same of samples in any order, without sorting more than it takes: there may be millions.
pub fn of_unsorted<T: Copy + Ord>(samples: &mut [T], q: f64) -> Option<T> {
    let rank = rank_of(q, u64::try_from(samples.len()).ok()?);
    let place = usize::try_from(rank.checked_sub(1)?).ok().filter(|place| *place < samples.len())?;
    Some(*samples.select_nth_unstable(place).1)
}

/// How many samples the quantile `q` needs before it may be shown: 10/(1-q), so that about ten lie beyond it.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and whole; saturates for q = 1")]
pub fn samples_needed(q: f64) -> u64 {
    let beyond = 1.0 - q.clamp(0.0, 1.0);
    // The slack keeps 10/(1-0.9) at 100 although 1-0.9 is a hair too large or too small.
    (10.0 / beyond - 1e-6).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_1_quantiles_are_those_of_hyndman_and_fan() {
        // R: quantile(c(1,3,5,7,9,11,13,15,17,19), c(.1,.25,.5,.75,.9), type = 1) gives 1 5 9 15 17.
        let x = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19];
        let got: Vec<_> = [0.1, 0.25, 0.5, 0.75, 0.9].map(|q| of_sorted(&x, q).unwrap()).into();
        assert_eq!(got, [1, 5, 9, 15, 17]);
        let mut x = [9, 1, 19, 3, 17, 5, 15, 7, 13, 11];
        let got: Vec<_> = [0.1, 0.25, 0.5, 0.75, 0.9].map(|q| of_unsorted(&mut x, q).unwrap()).into();
        assert_eq!(got, [1, 5, 9, 15, 17]);
        assert_eq!(of_unsorted::<u8>(&mut [], 0.5), None);
    }

    #[test]
    fn a_rank_does_not_slip_because_of_binary_fractions() {
        assert_eq!((rank_of(0.99, 100), rank_of(0.9, 10), rank_of(0.999, 1_000)), (99, 9, 999));
        assert_eq!((rank_of(0.9999, 10_000_000), rank_of(0.99, 1_000_000_007)), (9_999_000, 990_000_007));
    }

    #[test]
    fn a_rank_stays_within_the_samples() {
        assert_eq!((rank_of(0.0, 5), rank_of(1.0, 5), rank_of(0.5, 0), rank_of(2.0, 3)), (1, 5, 0, 3));
        assert_eq!(of_sorted::<u8>(&[], 0.5), None);
    }

    #[test]
    fn each_further_nine_needs_ten_times_the_samples() {
        let needed: Vec<_> = Quantile::LEVELS.iter().map(|(_, q)| samples_needed(*q)).collect();
        assert_eq!(needed, [20, 100, 1_000, 10_000, 100_000]);
    }

    #[test]
    fn every_name_is_read_back() {
        for q in Quantile::ALL {
            assert_eq!(q.name().parse(), Ok(q));
        }
        assert_eq!("p99.9".parse::<Quantile>(), Err(()));
    }
}
