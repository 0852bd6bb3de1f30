//! What a comparison of hand-offs may be asked for, in a profile and on the command line.

use tickcert_results::time::{Nanos, PerSecond};

use super::units::{UnitError, parse_duration};
use crate::handoff::Handoff;

/// The sizes that messages may have, in bytes: a queue copies a message as a whole, so each is compiled for itself.
pub const MESSAGE_SIZES: [u32; 3] = [64, 256, 1024];
/// Most messages that a queue may have room for.
const LARGEST: usize = 1 << 20;
/// Longer than this, and the kernel's own limit on real-time threads takes part.
const LONGEST: Nanos = Nanos(100_000_000);
/// Most threads that put in.
pub const MOST_PRODUCERS: u32 = 64;

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
    /// One of [`MESSAGE_SIZES`].
    pub message_bytes: u32,
    /// Threads that put in.
    pub producers: u32,
    /// Whether those beyond the first may be on the decoding core.
    pub share_cores: bool,
    /// How long the deciding core is taken away each time.
    pub preempt: Option<Nanos>,
    /// From the end of one such time until the next.
    pub preempt_every: Nanos,
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
            message_bytes: MESSAGE_SIZES[0],
            producers: 1,
            share_cores: false,
            preempt: None,
            preempt_every: Nanos::MILLI * 20,
        }
    }
}

/// What is wrong with a value for a comparison.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
pub fn parse_message_bytes(text: &str) -> Result<u32, HandoffValueError> {
    let size = text.parse::<u32>().ok().filter(|n| MESSAGE_SIZES.contains(n));
    size.ok_or_else(|| HandoffValueError::MessageBytes(text.to_owned()))
}

/// How long a core is taken away each time.
///
/// # Errors
/// [`HandoffValueError`].
pub fn parse_preempt(text: &str) -> Result<Nanos, HandoffValueError> {
    let length = parse_duration(text)?;
    if length > LONGEST { Err(HandoffValueError::Preempt(text.to_owned())) } else { Ok(length) }
}
