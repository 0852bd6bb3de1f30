//! The two halves of a port, over the shim's receive and send.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{io, slice, sync::Arc};

use tickcert_results::{
    stamp::{Stamp, StampClock},
    time::Ticks,
};

use super::{
    device::Opened,
    shim_ffi::{BURST, Mbuf, Mempool, Seen, Shim, Stamps, ToSend},
};
use crate::{
    api::{RxMeta, TxError, TxToken},
    raw::port::{FrameRx, FrameTx},
};

/// Looks in vain between two questions whether the link is still up: a millisecond or so.
const LOOKS: u32 = 1 << 16;
/// Frames refused in a row between two such questions.
const REFUSALS: u32 = 1 << 10;

/// Receives. Frames that came in one burst wait in `seen` until they are asked for.
pub struct DpdkRx {
    opened: Arc<Opened>,
    /// As in `opened`, at hand.
    shim: &'static Shim,
    port: u16,
    stamps: Stamps,
    seen: [Seen; BURST],
    /// Those of `seen` that are waiting.
    next: usize,
    end: usize,
    burst: u32,
    in_vain: u32,
    in_pieces: u64,
}

// SAFETY: the buffers that `seen` points to are this half's own until given back, from whatever thread.
unsafe impl Send for DpdkRx {}

impl DpdkRx {
    pub(super) fn new(opened: Arc<Opened>, burst: u32) -> Self {
        let none = Seen { mbuf: std::ptr::null_mut(), data: std::ptr::null(), len: 0, whole: 0, stamp: 0, stamped: 0 };
        let (shim, port, stamps) = (opened.port.shim, opened.port.id, opened.port.found.stamps);
        Self { opened, shim, port, stamps, seen: [none; BURST], next: 0, end: 0, burst, in_vain: 0, in_pieces: 0 }
    }

    /// Another burst, when all of the last are handed over; whether there is one.
    #[inline]
    pub(super) fn refill(&mut self) -> io::Result<bool> {
        // SAFETY: a started port whose receive queue only this half uses, room for a burst, and where stamps are.
        let count =
            unsafe { (self.shim.receive)(self.port, self.seen.as_mut_ptr(), self.burst, &raw const self.stamps) };
        (self.next, self.end) = (0, count as usize);
        if count > 0 {
            self.in_vain = 0;
            return Ok(true);
        }
        self.in_vain += 1;
        if self.in_vain >= LOOKS {
            self.in_vain = 0;
            self.opened.check_link()?;
        }
        Ok(false)
    }

    #[inline]
    fn give_back(&self, mbuf: *mut Mbuf) {
        // SAFETY: a buffer that the port handed over, given back once.
        unsafe { (self.shim.give_back)(mbuf) };
    }
}

impl FrameRx for DpdkRx {
    #[inline]
    fn receive(&mut self, budget: u32, mut on_frame: impl FnMut(&[u8], RxMeta)) -> io::Result<u32> {
        let mut frames = 0;
        while frames < budget {
            if self.next == self.end && (frames > 0 || !self.refill()?) {
                break;
            }
            let Some(seen) = self.seen.get(self.next).copied() else { break };
            self.next += 1;
            if seen.len == seen.whole {
                // SAFETY: `len` bytes in one piece, which stay until the buffer is given back below.
                let bytes = unsafe { slice::from_raw_parts(seen.data, seen.len as usize) };
                let at = if seen.stamped == 0 { None } else { Ticks::new(seen.stamp) };
                let hw = at.map(|at| Stamp::new(at, StampClock::Device));
                on_frame(bytes, RxMeta { hw, kernel: None });
                frames += 1;
            } else {
                self.in_pieces += 1;
            }
            self.give_back(seen.mbuf);
        }
        Ok(frames)
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.opened.facts(note);
        note("rx_burst", self.burst.to_string());
        if self.in_pieces > 0 {
            note("frames_in_pieces_dropped", self.in_pieces.to_string());
        }
    }
}

impl Drop for DpdkRx {
    fn drop(&mut self) {
        for at in self.next..self.end {
            self.give_back(self.seen[at].mbuf);
        }
    }
}

/// Sends, each frame at once. The buffer for the next one is taken beforehand, when there is time.
pub struct DpdkTx {
    opened: Arc<Opened>,
    /// As in `opened`, at hand.
    shim: &'static Shim,
    port: u16,
    pool: *mut Mempool,
    /// A buffer to be filled, unless the pool had none.
    next: ToSend,
    longest: usize,
    refused: u32,
    sent: u32,
}

// SAFETY: the buffer that `next` points to is this half's own, and the pool may be used from any thread.
unsafe impl Send for DpdkTx {}

impl DpdkTx {
    pub(super) fn new(opened: Arc<Opened>) -> Self {
        let (shim, port, found) = (opened.port.shim, opened.port.id, &opened.port.found);
        let (pool, longest) = (found.pool, found.longest.into());
        let next = ToSend { mbuf: std::ptr::null_mut(), data: std::ptr::null_mut() };
        Self { opened, shim, port, pool, next, longest, refused: 0, sent: 0 }
    }

    /// Takes a buffer where the last attempt found none; whether there is one.
    #[cold]
    fn take_buffer(&mut self) -> bool {
        // SAFETY: the port's own pool, and where a buffer may be written.
        unsafe { (self.shim.new_frame)(self.pool, &raw mut self.next) };
        !self.next.mbuf.is_null()
    }

    #[cold]
    fn full(&mut self) -> TxError {
        self.refused += 1;
        if self.refused >= REFUSALS {
            self.refused = 0;
            if let Err(gone) = self.opened.check_link() {
                return TxError::Io(gone);
            }
        }
        TxError::Full
    }

    #[cold]
    fn too_long(&self, len: usize) -> TxError {
        let what = format!("a frame of {len} bytes is longer than the {} that this device carries", self.longest);
        TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

impl FrameTx for DpdkTx {
    #[inline]
    fn transmit(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let bytes = match u32::try_from(len) {
            Ok(bytes) if len <= self.longest => bytes,
            _ => return Err(self.too_long(len)),
        };
        if self.next.mbuf.is_null() && !self.take_buffer() {
            return Err(self.full());
        }
        // SAFETY: a buffer of our own with room for the longest frame, which may be left over from another one: the pool
        // is memory that the kernel has zeroed.
        fill(unsafe { slice::from_raw_parts_mut(self.next.data, len) });
        // SAFETY: a started port whose sending queue only this half uses, its pool, and a buffer with that many bytes.
        if unsafe { (self.shim.send)(self.port, self.pool, &raw mut self.next, bytes) } == 0 {
            return Err(self.full());
        }
        self.refused = 0;
        self.sent = self.sent.wrapping_add(1);
        Ok(TxToken(self.sent))
    }

    /// Nothing is ever left to send.
    #[inline]
    fn kick(&mut self) -> Result<(), TxError> {
        Ok(())
    }
}

impl Drop for DpdkTx {
    fn drop(&mut self) {
        if !self.next.mbuf.is_null() {
            // SAFETY: a buffer that the device did not get.
            unsafe { (self.shim.give_back)(self.next.mbuf) };
        }
    }
}
