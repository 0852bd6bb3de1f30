//! How a frame lies in memory that the other end writes to and nobody tells of: in a slot of its own, right-aligned before a
//! trailer at the slot's end, so that the last bytes of each write are in a place known beforehand.
//!
//! The trailer's last word is the frame's number. A device that writes in the order of addresses writes it last, as every one
//! known does and none must; so the word before it is a sum over the whole frame, and a number that is there before its
//! frame is seen for what it is. A slot is written again only when the reader has said that it is done with it.

/// Bytes of a slot.
pub(super) const SLOT: usize = 2048;
/// Sum, length and number.
pub(super) const TRAILER: usize = 16;
/// Longest frame.
pub(super) const LONGEST: usize = SLOT - TRAILER;

/// Places that are used in turn, beginning with the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    place: usize,
    places: u64,
}

impl Turn {
    /// Of so many, at least one.
    pub(super) const fn of(places: u64) -> Self {
        Self { place: 0, places }
    }

    /// Whose turn it is.
    #[inline]
    pub(super) const fn place(self) -> usize {
        self.place
    }

    #[inline]
    pub(super) const fn step(&mut self) {
        self.place = if self.place as u64 + 1 >= self.places { 0 } else { self.place + 1 };
    }
}

/// Bytes that a frame of so many takes, trailer included.
#[inline]
pub(super) const fn written(len: usize) -> usize {
    len.next_multiple_of(8) + TRAILER
}

/// The number that stands behind the frame that is the `n`th of all, counted from 0: never the one that the slot had before,
/// nor that of memory never written to.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "numbers wrap around")]
pub(super) const fn number(n: u64) -> u32 {
    (n as u32) | 0x8000_0000
}

/// Builds a frame of `len` bytes, at most [`LONGEST`], in a slot; where its first byte lies.
#[inline]
pub(super) fn build(slot: &mut [u8; SLOT], len: usize, number: u32, fill: impl FnOnce(&mut [u8])) -> usize {
    let start = SLOT - written(len);
    let (frame, trailer) = slot[start..].split_at_mut(len.next_multiple_of(8));
    let (payload, padding) = frame.split_at_mut(len);
    fill(payload);
    padding.fill(0);
    let sum = sum(frame, len, number);
    trailer[..8].copy_from_slice(&sum.to_ne_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "at most a slot")]
    trailer[8..12].copy_from_slice(&(len as u32).to_ne_bytes());
    trailer[12..].copy_from_slice(&number.to_ne_bytes());
    start
}

/// The frame in a slot whose number has come, if all of it is there.
#[inline]
pub(super) fn read(slot: &[u8; SLOT], number: u32) -> Option<&[u8]> {
    let trailer = slot.last_chunk::<TRAILER>()?;
    let len = usize::try_from(u32::from_ne_bytes([trailer[8], trailer[9], trailer[10], trailer[11]])).ok()?;
    if len > LONGEST {
        return None;
    }
    let frame = slot.get(SLOT - written(len)..SLOT - TRAILER)?;
    let said = u64::from_ne_bytes(*trailer.first_chunk()?);
    (sum(frame, len, number) == said).then(|| frame.get(..len)).flatten()
}

/// Of all words, so that one that is missing or old shows: each is turned before the next is added, or words that
/// changed places would not.
#[inline]
fn sum(frame: &[u8], len: usize, number: u32) -> u64 {
    // An odd number of high weight (from the golden ratio), so that every bit reaches others.
    const TURN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = (u64::from(number) << 32 | len as u64).wrapping_mul(TURN);
    for word in frame.as_chunks::<8>().0 {
        sum = (sum.rotate_left(23) ^ u64::from_ne_bytes(*word)).wrapping_mul(TURN);
    }
    sum
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
