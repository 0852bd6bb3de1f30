//! Queues behind a lock: a `VecDeque` that never grows, and around it whichever lock it is.

use std::{collections::VecDeque, sync::Arc};

use tickcert_results::certificate::HeldUp;

use super::{About, BOTH, Full, Message, Pop, Push, Queue, Woken};

/// A kind of lock.
pub(super) trait Lock: 'static {
    /// The queue's name on the command line.
    const NAME: &'static str;
    /// The queue in a line.
    const SUMMARY: &'static str;
    /// The lock with what it guards.
    type Around<T: Send + 'static>: Send + Sync + 'static;

    /// A lock around `value`.
    fn around<T: Send + 'static>(value: T) -> Self::Around<T>;

    /// Runs `work` on what is guarded, alone. `work` must neither lock again nor panic.
    fn with<T: Send + 'static, R>(around: &Self::Around<T>, work: impl FnOnce(&mut T) -> R) -> R;
}

/// The queue behind such a lock.
pub(super) struct Locked<L>(std::marker::PhantomData<fn() -> L>);

impl<L: Lock> Queue for Locked<L> {
    const ABOUT: About = about(L::NAME, L::SUMMARY);
    type Push<M: Message> = End<L, M>;
    type Pop<M: Message> = End<L, M>;
    type Blocking = Woken<Self>;

    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>) {
        let queue = Arc::new(L::around(Bounded::new(capacity)));
        (End(queue.clone()), End(queue))
    }
}

/// What there is to say of any of them.
pub(super) const fn about(name: &'static str, summary: &'static str) -> About {
    About {
        name,
        summary,
        held_up: HeldUp::Everybody,
        many_producers: true,
        bounded: true,
        allocates: false,
        waits: BOTH,
    }
}

/// Either end.
pub(super) struct End<L: Lock, M: Message>(Arc<L::Around<Bounded<M>>>);

impl<L: Lock, M: Message> Push<M> for End<L, M> {
    #[inline]
    fn push(&mut self, message: M) -> Result<(), Full> {
        L::with(&self.0, |queue| queue.push(message))
    }

    fn another(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }
}

impl<L: Lock, M: Message> Pop<M> for End<L, M> {
    #[inline]
    fn pop(&mut self) -> Option<M> {
        L::with(&self.0, Bounded::pop)
    }
}

/// A queue with room made beforehand.
#[derive(Debug)]
pub(super) struct Bounded<M> {
    queue: VecDeque<M>,
    /// What was asked for: a `VecDeque` may have come with more.
    capacity: usize,
}

impl<M: Message> Bounded<M> {
    /// Empty, with all of its memory touched.
    pub(super) fn new(capacity: usize) -> Self {
        let mut queue: VecDeque<M> = std::iter::repeat_n(M::default(), capacity).collect();
        queue.clear();
        Self { queue, capacity }
    }

    #[inline]
    pub(super) fn push(&mut self, message: M) -> Result<(), Full> {
        if self.queue.len() >= self.capacity {
            return Err(Full);
        }
        self.queue.push_back(message);
        Ok(())
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<M> {
        self.queue.pop_front()
    }
}
