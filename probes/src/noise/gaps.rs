//! Counting of gaps in a series of clock reads.

use tickcert_results::time::{TickSpan, Ticks};

/// Gaps seen so far. Every read costs a subtraction and a comparison, so that the loop itself is no gap.
#[derive(Clone, Debug)]
pub struct Gaps {
    first: Ticks,
    last: Ticks,
    threshold_ticks: u64,
    count: u64,
    largest_ticks: u64,
    stolen_ticks: u64,
}

impl Gaps {
    /// Starts at the first read of the clock.
    #[must_use]
    pub const fn new(first: Ticks, threshold_ticks: u64) -> Self {
        Self { first, last: first, threshold_ticks, count: 0, largest_ticks: 0, stolen_ticks: 0 }
    }

    /// Takes the next read. One that is earlier than the last (cores out of step) counts as no time passed.
    #[inline]
    pub fn read(&mut self, now: Ticks) {
        let step = now.raw().saturating_sub(self.last.raw());
        self.last = now;
        if step > self.threshold_ticks {
            self.count += 1;
            self.stolen_ticks += step;
            self.largest_ticks = self.largest_ticks.max(step);
        }
    }

    /// Gaps longer than the threshold.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest of them; zero when there was none.
    #[must_use]
    pub const fn largest(&self) -> TickSpan {
        TickSpan(self.largest_ticks.cast_signed())
    }

    /// Their sum in ticks.
    #[must_use]
    pub const fn stolen_ticks(&self) -> u64 {
        self.stolen_ticks
    }

    /// From the first read to the last, in ticks.
    #[must_use]
    pub const fn elapsed_ticks(&self) -> u64 {
        self.last.raw().saturating_sub(self.first.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(reads: &[u64], threshold: u64) -> Gaps {
        let ticks: Vec<Ticks> = reads.iter().map(|&r| Ticks::new(r).unwrap()).collect();
        let mut gaps = Gaps::new(ticks[0], threshold);
        ticks[1..].iter().for_each(|&t| gaps.read(t));
        gaps
    }

    #[test]
    fn only_steps_above_the_threshold_are_gaps() {
        let gaps = after(&[100, 150, 250, 351, 1351], 100);
        assert_eq!(gaps.count(), 2);
        assert_eq!(gaps.largest(), TickSpan(1000));
        assert_eq!(gaps.stolen_ticks(), 1101);
        assert_eq!(gaps.elapsed_ticks(), 1251);
    }

    #[test]
    fn a_quiet_core_has_no_gap_and_no_largest() {
        let gaps = after(&[1, 2, 3, 4], 10);
        assert_eq!((gaps.count(), gaps.largest(), gaps.stolen_ticks()), (0, TickSpan(0), 0));
    }

    #[test]
    fn a_read_that_runs_backwards_is_no_gap_of_centuries() {
        assert_eq!(after(&[1000, 900, 1000], 500).count(), 0);
    }
}
