//! A `VecDeque` behind the standard library's mutex, with its condition variable for the taker: the textbook's queue.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use super::{
    About, Full, Message, Pop, Push, Queue, Wait,
    locked::{self, Bounded},
};

/// See the module.
pub(super) struct MutexCondvar;

impl Queue for MutexCondvar {
    const ABOUT: About = About {
        waits: &[Wait::Blocking],
        ..locked::about("condvar", "VecDeque behind the standard library's Mutex with a Condvar, many producers")
    };
    type Push<M: Message> = End<M>;
    type Pop<M: Message> = End<M>;
    type Blocking = Self;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        let queue = Arc::new((Mutex::new(Bounded::new(capacity)), Condvar::new()));
        (End(queue.clone()), End(queue))
    }
}

/// Either end.
pub(super) struct End<M>(Arc<(Mutex<Bounded<M>>, Condvar)>);

impl<M: Message> Push<M> for End<M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        let (queue, not_empty) = &*self.0;
        queue.lock().unwrap_or_else(PoisonError::into_inner).push(message)?;
        // After the lock is free again, so that who is woken needn't wait for it.
        not_empty.notify_one();
        Ok(())
    }

    fn another(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<M: Message> Pop<M> for End<M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    #[inline]
    fn wait(&mut self, limit: Duration) -> Option<M> {
        let (queue, not_empty) = &*self.0;
        let mut held = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let first = held.pop();
        if first.is_some() {
            return first;
        }
        let (mut held, _) = not_empty.wait_timeout(held, limit).unwrap_or_else(PoisonError::into_inner);
        held.pop()
    }
}
