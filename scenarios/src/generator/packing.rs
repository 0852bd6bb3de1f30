//! How many messages a packet carries, and the packets themselves.

use tickcert_results::time::Nanos;

use super::dice::{Dice, Weighted};
use crate::feed::{MAX_BLOCK_BYTES, PacketRecord};

/// The most messages of one packet; also the most that were seen in a captured one.
pub(super) const MOST: u16 = 38;

/// Draws messages per packet: one in 97.5 % of packets, else 2 to 38 with probabilities proportional to n^-2.5, which
/// makes a mean of 1.07. Both figures are measured: the mean over 400,000 packets of a public TotalView capture
/// (2023-08-22), the part of single ones in a public IEX DEEP capture (2026).
pub(super) struct PerPacket(Weighted);

impl PerPacket {
    pub(super) fn new() -> Self {
        Self(Weighted::new((2..=MOST).map(f64::from).map(|n| 1_024.0 / (n * n * n.sqrt()))))
    }

    /// Counts that add up to `messages`.
    pub(super) fn counts(&self, dice: &mut Dice, messages: u32) -> Vec<u16> {
        let mut left = messages;
        let mut counts = Vec::with_capacity(messages as usize);
        while left > 0 {
            let drawn = if dice.chance(975, 1_000) { 1 } else { 2 + self.0.draw(dice) };
            let count = u16::try_from(drawn).unwrap_or(MOST).min(u16::try_from(left).unwrap_or(u16::MAX));
            counts.push(count);
            left -= u32::from(count);
        }
        counts
    }
}

/// Packets under construction.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) records: Vec<PacketRecord>,
    pub(super) blocks: Vec<u8>,
}

impl Packets {
    /// Begins a packet.
    pub(super) fn begin(&mut self, at: Nanos) {
        self.records.push(PacketRecord { at, offset: self.blocks.len(), len: 0, messages: 0 });
    }

    /// Adds a message to the last packet, or to a new one due at the same time where it is full.
    pub(super) fn push(&mut self, message: &[u8]) {
        let Some(last) = self.records.last() else {
            return;
        };
        let full = last.len as usize + message.len() + 2 > MAX_BLOCK_BYTES || last.messages == MOST;
        if full {
            self.begin(last.at);
        }
        let (Some(last), Ok(len)) = (self.records.last_mut(), u16::try_from(message.len())) else {
            return;
        };
        last.len += u32::from(len) + 2;
        last.messages += 1;
        self.blocks.extend_from_slice(&len.to_be_bytes());
        self.blocks.extend_from_slice(message);
    }
}
