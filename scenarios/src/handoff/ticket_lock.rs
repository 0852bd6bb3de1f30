//! A ticket lock: threads are served in the order in which they came, and spin until it is their turn (Mellor-Crummey and
//! Scott, "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991, section 2.2).
//!
//! Fair, and for that the worst to be taken off one's core with: everybody behind waits, whether the lock is held or not.
#![expect(unsafe_code, reason = "a lock hands out what it guards through a shared reference")]

use super::sync::{AtomicU32, Ordering, UnsafeCell, spin};

/// A lock around a value.
#[derive(Debug)]
pub(super) struct TicketLock<T> {
    next: Line,
    serving: Line,
    value: UnsafeCell<T>,
}

/// A line of its own: those who come write the one counter while those who wait read the other.
#[derive(Debug)]
#[repr(align(128))]
struct Line(AtomicU32);

// SAFETY: the value is reached only by the thread whose ticket is served, one at a time, so sharing the lock hands the value
// from thread to thread, for which it must be `Send`, and never lets two have it at once.
unsafe impl<T: Send> Sync for TicketLock<T> {}

impl<T> TicketLock<T> {
    pub(super) fn new(value: T) -> Self {
        Self { next: Line(AtomicU32::new(0)), serving: Line(AtomicU32::new(0)), value: UnsafeCell::new(value) }
    }

    /// Runs `work` on the value, alone; `work` must not lock again.
    #[inline]
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // The order of tickets is that of this one counter, and what they guard is ordered by the other.
        let ticket = self.next.0.fetch_add(1, Ordering::Relaxed);
        while self.serving.0.load(Ordering::Acquire) != ticket {
            spin();
        }
        let turn = Turn { lock: self, ticket };
        let done = self.value.with_mut(|value| {
            // SAFETY: no other thread has this ticket, and none with another is served until the turn below is passed on,
            // with all that was written before it; so this is the only reference while it lasts.
            work(unsafe { &mut *value })
        });
        drop(turn);
        done
    }
}

/// Passes the turn on when it is dropped, so also when `work` panics.
struct Turn<'a, T> {
    lock: &'a TicketLock<T>,
    ticket: u32,
}

impl<T> Drop for Turn<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.serving.0.store(self.ticket.wrapping_add(1), Ordering::Release);
    }
}
