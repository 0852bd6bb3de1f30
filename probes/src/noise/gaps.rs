//! Counting of gaps in a series of clock reads.

use tickcert_results::{
    certificate::{GapCause, GapsOfCause},
    time::{Nanos, TickScale, TickSpan, Ticks},
};

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

    /// Takes the next read, and hands back the gap before it, if that is one. A read that is earlier than the last (cores out of
    /// step) counts as no time passed.
    #[inline]
    pub fn read(&mut self, now: Ticks) -> Option<TickSpan> {
        let step = now.raw().saturating_sub(self.last.raw());
        self.last = now;
        if step > self.threshold_ticks {
            self.count += 1;
            self.stolen_ticks += step;
            self.largest_ticks = self.largest_ticks.max(step);
            return Some(TickSpan(step.cast_signed()));
        }
        None
    }

    /// Goes on from here: what lies between was not watched.
    #[inline]
    pub fn skip_to(&mut self, now: Ticks) {
        self.last = self.last.max(now);
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

/// Gaps by cause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ByCause([OfCause; 3]);

#[derive(Clone, Copy, Debug, Default)]
struct OfCause {
    gaps: u64,
    largest: u64,
    total: u64,
}

impl ByCause {
    const ORDER: [GapCause; 3] = [GapCause::Below, GapCause::SwitchedOut, GapCause::PageFault];

    pub(super) fn add(&mut self, cause: GapCause, gap: TickSpan) {
        let ticks = gap.0.unsigned_abs();
        for (of, _) in self.0.iter_mut().zip(Self::ORDER).filter(|(_, of)| *of == cause) {
            of.gaps += 1;
            of.largest = of.largest.max(ticks);
            of.total += ticks;
        }
    }

    /// Those that there were.
    pub(super) fn record(&self, scale: TickScale) -> Vec<GapsOfCause> {
        let ns = |ticks: u64| scale.ns(TickSpan(ticks.cast_signed())).unwrap_or(Nanos::ZERO);
        let of = self.0.iter().zip(Self::ORDER).filter(|(of, _)| of.gaps > 0);
        of.map(|(of, cause)| GapsOfCause { cause, gaps: of.gaps, largest_ns: ns(of.largest), total_ns: ns(of.total) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(reads: &[u64], threshold: u64) -> Gaps {
        let ticks: Vec<Ticks> = reads.iter().map(|&r| Ticks::new(r).unwrap()).collect();
        let mut gaps = Gaps::new(ticks[0], threshold);
        for &t in &ticks[1..] {
            let _ = gaps.read(t);
        }
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

    #[test]
    fn what_was_not_watched_is_no_gap() {
        let at = |raw| Ticks::new(raw).unwrap();
        let mut gaps = Gaps::new(at(100), 50);
        assert_eq!(gaps.read(at(200)), Some(TickSpan(100)));
        gaps.skip_to(at(900));
        assert_eq!((gaps.read(at(910)), gaps.count()), (None, 1));
    }

    #[test]
    fn gaps_are_counted_under_their_cause_and_causes_without_any_are_left_out() {
        let mut by_cause = ByCause::default();
        for (cause, ticks) in [(GapCause::Below, 300), (GapCause::Below, 100), (GapCause::PageFault, 50)] {
            by_cause.add(cause, TickSpan(ticks));
        }
        let found: Vec<_> = by_cause
            .record(TickScale::from_hz(1e9))
            .iter()
            .map(|of| (of.cause, of.gaps, of.largest_ns, of.total_ns))
            .collect();
        let expected = [(GapCause::Below, 2, Nanos(300), Nanos(400)), (GapCause::PageFault, 1, Nanos(50), Nanos(50))];
        assert_eq!(found, expected);
    }
}
