//! Which seconds a clock counts: those of UTC as `CLOCK_REALTIME`, those of TAI, or its own.

use std::io;

use tickcert_results::{certificate::Timescale, stamp::ClockOffset, time::Nanos};

use super::ioctl_ffi;

/// TAI less UTC since 2017 (IERS Bulletin C 52), for kernels that nobody has told.
pub const TAI_UTC_S: i32 = 37;

/// A clock is of a timescale when it is no further off than this: a servo that has only begun is, one that was never set is not.
const NEAR: Nanos = Nanos(100_000_000);

/// What the kernel knows of its own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemClock {
    /// TAI less UTC in seconds; 0 where nobody has told it.
    pub tai_utc_s: i32,
    /// Whether somebody keeps it by a reference.
    pub synchronised: bool,
}

impl SystemClock {
    /// Asks the kernel (`adjtimex(2)`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn ask() -> io::Result<Self> {
        let (tai_utc_s, synchronised) = ioctl_ffi::kernel_tai()?;
        Ok(Self { tai_utc_s, synchronised })
    }

    /// TAI less UTC in seconds, as the kernel has it or as it has been since 2017.
    #[must_use]
    pub const fn tai_utc(self) -> i32 {
        if self.tai_utc_s == 0 { TAI_UTC_S } else { self.tai_utc_s }
    }
}

/// By its offset from `CLOCK_REALTIME`.
#[must_use]
pub fn timescale(offset: ClockOffset, system: SystemClock) -> Timescale {
    if offset.size() <= NEAR {
        return Timescale::Utc;
    }
    let tai = residue(offset, Timescale::Tai, system);
    if tai.size() <= NEAR { Timescale::Tai } else { Timescale::Arbitrary }
}

/// What of an offset from `CLOCK_REALTIME` is left when a timescale's own is taken away; nothing is, of a timescale of the
/// clock's own.
#[must_use]
pub fn residue(offset: ClockOffset, timescale: Timescale, system: SystemClock) -> ClockOffset {
    match timescale {
        Timescale::Tai => ClockOffset(offset.0.saturating_sub(i64::from(system.tai_utc()) * 1_000_000_000)),
        Timescale::Utc | Timescale::Arbitrary => offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_37_seconds_ahead_counts_tai_even_where_the_kernel_was_not_told() {
        let told = SystemClock { tai_utc_s: 37, synchronised: true };
        for system in [told, SystemClock::default()] {
            assert_eq!(timescale(ClockOffset(37_000_000_250), system), Timescale::Tai);
            assert_eq!(residue(ClockOffset(37_000_000_250), Timescale::Tai, system), ClockOffset(250));
            assert_eq!(timescale(ClockOffset(-250), system), Timescale::Utc);
            assert_eq!(timescale(ClockOffset(-1_700_000_000_000_000_000), system), Timescale::Arbitrary);
        }
    }

    #[test]
    fn a_leap_second_that_the_kernel_knows_moves_tai() {
        let system = SystemClock { tai_utc_s: 38, synchronised: true };
        assert_eq!(timescale(ClockOffset(38_000_000_000), system), Timescale::Tai);
        assert_eq!(timescale(ClockOffset(37_000_000_000), system), Timescale::Arbitrary);
    }

    #[test]
    fn the_kernel_answers_what_it_knows_of_its_clock() {
        let system = SystemClock::ask().unwrap();
        assert!((0..100).contains(&system.tai_utc_s), "{system:?}");
    }

    #[test]
    fn an_offset_at_the_end_of_its_range_is_arbitrary() {
        for end in [i64::MIN, i64::MAX] {
            assert_eq!(timescale(ClockOffset(end), SystemClock::default()), Timescale::Arbitrary);
        }
    }
}
