//! How fast the time-stamp counter ticks, against `CLOCK_MONOTONIC_RAW`.
//!
//! At several points in time many triples (raw clock, counter, raw clock) are read, and of each point only the
//! tightest is kept: the counter was read somewhere inside its bracket, so half the bracket bounds the error, whatever
//! interrupted the others. The rate is the slope from the first point to the last; every point between must lie on
//! that line within its brackets, or one of the two clocks is not steady.
//!
//! Where the kernel's clock source is the TSC itself, the raw clock is the same counter at the kernel's rate: the
//! comparison then shows that the rate is the kernel's, and that nothing steps, but is no independent reference.

use std::{thread, time::Duration};

use nix::time::{ClockId, clock_gettime};
use tickcert_results::{
    certificate::CalibrationRecord,
    time::{Nanos, Ticks},
};

use super::tsc;

/// One reading of the counter between two of the raw clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triple {
    /// Raw clock before.
    pub before: Nanos,
    /// The counter.
    pub ticks: Ticks,
    /// Raw clock after.
    pub after: Nanos,
}

impl Triple {
    /// Time within which the counter was read.
    #[must_use]
    pub fn bracket(&self) -> Nanos {
        self.after.saturating_sub(self.before)
    }
}

/// Why there is no calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The raw clock can't be read.
    #[error("CLOCK_MONOTONIC_RAW can't be read")]
    RawClock(#[source] nix::Error),
    /// Fewer than two points with triples.
    #[error("a rate needs triples at two points in time, got {points}")]
    TooFewPoints {
        /// Points that hold a triple.
        points: usize,
    },
    /// A clock stood still or ran backwards between the first point and the last.
    #[error(
        "between the first point and the last the raw clock moved {raw_ns} ns and the counter {ticks} ticks: one of them \
         stands still or runs backwards, so software stamps are worthless on this host"
    )]
    NotAdvancing {
        /// Raw clock.
        raw_ns: i64,
        /// Counter.
        ticks: i64,
    },
    /// A point is off the line by more than its brackets.
    #[error(
        "point {point} lies {off_ns:.0} ns off the line through the first and the last, and only {allowed_ns:.0} ns is \
         within the brackets: the counter isn't steady (is it invariant, is a virtual machine being moved?)"
    )]
    NotLinear {
        /// Which point, from 0.
        point: usize,
        /// Its distance from the line.
        off_ns: f64,
        /// What the widths of the brackets explain.
        allowed_ns: f64,
    },
}

/// Points in time that triples are read at.
const POINTS: u32 = 3;
/// Triples read at each.
const TRIPLES: u32 = 500;
/// From one point to the next. Three points span 200 ms, at which a bracket of 50 ns is a quarter of a ppm.
const SPACING: Duration = Duration::from_millis(100);

/// Calibrates on this host; takes about 0.2 s, nearly all of it asleep.
///
/// # Errors
/// [`CalibrateError`].
pub fn calibrate_now() -> Result<CalibrationRecord, CalibrateError> {
    let mut points = Vec::new();
    for point in 0..POINTS {
        if point > 0 {
            thread::sleep(SPACING);
        }
        points.push(read_triples(TRIPLES)?);
    }
    estimate(&points)
}

/// Reads `count` triples, back to back.
///
/// # Errors
/// [`CalibrateError::RawClock`].
pub fn read_triples(count: u32) -> Result<Vec<Triple>, CalibrateError> {
    (0..count)
        .map(|_| {
            let before = raw_clock()?;
            let ticks = tsc::now();
            Ok(Triple { before, ticks, after: raw_clock()? })
        })
        .collect()
}

fn raw_clock() -> Result<Nanos, CalibrateError> {
    let t = clock_gettime(ClockId::CLOCK_MONOTONIC_RAW).map_err(CalibrateError::RawClock)?;
    let part = |v: i64| u64::try_from(v).unwrap_or(0);
    Ok(Nanos::SECOND * part(t.tv_sec()) + Nanos(part(t.tv_nsec())))
}

