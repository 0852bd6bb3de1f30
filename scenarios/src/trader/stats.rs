//! What comes of a tick, and the sums of it.

use super::Refusal;

/// What a packet was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickKind {
    /// It brought new messages.
    Messages,
    /// All its messages were known already; dropped.
    Duplicate,
    /// A heartbeat.
    Heartbeat,
    /// The feed's end.
    EndOfSession,
    /// It cannot be read, or is of another session; what was readable before the fault has been taken.
    Malformed,
}

/// What came of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickOutcome {
    /// What it was.
    pub kind: TickKind,
    /// New messages read.
    pub messages: u32,
    /// Orders sent.
    pub orders: u32,
}

/// What was seen and done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraderStats {
    /// Packets handed in, of any kind.
    pub packets: u64,
    /// New messages read.
    pub messages: u64,
    /// Packets that cannot be read, or are of another session than the first.
    pub malformed_packets: u64,
    /// Messages that cannot be read; their packet's others are taken.
    pub malformed_messages: u64,
    /// Packets of which every message was known already.
    pub duplicate_packets: u64,
    /// Times that messages were missing.
    pub gaps: u64,
    /// Messages that were missing and given up.
    pub missing_messages: u64,
    /// Passes begun after the first.
    pub resets: u64,
    /// Orders sent.
    pub orders: u64,
    /// Orders refused for their size.
    pub refused_quantity: u64,
    /// Orders refused for their worth.
    pub refused_notional: u64,
    /// Orders refused for their price.
    pub refused_collar: u64,
    /// Orders refused for their rate.
    pub refused_rate: u64,
}

impl TraderStats {
    /// Orders that the strategy wanted and the risk check refused.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused_quantity + self.refused_notional + self.refused_collar + self.refused_rate
    }

    /// What the decoder counted, with what the decider did.
    #[must_use]
    pub const fn with_decisions(self, of: &Self) -> Self {
        Self {
            resets: of.resets,
            orders: of.orders,
            refused_quantity: of.refused_quantity,
            refused_notional: of.refused_notional,
            refused_collar: of.refused_collar,
            refused_rate: of.refused_rate,
            ..self
        }
    }

    pub(super) const fn refuse(&mut self, reason: Refusal) {
        match reason {
            Refusal::Quantity => self.refused_quantity += 1,
            Refusal::Notional => self.refused_notional += 1,
            Refusal::Collar => self.refused_collar += 1,
            Refusal::Rate => self.refused_rate += 1,
        }
    }
}
