//! From the endpoints' counter to the clock of the kernel's events, `CLOCK_MONOTONIC`.
//!
//! Before, now and then during, and after a trial the counter is read between two readings of that clock, several times, and
//! the tightest is kept. In between the clock is taken to run evenly. NTP may slew it: what the rates of neighbouring
//! stretches leave possible of that is part of the error.

use std::io;

use nix::time::{ClockId, clock_gettime};
use tickcert_results::time::{Nanos, Ticks};

use crate::clocks::tsc;

/// Readings of which the tightest is kept.
const TRIES: u32 = 20;

/// Both clocks at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The counter.
    pub ticks: Ticks,
    /// The kernel's clock before…
    pub before: Nanos,
    /// …and after.
    pub after: Nanos,
}

impl Anchor {
    /// Now, on the core that this runs on. Takes some microseconds.
    ///
    /// # Errors
    /// When the kernel's clock can't be read.
    pub fn take() -> io::Result<Self> {
        let mut best = Self::once()?;
        for _ in 1..TRIES {
            let next = Self::once()?;
            if next.width() < best.width() {
                best = next;
            }
        }
        Ok(best)
    }

    fn once() -> io::Result<Self> {
        let before = monotonic()?;
        let ticks = tsc::now();
        Ok(Self { ticks, before, after: monotonic()? })
    }

    fn width(&self) -> u64 {
        self.after.saturating_sub(self.before).0
    }

    fn middle(&self) -> f64 {
        as_f64(self.before.0) + as_f64(self.width()) / 2.0
    }
}

/// `CLOCK_MONOTONIC`, which the kernel stamps events with.
///
/// # Errors
/// When it can't be read.
pub fn monotonic() -> io::Result<Nanos> {
    let t = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    let part = |v: i64| u64::try_from(v).unwrap_or(0);
    Ok(Nanos::SECOND * part(t.tv_sec()) + Nanos(part(t.tv_nsec())))
}

/// From the counter to the kernel's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    pieces: Vec<Piece>,
    /// A place may be off by this much, either way.
    error: Nanos,
}

/// Between two anchors, or beyond the outermost.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from: Ticks,
    at: f64,
    /// Nanoseconds a tick.
    rate: f64,
    /// Ticks.
    long: f64,
    /// Of the rate, either way.
    rate_error: f64,
}

impl Mapping {
    /// Through these anchors, which stand in the order of time. `None` with fewer than two different ones.
    #[must_use]
    pub fn new(anchors: &[Anchor]) -> Option<Self> {
        let kept = spaced(anchors);
        let piece = |pair: &[Anchor]| {
            let [a, b] = pair else { return None };
            let long = span(b.ticks, a.ticks);
            let rate_error = as_f64(a.width() + b.width()) / 2.0 / long;
            let rate = (b.middle() - a.middle()) / long;
            (long > 0.0).then_some(Piece { from: a.ticks, at: a.middle(), rate, long, rate_error })
        };
        let pieces: Vec<Piece> = kept.windows(2).filter_map(piece).collect();
        let width = kept.iter().map(Anchor::width).max()?;
        let bent = (0..pieces.len()).map(|n| bend(&pieces, n)).fold(0.0, f64::max);
        let error = Nanos(as_nanos(as_f64(width) / 2.0 + bent).0 + 1);
        (!pieces.is_empty()).then_some(Self { pieces, error })
    }

    /// When the counter showed this, by the kernel's clock.
    #[must_use]
    pub fn at(&self, ticks: Ticks) -> Nanos {
        let after = self.pieces.partition_point(|p| p.from <= ticks);
        let piece = self.pieces.get(after.saturating_sub(1));
        piece.map_or(Nanos::ZERO, |p| as_nanos(p.at + span(ticks, p.from) * p.rate))
    }

    /// How far off that may be, either way.
    #[must_use]
    pub const fn error(&self) -> Nanos {
        self.error
    }
}

/// Those that are far enough apart for a rate to be told from one to the next, the first and the last among them.
fn spaced(anchors: &[Anchor]) -> Vec<Anchor> {
    /// Closer ones than this share of the whole say little of the rate.
    const LEAST: f64 = 0.02;
    let (Some(first), Some(last)) = (anchors.first(), anchors.last()) else { return Vec::new() };
    let least = span(last.ticks, first.ticks) * LEAST;
    let mut kept = vec![*first];
    for anchor in &anchors[1..] {
        let far = |from: &Anchor| span(anchor.ticks, from.ticks) >= least;
        if kept.last().is_none_or(far) && span(last.ticks, anchor.ticks) >= least {
            kept.push(*anchor);
        }
    }
    kept.push(*last);
    kept
}

