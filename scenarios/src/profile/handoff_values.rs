//! What a comparison of hand-offs may be asked for, in a profile and on the command line.

use tickcert_results::time::{Nanos, PerSecond};

use super::units::{UnitError, parse_duration};
use crate::handoff::{Handoff, MessageSize};

/// Most messages that a queue may have room for.
const LARGEST: usize = 1 << 20;
/// Most bytes that a queue may take: they are written to before each repetition, and locked into memory.
const LARGEST_QUEUE: usize = 256 << 20;
/// Longer than this, and the kernel's own limit on real-time threads takes part.
const LONGEST: Nanos = Nanos(100_000_000);
/// The largest share of the core that is taken away, in tenths: the kernel leaves other threads a twentieth at least
/// (`sched_rt_runtime_us`), and takes it from whoever has more.
const LARGEST_SHARE: u64 = 9;
/// Most ticks of a repetition: what is recorded of them must fit into memory.
const MOST_TICKS: u64 = 8_000_000;
/// Most threads that put in.
pub const MOST_PRODUCERS: u32 = 64;

/// How large a queue is, and what goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSize {
    /// Messages that it has room for: a power of two.
    pub capacity: usize,
    /// How large a message is, at least.
    pub message_size: MessageSize,
}

impl QueueSize {
    /// Whether it takes no more memory than it may.
    ///
    /// # Errors
    /// [`HandoffValueError::Room`].
    pub const fn check(self) -> Result<(), HandoffValueError> {
        if self.capacity.saturating_mul(self.message_size.bytes() as usize) > LARGEST_QUEUE {
            return Err(HandoffValueError::Room(self));
        }
        Ok(())
    }
}

/// A comparison of hand-offs.
#[derive(Clone, Debug, PartialEq)]
pub struct HandoffSpec {
    /// The hand-offs; never empty.
    pub handoffs: Vec<Handoff>,
    /// Mean rate of the ticks.
    pub rate: PerSecond,
    /// So many ticks are due at once.
    pub burst: u32,
    /// How long a repetition lasts.
    pub duration: Nanos,
    /// Repetitions of each.
    pub repetitions: u32,
    /// Messages that a queue has room for: a power of two.
    pub capacity: usize,
    /// How large a message is.
    pub message_size: MessageSize,
    /// Threads that put in.
    pub producers: u32,
    /// Whether those beyond the first may be on the decoding core.
    pub share_cores: bool,
    /// How long the deciding core is taken away each time.
    pub preempt: Option<Nanos>,
    /// From the end of one such time until the next.
    pub preempt_every: Nanos,
}

impl HandoffSpec {
    /// Each of its queues.
    #[must_use]
    pub const fn queue(&self) -> QueueSize {
        QueueSize { capacity: self.capacity, message_size: self.message_size }
    }

    /// What holds of several values together.
    ///
    /// # Errors
    /// [`HandoffValueError::Share`], [`HandoffValueError::TooMuch`], [`HandoffValueError::Room`].
    pub fn check(&self) -> Result<(), HandoffValueError> {
        self.queue().check()?;
        let (rate, duration) = (self.rate, self.duration);
        #[expect(clippy::cast_precision_loss, reason = "compared with a limit that is no exact one")]
        let ticks = rate.0 * duration.get() as f64 / 1e9;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        if ticks > MOST_TICKS as f64 {
            return Err(HandoffValueError::TooMuch { rate, duration });
        }
        let Some(length) = self.preempt else { return Ok(()) };
        if length.get() * (10 - LARGEST_SHARE) > self.preempt_every.get().saturating_mul(LARGEST_SHARE) {
            return Err(HandoffValueError::Share { length, every: self.preempt_every });
        }
        Ok(())
    }
}

impl Default for HandoffSpec {
    fn default() -> Self {
        Self {
            handoffs: Handoff::usual(),
            rate: PerSecond(100_000.0),
            burst: 1,
            duration: Nanos::MILLI * 1_500,
            repetitions: 5,
            capacity: 4_096,
            message_size: MessageSize::default(),
            producers: 1,
            share_cores: false,
            preempt: None,
            preempt_every: Nanos::MILLI * 20,
        }
    }
}

/// What is wrong with a value for a comparison.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HandoffValueError {
    /// No room that a ring can have.
    #[error("`{0}` is no capacity: write a power of two from 2 to {LARGEST}")]
    Capacity(String),
    /// A size that was not compiled.
    #[error("`{0}` is no size of a message: write 64, 256 or 1024")]
    MessageBytes(String),
    /// More of the core than it may be.
    #[error("`{0}` is too long to take a core away for: write at most {LONGEST}")]
    Preempt(String),
    /// A thread of real-time priority that never ends, or one that does nothing.
    #[error("`{0}` takes no core away and gives none back: write more than zero")]
    Nothing(String),
    /// More of the core than the kernel allows.
    #[error(
        "{length} of every {every} more is too much to take of a core: leave it a tenth of the time, as the kernel takes that \
         by itself"
    )]
    Share {
        /// How long each time.
        length: Nanos,
        /// And how long not.
        every: Nanos,
    },
    /// More than fits into memory.
    #[error("{} packets/s for {duration} are too many ticks to record: write no more than {MOST_TICKS} a repetition", rate.0)]
    TooMuch {
        /// Ticks a second.
        rate: PerSecond,
        /// Of a repetition.
        duration: Nanos,
    },
    /// A queue that takes more memory than it may.
    #[error(
        "a queue of {} messages of {} bytes is too large: write room for {} of this size at most", .0.capacity,
        .0.message_size.bytes(), LARGEST_QUEUE / .0.message_size.bytes() as usize
    )]
    Room(QueueSize),
    /// No duration.
    #[error(transparent)]
    Duration(#[from] UnitError),
}

/// How many messages a queue has room for.
///
/// # Errors
/// [`HandoffValueError::Capacity`].
pub fn parse_capacity(text: &str) -> Result<usize, HandoffValueError> {
    let capacity = text.parse::<usize>().ok().filter(|n| n.is_power_of_two() && (2..=LARGEST).contains(n));
    capacity.ok_or_else(|| HandoffValueError::Capacity(text.to_owned()))
}

/// How many bytes a message has.
///
/// # Errors
/// [`HandoffValueError::MessageBytes`].
pub fn parse_message_bytes(text: &str) -> Result<MessageSize, HandoffValueError> {
    let size = text.parse::<u32>().ok().and_then(|bytes| MessageSize::try_from(bytes).ok());
    size.ok_or_else(|| HandoffValueError::MessageBytes(text.to_owned()))
}

/// How long a core is taken away each time.
///
/// # Errors
/// [`HandoffValueError`].
pub fn parse_preempt(text: &str) -> Result<Nanos, HandoffValueError> {
    let length = parse_pause(text)?;
    if length > LONGEST { Err(HandoffValueError::Preempt(text.to_owned())) } else { Ok(length) }
}

/// How long a core is left alone in between.
///
/// # Errors
/// [`HandoffValueError`].
pub fn parse_pause(text: &str) -> Result<Nanos, HandoffValueError> {
    let pause = parse_duration(text)?;
    if pause == Nanos::ZERO { Err(HandoffValueError::Nothing(text.to_owned())) } else { Ok(pause) }
}
