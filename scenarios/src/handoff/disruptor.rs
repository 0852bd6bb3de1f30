//! disruptor: a ring whose places are made once and written over, after the LMAX Disruptor; here with one producer, and one
//! consumer that asks for one message at a time.

use disruptor::{BusySpin, EventPoller, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier};

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken};

/// See the module.
pub(super) struct Disruptor;

impl Queue for Disruptor {
    const ABOUT: About = About {
        name: "disruptor",
        summary: "ring of the crate disruptor, one producer, lock-free",
        held_up: HeldUp::Nobody,
        many_producers: false,
        bounded: true,
        allocates: false,
        waits: BOTH,
    };
    type Push<M: Message> = SingleProducer<M, SingleConsumerBarrier>;
    type Pop<M: Message> = EventPoller<M, SingleProducerBarrier>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        // The way to wait is for threads that the crate starts itself, of which there are none here.
        let (pop, builder) = disruptor::build_single_producer(capacity, M::default, BusySpin).new_event_poller();
        (builder.build(), pop)
    }
}

impl<M: Message> Push<M> for SingleProducer<M, SingleConsumerBarrier> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        self.try_publish(|place| *place = message).map(drop).map_err(|_| Full)
    }

    fn another(&self) -> Option<Self> {
        None
    }
}

impl<M: Message> Pop<M> for EventPoller<M, SingleProducerBarrier> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        let mut one = self.take(1).ok()?;
        (&mut one).next().copied()
    }
}