/// The rate, from triples at two or more points in time (in order).
///
/// # Errors
/// [`CalibrateError`] when there are too few points, a clock doesn't advance, or the points aren't on one line.
pub fn estimate(points: &[Vec<Triple>]) -> Result<CalibrationRecord, CalibrateError> {
    let tightest: Vec<Triple> = points
        .iter()
        .filter_map(|p| p.iter().filter(|t| t.after >= t.before).min_by_key(|t| t.bracket()))
        .copied()
        .collect();
    let (Some(first), Some(last), 2..) = (tightest.first(), tightest.last(), tightest.len()) else {
        return Err(CalibrateError::TooFewPoints { points: tightest.len() });
    };
    let (raw_ns, ticks) = (doubled_middle_span(first, last) / 2, last.ticks.since(first.ticks).0);
    if raw_ns <= 0 || ticks <= 0 {
        return Err(CalibrateError::NotAdvancing { raw_ns, ticks });
    }
    let span_ns = float(doubled_middle_span(first, last)) / 2.0;
    let ns_per_tick = span_ns / float(ticks);
    let ends_ns = half_width(first) + half_width(last);
    for (point, t) in tightest.iter().enumerate() {
        let on_line = float(t.ticks.since(first.ticks).0) * ns_per_tick;
        let off_ns = (float(doubled_middle_span(first, t)) / 2.0 - on_line).abs();
        // One more nanosecond for the raw clock's own rounding.
        let allowed_ns = half_width(t) + ends_ns + 1.0;
        if off_ns > allowed_ns {
            return Err(CalibrateError::NotLinear { point, off_ns, allowed_ns });
        }
    }
    let narrowest = tightest.iter().map(half_width).fold(f64::INFINITY, f64::min);
    let triples = points.iter().map(Vec::len).sum::<usize>();
    Ok(CalibrationRecord {
        hz: 1e9 / ns_per_tick,
        error_ppm: ends_ns / span_ns * 1e6,
        bracket_ns: narrowest * 2.0,
        triples: u32::try_from(triples).unwrap_or(u32::MAX),
    })
}

/// From the middle of `from`'s bracket to that of `to`'s, times two so that it stays whole.
fn doubled_middle_span(from: &Triple, to: &Triple) -> i64 {
    let side = |a: Nanos, b: Nanos| b.0.wrapping_sub(a.0).cast_signed();
    side(from.before, to.before).saturating_add(side(from.after, to.after))
}

fn half_width(t: &Triple) -> f64 {
    float(t.bracket().0.cast_signed()) / 2.0
}

#[expect(clippy::cast_precision_loss, reason = "differences within one calibration stay far below 2^53")]
fn float(v: i64) -> f64 {
    v as f64
}

/// What two calibrations say about the run between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// How far the second rate is from the first, in parts per million, without sign.
    pub drift_ppm: f64,
    /// 1 ppm plus what the widths of both calibrations' brackets explain.
    pub allowed_ppm: f64,
}

impl Agreement {
    /// Whether the run's stamps may be used.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.drift_ppm <= self.allowed_ppm
    }
}

