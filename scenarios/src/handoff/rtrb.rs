//! rtrb: a ring for one thread at each end, each of which keeps its own copy of where the other was last seen.

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken};

/// See the module.
pub(super) struct Rtrb;

impl Queue for Rtrb {
    const ABOUT: About = About {
        name: "rtrb",
        summary: "ring of the crate rtrb, one producer, lock-free",
        held_up: HeldUp::Nobody,
        many_producers: false,
        bounded: true,
        allocates: false,
        waits: BOTH,
    };
    type Push<M: Message> = rtrb::Producer<M>;
    type Pop<M: Message> = rtrb::Consumer<M>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        rtrb::RingBuffer::new(capacity)
    }
}

impl<M: Message> Push<M> for rtrb::Producer<M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        rtrb::Producer::push(self, message).map_err(|_| Full)
    }

    fn another(&self) -> Option<Self> {
        None
    }
}

impl<M: Message> Pop<M> for rtrb::Consumer<M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        rtrb::Consumer::pop(self).ok()
    }
}
