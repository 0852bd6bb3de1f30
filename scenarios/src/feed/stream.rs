//! Ticks in memory: what every reader and the generator produce.

use std::fmt;

use tickcert_results::time::Nanos;

use super::mold::{HEADER_LEN, Messages, split_blocks};

/// The most bytes of blocks in one packet: 1,472 bytes of UDP payload (a 1,500-byte frame) without the header.
pub const MAX_BLOCK_BYTES: usize = 1_472 - HEADER_LEN;

/// A packet of the stream: when it is due, and where its blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRecord {
    /// Time since the first packet; never less than the packet before it.
    pub at: Nanos,
    /// Where its blocks begin in [`TickStream::blocks`].
    pub offset: usize,
    /// Bytes of its blocks, at most [`MAX_BLOCK_BYTES`].
    pub len: u32,
    /// How many blocks, at least one.
    pub messages: u16,
}

/// A sequence of packets of ITCH messages, without addresses, sessions or sequence numbers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TickStream {
    /// The packets in order.
    pub packets: Vec<PacketRecord>,
    /// The blocks of all packets, back to back: each a big-endian u16 length and an ITCH message.
    pub blocks: Vec<u8>,
    /// Where it comes from, in words for the certificate.
    pub source: String,
    /// What was left out, clamped or is otherwise worth knowing.
    pub notes: Vec<String>,
}

impl TickStream {
    /// A packet's blocks as they go on the wire after a MoldUDP64 header; empty for a record of another stream.
    #[must_use]
    #[inline]
    pub fn blocks_of(&self, packet: &PacketRecord) -> &[u8] {
        let end = packet.offset.saturating_add(packet.len as usize);
        self.blocks.get(packet.offset..end).unwrap_or_default()
    }

    /// A packet's ITCH messages.
    #[inline]
    pub fn messages(&self, packet: &PacketRecord) -> impl Iterator<Item = &[u8]> {
        let walk: Messages<'_> = split_blocks(self.blocks_of(packet), packet.messages);
        // Whoever made the stream has checked every block.
        walk.map_while(Result::ok)
    }

    /// Messages in all packets.
    #[must_use]
    pub fn message_count(&self) -> u64 {
        self.packets.iter().map(|packet| u64::from(packet.messages)).sum()
    }

    /// Bytes that it takes in memory.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.blocks.len() + self.packets.len() * size_of::<PacketRecord>()
    }

    /// From the first packet to the last.
    #[must_use]
    pub fn duration(&self) -> Nanos {
        self.packets.last().map_or(Nanos::ZERO, |last| last.at)
    }
}

/// Sizes and words only: the packets and bytes of a tape would fill the screen.
impl fmt::Debug for TickStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickStream")
            .field("packets", &self.packets.len())
            .field("block_bytes", &self.blocks.len())
            .field("source", &self.source)
            .field("notes", &self.notes)
            .finish()
    }
}
