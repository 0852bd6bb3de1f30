//! Where the timed loops write: memory that was allocated and touched before.

use tickcert_results::time::{TickSpan, Ticks};

/// A message that was taken out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// The tick that it came in.
    pub(super) packet: u32,
    /// Just before it was put in.
    pub(super) pushed: Ticks,
    /// When it had been taken out.
    pub(super) popped: Ticks,
}

/// A span of a message, by the tick that it came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) packet: u32,
    pub(super) ticks: TickSpan,
}

/// An order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// The tick that it came of.
    pub(super) packet: u32,
    /// Just before its message was put in.
    pub(super) pushed: Ticks,
    /// When that had been taken out.
    pub(super) popped: Ticks,
    /// When its last byte was written.
    pub(super) done: Ticks,
}

/// A list that never grows.
#[derive(Debug)]
pub(super) struct Log<T> {
    entries: Vec<T>,
    overflowed: u64,
}

impl<T: Copy + Untouched> Log<T> {
    /// With room for so many.
    pub(super) fn with_room(room: usize) -> Self {
        let mut entries = vec![T::ANY; room];
        entries.clear();
        Self { entries, overflowed: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: T) {
        if self.entries.len() < self.entries.capacity() {
            self.entries.push(entry);
        } else {
            self.overflowed += 1;
        }
    }

    pub(super) fn entries(&self) -> &[T] {
        &self.entries
    }

    pub(super) const fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

/// What a place is written with so that its page is there. Not zeros, which may be a page that is none yet.
pub(super) trait Untouched {
    const ANY: Self;
}

impl Untouched for Span {
    const ANY: Self = Self { packet: 1, ticks: TickSpan(1) };
}

impl Untouched for Taken {
    const ANY: Self = Self { packet: 1, pushed: Ticks::MIN, popped: Ticks::MIN };
}

impl Untouched for Made {
    const ANY: Self = Self { packet: 1, pushed: Ticks::MIN, popped: Ticks::MIN, done: Ticks::MIN };
}
