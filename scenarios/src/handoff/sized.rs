//! How large a message is made: what a queue costs by the byte is a question of its own.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use super::Message;

/// The sizes that messages can be made: a queue copies a message as a whole, so each is compiled for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum MessageSize {
    /// One cache line.
    #[default]
    Bytes64,
    /// Four.
    Bytes256,
    /// Sixteen.
    Bytes1024,
}

impl MessageSize {
    /// Every one, from the smallest.
    pub const ALL: [Self; 3] = [Self::Bytes64, Self::Bytes256, Self::Bytes1024];

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Bytes64 => 64,
            Self::Bytes256 => 256,
            Self::Bytes1024 => 1024,
        }
    }

    /// Bytes that a message of `own` ones lacks for this size.
    pub(super) const fn lacks(self, own: usize) -> usize {
        (self.bytes() as usize).saturating_sub(own)
    }
}

impl From<MessageSize> for u32 {
    fn from(size: MessageSize) -> Self {
        size.bytes()
    }
}

/// No message is made so large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no size of a message: 64, 256 and 1024 bytes are")]
pub struct NoSuchSize(pub u32);

impl TryFrom<u32> for MessageSize {
    type Error = NoSuchSize;

    fn try_from(bytes: u32) -> Result<Self, NoSuchSize> {
        Self::ALL.into_iter().find(|size| size.bytes() == bytes).ok_or(NoSuchSize(bytes))
    }
}

/// A message, and `PAD` bytes more that cross with it.
#[derive(Clone, Copy)]
pub(super) struct Padded<M, const PAD: usize> {
    message: M,
    pad: [u8; PAD],
}

impl<M: Message, const PAD: usize> Padded<M, PAD> {
    #[inline(always)]
    pub(super) const fn new(message: M) -> Self {
        Self { message, pad: [0; PAD] }
    }

    /// The message, when the bytes beside it have been copied too: what nobody looks at would not be otherwise.
    #[inline(always)]
    pub(super) fn into_message(self) -> M {
        if PAD > 0 {
            black_box(&self.pad);
        }
        self.message
    }
}

impl<M: Message, const PAD: usize> Default for Padded<M, PAD> {
    fn default() -> Self {
        Self::new(M::default())
    }
}
