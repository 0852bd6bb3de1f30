//! A way to sleep for queues that have none: who puts in wakes the taker, but only if that sleeps, since waking costs a
//! system call.

use std::time::Duration;

use super::{About, Full, Message, Pop, Push, Queue, bell::Bell};

/// Any queue, whose taker sleeps while there is nothing.
pub struct Woken<Q>(std::marker::PhantomData<fn() -> Q>);

impl<Q: Queue> Queue for Woken<Q> {
    const ABOUT: About = Q::ABOUT;
    type Push<M: Message> = WokenPush<Q::Push<M>>;
    type Pop<M: Message> = WokenPop<Q::Pop<M>>;
    type Blocking = Self;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        let (push, pop) = Q::open(capacity);
        let bell = Bell::new();
        (WokenPush { push, bell: bell.clone() }, WokenPop { pop, bell })
    }
}

/// Puts in, and wakes.
pub struct WokenPush<P> {
    push: P,
    bell: Bell,
}

impl<M, P: Push<M>> Push<M> for WokenPush<P> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        self.push.push(message)?;
        self.bell.ring();
        Ok(())
    }

    fn another(&self) -> Option<Self> {
        self.push.another().map(|push| Self { push, bell: self.bell.clone() })
    }
}

/// Takes out, and sleeps.
pub struct WokenPop<P> {
    pop: P,
    bell: Bell,
}

impl<M, P: Pop<M>> Pop<M> for WokenPop<P> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        self.pop.pop()
    }

    #[inline]
    fn wait(&mut self, limit: Duration) -> Option<M> {
        let Self { pop, bell } = self;
        pop.pop().or_else(|| bell.sleep_unless(limit, || pop.pop()))
    }
}
