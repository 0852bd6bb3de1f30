//! The bell that wakes a sleeping taker, and no other.
//!
//! The taker says that it will sleep and then looks into the queue once more; who puts in does so and then looks whether the
//! taker sleeps. With a sequentially consistent fence between the two steps of each, at least one sees the other (Dekker's
//! argument): either the taker finds the message, or it is woken.

use std::{sync::PoisonError, time::Duration};

use super::sync::{Arc, AtomicBool, Mutex, Ordering, Thread, fence, park, this_thread};

/// One taker's bell; copies are of the same.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sleeping: AtomicBool,
    /// Who sleeps; locked only on the way to sleep and to wake.
    taker: Mutex<Option<Thread>>,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { sleeping: AtomicBool::new(false), taker: Mutex::new(None) }))
    }

    /// Wakes the taker if it sleeps, or is about to. To be called after what it waits for is there.
    #[inline]
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.0.sleeping.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if self.0.sleeping.swap(false, Ordering::Relaxed)
            && let Some(taker) = self.0.taker.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            taker.unpark();
        }
    }

    /// Sleeps until rung, or for `limit`, unless `look` finds something first; looks once more afterwards.
    pub(super) fn sleep_unless<M>(&self, limit: Duration, mut look: impl FnMut() -> Option<M>) -> Option<M> {
        self.0.taker.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(this_thread);
        self.0.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let found = look();
        if found.is_none() {
            park(limit);
        }
        self.0.sleeping.store(false, Ordering::Relaxed);
        found.or_else(look)
    }
}