/// Compares the calibration before a run with the one after it.
#[must_use]
pub fn agree(start: &CalibrationRecord, end: &CalibrationRecord) -> Agreement {
    Agreement {
        drift_ppm: ((end.hz - start.hz) / start.hz).abs() * 1e6,
        allowed_ppm: 1.0 + start.error_ppm + end.error_ppm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A triple of a counter of `hz` that read `width` ns wide around `at_ns`, the counter read in the middle.
    fn triple(hz: f64, at_ns: u64, width: u64) -> Triple {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "test"
        )]
        let ticks = (at_ns as f64 * hz / 1e9).round() as u64;
        Triple { before: Nanos(at_ns - width / 2), ticks: Ticks::new(ticks).unwrap(), after: Nanos(at_ns + width / 2) }
    }

    const T0: u64 = 1_000_000_000;
    const T1: u64 = 1_100_000_000;
    const T2: u64 = 1_200_000_000;

    fn record(hz: f64, error_ppm: f64) -> CalibrationRecord {
        CalibrationRecord { hz, error_ppm, bracket_ns: 50.0, triples: 1500 }
    }

    #[test]
    fn a_counter_of_2_6_ghz_is_found_exactly() {
        let points = [T0, T1, T2].map(|t| vec![triple(2.6e9, t, 40)]);
        let got = estimate(&points).unwrap();
        assert!((got.hz - 2.6e9).abs() < 1.0, "{}", got.hz);
        assert!((got.bracket_ns - 40.0).abs() < 1e-9);
        // Half of 40 ns at both ends of 200 ms.
        assert!((got.error_ppm - 0.2).abs() < 1e-9, "{}", got.error_ppm);
        assert_eq!(got.triples, 3);
    }

    #[test]
    fn wide_brackets_do_not_count_however_wrong_they_are() {
        let mut wrong = triple(2.6e9, T0, 90_000);
        wrong.ticks = Ticks::new(wrong.ticks.raw() + 100_000).unwrap();
        let points = [vec![wrong, triple(2.6e9, T0 + 100_000, 40)], vec![triple(2.6e9, T2, 40), wrong]];
        let got = estimate(&points).unwrap();
        assert!((got.hz - 2.6e9).abs() < 1.0, "{}", got.hz);
    }

    #[test]
    fn the_true_rate_is_within_the_stated_error_wherever_in_the_bracket_the_counter_was_read() {
        for (shift_first, shift_last) in [(-50_i64, 50_i64), (50, -50), (50, 50), (-50, -50), (0, 50)] {
            let skewed = |at: u64, by: i64| {
                let mut t = triple(2.5e9, at.checked_add_signed(by).unwrap(), 0);
                (t.before, t.after) = (Nanos(at - 50), Nanos(at + 50));
                t
            };
            let got = estimate(&[vec![skewed(T0, shift_first)], vec![skewed(T2, shift_last)]]).unwrap();
            let off_ppm = ((got.hz - 2.5e9) / 2.5e9).abs() * 1e6;
            assert!(off_ppm <= got.error_ppm * 1.000_1, "off by {off_ppm} of {} ppm", got.error_ppm);
        }
    }

    #[test]
    fn a_counter_that_changes_its_rate_is_not_linear() {
        let mut points = [T0, T1, T2].map(|t| vec![triple(2.6e9, t, 40)]);
        points[1][0].ticks = Ticks::new(points[1][0].ticks.raw() + 2_600).unwrap();
        let e = estimate(&points).unwrap_err();
        assert!(matches!(e, CalibrateError::NotLinear { point: 1, .. }), "{e}");
    }

    #[test]
    fn a_counter_that_stands_still_or_jumps_back_is_an_error() {
        let a = triple(2.6e9, T0, 40);
        let still = Triple { ticks: a.ticks, ..triple(2.6e9, T2, 40) };
        assert!(matches!(estimate(&[vec![a], vec![still]]), Err(CalibrateError::NotAdvancing { ticks: 0, .. })));
        let back = Triple { ticks: Ticks::new(5).unwrap(), ..still };
        assert!(matches!(estimate(&[vec![a], vec![back]]), Err(CalibrateError::NotAdvancing { .. })));
    }

    #[test]
    fn one_point_in_time_gives_no_rate() {
        assert!(matches!(estimate(&[]), Err(CalibrateError::TooFewPoints { points: 0 })));
        let points = [vec![triple(2.6e9, T0, 40)], vec![]];
        assert!(matches!(estimate(&points), Err(CalibrateError::TooFewPoints { points: 1 })));
    }

    #[test]
    fn two_calibrations_agree_up_to_1_ppm_and_their_brackets() {
        let start = record(2.6e9, 0.25);
        let within = agree(&start, &record(2.6e9 * (1.0 + 1.4e-6), 0.25));
        assert!((within.allowed_ppm - 1.5).abs() < 1e-9);
        assert!((within.drift_ppm - 1.4).abs() < 1e-6);
        assert!(within.holds());
        assert!(!agree(&start, &record(2.6e9 * (1.0 - 1.6e-6), 0.25)).holds());
    }

    #[test]
    fn a_drift_that_is_no_number_does_not_hold() {
        assert!(!agree(&record(0.0, 0.0), &record(0.0, 0.0)).holds());
    }
}
