//! The standard library's channel, without bounds: a list of blocks, which allocates one for every few messages.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue};

/// See the module.
pub(super) struct Mpsc;

impl Queue for Mpsc {
    const ABOUT: About = About {
        name: "mpsc",
        summary: "channel of the standard library, many producers, without a lock, without bounds",
        held_up: HeldUp::Taker,
        many_producers: true,
        bounded: false,
        allocates: true,
        waits: BOTH,
    };
    type Push<M: Message> = Sender<M>;
    type Pop<M: Message> = Receiver<M>;
    type Blocking = Self;

    fn open<M: Message>(_capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        channel()
    }
}

impl<M: Message> Push<M> for Sender<M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        // It fails only where the taker is gone, who then misses nothing.
        let _ = self.send(message);
        Ok(())
    }

    fn another(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl<M: Message> Pop<M> for Receiver<M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        self.try_recv().ok()
    }

    #[inline]
    fn wait(&mut self, limit: Duration) -> Option<M> {
        self.recv_timeout(limit).ok()
    }
}
