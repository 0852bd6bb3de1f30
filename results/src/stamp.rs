//! A stamp that a device or the kernel put on a frame: never without the clock that it was read from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Nanos, Ticks};

/// What a profile wants of hardware stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StampPolicy {
    /// None: interfaces and lanes stay as they are.
    Off,
    /// Those that can be had; what can't is done without, and said.
    #[default]
    Prefer,
    /// What can't be had makes a result that is not certifiable.
    Require,
}

/// `off`, `prefer`, `require`.
impl fmt::Display for StampPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Prefer => "prefer",
            Self::Require => "require",
        })
    }
}

/// What one clock shows less what another shows at the same moment, in nanoseconds: negative where the first is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ClockOffset(pub i64);

impl ClockOffset {
    /// Of two clocks in nanoseconds since the same epoch; as far as it goes where the two are centuries apart.
    #[must_use]
    pub const fn between(first: Ticks, second: Ticks) -> Self {
        Self(first.since(second).0)
    }

    /// How far apart the two are, whichever is ahead.
    #[must_use]
    pub const fn size(self) -> Nanos {
        Nanos(self.0.unsigned_abs())
    }
}

/// `+12 ns`, `-37.0 s`.
impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.0 < 0 { '-' } else { '+' }, self.size())
    }
}

/// Which clock a stamp is of. Stamps of different clocks are not subtracted from each other without the offset between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StampClock {
    /// A PTP hardware clock by its number (`/dev/ptp0`), in nanoseconds.
    Phc(u32),
    /// A counter of the device that the system shows as no clock, in nanoseconds of its own.
    Device,
    /// The kernel's `CLOCK_REALTIME`, in nanoseconds: a software stamp, never more than that.
    Kernel,
}

impl StampClock {
    /// Whether a device stamps by it.
    #[must_use]
    pub const fn is_hardware(self) -> bool {
        !matches!(self, Self::Kernel)
    }
}

/// `/dev/ptp0`, `the device's own counter`, `CLOCK_REALTIME`.
impl fmt::Display for StampClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phc(number) => write!(f, "/dev/ptp{number}"),
            Self::Device => f.write_str("the device's own counter"),
            Self::Kernel => f.write_str("CLOCK_REALTIME"),
        }
    }
}

/// Whether a clock followed its reference when it stamped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lock {
    /// Nobody says, or there is no reference.
    #[default]
    Unknown,
    /// It did.
    Locked,
    /// It did not.
    Unlocked,
}

/// A stamp: when, by which clock, and whether that clock was locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// When, in nanoseconds of that clock.
    pub at: Ticks,
    /// Which clock.
    pub clock: StampClock,
    /// Whether it was locked.
    pub lock: Lock,
}

impl Stamp {
    /// Of a clock of which nobody says whether it is locked.
    #[must_use]
    pub const fn new(at: Ticks, clock: StampClock) -> Self {
        Self { at, clock, lock: Lock::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_says_which_clock_is_ahead() {
        let at = |raw| Ticks::new(raw).unwrap();
        assert_eq!(ClockOffset::between(at(100), at(88)).to_string(), "+12 ns");
        assert_eq!(ClockOffset::between(at(1), at(37_000_000_001)).to_string(), "-37.00 s");
        assert_eq!(ClockOffset(i64::MIN).size(), Nanos(1 << 63));
    }

    #[test]
    fn without_a_word_about_it_hardware_stamps_are_taken_where_they_can_be_had() {
        assert_eq!(StampPolicy::default(), StampPolicy::Prefer);
        assert_eq!(serde_json::to_string(&StampPolicy::Require).unwrap(), "\"require\"");
    }
}
