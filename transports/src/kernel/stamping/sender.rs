//! The stamps of what one socket sends: numbered as the kernel numbers it, read away when there is time.

use std::os::fd::RawFd;

use tickcert_results::stamp::{Stamp, StampClock};

use super::{
    clock_of,
    names::Names,
    queue::{Came, ErrorQueue},
};
use crate::api::{STAMPS_OF_NOBODY, STAMPS_OF_ZERO, TxToken};

/// Of one socket.
pub(crate) struct Stamper {
    names: Names,
    queue: ErrorQueue,
    /// The number that the kernel gives the next.
    next: u32,
    /// A datagram was refused after which nobody knows the kernel's numbers: some kernels have counted it, others not.
    unsure: bool,
    zero: u64,
    of_nobody: u64,
}

impl Stamper {
    pub(super) fn new(clock: Option<StampClock>) -> Self {
        let queue = ErrorQueue::new(clock_of(clock));
        Self { names: Names::new(), queue, next: 0, unsure: false, zero: 0, of_nobody: 0 }
    }

    /// A datagram was sent.
    #[inline]
    pub(crate) fn datagram(&mut self, frame: TxToken) {
        if !self.unsure {
            self.names.sent(self.next, frame);
        }
        self.next = self.next.wrapping_add(1);
    }

    /// A datagram was not sent, though the kernel may have numbered it: from here on no stamp is anybody's. Better none than
    /// those of the neighbours.
    #[cold]
    pub(crate) fn refused(&mut self) {
        self.unsure = true;
        self.names.forget();
    }

    /// The bytes of a frame were sent, all of them, by now `sent` in all: its number is that of its last byte. Where the
    /// kernel puts several frames into one segment only the last one's number comes back.
    #[inline]
    pub(crate) fn bytes(&mut self, sent: u32, frame: TxToken) {
        self.names.sent(sent.wrapping_sub(1), frame);
    }

    /// Hands over what has come.
    pub(crate) fn take(&mut self, fd: RawFd, mut on_stamp: impl FnMut(TxToken, Stamp)) {
        while let Some(came) = self.queue.next(fd) {
            match came {
                Came::Zero => self.zero += 1,
                Came::Stamp(number, stamp) => match self.names.find(number) {
                    Some(frame) => on_stamp(frame, stamp),
                    None => self.of_nobody += 1,
                },
            }
        }
    }

    /// As [`crate::api::Tx::facts`].
    pub(crate) fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if self.zero > 0 {
            note(STAMPS_OF_ZERO, self.zero.to_string());
        }
        if self.of_nobody > 0 {
            note(STAMPS_OF_NOBODY, self.of_nobody.to_string());
        }
        if self.unsure {
            let what = "from a datagram on that was refused: a kernel may or may not have numbered it";
            note("transmit_stamps_given_up", what.to_owned());
        }
    }
}
