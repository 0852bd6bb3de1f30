//! crossbeam's ArrayQueue: a ring for any number of threads at both ends, each place with a stamp of whose turn it is.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken};

/// See the module.
pub(super) struct CrossbeamArray;

impl Queue for CrossbeamArray {
    const ABOUT: About = About {
        name: "array-queue",
        summary: "ArrayQueue of the crate crossbeam-queue, many producers, without a lock",
        held_up: HeldUp::Taker,
        many_producers: true,
        bounded: true,
        allocates: false,
        waits: BOTH,
    };
    type Push<M: Message> = Arc<ArrayQueue<M>>;
    type Pop<M: Message> = Arc<ArrayQueue<M>>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        let queue = Arc::new(ArrayQueue::new(capacity));
        (queue.clone(), queue)
    }
}

impl<M: Message> Push<M> for Arc<ArrayQueue<M>> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        ArrayQueue::push(self, message).map_err(|_| Full)
    }

    fn another(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<M: Message> Pop<M> for Arc<ArrayQueue<M>> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        ArrayQueue::pop(self)
    }
}
