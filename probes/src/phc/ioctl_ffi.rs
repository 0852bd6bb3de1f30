//! The questions that a PTP hardware clock answers by ioctl (`linux/ptp_clock.h`), and what the kernel knows of TAI.
#![expect(unsafe_code, reason = "ioctl and adjtimex into C structures")]

use std::{
    fs::File,
    io,
    mem::{self, MaybeUninit},
    os::fd::AsRawFd,
};

use libc::{
    Ioctl, PTP_SYS_OFFSET, PTP_SYS_OFFSET_EXTENDED, PTP_SYS_OFFSET_PRECISE, ptp_clock_time, ptp_sys_offset,
    ptp_sys_offset_extended, ptp_sys_offset_precise,
};

/// The most samples that the kernel takes in one call (`PTP_MAX_SAMPLES`).
pub(super) const MOST_SAMPLES: usize = 25;

/// `CLOCK_REALTIME` before, the clock, and `CLOCK_REALTIME` after, as the kernel has them.
pub(super) type Sample = [ptp_clock_time; 3];

/// Read around the register by the driver.
pub(super) fn extended(clock: &File, samples: usize) -> io::Result<Vec<Sample>> {
    // SAFETY: integers only, for all of which zero is a value.
    let mut answer: ptp_sys_offset_extended = unsafe { mem::zeroed() };
    let samples = samples.clamp(1, MOST_SAMPLES);
    answer.n_samples = u32::try_from(samples).map_err(io::Error::other)?;
    ask(clock, PTP_SYS_OFFSET_EXTENDED, &mut answer)?;
    Ok(answer.ts.iter().take(samples).copied().collect())
}

/// Read by the kernel around the call of the driver: the time after one sample is that before the next.
pub(super) fn basic(clock: &File, samples: usize) -> io::Result<Vec<Sample>> {
    // SAFETY: integers only, for all of which zero is a value.
    let mut answer: ptp_sys_offset = unsafe { mem::zeroed() };
    let samples = samples.clamp(1, MOST_SAMPLES);
    answer.n_samples = u32::try_from(samples).map_err(io::Error::other)?;
    ask(clock, PTP_SYS_OFFSET, &mut answer)?;
    Ok(answer.ts.windows(3).step_by(2).take(samples).map(|three| [three[0], three[1], three[2]]).collect())
}

/// Both taken at once by the hardware.
pub(super) fn precise(clock: &File) -> io::Result<Sample> {
    // SAFETY: integers only, for all of which zero is a value.
    let mut answer: ptp_sys_offset_precise = unsafe { mem::zeroed() };
    ask(clock, PTP_SYS_OFFSET_PRECISE, &mut answer)?;
    Ok([answer.sys_realtime, answer.device, answer.sys_realtime])
}

fn ask<T>(clock: &File, request: Ioctl, answer: &mut T) -> io::Result<()> {
    loop {
        // SAFETY: the request's number holds the size of the structure that it reads and writes, which is that of `T` in each
        // call above; the structure and the descriptor live across the call.
        let status = unsafe { libc::ioctl(clock.as_raw_fd(), request, std::ptr::from_mut(answer)) };
        match status {
            0.. => return Ok(()),
            _ => match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::Interrupted => {}
                e => return Err(e),
            },
        }
    }
}

/// TAI less UTC in seconds as somebody has told the kernel (`adjtimex(2)`, `tai`), 0 where nobody has; and whether the
/// system's clock is synchronised (`STA_UNSYNC` is not set).
pub(super) fn kernel_tai() -> io::Result<(i32, bool)> {
    let mut timex = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: with no modes set (all zeros) the kernel only writes into the structure, which lives across the call.
    let status = unsafe { libc::adjtimex(timex.as_mut_ptr()) };
    if status < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has filled it, and it began as zeros; integers only.
    let timex = unsafe { timex.assume_init() };
    Ok((timex.tai, timex.status & libc::STA_UNSYNC == 0))
}
