//! The memory that frames lie in, cut into chunks. A [`Chunk`] is the right to one of them: who has none can't reach any,
//! and what was given to the kernel is a right given away.
#![expect(unsafe_code, reason = "slices of memory that the kernel writes to while it has the right to")]

use std::{io, slice};

use super::syscalls_ffi::Mapping;

/// The right to one chunk of a [`Umem`]. It can't be copied.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    start: u64,
}

impl Chunk {
    /// Its address as descriptors have it: bytes from the start of the memory.
    pub(super) const fn address(&self) -> u64 {
        self.start
    }
}

/// Memory for frames.
#[derive(Debug)]
pub(super) struct Umem {
    memory: Mapping,
    chunk: u32,
}

impl Umem {
    /// That many chunks of `chunk` bytes (a power of two), and the rights to all of them.
    pub(super) fn new(chunk: u32, chunks: u32) -> io::Result<(Self, Vec<Chunk>)> {
        let len = chunk as usize * chunks as usize;
        let rights = (0..u64::from(chunks)).map(|n| Chunk { start: n * u64::from(chunk) }).collect();
        Ok((Self { memory: Mapping::anonymous(len)?, chunk }, rights))
    }

    /// All of it, to be shared with the kernel.
    pub(super) const fn memory(&self) -> &Mapping {
        &self.memory
    }

    /// The chunk that an address of the kernel lies in, and where in it; `None` beyond the end.
    ///
    /// # Safety
    /// The kernel must have handed this address back, and for each time it did so this may be called once: otherwise
    /// there would be two rights to one chunk.
    pub(super) unsafe fn came_back(&self, address: u64) -> Option<(Chunk, usize)> {
        let within = address & u64::from(self.chunk - 1);
        let end = u64::try_from(self.memory.len()).ok()?;
        let chunk = (address < end).then_some(Chunk { start: address - within })?;
        Some((chunk, usize::try_from(within).ok()?))
    }

    /// Bytes of a chunk; `None` beyond its end.
    #[inline]
    pub(super) fn bytes<'a>(&'a self, chunk: &'a Chunk, offset: usize, len: usize) -> Option<&'a [u8]> {
        let start = self.within(chunk, offset, len)?;
        // SAFETY: the bytes lie within the mapping, as was just seen, and were zeroed when it was made. Who holds the
        // chunk by shared reference keeps everybody, the kernel too, from writing to it.
        Some(unsafe { slice::from_raw_parts(start, len) })
    }

    /// The first bytes of a chunk; `None` beyond its end.
    #[inline]
    pub(super) fn bytes_mut<'a>(&'a self, chunk: &'a mut Chunk, len: usize) -> Option<&'a mut [u8]> {
        let start = self.within(chunk, 0, len)?;
        // SAFETY: as above, and the right to the chunk is held by an exclusive reference, so these bytes are nobody else's.
        Some(unsafe { slice::from_raw_parts_mut(start, len) })
    }

    fn within(&self, chunk: &Chunk, offset: usize, len: usize) -> Option<*mut u8> {
        if offset.checked_add(len)? > self.chunk as usize {
            return None;
        }
        let start = usize::try_from(chunk.start).ok()?.checked_add(offset)?;
        Some(self.memory.part::<u8>(start, len)?.as_ptr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_lie_side_by_side_and_do_not_overlap() {
        let (umem, mut chunks) = Umem::new(2048, 4).unwrap();
        for (n, chunk) in chunks.iter_mut().enumerate() {
            umem.bytes_mut(chunk, 2048).unwrap().fill(u8::try_from(n).unwrap());
        }
        for (n, chunk) in chunks.iter().enumerate() {
            assert!(umem.bytes(chunk, 0, 2048).unwrap().iter().all(|b| usize::from(*b) == n));
            assert_eq!(chunk.address(), 2048 * n as u64);
        }
    }

    #[test]
    fn nothing_beyond_a_chunk_can_be_reached_through_it() {
        let (umem, mut chunks) = Umem::new(2048, 2).unwrap();
        assert!(umem.bytes_mut(&mut chunks[0], 2049).is_none());
        assert!(umem.bytes(&chunks[0], 2000, 49).is_none());
        assert!(umem.bytes(&chunks[0], usize::MAX, 2).is_none());
        assert_eq!(umem.bytes(&chunks[1], 2000, 48).map(<[u8]>::len), Some(48));
    }

    #[test]
    fn an_address_within_a_chunk_is_that_chunk_and_one_beyond_the_memory_is_none() {
        let (umem, chunks) = Umem::new(2048, 2).unwrap();
        drop(chunks);
        // SAFETY: the rights to all chunks were given up above.
        let within = unsafe { umem.came_back(2048 + 256) };
        assert_eq!(within, Some((Chunk { start: 2048 }, 256)));
        // SAFETY: as above, and no chunk has this address.
        let beyond = unsafe { umem.came_back(4096) };
        assert_eq!(beyond, None);
    }
}
