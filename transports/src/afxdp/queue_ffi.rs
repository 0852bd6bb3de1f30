//! The two directions of a socket: each a pair of rings, between which the rights to chunks go round.
#![expect(unsafe_code, reason = "an address that the kernel hands back becomes the right to a chunk")]

use std::sync::Arc;

use tickcert_results::time::Ticks;

use super::{
    abi::{self, xdp_desc},
    ring_ffi::{Consumer, Producer},
    transmit_stamp::{self, Stamps},
    umem::{Chunk, Umem},
};
use crate::api::TxToken;

/// Frames in: the kernel takes chunks from the fill ring and returns them, filled, in the receiving ring.
#[derive(Debug)]
pub(super) struct Receiving {
    umem: Arc<Umem>,
    fill: Producer<u64>,
    received: Consumer<xdp_desc>,
    /// Bytes in front of each frame that are of interest too.
    before: usize,
}

impl Receiving {
    /// Gives the kernel all of `chunks`; those that the fill ring has no room for are never used.
    pub(super) fn new(
        umem: Arc<Umem>,
        fill: Producer<u64>,
        received: Consumer<xdp_desc>,
        chunks: Vec<Chunk>,
        before: usize,
    ) -> Self {
        let mut receiving = Self { umem, fill, received, before };
        for chunk in chunks {
            receiving.give(&chunk);
        }
        receiving.fill.publish();
        receiving
    }

    /// Hands over the next frame, if one waits, with the bytes before it, and takes note to give its chunk back; see
    /// [`Self::settle`].
    #[inline]
    pub(super) fn next(&mut self, on_frame: impl FnOnce(&[u8], &[u8])) -> bool {
        let Some(entry) = self.received.pop() else { return false };
        // SAFETY: the kernel hands each chunk that it was given back once, by an entry of this ring, and this ring gives
        // each entry once.
        let came_back = unsafe { self.umem.came_back(entry.addr) };
        let Some((mut chunk, offset)) = came_back else { return true };
        let start = offset.saturating_sub(self.before);
        if let Some(bytes) = self.umem.bytes_mut(&mut chunk, offset + entry.len as usize) {
            let (before, frame) = bytes[start..].split_at_mut(offset - start);
            on_frame(before, frame);
            // A stamp is this frame's: the next one in the chunk may come without.
            before.fill(0);
        }
        self.give(&chunk);
        true
    }

    /// Lets the kernel have back what was handed over.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.received.release();
        self.fill.publish();
    }

    /// Whether the kernel waits to be told of new chunks.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        self.fill.needs_wakeup()
    }

    #[inline]
    fn give(&mut self, chunk: &Chunk) {
        // The fill ring has room for every chunk that goes round here.
        let _ = self.fill.push(chunk.address());
    }
}

/// Why a frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotQueued {
    /// Every chunk is the kernel's.
    Full,
    /// The frame is longer than a chunk.
    TooLong,
}

/// Frames out: the kernel takes them from the sending ring and returns their chunks in the completion ring.
#[derive(Debug)]
pub(super) struct Sending {
    umem: Arc<Umem>,
    queued: Producer<xdp_desc>,
    completed: Consumer<u64>,
    /// The last one returned is the first one used: its bytes are the likeliest to be in a cache.
    free: Vec<Chunk>,
    /// Where transmit stamps are asked for.
    stamps: Option<Stamps>,
}

impl Sending {
    /// With `stamps` the memory must be registered with [`transmit_stamp::LENGTH`] bytes in front of frames.
    pub(super) fn new(
        umem: Arc<Umem>,
        queued: Producer<xdp_desc>,
        completed: Consumer<u64>,
        free: Vec<Chunk>,
        stamps: Option<Stamps>,
    ) -> Self {
        Self { umem, queued, completed, free, stamps }
    }

    /// Builds the frame of that name in a free chunk and queues it; the kernel sees it at once, and need not look before
    /// it is told.
    #[inline]
    pub(super) fn queue(&mut self, name: TxToken, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), NotQueued> {
        self.reap();
        let mut chunk = self.free.pop().ok_or(NotQueued::Full)?;
        let Some(entry) = self.build(&mut chunk, name, len, fill) else {
            self.free.push(chunk);
            return Err(NotQueued::TooLong);
        };
        if !self.queued.push(entry) {
            self.free.push(chunk);
            return Err(NotQueued::Full);
        }
        self.queued.publish();
        Ok(())
    }

    /// `None` where the chunk is too short.
    #[inline]
    fn build(&self, chunk: &mut Chunk, name: TxToken, len: usize, fill: impl FnOnce(&mut [u8])) -> Option<xdp_desc> {
        let address = chunk.address();
        let entry = |addr, options| Some(xdp_desc { addr, len: u32::try_from(len).ok()?, options });
        let Some(stamps) = &self.stamps else {
            fill(self.umem.bytes_mut(chunk, len)?);
            return entry(address, 0);
        };
        let bytes = self.umem.bytes_mut(chunk, len.checked_add(transmit_stamp::LENGTH)?)?;
        let (before, frame) = bytes.split_at_mut(transmit_stamp::LENGTH);
        fill(frame);
        stamps.ask(before, name);
        entry(address + transmit_stamp::LENGTH as u64, abi::XDP_TX_METADATA)
    }

    /// Takes back the chunks of what has left, without waiting for any, each with its stamp.
    #[inline]
    fn reap(&mut self) {
        let before = self.free.len();
        while let Some(address) = self.completed.pop() {
            // SAFETY: the kernel hands each chunk of a queued frame back once, by an entry of this ring, and this ring
            // gives each entry once.
            if let Some((chunk, _)) = unsafe { self.umem.came_back(address) } {
                if let Some(stamps) = &mut self.stamps {
                    stamps.take(self.umem.bytes(&chunk, 0, transmit_stamp::LENGTH).unwrap_or_default());
                }
                self.free.push(chunk);
            }
        }
        if self.free.len() != before {
            self.completed.release();
        }
    }

    /// Hands over the stamps of frames that have come back since the last time: of the last that may have been on their
    /// way at once, where there were more.
    pub(super) fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Ticks)) {
        if self.stamps.is_some() {
            self.reap();
        }
        if let Some(stamps) = &mut self.stamps {
            stamps.hand_over(on_stamp);
        }
    }

    /// Stamps that came, and frames that came back; `None` where none were asked for.
    pub(super) fn coverage(&self) -> Option<(u64, u64)> {
        self.stamps.as_ref().map(Stamps::coverage)
    }

    /// Frames that the kernel has not taken yet.
    #[inline]
    pub(super) fn waiting(&mut self) -> u32 {
        self.queued.waiting()
    }

    /// Whether the kernel waits to be told of new frames.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        self.queued.needs_wakeup()
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
