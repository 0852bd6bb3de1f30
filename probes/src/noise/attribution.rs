//! Which gap what the kernel tells of the thread belongs to.

use tickcert_results::time::Ticks;

use super::{
    gaps::{ByCause, Gaps},
    own::Own,
};

/// Gaps, each with its cause.
pub(super) struct Attributed {
    pub(super) gaps: Gaps,
    pub(super) by_cause: ByCause,
    last_read: Ticks,
    last: Own,
    ask_above: u64,
}

impl Attributed {
    /// The kernel is asked after each step above `ask_above` ticks, though only those above the threshold are gaps: a switch in
    /// a shorter one would be laid to the next gap's charge otherwise.
    pub(super) fn new(first: Ticks, threshold_ticks: u64, ask_above: u64, began: Own) -> Self {
        let ask_above = ask_above.min(threshold_ticks);
        let gaps = Gaps::new(first, threshold_ticks);
        Self { gaps, by_cause: ByCause::default(), last_read: first, last: began, ask_above }
    }

    /// Takes the next read of the clock, and says whether `own` was called, which took time that wasn't watched.
    #[inline]
    pub(super) fn read(&mut self, now: Ticks, own: impl FnOnce() -> Own) -> bool {
        let step = now.raw().saturating_sub(self.last_read.raw());
        self.last_read = now;
        let gap = self.gaps.read(now);
        if step <= self.ask_above {
            return false;
        }
        let own = own();
        if let Some(gap) = gap {
            self.by_cause.add(own.cause_since(self.last), gap);
        }
        self.last = own;
        true
    }

    /// Goes on from here.
    #[inline]
    pub(super) fn skip_to(&mut self, now: Ticks) {
        self.last_read = self.last_read.max(now);
        self.gaps.skip_to(now);
    }
}

#[cfg(test)]
mod tests {
    use tickcert_results::{
        certificate::GapCause,
        time::{Nanos, TickScale},
    };

    use super::*;

    fn at(raw: u64) -> Ticks {
        Ticks::new(raw).unwrap()
    }

    #[test]
    fn a_switch_in_a_step_below_a_high_threshold_is_not_the_cause_of_the_next_gap() {
        let mut seen = Attributed::new(at(1000), 50_000, 1000, Own::default());
        let switched = Own::of(1, 0);
        assert!(!seen.read(at(1020), || unreachable!("the loop itself")));
        assert!(seen.read(at(6020), || switched));
        assert_eq!(seen.gaps.count(), 0);
        assert!(seen.read(at(106_020), || switched));
        let causes = seen.by_cause.record(TickScale::from_hz(1e9));
        assert_eq!(causes.iter().map(|of| (of.cause, of.gaps)).collect::<Vec<_>>(), [(GapCause::Below, 1)]);
        assert!(seen.read(at(206_020), || Own::of(2, 0)));
        let causes = seen.by_cause.record(TickScale::from_hz(1e9));
        assert_eq!(causes[1].cause, GapCause::SwitchedOut);
        assert_eq!(causes[1].total_ns, Nanos(100_000));
    }

    #[test]
    fn a_threshold_below_what_is_asked_above_has_every_gap_asked_for() {
        let mut seen = Attributed::new(at(1000), 100, 1000, Own::default());
        assert!(seen.read(at(1200), || Own::of(0, 1)));
        seen.skip_to(at(1900));
        assert!(!seen.read(at(1950), || unreachable!("what was skipped is no step")));
        assert_eq!(seen.by_cause.record(TickScale::from_hz(1e9))[0].cause, GapCause::PageFault);
    }
}
