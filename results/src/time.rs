//! Units and clocks as types. No bare `u64` of time crosses a crate.

use std::{fmt, num::NonZeroU64, ops};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A duration, or a point on a schedule counted from its start, in whole nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One microsecond.
    pub const MICRO: Self = Self(1_000);
    /// One millisecond.
    pub const MILLI: Self = Self(1_000_000);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);

    /// The count of nanoseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// `self - earlier`, or zero where `earlier` is the later one.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// In seconds; exact up to 2^53 ns (104 days).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display and rates only; exact for 104 days")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl ops::Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl ops::Mul<u64> for Nanos {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        Self(self.0 * times)
    }
}

impl From<Nanos> for std::time::Duration {
    fn from(n: Nanos) -> Self {
        Self::from_nanos(n.0)
    }
}

/// With the unit that keeps it readable: `850 ns`, `8.53 us`, `12.0 ms`, `1.50 s`.
impl fmt::Display for Nanos {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{} ns", self.0),
            1_000..1_000_000 => write!(f, "{:.2} us", n / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.2} ms", n / 1e6),
            _ => write!(f, "{:.2} s", n / 1e9),
        }
    }
}

/// A span that may be negative, in whole nanoseconds: from the end of a frame to an order that left before it, say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SignedNanos(pub i64);

/// As of [`Nanos`], with a minus where it is negative.
impl fmt::Display for SignedNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.0 < 0 { "-" } else { "" }, Nanos(self.0.unsigned_abs()))
    }
}

/// Raw ticks of one clock (the time-stamp counter, or a NIC's PHC), as read. Never zero: a zero stamp is a missing one.
///
/// Turned into time only by the [`TickScale`] that belongs to the same clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(NonZeroU64);

impl Ticks {
    /// The earliest there can be.
    pub const MIN: Self = Self(NonZeroU64::MIN);

    /// A stamp as read from the clock; `None` for zero.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        match NonZeroU64::new(raw) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// The raw count.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0.get()
    }

    /// Ticks from `earlier` to `self`; negative where `earlier` is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> TickSpan {
        TickSpan(self.raw().wrapping_sub(earlier.raw()).cast_signed())
    }
}

/// A signed difference of two [`Ticks`] of one clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TickSpan(pub i64);

/// How fast a clock ticks: the only way from ticks to nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TickScale {
    /// Nanoseconds that one tick lasts.
    pub ns_per_tick: f64,
}

impl TickScale {
    /// A clock of `hz` ticks a second.
    #[must_use]
    pub fn from_hz(hz: f64) -> Self {
        Self { ns_per_tick: 1e9 / hz }
    }

    /// A difference in nanoseconds, rounded to the nearest; a negative one (clocks of two cores out of step, or a
    /// stamp that does not belong) is kept negative for the caller to reject and count.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "spans stay far below 2^53 ticks")]
    pub fn signed_ns(&self, span: TickSpan) -> i64 {
        rounded(span.0 as f64 * self.ns_per_tick)
    }

    /// A span in nanoseconds, `None` when it is negative.
    #[must_use]
    pub fn ns(&self, span: TickSpan) -> Option<Nanos> {
        u64::try_from(self.signed_ns(span)).ok().map(Nanos)
    }

    /// How many ticks a duration lasts, rounded to the nearest.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "durations stay far below 2^53 ns and are not negative"
    )]
    pub fn ticks(&self, d: Nanos) -> u64 {
        (d.0 as f64 / self.ns_per_tick).round() as u64
    }
}

/// As `x.round() as i64`, which costs a call for each of millions of stamps where the processor's oldest instructions
/// have to do.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "saturates, as meant")]
fn rounded(x: f64) -> i64 {
    let towards_zero = x as i64;
    let rest = x - towards_zero as f64;
    towards_zero.saturating_add(i64::from(rest >= 0.5)).saturating_sub(i64::from(rest <= -0.5))
}

/// Messages or packets a second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PerSecond(pub f64);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "the very same")]
    fn as_the_standard_library_does(x: f64) -> bool {
        rounded(x) == x.round() as i64
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_the_standard_library(x in any::<f64>(), whole in any::<i32>()) {
            let half = f64::from(whole) / 2.0;
            for x in [x, half, half.next_up(), half.next_down(), half * 1e6] {
                prop_assert!(as_the_standard_library_does(x), "{x}");
            }
        }
    }

    #[test]
    fn a_zero_stamp_is_no_stamp() {
        assert_eq!(Ticks::new(0), None);
    }

    #[test]
    fn a_span_that_runs_backwards_is_not_a_duration() {
        let (a, b) = (Ticks::new(100).unwrap(), Ticks::new(90).unwrap());
        let scale = TickScale::from_hz(1e9);
        assert_eq!(scale.ns(b.since(a)), None);
        assert_eq!(scale.signed_ns(b.since(a)), -10);
    }

    #[test]
    fn a_clock_of_2_6_ghz_turns_26_ticks_into_10_ns_and_back() {
        let scale = TickScale::from_hz(2.6e9);
        assert_eq!(scale.ns(TickSpan(26)), Some(Nanos(10)));
        assert_eq!(scale.ticks(Nanos(10)), 26);
    }
}
