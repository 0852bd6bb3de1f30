//! A load of a profile, and how much of it is measured.

use serde::{Deserialize, Serialize};
use tickcert_results::time::{Nanos, PerSecond};

use crate::load::Arrival;

/// One load of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSpec {
    /// When packets are due.
    pub arrival: Arrival,
    /// How much is measured; the profile's own window unless the load has one.
    pub window: Window,
}

/// A search for the highest rate without loss of each lane, and loads at shares of what it finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepSpec {
    /// Shares of the highest rate, each above 0 and up to 1.
    pub shares: Vec<f64>,
    /// The rate near idle.
    pub idle: PerSecond,
    /// The search ends when the lowest rate that failed is within this share of the highest that held.
    pub resolution: f64,
    /// How long each trial of the search sends.
    pub trial: Nanos,
    /// How much is measured of each load of the sweep.
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
