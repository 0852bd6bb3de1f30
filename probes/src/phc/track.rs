//! A clock through the run: its offset from the system's, again and again, and how fast that drifts.

use std::path::Path;

use tickcert_results::{
    certificate::{ClockReading, ClockRecord, Timescale},
    stamp::{ClockOffset, Lock, StampClock},
    time::Nanos,
};

use super::{
    Phc, PhcError, Reading, name,
    timescale::{SystemClock, timescale},
};

/// Fewer readings have no drift.
const LEAST_FOR_DRIFT: usize = 3;
/// Of more readings each second one goes: slopes of all pairs of them are taken at the end.
const MOST_READINGS: usize = 512;

/// What whoever keeps a clock says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Whether the clock follows its reference.
    pub lock: Lock,
    /// How far it is from the reference, where that is said.
    pub offset: Option<ClockOffset>,
    /// How far `offset` itself may be off: half the width of each reading that it was taken from.
    pub within: Nanos,
    /// Who keeps it, and how.
    pub source: String,
    /// The reference itself: a grandmaster's identity, another clock.
    pub reference: Option<String>,
    /// What is wrong, and what to do about it.
    pub trouble: Option<String>,
}

/// A clock that is looked at through the run.
#[derive(Debug)]
pub struct Track {
    phc: Result<Phc, PhcError>,
    began: Option<Reading>,
    record: ClockRecord,
}

impl Track {
    /// Of a clock by which these interfaces stamp. One that can't be opened is a trouble of the record.
    #[must_use]
    pub fn new(number: u32, interfaces: Vec<String>) -> Self {
        let phc = Phc::open(number);
        let system = SystemClock::ask().unwrap_or_default();
        let mut record = ClockRecord {
            clock: StampClock::Phc(number),
            name: name(Path::new("/"), number),
            interfaces,
            timescale: Timescale::Arbitrary,
            kernel_tai_utc_s: system.tai_utc_s,
            readings: Vec::new(),
            drift_ppb: None,
            lock: Lock::Unknown,
            source: String::new(),
            reference: None,
            largest_offset_ns: None,
            troubles: Vec::new(),
        };
        if let Err(e) = &phc {
            trouble(&mut record, e.to_string());
        }
        Self { phc, began: None, record }
    }

    /// Interfaces that stamp by it.
    #[must_use]
    pub fn interfaces(&self) -> &[String] {
        &self.record.interfaces
    }

    /// Which clock.
    #[must_use]
    pub const fn clock(&self) -> StampClock {
        self.record.clock
    }

    /// Reads it once more, and puts beside it what its keeper says.
    pub fn look(&mut self, kept: &Kept) {
        self.hear(kept);
        let Ok(phc) = &self.phc else { return };
        match phc.read() {
            Ok(reading) => self.take(reading, kept),
            Err(e) => trouble(&mut self.record, e.to_string()),
        }
    }

    /// A lock once lost is lost for the run.
    fn hear(&mut self, kept: &Kept) {
        let record = &mut self.record;
        record.lock = match (record.lock, kept.lock) {
            (Lock::Unlocked, _) | (_, Lock::Unlocked) => Lock::Unlocked,
            (Lock::Locked, Lock::Locked) => Lock::Locked,
            // Of the first look everything is taken as it is said.
            (Lock::Unknown, said) if record.source.is_empty() => said,
            _ => Lock::Unknown,
        };
        record.source.clone_from(&kept.source);
        record.reference.clone_from(&kept.reference);
        if let Some(offset) = kept.offset {
            record.largest_offset_ns = record.largest_offset_ns.max(Some(offset.size() + kept.within));
        }
        if let Some(text) = &kept.trouble {
            trouble(record, text.clone());
        }
    }

