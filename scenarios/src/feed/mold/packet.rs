//! Reading a downstream packet.

use std::fmt;

use zerocopy::byteorder::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes before the first message block.
pub const HEADER_LEN: usize = 20;
/// The most messages that one packet's count can state; one more means end of session.
pub const MAX_MESSAGES: u16 = 0xfffe;
const END_OF_SESSION: u16 = 0xffff;

/// Why bytes are not a MoldUDP64 packet. Offsets count from the packet's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoldError {
    /// Fewer bytes than a header.
    #[error("a MoldUDP64 header has {HEADER_LEN} bytes, here are {got}")]
    ShortHeader {
        /// Bytes found.
        got: usize,
    },
    /// A block reaches beyond the packet's end.
    #[error(
        "message {index} (of {count}) is cut off: at byte {offset} it needs {need} bytes with its length, {have} are left"
    )]
    TruncatedBlock {
        /// Which message, from 0.
        index: u16,
        /// The header's count.
        count: u16,
        /// Where the block begins.
        offset: usize,
        /// Bytes that it needs, its length prefix included.
        need: usize,
        /// Bytes that are left.
        have: usize,
    },
    /// Bytes after the last message.
    #[error("{extra} bytes follow the last of {count} messages, from byte {offset}")]
    TrailingBytes {
        /// The header's count.
        count: u16,
        /// Where they begin.
        offset: usize,
        /// How many.
        extra: usize,
    },
    /// The buffer to be written has no room.
    #[error("no room: {need} bytes are to be written, {have} are left")]
    NoRoom {
        /// Bytes to write.
        need: usize,
        /// Bytes left.
        have: usize,
    },
}

/// A session's name, ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(transparent)]
pub struct Session(pub [u8; 10]);

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.trim_ascii().escape_ascii().to_string())
    }
}

/// The header on the wire; a request packet has the same layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) session: Session,
    pub(super) sequence: U64,
    pub(super) count: U16,
}

const _: () = assert!(size_of::<Header>() == HEADER_LEN);

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// So many messages, at least one.
    Messages(u16),
    /// None; the sequence number is that of the next message.
    Heartbeat,
    /// No more will come; the sequence number is the one after the last.
    EndOfSession,
}

/// A downstream packet, as a view of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoldPacket<'a> {
    /// Session.
    pub session: Session,
    /// Sequence number of the first message.
    pub sequence: u64,
    /// What it is.
    pub kind: Kind,
    /// The message blocks, not yet walked.
    pub blocks: &'a [u8],
}

impl<'a> MoldPacket<'a> {
    /// Reads the header. The blocks are checked by the walk over [`Self::messages`], not here, so that they are walked once.
    ///
    /// # Errors
    /// Fewer bytes than a header; bytes after the header of a packet without messages.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MoldError> {
        let (header, blocks) =
            Header::ref_from_prefix(bytes).map_err(|_| MoldError::ShortHeader { got: bytes.len() })?;
        let kind = match header.count.get() {
            0 => Kind::Heartbeat,
            END_OF_SESSION => Kind::EndOfSession,
            count => Kind::Messages(count),
        };
        if !matches!(kind, Kind::Messages(_)) && !blocks.is_empty() {
            return Err(MoldError::TrailingBytes { count: 0, offset: HEADER_LEN, extra: blocks.len() });
        }
        Ok(Self { session: header.session, sequence: header.sequence.get(), kind, blocks })
    }

    /// How many messages it carries.
    #[must_use]
    #[inline]
    pub const fn count(&self) -> u16 {
        match self.kind {
            Kind::Messages(count) => count,
            Kind::Heartbeat | Kind::EndOfSession => 0,
        }
    }

    /// Its messages in order. The first error ends the walk; bytes after the last message are an error.
    #[must_use]
    #[inline]
    pub const fn messages(&self) -> Messages<'a> {
        Messages { rest: self.blocks, base: HEADER_LEN, whole: self.blocks.len(), count: self.count(), index: 0 }
    }
}

/// Walks `count` bare blocks (a packet's body without its header); offsets in errors count from the first block.
#[must_use]
#[inline]
pub const fn split_blocks(blocks: &[u8], count: u16) -> Messages<'_> {
    Messages { rest: blocks, base: 0, whole: blocks.len(), count, index: 0 }
}

/// Iterator over a packet's messages, without their length prefixes.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    /// Offset of the first block.
    base: usize,
    /// Bytes of all blocks.
    whole: usize,
    count: u16,
    index: u16,
}

impl Messages<'_> {
    const fn offset(&self) -> usize {
        self.base + self.whole - self.rest.len()
    }

    #[cold]
    fn truncated(&mut self, need: usize) -> MoldError {
        let error = MoldError::TruncatedBlock {
            index: self.index,
            count: self.count,
            offset: self.offset(),
            need,
            have: self.rest.len(),
        };
        self.stop();
        error
    }

    #[cold]
    fn trailing(&mut self) -> MoldError {
        let error = MoldError::TrailingBytes { count: self.count, offset: self.offset(), extra: self.rest.len() };
        self.stop();
        error
    }

    /// After an error there is nothing left to say.
    const fn stop(&mut self) {
        self.rest = &[];
        self.index = self.count;
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<&'a [u8], MoldError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.index == self.count {
            return if self.rest.is_empty() { None } else { Some(Err(self.trailing())) };
        }
        let Some((&prefix, body)) = self.rest.split_first_chunk::<2>() else {
            return Some(Err(self.truncated(2)));
        };
        let len = usize::from(u16::from_be_bytes(prefix));
        let Some((message, rest)) = body.split_at_checked(len) else {
            return Some(Err(self.truncated(2 + len)));
        };
        self.rest = rest;
        self.index += 1;
        Some(Ok(message))
    }
}

impl std::iter::FusedIterator for Messages<'_> {}
