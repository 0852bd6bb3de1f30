//! Stamps in the control messages of what arrives.

use std::{io::IoSliceMut, os::fd::RawFd};

use nix::{
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, Timestamps, recvmsg},
        time::TimeSpec,
    },
};
use tickcert_results::{
    stamp::{Stamp, StampClock},
    time::Ticks,
};

use super::clock_of;
use crate::api::RxMeta;

/// Room for the control messages of one call: three times, an error, and what else somebody may have switched on. Aligned as
/// the headers in it are (`struct cmsghdr`).
#[repr(align(8))]
pub(super) struct Room(pub(super) [u8; 256]);

/// Receives with stamps.
pub(crate) struct Received {
    clock: StampClock,
    room: Box<Room>,
}

impl Received {
    pub(super) fn new(clock: Option<StampClock>) -> Self {
        Self { clock: clock_of(clock), room: Box::new(Room([0; 256])) }
    }

    /// As `recv`, without waiting.
    #[inline]
    pub(crate) fn receive(&mut self, fd: RawFd, buffer: &mut [u8]) -> Result<(usize, RxMeta), Errno> {
        let mut into = [IoSliceMut::new(buffer)];
        let message = recvmsg::<()>(fd, &mut into, Some(&mut self.room.0), MsgFlags::MSG_DONTWAIT)?;
        let mut meta = RxMeta::default();
        // What didn't fit into the room is no reason to lose the frame.
        for control in message.cmsgs().into_iter().flatten() {
            if let ControlMessageOwned::ScmTimestampsns(stamps) = control {
                meta = RxMeta { hw: hardware(&stamps, self.clock), kernel: kernel(&stamps) };
            }
        }
        Ok((message.bytes, meta))
    }
}

/// The device's stamp, if there is one.
pub(super) fn hardware(stamps: &Timestamps, clock: StampClock) -> Option<Stamp> {
    ticks(stamps.hw_raw).map(|at| Stamp::new(at, clock))
}

/// The kernel's.
pub(super) fn kernel(stamps: &Timestamps) -> Option<Stamp> {
    ticks(stamps.system).map(|at| Stamp::new(at, StampClock::Kernel))
}

/// Zero is none, and so is what lies before the epoch.
fn ticks(time: TimeSpec) -> Option<Ticks> {
    let (seconds, nanos) = (u64::try_from(time.tv_sec()).ok()?, u64::try_from(time.tv_nsec()).ok()?);
    Ticks::new(seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_times_before_the_epoch_are_no_stamps() {
        assert_eq!(ticks(TimeSpec::new(0, 0)), None);
        assert_eq!(ticks(TimeSpec::new(-1, 5)), None);
        assert_eq!(ticks(TimeSpec::new(i64::MAX, 0)), None);
        assert_eq!(ticks(TimeSpec::new(2, 7)), Ticks::new(2_000_000_007));
    }
}
