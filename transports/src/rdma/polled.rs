//! Frames found by looking at memory. No completion tells the writer that a slot is free again, so the reader tells how many
//! frames it has read, by a write of its own into the writer's memory, after each quarter of the slots.

use std::io;

use super::{
    completions_ffi::BURST,
    device_ffi::Device,
    meet::StreamEnd,
    memory_ffi::Registered,
    queue_ffi::Queue,
    refusal,
    request_ffi::{Deed, Posting, Request},
    slots::{self, Turn},
};
use crate::api::{OpenError, RxMeta};

/// Requests that the reader has under way at most: one for each cell.
#[expect(clippy::cast_possible_truncation, reason = "a small number")]
pub(super) const REQUESTS: u32 = CELLS as u32;
/// Looks at a frame whose number has come and which is not whole, before it is given up. Some microseconds would do.
const NOT_WHOLE: u32 = 10_000_000;
/// Words of which each is written to the other end in turn, so that none changes while the device reads it.
const CELLS: u64 = 8;

/// The reader's state.
pub(super) struct Polled {
    slots: u64,
    next: Turn,
    /// Told to the other end.
    told: u64,
    /// Requests to tell it that are under way.
    telling: u64,
    tell: Request,
    cells: Registered,
    /// Looks at a frame that is not whole.
    not_whole: u32,
    /// Frames whose number was seen before they were whole.
    seen_early: u64,
}

impl Polled {
    /// So many slots, and memory for what is told.
    ///
    /// # Errors
    /// As [`Registered::new`].
    pub(super) fn new(device: &Device, slots: u64) -> Result<Self, OpenError> {
        let cells = Registered::new(&device.domain, 4096, false, false)?;
        let tell = Request::new(Deed::Write);
        Ok(Self { slots, next: Turn::of(slots), told: 0, telling: 0, tell, cells, not_whole: 0, seen_early: 0 })
    }

    /// Where the other end looks for what was read.
    pub(super) fn aim_at(&mut self, other: &StreamEnd) {
        self.tell.aim_at_memory(other.address, other.key);
    }

    pub(super) const fn slots(&self) -> u64 {
        self.slots
    }

    /// Frames whose number was seen before they were whole.
    pub(super) const fn seen_early(&self) -> u64 {
        self.seen_early
    }

    /// Hands over frames, at most `budget`, and counts them in `taken`; how many.
    ///
    /// # Errors
    /// A frame that is never whole; telling that failed.
    #[inline]
    pub(super) fn poll(
        &mut self,
        queue: &mut Queue,
        memory: &Registered,
        taken: &mut u64,
        budget: u32,
        on_frame: &mut impl FnMut(&[u8], RxMeta),
    ) -> io::Result<usize> {
        let mut frames = 0;
        while frames < budget as usize {
            let slot = self.next.place();
            let number = slots::number(*taken);
            if memory.last_word(slot) != number {
                break;
            }
            let Some(frame) = slots::read(memory.slot(slot), number) else {
                self.not_yet(number)?;
                break;
            };
            on_frame(frame, RxMeta::default());
            self.seen_early += u64::from(std::mem::take(&mut self.not_whole) > 0);
            *taken += 1;
            self.next.step();
            frames += 1;
        }
        if *taken - self.told >= self.slots / 4 {
            self.tell(queue, *taken)?;
        }
        Ok(frames)
    }

    #[cold]
    fn not_yet(&mut self, number: u32) -> io::Result<()> {
        self.not_whole += 1;
        if self.not_whole < NOT_WHOLE {
            return Ok(());
        }
        let what = format!(
            "the frame {number:#x} has its number in memory and is not whole: something else writes there, or the device wrote a part only"
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }

    /// Tells the other end how many were read, if there is room for that now.
    #[inline]
    fn tell(&mut self, queue: &mut Queue, taken: u64) -> io::Result<()> {
        for done in queue.sent.take(BURST) {
            if done.status != 0 {
                return Err(refusal::completion("write of what was read", done.status, done.vendor_error));
            }
            self.telling -= 1;
        }
        if self.telling == CELLS {
            return Ok(());
        }
        let cell = (self.told / (self.slots / 4).max(1) % CELLS) * 8;
        let at = usize::try_from(cell).unwrap_or_default();
        self.cells.slot_mut(0)[at..at + 8].copy_from_slice(&taken.to_ne_bytes());
        let posting = Posting {
            id: taken,
            address: self.cells.address() + cell,
            bytes: 8,
            key: self.cells.local_key(),
            signalled: true,
        };
        self.tell.post(queue, posting)?;
        self.telling += 1;
        self.told = taken;
        Ok(())
    }
}
