//! A device's clock beside the time-stamp counter: what it shows when the counter reads so and so.

use tickcert_results::{
    stamp::{ClockOffset, StampClock},
    time::{Nanos, TickScale, Ticks},
};

/// A clock may go otherwise than evenly by one in so many parts: 500 ppm, by which the kernel slews a clock at most
/// (`MAXFREQ`), and more than was seen of emulated ones (200 ppm).
const WANDER: u64 = 2_000;

/// A clock, the counter and the system's clock at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The time-stamp counter.
    pub counter: Ticks,
    /// `CLOCK_REALTIME`, nanoseconds.
    pub system: Ticks,
    /// The clock, nanoseconds.
    pub clock: Ticks,
    /// They may be off from each other by this much.
    pub width: Nanos,
}

impl Tie {
    /// The clock less the system's.
    #[must_use]
    pub const fn offset(&self) -> ClockOffset {
        ClockOffset::between(self.clock, self.system)
    }
}

/// A clock from before a trial until after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tied {
    /// Which.
    pub clock: StampClock,
    /// Before.
    pub before: Tie,
    /// After.
    pub after: Tie,
}

impl Tied {
    /// How much later than the counter's reading `counter` a stamp of this clock is, in nanoseconds; negative where it is
    /// earlier. Between the two ties the clock is taken to go evenly.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "differences within a trial and around it stay far below 2^53; a float saturates"
    )]
    pub fn later(&self, stamp: Ticks, counter: Ticks, scale: TickScale) -> i64 {
        let since = scale.signed_ns(counter.since(self.before.counter)) as f64;
        let by_then = (since * (1.0 + self.drift(scale))).round() as i64;
        stamp.since(self.before.clock).0.saturating_sub(by_then)
    }

    /// How much faster than the counter it goes, as a share.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for a share")]
    pub fn drift(&self, scale: TickScale) -> f64 {
        let by_counter = scale.signed_ns(self.after.counter.since(self.before.counter)) as f64;
        let by_clock = self.after.clock.since(self.before.clock).0 as f64;
        if by_counter > 0.0 { by_clock / by_counter - 1.0 } else { 0.0 }
    }

    /// How far off [`Self::later`] may be by the readings alone.
    #[must_use]
    pub const fn width(&self) -> Nanos {
        Nanos(self.before.width.0.saturating_add(self.after.width.0))
    }

    /// How far the clock may be, when it shows `stamp`, from where it would be if it went evenly: the more, the longer ago it
    /// was compared, or will be.
    #[must_use]
    pub fn wander(&self, stamp: Ticks) -> Nanos {
        let from = |tie: Tie| stamp.since(tie.clock).0.unsigned_abs();
        Nanos(from(self.before).min(from(self.after)) / WANDER)
    }

    /// How much earlier the kernel's stamp of a frame is than the device's, and how far off that may be. Negative where it is
    /// the later one.
    #[must_use]
    pub fn after_kernel(&self, device: Ticks, kernel: Ticks) -> (i64, Nanos) {
        let (before, after) = (self.before.offset().0, self.after.offset().0);
        let moved = Nanos(before.abs_diff(after));
        (device.since(kernel).0.saturating_sub(before), Nanos(self.width().0.saturating_add(moved.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: TickScale = TickScale { ns_per_tick: 0.5 };

    fn at(raw: u64) -> Ticks {
        Ticks::new(raw).unwrap()
    }

    /// A clock that began at 7,000 s while the counter stood at 1,000, and gains 100 ppm.
    fn tied() -> Tied {
        let tie = |counter: u64, since: u64| Tie {
            counter: at(counter),
            system: at(1_000_000 + since),
            clock: at(7_000_000_000_000 + since + since / 10_000),
            width: Nanos(30),
        };
        Tied { clock: StampClock::Phc(0), before: tie(1_000, 0), after: tie(2_001_000, 1_000_000) }
    }

    #[test]
    fn a_stamp_is_held_against_the_counter_with_the_clocks_own_drift() {
        let half = at(1_001_000);
        assert_eq!(tied().later(at(7_000_000_500_050), half, SCALE), 0);
        assert_eq!(tied().later(at(7_000_000_500_000), half, SCALE), -50);
        assert!((tied().drift(SCALE) - 1e-4).abs() < 1e-9);
    }

    #[test]
    fn a_clock_may_wander_the_farther_the_longer_ago_it_was_compared() {
        let wander = |since: u64| tied().wander(at(7_000_000_000_000 + since));
        assert_eq!([0, 400_000, 600_000, 1_000_100].map(wander), [0, 200, 200, 0].map(Nanos));
    }

    #[test]
    fn what_the_kernel_says_is_held_against_it_as_far_as_the_clocks_can_be_compared() {
        let (later, within) = tied().after_kernel(at(7_000_000_500_050), at(1_500_000));
        assert_eq!((later, within), (50, Nanos(160)));
    }
}
