//! From the kernel's samples to one reading.

use libc::ptp_clock_time;
use tickcert_results::{
    certificate::ReadMethod,
    stamp::ClockOffset,
    time::{Nanos, Ticks},
};

use super::ioctl_ffi::Sample;

/// A clock beside the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it showed, in nanoseconds.
    pub phc: Ticks,
    /// `CLOCK_REALTIME` in nanoseconds: the middle between before and after.
    pub system: Ticks,
    /// The clock less the system's.
    pub offset: ClockOffset,
    /// From the system's time before the read to that after it: the offset may be off by half of this either way.
    pub width: Nanos,
    /// How it was read.
    pub method: ReadMethod,
}

const NANOS: i128 = 1_000_000_000;

/// Nanoseconds since the epoch; none before it, or beyond what 64 bits hold (the year 2554).
fn nanos(time: ptp_clock_time) -> Option<Ticks> {
    let whole = i128::from(time.sec) * NANOS + i128::from(time.nsec);
    Ticks::new(u64::try_from(whole).ok()?)
}

fn reading(sample: Sample, method: ReadMethod) -> Option<Reading> {
    let [before, phc, after] = sample;
    let (before, phc, after) = (nanos(before)?, nanos(phc)?, nanos(after)?);
    // The system's clock may be set between the two.
    let width = Nanos(u64::try_from(after.since(before).0).ok()?);
    let system = Ticks::new(before.raw() + width.0 / 2)?;
    Some(Reading { phc, system, offset: ClockOffset::between(phc, system), width, method })
}

/// The tightest of them; `None` where none makes sense.
pub(super) fn tightest(samples: &[Sample], method: ReadMethod) -> Option<Reading> {
    samples.iter().filter_map(|sample| reading(*sample, method)).min_by_key(|reading| reading.width)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(sec: i64, nsec: u32) -> ptp_clock_time {
        ptp_clock_time { sec, nsec, reserved: 0 }
    }

    #[test]
    fn the_tightest_sample_is_taken_and_its_offset_is_from_the_middle() {
        let wide = [at(100, 0), at(137, 400), at(100, 1_000)];
        let tight = [at(100, 2_000), at(137, 2_140), at(100, 2_200)];
        let found = tightest(&[wide, tight, wide], ReadMethod::Extended).unwrap();
        assert_eq!((found.offset, found.width), (ClockOffset(37_000_000_040), Nanos(200)));
        assert_eq!((found.phc.raw(), found.system.raw()), (137_000_002_140, 100_000_002_100));
    }

    #[test]
    fn samples_during_which_the_system_was_set_back_and_clocks_at_zero_are_left_out() {
        let set_back = [at(100, 500), at(137, 0), at(100, 0)];
        let unset = [at(100, 0), at(0, 0), at(100, 9)];
        let before_the_epoch = [at(100, 0), at(-1, 0), at(100, 9)];
        assert_eq!(tightest(&[set_back, unset, before_the_epoch], ReadMethod::Basic), None);
        assert_eq!(tightest(&[], ReadMethod::Basic), None);
    }

    proptest! {
        #[test]
        fn whatever_a_driver_says_is_read_without_a_panic(
            times in prop::collection::vec((any::<i64>(), any::<u32>()), 0..30)
        ) {
            let samples: Vec<Sample> =
                times.chunks_exact(3).map(|t| [at(t[0].0, t[0].1), at(t[1].0, t[1].1), at(t[2].0, t[2].1)]).collect();
            if let Some(reading) = tightest(&samples, ReadMethod::Extended) {
                prop_assert_eq!(ClockOffset::between(reading.phc, reading.system), reading.offset);
            }
        }
    }
}
