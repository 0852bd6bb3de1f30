//! What queues behind a lock have in common: a `VecDeque` that never grows.

use std::collections::VecDeque;

use super::{Full, Message};

/// A queue with room made beforehand.
#[derive(Debug)]
pub(super) struct Bounded<M> {
    queue: VecDeque<M>,
    /// What was asked for: a `VecDeque` may have come with more.
    capacity: usize,
}

impl<M: Message> Bounded<M> {
    /// Empty, with all of its memory touched.
    pub(super) fn new(capacity: usize) -> Self {
        let mut queue: VecDeque<M> = std::iter::repeat_n(M::default(), capacity).collect();
        queue.clear();
        Self { queue, capacity }
    }

    #[inline]
    pub(super) fn push(&mut self, message: M) -> Result<(), Full> {
        if self.queue.len() >= self.capacity {
            return Err(Full);
        }
        self.queue.push_back(message);
        Ok(())
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<M> {
        self.queue.pop_front()
    }
}
