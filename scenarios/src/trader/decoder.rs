//! The first half of the trader: from a packet's bytes to what its messages say.

use super::{
    Stage, StageProbe, Strategy, TraderConfig,
    event::{Change, Event},
    stats::{TickKind, TickOutcome, TraderStats},
};
use crate::feed::{
    itch::Message,
    mold::{Arrival, Kind, MoldPacket, Sequencer, Session},
};
use tickcert_results::time::Nanos;

/// Reads packets in the order of their numbers. Never allocates.
#[derive(Debug)]
pub struct Decoder {
    /// Whether packets are taken as they are, without a look at their messages.
    whole: bool,
    /// The first packet's; what is of another has numbers that mean nothing here.
    session: Option<Session>,
    sequencer: Sequencer,
    stats: TraderStats,
}

impl Decoder {
    /// One that reads what this configuration's strategy looks at, and expects the feed's first message.
    #[must_use]
    pub fn new(config: &TraderConfig) -> Self {
        let whole = matches!(config.strategy, Strategy::FirstByte { .. });
        Self { whole, session: None, sequencer: Sequencer::default(), stats: TraderStats::default() }
    }

    /// What was read so far: of packets and messages only.
    #[must_use]
    pub const fn stats(&self) -> &TraderStats {
        &self.stats
    }

    /// Takes one tick, the payload of a datagram, and calls `on_event` for each message that says something to the trader.
    /// Nothing that the bytes may hold is an error: what cannot be read is counted. The outcome's orders are how often
    /// `on_event` said that it made one.
    #[inline(always)]
    pub fn on_tick<P: StageProbe>(
        &mut self,
        packet: &[u8],
        probe: &mut P,
        mut on_event: impl FnMut(&Event, &mut P) -> bool,
    ) -> TickOutcome {
        let outcome = |kind, messages, orders| TickOutcome { kind, messages, orders };
        self.stats.packets += 1;
        let session = &mut self.session;
        let ours = |packet: &MoldPacket<'_>| *session.get_or_insert(packet.session) == packet.session;
        let Some(packet) = MoldPacket::parse(packet).ok().filter(ours) else {
            self.stats.malformed_packets += 1;
            return outcome(TickKind::Malformed, 0, 0);
        };
        let skip = match self.sequencer.on_packet(packet.sequence, packet.count()) {
            Arrival::InOrder => Some(0),
            Arrival::Straddles { skip } => Some(skip),
            Arrival::Duplicate => None,
            Arrival::Gap { missing, .. } => {
                self.give_up(&packet, missing);
                Some(0)
            }
        };
        match (packet.kind, skip) {
            (Kind::Heartbeat, _) => outcome(TickKind::Heartbeat, 0, 0),
            (Kind::EndOfSession, _) => outcome(TickKind::EndOfSession, 0, 0),
            (Kind::Messages(_), None) => {
                self.stats.duplicate_packets += 1;
                outcome(TickKind::Duplicate, 0, 0)
            }
            (Kind::Messages(count), Some(skip)) if self.whole => {
                let messages = count - skip;
                probe.stamp(Stage::Decode);
                self.stats.messages += u64::from(messages);
                let event = Event { time: Nanos::ZERO, sequence: packet.sequence, change: Change::Packet };
                outcome(TickKind::Messages, messages.into(), u32::from(on_event(&event, probe)))
            }
            (Kind::Messages(_), Some(skip)) => self.messages(&packet, skip, probe, &mut on_event),
        }
    }

    #[cold]
    fn give_up(&mut self, packet: &MoldPacket<'_>, missing: u64) {
        self.stats.gaps += 1;
        self.stats.missing_messages += missing;
        self.sequencer.resume_at(packet.sequence);
        self.sequencer.on_packet(packet.sequence, packet.count());
    }

    #[inline(always)]
    fn messages<P: StageProbe>(
        &mut self,
        packet: &MoldPacket<'_>,
        mut skip: u16,
        probe: &mut P,
        on_event: &mut impl FnMut(&Event, &mut P) -> bool,
    ) -> TickOutcome {
        let mut outcome = TickOutcome { kind: TickKind::Messages, messages: 0, orders: 0 };
        let mut sequence = packet.sequence;
        for message in packet.messages() {
            let Ok(message) = message else {
                self.stats.malformed_packets += 1;
                outcome.kind = TickKind::Malformed;
                break;
            };
            let this = sequence;
            sequence = sequence.saturating_add(1);
            if skip > 0 {
                skip -= 1;
                continue;
            }
            outcome.messages += 1;
            let Ok(message) = Message::parse(message) else {
                self.stats.malformed_messages += 1;
                continue;
            };
            probe.stamp(Stage::Decode);
            if let Some(change) = Change::of(&message) {
                let event = Event { time: message.head().timestamp(), sequence: this, change };
                outcome.orders += u32::from(on_event(&event, probe));
            }
        }
        self.stats.messages += u64::from(outcome.messages);
        outcome
    }
}
