//! A ring of frames in shared memory, one writer and one reader, each in a process of its own.
//!
//! A frame begins on a cache line: four bytes of header, then the payload, built in place. The header is zero until the
//! frame is complete, and then its length and one: so a short frame and the word that it is there cross in one line,
//! and the reader watches nothing else. Only the writer writes lines. Behind each frame it clears the headers of the
//! lines ahead, which is why the reader never takes an old payload for a header; it also brings those lines into the
//! writer's cache before they are needed. The reader's only store is its counter, which the writer reads when the ring
//! seems full.
//!
//! Nothing that the other process writes is trusted with an address: a length beyond the longest frame and a counter
//! beyond the ring break the flow. A peer that dies leaves its unfinished frame invisible, and silence.
#![expect(unsafe_code, reason = "memory that another process reads and writes")]

use std::{
    io,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use memmap2::MmapRaw;

use super::geometry::{FRAME_LINES, Geometry, HEADER, LINE, Which, lines_of};
use crate::{api::TxError, kernel::MAX_FRAME};

/// Lines ahead of the writer whose headers are always clear. The next frame begins at most a frame and the lines at the
/// ring's end further on.
const CLEAR_AHEAD: u64 = 2 * FRAME_LINES as u64 + 1;

/// One ring of the mapping.
struct Ring {
    lines: NonNull<u8>,
    /// Up to where the reader is, in lines since the beginning.
    counter: NonNull<u8>,
    starts: usize,
    all: usize,
    /// Keeps the pages mapped.
    _map: Arc<MmapRaw>,
}

// SAFETY: the pointers lead into the mapping that `_map` holds, which may be used from any thread; what they lead to is
// read and written as atomics, or by the rules of the ring.
unsafe impl Send for Ring {}

impl Ring {
    fn new(map: Arc<MmapRaw>, geometry: Geometry, which: Which) -> io::Result<Self> {
        let (counter, ring) = (geometry.counter(which), geometry.ring(which));
        let Some(base) = NonNull::new(map.as_mut_ptr()).filter(|_| map.len() >= geometry.bytes()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the mapping is smaller than its rings"));
        };
        // SAFETY: the mapping has at least `geometry.bytes()` bytes, and every counter lies within them.
        let counter = unsafe { base.add(counter) };
        // SAFETY: as above, for the ring.
        let lines = unsafe { base.add(ring) };
        Ok(Self { lines, counter, starts: geometry.starts, all: geometry.lines(), _map: map })
    }

    const fn bytes(&self) -> usize {
        self.all * LINE
    }

    /// The header on line `place`, which is less than `all`.
    #[inline]
    fn header(&self, place: usize) -> &AtomicU32 {
        debug_assert!(place < self.all);
        // SAFETY: the ring has `all` lines.
        let at = unsafe { self.lines.add(place * LINE) };
        // SAFETY: in bounds, aligned to a line, alive as long as `self`; both processes use it as an atomic only.
        unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) }
    }

    /// First byte of the payload of a frame that begins on line `place`, less than `starts`: `MAX_FRAME` bytes from it
    /// lie within the ring.
    #[inline]
    fn payload(&self, place: usize) -> *mut u8 {
        debug_assert!(place < self.starts);
        // SAFETY: the last frame may begin on line `starts - 1`, and `FRAME_LINES` lines follow in the ring.
        unsafe { self.lines.add(place * LINE + HEADER) }.as_ptr()
    }

    #[inline]
    fn read_up_to(&self) -> &AtomicU64 {
        // SAFETY: in bounds, aligned to a line, alive as long as `self`; both processes use it as an atomic only.
        unsafe { AtomicU64::from_ptr(self.counter.as_ptr().cast()) }
    }

    /// Where the frame after one of so many lines begins.
    #[inline]
    const fn after(&self, at: Position, lines: usize) -> Position {
        let place = at.place + lines;
        let next = Position { place, count: at.count + lines as u64 };
        if place < self.starts { next } else { Position { place: 0, count: next.count + (self.all - place) as u64 } }
    }

    /// The line after this one.
    #[inline]
    const fn next(&self, at: Position) -> Position {
        let place = if at.place + 1 == self.all { 0 } else { at.place + 1 };
        Position { place, count: at.count + 1 }
    }
}

/// A line: its place in the ring, and its number since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position {
    place: usize,
    count: u64,
}

/// The sending side.
pub(super) struct Writer {
    ring: Ring,
    head: Position,
    /// The first line whose header may not be clear.
    unclear: Position,
    /// Up to where the reader was when last looked.
    read: u64,
}

