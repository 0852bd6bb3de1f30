//! Stamps of completions: what they are counted in, and what becomes of them.

use tickcert_results::{
    stamp::{Stamp, StampClock},
    time::Ticks,
};

/// How a device stamps completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nanoseconds, as its driver turns them into time.
    Wallclock,
    /// Ticks of a counter that runs freely, with a known frequency (`hca_core_clock`).
    Counter {
        /// Its frequency.
        kilohertz: u64,
    },
}

impl Reading {
    /// A stamp of what the device read, by a clock of its own: that a wallclock is a PTP clock of the system is the device's
    /// configuration, which nothing here has seen.
    #[inline]
    pub(super) fn stamp(self, raw: u64) -> Option<Stamp> {
        let nanoseconds = match self {
            Self::Wallclock => raw,
            // In wider numbers: a counter of 156 MHz times a million is past 64 bits within a day.
            Self::Counter { kilohertz } => {
                u64::try_from(u128::from(raw) * 1_000_000 / u128::from(kilohertz.max(1))).ok()?
            }
        };
        (raw != 0).then(|| Ticks::new(nanoseconds)).flatten().map(|at| Stamp::new(at, StampClock::Device))
    }

    /// In words, for facts.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Wallclock => "the device's wallclock".to_owned(),
            Self::Counter { kilohertz } => format!("the device's counter of {kilohertz} kHz"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_becomes_nanoseconds_by_its_frequency_and_a_wallclock_is_that_already() {
        let at = |reading: Reading, raw| reading.stamp(raw).map(|stamp| (stamp.at.raw(), stamp.clock));
        let counter = Reading::Counter { kilohertz: 156_250 };
        assert_eq!(at(counter, 156_250_000), Some((1_000_000_000, StampClock::Device)));
        // After ten days.
        assert_eq!(at(counter, 156_250_000 * 864_000), Some((864_000_000_000_000, StampClock::Device)));
        assert_eq!(at(Reading::Wallclock, 5), Some((5, StampClock::Device)));
    }

    #[test]
    fn a_stamp_of_zero_is_none_and_no_frequency_divides_by_nothing() {
        assert_eq!(Reading::Wallclock.stamp(0), None);
        assert!(Reading::Counter { kilohertz: 0 }.stamp(1).is_some());
    }
}
