//! crossbeam's SegQueue: a list of blocks for any number of threads at both ends. Without bounds: it is never full, and
//! allocates a block for every few messages instead.

use std::sync::Arc;

use crossbeam_queue::SegQueue;

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken};

/// See the module.
pub(super) struct CrossbeamSeg;

impl Queue for CrossbeamSeg {
    const ABOUT: About = About {
        name: "seg-queue",
        summary: "SegQueue of the crate crossbeam-queue, many producers, without a lock, without bounds",
        held_up: HeldUp::Taker,
        many_producers: true,
        bounded: false,
        allocates: true,
        waits: BOTH,
    };
    type Push<M: Message> = Arc<SegQueue<M>>;
    type Pop<M: Message> = Arc<SegQueue<M>>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(_capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        let queue = Arc::new(SegQueue::new());
        (queue.clone(), queue)
    }
}

impl<M: Message> Push<M> for Arc<SegQueue<M>> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        SegQueue::push(self, message);
        Ok(())
    }

    fn another(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<M: Message> Pop<M> for Arc<SegQueue<M>> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        SegQueue::pop(self)
    }
}