impl Writer {
    /// Of a ring that is all zero, or will be.
    pub(super) fn new(map: Arc<MmapRaw>, geometry: Geometry, which: Which) -> io::Result<Self> {
        let ring = Ring::new(map, geometry, which)?;
        let mut writer = Self { ring, head: Position::default(), unclear: Position::default(), read: 0 };
        writer.clear_ahead();
        Ok(writer)
    }

    /// Builds a frame of `len` bytes in place and lets the reader see it.
    #[inline]
    pub(super) fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), TxError> {
        if len > MAX_FRAME {
            let what = format!("a frame of {len} bytes is longer than the {MAX_FRAME} that a ring carries");
            return Err(TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        let next = self.ring.after(self.head, lines_of(len));
        if !self.has_room_up_to(next) {
            self.look_at_the_reader()?;
            if !self.has_room_up_to(next) {
                return Err(TxError::Full);
            }
        }
        // SAFETY: `head.place < starts` (see `after`) and `len <= MAX_FRAME`, so these bytes lie within the ring. The
        // reader doesn't look at them: it has read everything on these lines (there is room), and their header is clear.
        let payload = unsafe { std::slice::from_raw_parts_mut(self.ring.payload(self.head.place), len) };
        fill(payload);
        #[expect(clippy::cast_possible_truncation, reason = "at most MAX_FRAME + 1")]
        self.ring.header(self.head.place).store(len as u32 + 1, Ordering::Release);
        self.head = next;
        self.clear_ahead();
        Ok(())
    }

    /// Whether all up to `next`, and the lines to be cleared ahead of it, have been read.
    #[inline]
    const fn has_room_up_to(&self, next: Position) -> bool {
        next.count + CLEAR_AHEAD - self.read <= self.ring.all as u64
    }

    #[cold]
    fn look_at_the_reader(&mut self) -> Result<(), TxError> {
        let read = self.ring.read_up_to().load(Ordering::Acquire);
        if read < self.read || read > self.head.count {
            let what = "the other end's counter in shared memory is not one that it can have: it is broken";
            return Err(TxError::Io(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        self.read = read;
        Ok(())
    }

    /// Relaxed will do: the header of a frame is released after the clearing of all that follow it up to the next.
    #[inline]
    fn clear_ahead(&mut self) {
        while self.unclear.count < self.head.count + CLEAR_AHEAD {
            self.ring.header(self.unclear.place).store(0, Ordering::Relaxed);
            self.unclear = self.ring.next(self.unclear);
        }
    }
}

/// The receiving side.
pub(super) struct Reader {
    ring: Ring,
    at: Position,
}

impl Reader {
    /// Of a ring from which nothing was read yet.
    pub(super) fn new(map: Arc<MmapRaw>, geometry: Geometry, which: Which) -> io::Result<Self> {
        Ok(Self { ring: Ring::new(map, geometry, which)?, at: Position::default() })
    }

    /// Bytes of the ring.
    pub(super) const fn bytes(&self) -> usize {
        self.ring.bytes()
    }

    /// As [`crate::api::Rx::poll`], for one flow.
    #[inline]
    pub(super) fn poll(&mut self, budget: u32, mut on_frame: impl FnMut(&[u8])) -> io::Result<u32> {
        let mut frames = 0;
        while frames < budget {
            let header = self.ring.header(self.at.place).load(Ordering::Acquire);
            let Some(len) = header.checked_sub(1) else { break };
            let len = len as usize;
            if len > MAX_FRAME {
                let what = "a frame in shared memory is longer than any can be: the other end is broken";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            // SAFETY: `at.place < starts` (see `after`) and `len <= MAX_FRAME`, so these bytes lie within the ring. The
            // writer, which is this program too, released them with the header, and leaves them alone until the counter
            // below says that they were read.
            let payload = unsafe { std::slice::from_raw_parts(self.ring.payload(self.at.place), len) };
            on_frame(payload);
            self.at = self.ring.after(self.at, lines_of(len));
            self.ring.read_up_to().store(self.at.count, Ordering::Release);
            frames += 1;
        }
        Ok(frames)
    }
}

/// Does to the memory what a peer that is broken could do.
#[cfg(test)]
pub(super) fn store_for_test(map: &MmapRaw, at: usize, word: u32) {
    assert!(at.is_multiple_of(4) && at + 4 <= map.len());
    // SAFETY: in bounds, as was just checked.
    let word_there = unsafe { map.as_mut_ptr().add(at) };
    // SAFETY: in bounds, aligned (a mapping begins on a page), and nobody holds a slice of it during the call.
    unsafe { AtomicU32::from_ptr(word_there.cast()) }.store(word, Ordering::Relaxed);
}