    fn take(&mut self, reading: Reading, kept: &Kept) {
        let began = *self.began.get_or_insert(reading);
        let record = &mut self.record;
        record.timescale = timescale(reading.offset, SystemClock::ask().unwrap_or_default());
        record.readings.push(ClockReading {
            at_ns: Nanos(u64::try_from(reading.system.since(began.system).0).unwrap_or_default()),
            offset_ns: reading.offset,
            width_ns: reading.width,
            method: reading.method,
            lock: kept.lock,
            from_reference_ns: kept.offset,
        });
        if record.readings.len() > MOST_READINGS {
            let mut place = 0;
            record.readings.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
    }

    /// The record up to now.
    #[must_use]
    pub fn record(&self) -> ClockRecord {
        ClockRecord { drift_ppb: drift(&self.record.readings), ..self.record.clone() }
    }
}

/// Said once, however often it is found.
fn trouble(record: &mut ClockRecord, text: String) {
    if !record.troubles.contains(&text) {
        record.troubles.push(text);
    }
}

/// Median of the slopes of all pairs, in parts in a thousand million (Theil 1950; Sen, "Estimates of the Regression
/// Coefficient Based on Kendall's Tau", JASA 63, 1968).
#[expect(clippy::cast_precision_loss, reason = "differences of offsets and of times within a run")]
fn drift(readings: &[ClockReading]) -> Option<f64> {
    if readings.len() < LEAST_FOR_DRIFT {
        return None;
    }
    let mut slopes = Vec::with_capacity(readings.len() * readings.len() / 2);
    for (n, early) in readings.iter().enumerate() {
        for late in &readings[n + 1..] {
            let time = late.at_ns.saturating_sub(early.at_ns).get();
            if time > 0 {
                slopes.push(late.offset_ns.0.wrapping_sub(early.offset_ns.0) as f64 / time as f64 * 1e9);
            }
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use tickcert_results::{certificate::ReadMethod, time::Ticks};

    use super::*;

    fn reading(second: u64, offset: i64) -> Reading {
        let system = 1_700_000_000_000_000_000 + second * 1_000_000_000;
        Reading {
            phc: Ticks::new(system.saturating_add_signed(offset)).unwrap(),
            system: Ticks::new(system).unwrap(),
            offset: ClockOffset(offset),
            width: Nanos(100),
            method: ReadMethod::Extended,
        }
    }

    fn locked(offset: i64) -> Kept {
        Kept {
            lock: Lock::Locked,
            offset: Some(ClockOffset(offset)),
            within: Nanos::ZERO,
            source: "ptp4l".to_owned(),
            reference: Some("525400.fffe.1ab001".to_owned()),
            trouble: None,
        }
    }

    #[test]
    fn a_clock_that_gains_20_ns_a_second_drifts_by_20_ppb_whatever_one_bad_reading_says() {
        let mut track = Track::new(u32::MAX, vec![]);
        for second in 0..20 {
            let bad = if second == 7 { 900_000 } else { 0 };
            track.take(reading(second, 37_000_000_000 + 20 * second.cast_signed() + bad), &Kept::default());
        }
        let record = track.record();
        assert!((record.drift_ppb.unwrap() - 20.0).abs() < 1e-6, "{record:?}");
        assert_eq!((record.timescale, record.readings.len()), (Timescale::Tai, 20));
    }

    #[test]
    fn a_lock_once_lost_is_lost_for_the_run_and_the_largest_offset_stays() {
        let mut track = Track::new(u32::MAX, vec![]);
        track.look(&locked(-40));
        track.look(&locked(12));
        assert_eq!((track.record().lock, track.record().largest_offset_ns), (Lock::Locked, Some(Nanos(40))));
        track.look(&Kept { within: Nanos(300), ..locked(-12) });
        assert_eq!(track.record().largest_offset_ns, Some(Nanos(312)), "an offset is no surer than its readings");
        track.look(&Kept { lock: Lock::Unlocked, source: "ptp4l".into(), ..Kept::default() });
        track.look(&locked(1));
        assert_eq!(track.record().lock, Lock::Unlocked);
    }

    #[test]
    fn a_clock_that_cannot_be_opened_is_a_trouble_said_once() {
        let mut track = Track::new(u32::MAX, vec!["eth0".into()]);
        track.look(&Kept::default());
        track.look(&Kept::default());
        let record = track.record();
        assert!(record.troubles.len() == 1 && record.readings.is_empty() && record.drift_ppb.is_none(), "{record:?}");
    }

    #[test]
    fn a_long_run_keeps_a_bounded_number_of_readings() {
        let mut track = Track::new(u32::MAX, vec![]);
        for second in 0..5_000 {
            track.take(reading(second, 5), &Kept::default());
        }
        let readings = track.record().readings;
        assert!((MOST_READINGS / 2..=MOST_READINGS).contains(&readings.len()));
        assert_eq!(readings[0].at_ns, Nanos::ZERO);
    }
}
