//! A `VecDeque` behind a ticket lock of our own: threads are served in the order in which they came.

use std::{sync::Arc, time::Duration};

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken, locked::Bounded, ticket_lock::TicketLock};

/// See the module.
pub(super) struct Ticket;

impl Queue for Ticket {
    const ABOUT: About = About {
        name: "ticket-lock",
        summary: "VecDeque behind a ticket spin lock, many producers",
        held_up: HeldUp::Everybody,
        many_producers: true,
        bounded: true,
        allocates: false,
        waits: BOTH,
    };
    type Push<M: Message> = End<M>;
    type Pop<M: Message> = End<M>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        let queue = Arc::new(TicketLock::new(Bounded::new(capacity)));
        (End(queue.clone()), End(queue))
    }
}

/// Either end.
pub(super) struct End<M>(Arc<TicketLock<Bounded<M>>>);

impl<M: Message> Push<M> for End<M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        self.0.with(|queue| queue.push(message))
    }

    fn another(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<M: Message> Pop<M> for End<M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        self.0.with(Bounded::pop)
    }

    #[inline]
    fn wait(&mut self, _limit: Duration) -> Option<M> {
        self.pop()
    }
}