/// By how much the clock may leave the straight line within a piece in the midst of which its rate changes, once, from that of
/// the piece before to that of the piece after. If it does so after the ticks `x` of the `long` ones, then the rates before
/// and after differ from the piece's own by `b` and `a`, where `b x = a (long - x)` is how far it leaves the line: no more
/// than `long a b / (a + b)`. Rates are known but for the widths of the anchors. A single piece has nothing to go by.
fn bend(pieces: &[Piece], n: usize) -> f64 {
    let Some(piece) = pieces.get(n) else { return 0.0 };
    let differs = |other: &Piece| (other.rate - piece.rate).abs() + other.rate_error + piece.rate_error;
    let before = n.checked_sub(1).and_then(|n| pieces.get(n)).map(differs);
    match (before, pieces.get(n + 1).map(differs)) {
        (Some(b), Some(a)) if a + b > 0.0 => piece.long * a * b / (a + b),
        (Some(one), None) | (None, Some(one)) => piece.long * one,
        _ => 0.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a span of a trial has far fewer than 53 bits")]
fn span(later: Ticks, earlier: Ticks) -> f64 {
    later.since(earlier).0 as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nanoseconds since the start of the host: exact for 104 days, and then to 2 ns"
)]
const fn as_f64(n: u64) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is never negative")]
const fn as_nanos(x: f64) -> Nanos {
    Nanos(x.round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A clock of 2 ticks a nanosecond that runs slower from some time on.
    fn clock(ticks: u64, slow_from: u64, slow: f64) -> f64 {
        let (fast, late) = (ticks.min(slow_from), ticks.saturating_sub(slow_from));
        1e9 + as_f64(fast) / 2.0 + as_f64(late) / 2.0 * (1.0 - slow)
    }

    proptest! {
        /// Whatever the widths of the brackets, wherever inside them the counter was read, and when the rate changes.
        #[test]
        fn a_place_is_never_off_by_more_than_the_error(
            widths in proptest::collection::vec((1_u64..400, 0.0_f64..1.0), 12),
            slow_from in 0_u64..2_200_000_000, slow in 0.0_f64..0.0005, probe in 0_u64..2_000_000_000,
        ) {
            let anchor = |(n, (width, share)): (u64, &(u64, f64))| {
                let ticks = 1 + n * 200_000_000;
                let before = as_nanos(clock(ticks, slow_from, slow) - as_f64(*width) * share);
                Anchor { ticks: Ticks::new(ticks).unwrap(), before, after: before + Nanos(*width) }
            };
            let anchors: Vec<Anchor> = (0..).zip(&widths).map(anchor).collect();
            let mapping = Mapping::new(&anchors).unwrap();
            let (found, truth) = (mapping.at(Ticks::new(1 + probe).unwrap()), clock(1 + probe, slow_from, slow));
            let off = (as_f64(found.0) - truth).abs();
            // Anchors and places are whole nanoseconds.
            prop_assert!(off <= as_f64(mapping.error().0) + 3.0, "off by {} of {}", off, mapping.error());
        }
    }

    #[test]
    fn an_even_clock_costs_two_brackets_and_a_half_and_no_more() {
        let anchor = |n: u64| Anchor {
            ticks: Ticks::new(1 + n * 200_000_000).unwrap(),
            before: Nanos(1_000_000_000 + n * 100_000_000 - 20),
            after: Nanos(1_000_000_000 + n * 100_000_000 + 20),
        };
        let mapping = Mapping::new(&[0, 1, 2, 3].map(anchor)).unwrap();
        // Half of one of 40 ns, and in the outermost pieces what the rates of two pieces leave open.
        assert_eq!(mapping.error(), Nanos(20 + 80 + 1));
        assert_eq!(mapping.at(Ticks::new(300_000_001).unwrap()), Nanos(1_150_000_000));
    }

    #[test]
    fn one_anchor_is_not_enough() {
        assert_eq!(Mapping::new(&[Anchor::take().unwrap()]), None);
        assert_eq!(Mapping::new(&[]), None);
    }
}
