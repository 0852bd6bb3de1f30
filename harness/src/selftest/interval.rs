//! What repetitions say of a truth: an interval, and where it lies.

use tickcert_results::stats::order_statistic;

use super::{Shown, ground::median};

/// The median of some repetitions with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) centre: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Interval {
    /// Between order statistics, so that nothing is assumed of the repetitions' shape. Endless with fewer than six. The
    /// values are sorted by it.
    pub(super) fn of(values: &mut [f64]) -> Self {
        let centre = median(values);
        let ranks = order_statistic::rank_interval(values.len() as u64, 0.5, 0.95);
        let at = |rank: u64| usize::try_from(rank).ok().and_then(|r| values.get(r.checked_sub(1)?)).copied();
        let (low, high) =
            ranks.and_then(|r| at(r.lower).zip(at(r.upper))).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        Self { centre, low, high }
    }

    pub(super) fn width(&self) -> f64 {
        self.high - self.low
    }

    /// Shown only if the whole interval lies in the band, contradicted only if it lies wholly outside.
    pub(super) fn within(&self, lowest: f64, highest: f64) -> Shown {
        if self.low >= lowest && self.high <= highest {
            Shown::Yes
        } else if self.high < lowest || self.low > highest {
            Shown::No
        } else {
            Shown::Inconclusive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_ten_lies_between_the_second_and_the_ninth() {
        // Binomial(10, 1/2): P(at most 1) is 1.07 %, P(at most 2) is 5.5 %.
        let mut values: Vec<f64> = (1..=10).rev().map(f64::from).collect();
        assert_eq!(Interval::of(&mut values), Interval { centre: 5.5, low: 2.0, high: 9.0 });
    }

    #[test]
    fn five_repetitions_show_nothing_and_contradict_nothing() {
        assert_eq!(Interval::of(&mut [100.0; 5]).within(80.0, 120.0), Shown::Inconclusive);
        assert_eq!(Interval::of(&mut [500.0; 5]).within(80.0, 120.0), Shown::Inconclusive);
    }

    #[test]
    fn a_centre_in_the_band_is_not_enough_when_an_end_lies_outside() {
        let of = |low, high| Interval { centre: 100.0, low, high }.within(80.0, 120.0);
        assert_eq!(of(80.0, 120.0), Shown::Yes);
        assert_eq!(of(79.0, 110.0), Shown::Inconclusive);
        assert_eq!(of(90.0, 121.0), Shown::Inconclusive);
        assert_eq!(of(121.0, 140.0), Shown::No);
        assert_eq!(of(60.0, 79.0), Shown::No);
    }
}
