//! How the three threads begin and end together.

use std::{
    hint,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

/// Threads beside the first.
const OTHERS: u32 = 2;

/// Which of the threads have done their part.
#[derive(Default)]
pub(super) struct Flags {
    pub(super) received: AtomicBool,
    pub(super) decided: AtomicBool,
    pub(super) sent: AtomicBool,
    in_place: AtomicU32,
}

impl Flags {
    /// Until the other threads are where they should be, or one of them has ended instead.
    pub(super) fn wait_for_others(&self) {
        while self.in_place.load(Ordering::Acquire) < OTHERS && !self.are_others_gone() {
            hint::spin_loop();
        }
    }

    /// Whether nothing more is put into the first queue.
    pub(super) fn is_received(&self) -> bool {
        self.received.load(Ordering::Acquire)
    }

    /// Whether nothing more is put into the second.
    pub(super) fn is_decided(&self) -> bool {
        self.decided.load(Ordering::Acquire)
    }

    /// Whether one of the others has ended before the first.
    #[inline]
    pub(super) fn are_others_gone(&self) -> bool {
        self.sent.load(Ordering::Relaxed) || self.decided.load(Ordering::Relaxed)
    }
}

/// A thread's promise: when it ends, however it ends, the others learn of it.
pub(super) struct Done<'a> {
    flags: &'a Flags,
    own: &'a AtomicBool,
}

impl<'a> Done<'a> {
    pub(super) const fn new(flags: &'a Flags, own: &'a AtomicBool) -> Self {
        Self { flags, own }
    }

    /// The thread is where it should be.
    pub(super) fn in_place(&self) {
        self.flags.in_place.fetch_add(1, Ordering::Release);
    }
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.own.store(true, Ordering::Release);
    }
}
