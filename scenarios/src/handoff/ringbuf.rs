//! ringbuf: a ring for one thread at each end; here with copies of the other's place at both, which the crate calls caching.

use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer, Producer, Split},
};

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken};

/// See the module.
pub(super) struct RingBuf;

impl Queue for RingBuf {
    const ABOUT: About = About {
        name: "ringbuf",
        summary: "ring of the crate ringbuf, one producer, lock-free",
        held_up: HeldUp::Nobody,
        many_producers: false,
        bounded: true,
        allocates: false,
        waits: BOTH,
    };
    type Push<M: Message> = HeapProd<M>;
    type Pop<M: Message> = HeapCons<M>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        HeapRb::new(capacity).split()
    }
}

impl<M: Message> Push<M> for HeapProd<M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        self.try_push(message).map_err(|_| Full)
    }

    fn another(&self) -> Option<Self> {
        None
    }
}

impl<M: Message> Pop<M> for HeapCons<M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        self.try_pop()
    }
}
