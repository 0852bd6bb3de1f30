//! Hand-off: the queues that may stand between decode and book, so that two threads share the trader's work.
//!
//! Each is a file here and a line in `handoffs!` below. All of them do the same for the loops that use them: [`Push`] puts in
//! what has room and says at once that it is full where it has none; [`Pop`] takes out, or says at once that there is
//! nothing, or sleeps until there is something. A lock is taken inside, where there is one.

mod bell;
mod choice;
mod erased;
mod locked;
mod over;
mod sized;
mod sync;
mod ticket_lock;
mod woken;

pub use choice::{Handoff, UnknownHandoff, resolve};
pub use erased::{Opened, Put, Take};
pub use over::Over;
pub use sized::{MessageSize, NoSuchSize};
pub use woken::Woken;

use std::time::Duration;

use tickcert_results::certificate::HeldUp;

/// What crosses: plain data, copied.
pub trait Message: Copy + Send + Sync + Default + 'static {}
impl<M: Copy + Send + Sync + Default + 'static> Message for M {}

/// There was no room; the message is not in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct Full;

/// The end that messages are put into.
pub trait Push<M>: Send + Sized {
    /// Puts a message in, behind all others of this end. Waits for a lock if there is one, and never for room.
    ///
    /// # Errors
    /// [`Full`].
    fn push(&mut self, message: M) -> Result<(), Full>;

    /// Another such end of the same queue, for another thread; `None` where there can be one only.
    fn another(&self) -> Option<Self>;
}

/// The end that messages are taken out of.
pub trait Pop<M>: Send + Sized {
    /// Takes the next message out; `None` if there is none now.
    fn pop(&mut self) -> Option<M>;

    /// Takes the next message out, asleep until there is one, or for `limit` at most. Where the queue has no way to sleep
    /// by itself this is [`Pop::pop`], and [`Woken`] is its way.
    #[inline]
    fn wait(&mut self, _limit: Duration) -> Option<M> {
        self.pop()
    }
}

/// A kind of queue.
pub trait Queue: 'static {
    /// What there is to say of it.
    const ABOUT: About;
    /// Its end for who puts in.
    type Push<M: Message>: Push<M>;
    /// Its end for who takes out.
    type Pop<M: Message>: Pop<M>;
    /// The queue to use where the taker is to sleep: itself where it knows how to, else [`Woken`] of it.
    type Blocking: Queue;

    /// An empty queue with room for `capacity` messages (a power of two), whose memory is there already; one without bounds
    /// ignores it.
    fn open<M: Message>(capacity: usize) -> (Self::Push<M>, Self::Pop<M>);
}

/// Goes once around an empty queue, so that all of its memory is there. One that is full earlier shows when it is used.
pub fn go_around<M: Message>(push: &mut impl Push<M>, pop: &mut impl Pop<M>, capacity: usize) {
    for _ in 0..capacity {
        let _ = push.push(M::default());
    }
    while pop.pop().is_some() {}
}

/// What there is to say of a kind of queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name on the command line.
    pub name: &'static str,
    /// In a line.
    pub summary: &'static str,
    /// Whom a thread that is taken off its core inside keeps waiting.
    pub held_up: HeldUp,
    /// Whether several threads may put in.
    pub many_producers: bool,
    /// Whether it can be full; one that can't takes memory instead.
    pub bounded: bool,
    /// Whether it asks for memory and gives it back while it is used.
    pub allocates: bool,
    /// How its taker may wait.
    pub waits: &'static [Wait],
}

/// What the taker does while there is nothing to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// It looks again and again.
    Busy,
    /// It sleeps, and is woken by who puts in.
    Blocking,
}

/// Something to be done with whichever queue was chosen; compiled for each of them.
pub trait Job {
    /// What comes of it.
    type Out;
    /// Does it with queues of kind `Q`, whose taker waits as told.
    fn run<Q: Queue>(self, wait: Wait) -> Self::Out;
}

/// Declares the queues: their modules, their list, and the dispatch, the only choice made at run time.
macro_rules! handoffs {
    ($($module:ident => $queue:ident),+ $(,)?) => {
        $(mod $module;)+

        /// The queues that this build knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Kind {
            $($queue,)+
        }

        impl Kind {
            /// Every one, in the order of the list.
            pub(crate) const ALL: &[Self] = &[$(Self::$queue),+];

            pub(crate) const fn about(self) -> &'static About {
                match self {
                    $(Self::$queue => &<$module::$queue as Queue>::ABOUT,)+
                }
            }

            pub(crate) fn dispatch<J: Job>(self, wait: Wait, job: J) -> J::Out {
                match (self, wait) {
                    $((Self::$queue, Wait::Busy) => job.run::<$module::$queue>(wait),
                    (Self::$queue, Wait::Blocking) => job.run::<<$module::$queue as Queue>::Blocking>(wait),)+
                }
            }
        }
    };
}

handoffs! {
    rtrb => Rtrb,
    ringbuf => RingBuf,
    disruptor => Disruptor,
    array_queue => CrossbeamArray,
    seg_queue => CrossbeamSeg,
    mpsc => Mpsc,
    mutex => StdMutex,
    mutex_parking_lot => ParkingLotMutex,
    condvar => MutexCondvar,
    ticket => Ticket,
}

const BOTH: &[Wait] = &[Wait::Busy, Wait::Blocking];

#[cfg(test)]
mod tests;
