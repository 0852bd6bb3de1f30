//! A stamp that a device or the kernel put on a frame: never without the clock that it was read from.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Ticks;

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
