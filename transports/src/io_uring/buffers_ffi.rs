//! Memory that the kernel reads and writes by itself: buffers provided for receiving, and a pool to send from.
#![expect(unsafe_code, reason = "memory that the kernel writes into")]

use std::{
    io, slice,
    sync::atomic::{AtomicU16, Ordering},
};

use io_uring::types::BufRingEntry;
use memmap2::{MmapOptions, MmapRaw};

use crate::kernel::MAX_FRAME;

/// Bytes of a buffer.
pub(super) const BUFFER: usize = MAX_FRAME;
const ENTRY: usize = size_of::<BufRingEntry>();

fn pages(bytes: usize) -> io::Result<MmapRaw> {
    // Private and locked with the rest of the process; populated, so that no page fault falls into the timed loop.
    Ok(MmapRaw::from(MmapOptions::new().len(bytes).populate().map_anon()?))
}

/// Buffers for receiving: a ring of entries that tell the kernel which are free (io_uring_register_buf_ring(3)), and
/// behind it the buffers.
pub(super) struct Provided {
    map: MmapRaw,
    entries: u16,
    tail: u16,
}

impl Provided {
    /// So many, a power of two, all of them free.
    pub(super) fn new(entries: u16) -> io::Result<Self> {
        let map = pages(usize::from(entries) * (ENTRY + BUFFER))?;
        let mut provided = Self { map, entries, tail: 0 };
        for id in 0..entries {
            provided.give_back(id);
        }
        Ok(provided)
    }

    pub(super) const fn entries(&self) -> u16 {
        self.entries
    }

    /// Of the ring; on a page.
    pub(super) fn address(&self) -> u64 {
        self.map.as_mut_ptr() as u64
    }

    /// First byte of a buffer; `id` is less than `entries`.
    fn buffer(&self, id: u16) -> *mut u8 {
        debug_assert!(id < self.entries);
        let at = usize::from(self.entries) * ENTRY + usize::from(id) * BUFFER;
        // SAFETY: the mapping holds the ring and `entries` buffers behind it.
        unsafe { self.map.as_mut_ptr().add(at) }
    }

    /// The first `len` bytes of a buffer that a completion names; none if there is no such buffer.
    #[inline]
    pub(super) fn filled(&self, id: u16, len: usize) -> Option<&[u8]> {
        if id >= self.entries || len > BUFFER {
            return None;
        }
        // SAFETY: in bounds; the kernel has completed its write and doesn't touch the buffer until it is given back,
        // for which `self` must be borrowed exclusively.
        Some(unsafe { slice::from_raw_parts(self.buffer(id), len) })
    }

    /// The kernel may use the buffer again.
    #[inline]
    pub(super) fn give_back(&mut self, id: u16) {
        if id >= self.entries {
            return;
        }
        let address = self.buffer(id) as u64;
        let place = usize::from(self.tail & (self.entries - 1));
        // SAFETY: in bounds: the ring has `entries` entries, a power of two.
        let entry = unsafe { self.map.as_mut_ptr().add(place * ENTRY) }.cast::<BufRingEntry>();
        // SAFETY: aligned (a mapping begins on a page, an entry has 16 bytes), any bytes are valid for it, and the
        // kernel doesn't read it before the tail below says so.
        let entry = unsafe { &mut *entry };
        entry.set_addr(address);
        entry.set_len(u32::try_from(BUFFER).unwrap_or(u32::MAX));
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the address is that of the first entry, and any bytes are valid for one.
        let tail = unsafe { BufRingEntry::tail(self.map.as_mut_ptr().cast()) };
        // SAFETY: in bounds and aligned; the kernel only reads it.
        unsafe { AtomicU16::from_ptr(tail.cast_mut()) }.store(self.tail, Ordering::Release);
    }
}

/// Buffers to send from.
pub(super) struct Pool {
    map: MmapRaw,
    buffers: u16,
}

impl Pool {
    pub(super) fn new(buffers: u16) -> io::Result<Self> {
        Ok(Self { map: pages(usize::from(buffers) * BUFFER)?, buffers })
    }

    pub(super) fn address(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    pub(super) fn bytes(&self) -> usize {
        self.map.len()
    }

    /// The first `len` bytes of a buffer that the kernel doesn't read now; none where there is no such buffer.
    #[inline]
    pub(super) fn bytes_mut(&mut self, id: u16, len: usize) -> Option<&mut [u8]> {
        if id >= self.buffers || len > BUFFER {
            return None;
        }
        // SAFETY: in bounds.
        let at = unsafe { self.map.as_mut_ptr().add(usize::from(id) * BUFFER) };
        // SAFETY: in bounds, borrowed exclusively, and at most read by anybody else: a peer of the kernel that still
        // sends these bytes would send others, but nothing of this program depends on them.
        Some(unsafe { slice::from_raw_parts_mut(at, len) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_completion_names_wrongly_is_no_buffer() {
        let provided = Provided::new(8).unwrap();
        assert!(provided.filled(7, BUFFER).is_some());
        assert!(provided.filled(8, 1).is_none() && provided.filled(0, BUFFER + 1).is_none());
        let mut pool = Pool::new(2).unwrap();
        assert!(pool.bytes_mut(1, BUFFER).is_some());
        assert!(pool.bytes_mut(2, 1).is_none() && pool.bytes_mut(0, BUFFER + 1).is_none());
    }
}
