//! When packets are due.

use serde::{Deserialize, Serialize};
use tickcert_results::time::{Nanos, PerSecond};

/// One load of a profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// When packets are due.
    pub arrival: Arrival,
    /// How much is measured; the profile's own window unless the load has one.
    pub window: Window,
}

/// How much of a repetition is measured, after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Measured orders wanted; the tape is repeated until there are as many.
    pub orders: u64,
    /// The window ends here even with fewer; a quantile that then lacks samples is shown as lacking them.
    pub max_duration: Nanos,
}

/// When packets are due. Every schedule is made in advance and never slips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "mode")]
pub enum Arrival {
    /// At the tape's own times.
    Tape {
        /// 2 plays it in half the time.
        speed: f64,
    },
    /// At equal distances.
    Constant {
        /// Packets a second.
        rate: PerSecond,
    },
    /// At exponentially distributed distances.
    Poisson {
        /// Mean packets a second.
        rate: PerSecond,
    },
    /// Several packets due at the same instant, then silence until the next such burst.
    Bursts {
        /// Mean packets a second, over bursts and silences together.
        rate: PerSecond,
        /// Packets in one burst.
        burst: u32,
    },
    /// One packet after each silence, with caches disturbed in between.
    Cold {
        /// Length of the silence.
        gap: Nanos,
    },
}

impl Arrival {
    /// The word used in profiles and certificates.
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

    /// In words: `constant 20000 packets/s`.
    #[must_use]
    pub fn text(&self) -> String {
        let mode = self.mode();
        match self {
            Self::Tape { speed } => format!("{mode} {speed}x"),
            Self::Constant { rate } | Self::Poisson { rate } => {
                format!("{mode} {} packets/s", rate.0)
            }
            Self::Bursts { rate, burst } => format!("{mode} of {burst} at {} packets/s", rate.0),
            Self::Cold { gap } => format!("{mode} after {gap}"),
        }
    }

    /// Mean packets a second; `None` where it depends on the tape.
    #[must_use]
    pub fn mean_rate(&self) -> Option<PerSecond> {
        match self {
            Self::Tape { .. } => None,
            Self::Constant { rate } | Self::Poisson { rate } | Self::Bursts { rate, .. } => Some(*rate),
            Self::Cold { gap } => Some(PerSecond(1.0 / gap.as_secs_f64())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_reads_as_it_does_in_the_certificate() {
        assert_eq!(Arrival::Constant { rate: PerSecond(20_000.0) }.text(), "constant 20000 packets/s");
        assert_eq!(Arrival::Bursts { rate: PerSecond(5_000.0), burst: 16 }.text(), "bursts of 16 at 5000 packets/s");
        assert_eq!(Arrival::Tape { speed: 2.0 }.text(), "tape 2x");
        assert_eq!(Arrival::Cold { gap: Nanos(100_000_000) }.text(), "cold after 100.00 ms");
    }

    #[test]
    fn ten_ticks_a_second_follow_silences_of_100_ms() {
        assert_eq!(Arrival::Cold { gap: Nanos(100_000_000) }.mean_rate(), Some(PerSecond(10.0)));
    }
}
