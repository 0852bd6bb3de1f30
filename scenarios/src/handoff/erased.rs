//! Queues whose kind is known only at run time, called through a pointer: for loops that are compiled for much else already.

use std::time::Duration;

use super::{Full, Handoff, Job, Message, Pop, Push, Queue, Wait, go_around};

/// A sleeping taker looks up this often.
const NAP: Duration = Duration::from_millis(10);

/// As [`Push`], of whichever kind.
pub trait Put<M>: Send {
    /// As [`Push::push`].
    ///
    /// # Errors
    /// [`Full`].
    fn put(&mut self, message: M) -> Result<(), Full>;
}

impl<M, P: Push<M>> Put<M> for P {
    #[inline]
    fn put(&mut self, message: M) -> Result<(), Full> {
        self.push(message)
    }
}

/// As [`Pop`], of whichever kind, by a taker that waits in its own way.
pub trait Take<M>: Send {
    /// The next message; `None` if there is none now, or, where the taker sleeps, if there was none for a nap of 10 ms.
    fn take(&mut self) -> Option<M>;

    /// The next message; `None` if there is none now.
    fn take_now(&mut self) -> Option<M>;

    /// Whether the taker sleeps.
    fn is_slept_on(&self) -> bool;
}

struct Taker<P> {
    pop: P,
    wait: Wait,
}

impl<M, P: Pop<M>> Take<M> for Taker<P> {
    #[inline]
    fn take(&mut self) -> Option<M> {
        match self.wait {
            Wait::Busy => self.pop.pop(),
            Wait::Blocking => self.pop.wait(NAP),
        }
    }

    #[inline]
    fn take_now(&mut self) -> Option<M> {
        self.pop.pop()
    }

    fn is_slept_on(&self) -> bool {
        self.wait == Wait::Blocking
    }
}

/// A queue for one thread that puts in and one that takes out.
pub struct Opened<M> {
    /// The end for who puts in.
    pub put: Box<dyn Put<M>>,
    /// The end for who takes out.
    pub take: Box<dyn Take<M>>,
}

struct Open<M> {
    capacity: usize,
    of: std::marker::PhantomData<fn() -> M>,
}

impl<M: Message> Job for Open<M> {
    type Out = Opened<M>;

    fn run<Q: Queue>(self, wait: Wait) -> Opened<M> {
        let (mut push, mut pop) = Q::open::<M>(self.capacity);
        go_around(&mut push, &mut pop, self.capacity);
        Opened { put: Box::new(push), take: Box::new(Taker { pop, wait }) }
    }
}

impl Handoff {
    /// An empty queue with room for `capacity` messages (a power of two), whose memory is there already; `None` where this
    /// is no queue.
    #[must_use]
    pub fn open<M: Message>(self, capacity: usize) -> Option<Opened<M>> {
        self.dispatch(Open { capacity, of: std::marker::PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_empty_when_it_is_opened_and_gives_what_was_put_in() {
        for handoff in Handoff::all() {
            let Some(Opened { mut put, mut take }) = handoff.open::<u64>(8) else {
                assert_eq!(handoff, Handoff::INLINE);
                continue;
            };
            assert_eq!((take.take(), take.take_now()), (None, None), "{}", handoff.name());
            assert_eq!(take.is_slept_on(), handoff.wait() == Some(Wait::Blocking));
            for n in 0..8 {
                put.put(n).unwrap();
            }
            let is_full = put.put(8).is_err();
            assert_eq!(is_full, handoff.about().unwrap().bounded, "{}", handoff.name());
            assert!((0..8).all(|n| take.take() == Some(n)), "{}", handoff.name());
        }
    }
}
