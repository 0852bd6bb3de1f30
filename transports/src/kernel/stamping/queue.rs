//! A socket's error queue, where the stamps of frames sent arrive.

use std::os::fd::RawFd;

use nix::{
    errno::Errno,
    sys::socket::{ControlMessageOwned, MsgFlags, recvmsg},
};
use tickcert_results::stamp::{Stamp, StampClock};

use super::control::{Room, hardware, kernel};

/// What came out of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A stamp of the frame of that number.
    Stamp(u32, Stamp),
    /// A stamp of zero: none.
    Zero,
}

/// Reads queues.
pub(super) struct ErrorQueue {
    clock: StampClock,
    room: Box<Room>,
}

impl ErrorQueue {
    pub(super) fn new(clock: StampClock) -> Self {
        Self { clock, room: Box::new(Room([0; 256])) }
    }

    /// Reads one message; `None` when the queue is empty, or can't be read, which whoever receives on the socket will find.
    pub(super) fn next(&mut self, fd: RawFd) -> Option<Came> {
        loop {
            let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
            let message = match recvmsg::<()>(fd, &mut [], Some(&mut self.room.0), flags) {
                Ok(message) => message,
                Err(Errno::EINTR) => continue,
                Err(_) => return None,
            };
            let (mut stamp, mut number) = (None, None);
            for control in message.cmsgs().into_iter().flatten() {
                match control {
                    // The kernel sends one message for each stamp, so that only one of the two is there.
                    ControlMessageOwned::ScmTimestampsns(stamps) => {
                        stamp = hardware(&stamps, self.clock).or_else(|| kernel(&stamps));
                    }
                    ControlMessageOwned::Ipv4RecvErr(error, _) => number = sent(&error),
                    _ => {}
                }
            }
            // What has no number is no stamp but a failure of the network's.
            if let Some(number) = number {
                // Of a stamp of zero the kernel leaves the times out.
                return Some(stamp.map_or(Came::Zero, |stamp| Came::Stamp(number, stamp)));
            }
        }
    }
}

/// The number of the frame, if it is about one that left (`linux/errqueue.h`).
fn sent(error: &libc::sock_extended_err) -> Option<u32> {
    const SCM_TSTAMP_SND: u32 = 0;
    let is_stamp = error.ee_errno == libc::ENOMSG.unsigned_abs()
        && error.ee_origin == libc::SO_EE_ORIGIN_TIMESTAMPING
        && error.ee_info == SCM_TSTAMP_SND;
    is_stamp.then_some(error.ee_data)
}
