//! A `VecDeque` behind parking_lot's mutex.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken, locked::Bounded};

/// See the module.
pub(super) struct ParkingLotMutex;

impl Queue for ParkingLotMutex {
    const ABOUT: About = About {
        name: "mutex-parking-lot",
        summary: "VecDeque behind the Mutex of the crate parking_lot, many producers",
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
        let queue = Arc::new(Mutex::new(Bounded::new(capacity)));
        (End(queue.clone()), End(queue))
    }
}

/// Either end.
pub(super) struct End<M>(Arc<Mutex<Bounded<M>>>);

impl<M: Message> Push<M> for End<M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        self.0.lock().push(message)
    }

    fn another(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<M: Message> Pop<M> for End<M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        self.0.lock().pop()
    }

    #[inline]
    fn wait(&mut self, _limit: Duration) -> Option<M> {
        self.pop()
    }
}
