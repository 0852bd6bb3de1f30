//! How the three threads begin and end together.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use tickcert_scenarios::handoff::Over;

/// Threads beside the first.
const OTHERS: u32 = 2;

/// What each thread has said of itself.
pub(super) struct Flags {
    /// The order session is open.
    pub(super) logged_in: Over,
    /// The feed has ended as it should.
    pub(super) ended: Over,
    /// Nothing more is put into the first queue.
    pub(super) received: Over,
    /// Nothing more is put into the second.
    pub(super) decided: Over,
    /// All is sent, and only the session is to be closed.
    pub(super) closing: Over,
    /// It is.
    pub(super) sent: Over,
    in_place: AtomicU32,
}

impl Flags {
    pub(super) fn new() -> Self {
        let [logged_in, ended, received, decided, closing, sent] = std::array::from_fn(|_| Over::new());
        Self { logged_in, ended, received, decided, closing, sent, in_place: AtomicU32::new(0) }
    }

    /// Until the other threads are where they should be, or one of them has ended instead.
    pub(super) fn wait_for_others(&self) {
        while self.in_place.load(Ordering::Acquire) < OTHERS && !self.are_others_gone() {
            thread::yield_now();
        }
    }

    /// Until something is said, or nobody is left to say it.
    pub(super) fn wait_until(&self, said: &Over) {
        while !said.is_said() && !self.sent.is_said() {
            thread::yield_now();
        }
    }

    /// Whether one of the others has ended before the first.
    #[inline]
    pub(super) fn are_others_gone(&self) -> bool {
        self.sent.is_said() || self.decided.is_said()
    }
}

/// A thread's promise: when it ends, however it ends, the others learn of it.
pub(super) struct Done<'a> {
    flags: &'a Flags,
    own: &'a Over,
}

impl<'a> Done<'a> {
    pub(super) const fn new(flags: &'a Flags, own: &'a Over) -> Self {
        Self { flags, own }
    }

    /// The thread is where it should be.
    pub(super) fn in_place(&self) {
        self.flags.in_place.fetch_add(1, Ordering::Release);
    }
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.own.say();
    }
}
