//! The two halves of a port, over the shim's receive and send.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{io, slice, sync::Arc};

use tickcert_results::time::Ticks;

use super::{
    device::Opened,
    shim_ffi::{BURST, Mbuf, Seen},
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
        Self { opened, seen: [none; BURST], next: 0, end: 0, burst, in_vain: 0, in_pieces: 0 }
    }

    /// Another burst, when all of the last are handed over; whether there is one.
    #[inline]
    pub(super) fn refill(&mut self) -> io::Result<bool> {
        let port = &self.opened.port;
        // SAFETY: a started port whose receive queue only this half uses, and room for a burst.
        let count = unsafe { (port.shim.receive)(port.id, self.seen.as_mut_ptr(), self.burst) };
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
        unsafe { (self.opened.port.shim.give_back)(mbuf) };
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
                let hw = if seen.stamped == 0 { None } else { Ticks::new(seen.stamp) };
                on_frame(bytes, RxMeta { hw, clock_locked: false });
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

/// Sends, each frame at once.
pub struct DpdkTx {
    opened: Arc<Opened>,
    /// A buffer that the device had no room for, to be filled again, and where its bytes go.
    spare: Option<(*mut Mbuf, *mut u8, usize)>,
    longest: usize,
    refused: u32,
    sent: u32,
}

// SAFETY: the buffer that `spare` points to is this half's own, from whatever thread.
unsafe impl Send for DpdkTx {}

impl DpdkTx {
    pub(super) fn new(opened: Arc<Opened>) -> Self {
        let longest = opened.port.found.longest.into();
        Self { opened, spare: None, longest, refused: 0, sent: 0 }
    }

    /// A buffer for `len` bytes.
    #[inline]
    fn buffer(&mut self, len: usize) -> Option<(*mut Mbuf, *mut u8)> {
        if let Some((mbuf, data, room)) = self.spare.take() {
            if room == len {
                return Some((mbuf, data));
            }
            // SAFETY: a buffer that the device did not take.
            unsafe { (self.opened.port.shim.give_back)(mbuf) };
        }
        let port = &self.opened.port;
        let mut data = std::ptr::null_mut();
        let len = u32::try_from(len).ok()?;
        // SAFETY: the port's own pool, and where an address may be written; `len` fits a buffer, as the caller has seen.
        let mbuf = unsafe { (port.shim.new_frame)(port.found.pool, len, &raw mut data) };
        (!mbuf.is_null()).then_some((mbuf, data))
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
        if len > self.longest {
            return Err(self.too_long(len));
        }
        let Some((mut mbuf, data)) = self.buffer(len) else { return Err(self.full()) };
        // SAFETY: a buffer of our own with room for `len` bytes, which may be left over from another frame: the pool is
        // memory that the kernel has zeroed.
        fill(unsafe { slice::from_raw_parts_mut(data, len) });
        let port = &self.opened.port;
        // SAFETY: a started port whose sending queue only this half uses, and one buffer.
        if unsafe { (port.shim.send)(port.id, &raw mut mbuf, 1) } == 0 {
            self.spare = Some((mbuf, data, len));
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
        if let Some((mbuf, ..)) = self.spare.take() {
            // SAFETY: a buffer that the device did not take.
            unsafe { (self.opened.port.shim.give_back)(mbuf) };
        }
    }
}
