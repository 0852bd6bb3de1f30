//! Open-loop load: when each packet of the tape is due. Made in advance, for the whole repetition; nothing that
//! happens during the run can move a due time.

mod schedule;

pub use schedule::{Schedule, ScheduleError, TapeTimes};

use std::fmt;

use serde::{Deserialize, Serialize};
use tickcert_results::{
    certificate,
    time::{Nanos, PerSecond},
};

/// How ticks arrive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
pub enum Arrival {
    /// At the tape's own times, `speed` times as fast.
    Tape {
        /// 1 is as recorded, 2 is twice as fast.
        speed: f64,
    },
    /// Evenly.
    Constant {
        /// Packets a second.
        rate: PerSecond,
    },
    /// With exponential gaps (memoryless arrivals).
    Poisson {
        /// Mean packets a second.
        rate: PerSecond,
    },
    /// So many at once, then silence.
    Bursts {
        /// Mean packets a second.
        rate: PerSecond,
        /// Packets that are due at the same instant.
        burst: u32,
    },
    /// Each measured trigger comes after a silence; the packets between come at `rate` and are not measured.
    Cold {
        /// The silence.
        gap: Nanos,
        /// Packets a second in between.
        rate: PerSecond,
    },
}

impl Arrival {
    /// The word used in certificates and filters.
    #[must_use]
    pub const fn mode(&self) -> &'static str {
        match self {
            Self::Tape { .. } => "tape",
            Self::Constant { .. } => "constant",
            Self::Poisson { .. } => "poisson",
            Self::Bursts { .. } => "bursts",
            Self::Cold { .. } => "cold",
        }
    }

    /// As it stands in a certificate.
    #[must_use]
    pub fn describe(&self, schedule: &Schedule) -> certificate::Load {
        certificate::Load {
            mode: self.mode().to_owned(),
            text: self.to_string(),
            rate_pps: schedule.mean_rate(),
            passes: schedule.passes(),
            sweep: None,
        }
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tape { speed } => write!(f, "tape times x {speed}"),
            Self::Constant { rate } => write!(f, "constant {:.0} packets/s", rate.0),
            Self::Poisson { rate } => write!(f, "Poisson, mean {:.0} packets/s", rate.0),
            Self::Bursts { rate, burst } => write!(f, "bursts of {burst}, mean {:.0} packets/s", rate.0),
            Self::Cold { gap, .. } => write!(f, "cold: first tick after {gap} of silence"),
        }
    }
}
