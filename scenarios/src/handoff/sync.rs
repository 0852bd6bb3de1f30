//! What our own synchronisation is made of, apart from it: `tests/handoff_loom.rs` compiles the same code against loom's.

pub(super) use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering, fence},
};
pub(super) use std::thread::Thread;
use std::{cell, thread, time::Duration};

/// A cell whose content is reached by a pointer, and only inside a call.
#[derive(Debug, Default)]
pub(super) struct UnsafeCell<T>(cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(cell::UnsafeCell::new(value))
    }

    #[inline]
    pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

#[inline]
pub(super) fn spin() {
    std::hint::spin_loop();
}

pub(super) fn this_thread() -> Thread {
    thread::current()
}

/// Sleeps until it is woken, or `limit` is over, or for no reason.
pub(super) fn park(limit: Duration) {
    thread::park_timeout(limit);
}
