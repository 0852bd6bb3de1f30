//! Queues whose kind is known only at run time, called through a pointer: for loops that are compiled for much else already.

use std::{marker::PhantomData, time::Duration};

use super::{Full, Handoff, Job, Message, MessageSize, Pop, Push, Queue, Wait, go_around, sized::Padded};

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

struct Putter<P, const PAD: usize>(P);

impl<M: Message, const PAD: usize, P: Push<Padded<M, PAD>>> Put<M> for Putter<P, PAD> {
    #[inline]
    fn put(&mut self, message: M) -> Result<(), Full> {
        self.0.push(Padded::new(message))
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

struct Taker<P, const PAD: usize> {
    pop: P,
    wait: Wait,
}

impl<M: Message, const PAD: usize, P: Pop<Padded<M, PAD>>> Take<M> for Taker<P, PAD> {
    #[inline]
    fn take(&mut self) -> Option<M> {
        let taken = match self.wait {
            Wait::Busy => self.pop.pop(),
            Wait::Blocking => self.pop.wait(NAP),
        };
        taken.map(Padded::into_message)
    }

    #[inline]
    fn take_now(&mut self) -> Option<M> {
        self.pop.pop().map(Padded::into_message)
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
    /// What a message takes in it.
    pub message_bytes: u32,
}

/// Opens one whose messages have `PAD` bytes more than they need.
struct Open<M, const PAD: usize> {
    capacity: usize,
    of: PhantomData<fn() -> M>,
}

impl<M: Message, const PAD: usize> Job for Open<M, PAD> {
    type Out = Opened<M>;

    fn run<Q: Queue>(self, wait: Wait) -> Opened<M> {
        let (mut push, mut pop) = Q::open::<Padded<M, PAD>>(self.capacity);
        go_around(&mut push, &mut pop, self.capacity);
        Opened {
            put: Box::new(Putter::<_, PAD>(push)),
            take: Box::new(Taker::<_, PAD> { pop, wait }),
            message_bytes: u32::try_from(size_of::<Padded<M, PAD>>()).unwrap_or(u32::MAX),
        }
    }
}

impl Handoff {
    /// An empty queue with room for `capacity` messages (a power of two), whose memory is there already; `None` where this
    /// is no queue. A message takes `size` in it, or what it needs where that is more.
    #[must_use]
    pub fn open<M: Message>(self, capacity: usize, size: MessageSize) -> Option<Opened<M>> {
        use MessageSize::{Bytes64, Bytes256, Bytes1024};
        // What a message lacks can't be told from its type, but is known when this is compiled: of these branches one is left
        // for each type of message, with a queue for each size.
        macro_rules! with_own_bytes {
            ($($own:literal)+) => {
                const { assert!(matches!(size_of::<M>(), $($own)|+), "name the size of this message here") }
                $(if const { size_of::<M>() == $own } {
                    return match size {
                        Bytes64 => self.padded::<M, { Bytes64.lacks($own) }>(capacity),
                        Bytes256 => self.padded::<M, { Bytes256.lacks($own) }>(capacity),
                        Bytes1024 => self.padded::<M, { Bytes1024.lacks($own) }>(capacity),
                    };
                })+
            };
        }
        with_own_bytes!(8 32 56 64 72 80 96 104 120 144 168 192);
        unreachable!("a message of another size is not compiled")
    }

    fn padded<M: Message, const PAD: usize>(self, capacity: usize) -> Option<Opened<M>> {
        self.dispatch(Open::<M, PAD> { capacity, of: PhantomData })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_empty_when_it_is_opened_and_gives_what_was_put_in() {
        for handoff in Handoff::all() {
            let Some(Opened { mut put, mut take, .. }) = handoff.open::<u64>(8, MessageSize::default()) else {
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

    #[test]
    fn a_message_takes_the_bytes_asked_for_or_those_it_needs_and_comes_out_as_it_went_in() {
        fn check<const WORDS: usize>(least: u32) {
            for handoff in Handoff::all() {
                for size in MessageSize::ALL {
                    let Some(Opened { mut put, mut take, message_bytes }) = handoff.open::<Words<WORDS>>(4, size)
                    else {
                        continue;
                    };
                    assert_eq!(message_bytes, size.bytes().max(least), "{}", handoff.name());
                    // Twice around, over what was there before.
                    for n in 1..=8 {
                        put.put(Words([n; WORDS])).unwrap();
                        assert_eq!(take.take().unwrap().0, [n; WORDS], "{}", handoff.name());
                    }
                }
            }
        }
        check::<1>(8);
        check::<8>(64);
        check::<9>(72);
        check::<24>(192);
    }

    #[derive(Clone, Copy)]
    struct Words<const N: usize>([u64; N]);

    impl<const N: usize> Default for Words<N> {
        fn default() -> Self {
            Self([0; N])
        }
    }
}
