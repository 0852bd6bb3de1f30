//! The clock that every software stamp is taken from: checked before a run, calibrated before and after it.

pub mod calibrate;
pub mod costs;
pub mod offset;
pub mod tsc;

use std::{fs, path::Path};

use tickcert_results::{certificate::ClockProbe, time::TickScale};

pub use calibrate::{Agreement, CalibrateError};

/// Why stamps of the time-stamp counter can't be trusted on this host.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The processor has no `rdtscp`.
    #[error("this processor has no rdtscp instruction; software stamps need an x86-64 processor of 2008 or later")]
    NoRdtscp,
    /// The calibration failed.
    #[error("the time-stamp counter could not be calibrated")]
    Calibrate(#[from] CalibrateError),
}

/// The processor's promise, the price of a read, the granularity, and the first calibration; takes about 0.2 s.
///
/// `root` is the root of the file system that the kernel's clock source is read from, `/` outside tests.
///
/// # Errors
/// [`ClockError`]. A TSC that isn't invariant is not an error but a fact of the record, for the verdict to weigh.
pub fn start(root: &Path) -> Result<(ClockProbe, TickScale), ClockError> {
    let support = tsc::support();
    if !support.rdtscp {
        return Err(ClockError::NoRdtscp);
    }
    let reads = tsc::measure_reads();
    let record = calibrate::calibrate_now()?;
    let scale = TickScale::from_hz(record.hz);
    let probe = ClockProbe {
        clocksource: clocksource(root),
        invariant_tsc: support.invariant,
        read_cost_ns: reads.median_ticks * scale.ns_per_tick,
        granularity_ticks: reads.granularity_ticks,
        start: record,
        end: None,
        drift_ppm: None,
        drift_allowed_ppm: None,
    };
    Ok((probe, scale))
}

/// Calibrates again after the run and writes into `probe` whether the two agree; takes about 0.2 s.
///
/// # Errors
/// [`ClockError::Calibrate`] when there is no second calibration; two that disagree are an [`Agreement`] that says so.
pub fn finish(probe: &mut ClockProbe) -> Result<Agreement, ClockError> {
    let end = calibrate::calibrate_now()?;
    let agreement = calibrate::agree(&probe.start, &end);
    probe.end = Some(end);
    probe.drift_ppm = Some(agreement.drift_ppm);
    probe.drift_allowed_ppm = Some(agreement.allowed_ppm);
    Ok(agreement)
}

/// The kernel's clock source (`tsc`, `kvm-clock`, `hpet`), `unknown` where it can't be read.
#[must_use]
pub fn clocksource(root: &Path) -> String {
    let file = root.join("sys/devices/system/clocksource/clocksource0/current_clocksource");
    fs::read_to_string(file).map_or_else(|_| "unknown".into(), |s| s.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_and_a_finish_on_this_host_fill_the_whole_record() {
        let (mut probe, scale) = start(Path::new("/")).unwrap();
        assert!(probe.start.hz > 1e8 && probe.start.hz < 1e11, "{} Hz is no TSC", probe.start.hz);
        assert!((scale.ns_per_tick - 1e9 / probe.start.hz).abs() < 1e-12);
        assert!(probe.read_cost_ns > 0.0 && probe.granularity_ticks > 0);
        let agreement = finish(&mut probe).unwrap();
        assert_eq!(probe.drift_ppm, Some(agreement.drift_ppm));
        assert_eq!(probe.drift_allowed_ppm, Some(agreement.allowed_ppm));
        assert!(probe.end.is_some());
    }

    #[test]
    fn a_clock_source_that_cannot_be_read_is_unknown() {
        assert_eq!(clocksource(Path::new("/nonexistent")), "unknown");
    }
}
