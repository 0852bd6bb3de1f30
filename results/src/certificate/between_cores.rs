//! What lies between two cores: how long a cache line takes from one to the other, and how far apart their counters are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a cache line takes from one core to another, one way: half of a round trip, in which each of the two writes
/// the same line once (compare-and-swap) as soon as it sees the other's write. The two ways aren't told apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineLatency {
    /// The two cores.
    pub cores: [u32; 2],
    /// Median of the samples.
    pub one_way_ns: f64,
    /// The smallest of them.
    pub min_ns: f64,
    /// 90 % of them are no longer.
    pub p90_ns: f64,
    /// Samples taken, each the mean of…
    pub samples: u32,
    /// …so many round trips.
    pub round_trips: u32,
}

/// How far the time-stamp counter of one core is ahead of another's, by round trips between them: what one writes after
/// reading its counter the other can only see later, so that each round trip bounds the offset from both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CounterOffset {
    /// The two cores.
    pub cores: [u32; 2],
    /// The second core's counter is ahead of the first one's by no less than this (negative: behind)…
    pub at_least_ns: f64,
    /// …and by no more than this. Smaller than `at_least_ns` where no single offset agrees with all round trips.
    pub at_most_ns: f64,
    /// Round trips that the bounds are the tightest of.
    pub round_trips: u32,
}

impl CounterOffset {
    /// Whether one offset agrees with every round trip: the two counters run at the same rate.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.at_least_ns <= self.at_most_ns
    }

    /// Whether no offset, that is one of zero, agrees with every round trip.
    #[must_use]
    pub fn in_step(&self) -> bool {
        self.at_least_ns <= 0.0 && self.at_most_ns >= 0.0
    }

    /// How far from each other the two can be at most, in nanoseconds.
    #[must_use]
    pub fn bound_ns(&self) -> f64 {
        self.at_least_ns.abs().max(self.at_most_ns.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(at_least_ns: f64, at_most_ns: f64) -> CounterOffset {
        CounterOffset { cores: [0, 1], at_least_ns, at_most_ns, round_trips: 1 }
    }

    #[test]
    fn counters_are_in_step_only_if_no_offset_is_possible_and_one_offset_fits_all() {
        assert!(offset(-20.0, 30.0).in_step() && offset(-20.0, 30.0).is_steady());
        assert!(!offset(5.0, 30.0).in_step() && offset(5.0, 30.0).is_steady());
        assert!(!offset(30.0, 5.0).is_steady() && !offset(30.0, 5.0).in_step());
        assert!(!offset(10.0, -10.0).in_step());
    }

    #[test]
    fn the_bound_is_the_farther_of_the_two() {
        assert!((offset(-20.0, 30.0).bound_ns() - 30.0).abs() < 1e-12);
        assert!((offset(-40.0, 30.0).bound_ns() - 40.0).abs() < 1e-12);
    }
}
