//! One flow of ticks: a session on one group and port.

use std::net::IpAddr;

use tickcert_results::time::Nanos;

use super::super::error::Problem;
use super::super::excerpt::{Cutter, Excerpt, Part};
use super::super::itch::{ItchError, Message};
use super::super::mold::{Arrival, MoldError, MoldPacket, Sequencer, Session};
use super::super::stream::{MAX_BLOCK_BYTES, PacketRecord, TickStream};

/// Where packets of one flow go, and their session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    pub(super) group: IpAddr,
    pub(super) port: u16,
    pub(super) session: Session,
}

/// The ticks of one flow so far.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) key: FlowKey,
    pub(super) cutter: Cutter,
    stream: TickStream,
    pub(super) messages: u64,
    sequencer: Option<Sequencer>,
    /// Capture time of the first packet.
    first: Nanos,
    heartbeats: u64,
    gaps: u64,
    missing: u64,
    repeated: u64,
    empty: u64,
    split: u64,
    backwards: u64,
}

/// Why a datagram is not a tick.
#[derive(Clone, Copy, Debug)]
pub(super) enum NotATick {
    Mold(MoldError),
    Itch(ItchError),
}

impl From<NotATick> for Problem {
    fn from(not: NotATick) -> Self {
        match not {
            NotATick::Mold(error) => Self::NotMold(error),
            NotATick::Itch(error) => Self::NotItch(error),
        }
    }
}

/// Checks every block of a packet. Empty blocks are legal in MoldUDP64, and no ITCH message.
pub(super) fn check(packet: &MoldPacket<'_>) -> Result<(), NotATick> {
    for block in packet.messages() {
        let block = block.map_err(NotATick::Mold)?;
        if !block.is_empty() {
            Message::parse(block).map_err(NotATick::Itch)?;
        }
    }
    Ok(())
}

/// When the first message of a packet is from.
fn first_timestamp(packet: &MoldPacket<'_>) -> Option<Nanos> {
    let block = packet.messages().map_while(Result::ok).find(|block| !block.is_empty())?;
    Message::parse(block).ok().map(|message| message.head().timestamp())
}

impl Flow {
    pub(super) fn new(key: FlowKey, excerpt: Excerpt) -> Self {
        Self {
            key,
            cutter: Cutter::new(excerpt),
            stream: TickStream::default(),
            messages: 0,
            sequencer: None,
            first: Nanos::ZERO,
            heartbeats: 0,
            gaps: 0,
            missing: 0,
            repeated: 0,
            empty: 0,
            split: 0,
            backwards: 0,
        }
    }

    /// Takes a packet that [`check`] has passed, if it is within the excerpt; gives the bytes of memory that it added.
    /// `at` is its capture time.
    pub(super) fn take(&mut self, packet: &MoldPacket<'_>, at: Option<Nanos>) -> usize {
        let count = packet.count();
        if let Some(timestamp) = first_timestamp(packet) {
            self.cutter.look(timestamp, count);
        }
        if self.cutter.part() != Part::Within {
            return 0;
        }
        let sequencer = self.sequencer.get_or_insert(Sequencer::expecting(packet.sequence));
        let skip = match sequencer.on_packet(packet.sequence, count) {
            Arrival::InOrder => 0,
            Arrival::Gap { missing, .. } => {
                self.gaps += 1;
                self.missing += missing;
                sequencer.resume_at(packet.sequence.saturating_add(u64::from(count)));
                0
            }
            Arrival::Duplicate => count,
            Arrival::Straddles { skip } => skip,
        };
        if count == 0 {
            self.heartbeats += 1;
            return 0;
        }
        self.repeated += u64::from(skip);
        let before = self.stream.held();
        let at = self.due(at);
        self.append(packet, skip, at);
        self.stream.held() - before
    }

    /// Time since the first packet, never before the last.
    fn due(&mut self, at: Option<Nanos>) -> Nanos {
        let last = self.stream.duration();
        let at = at.unwrap_or(self.first + last);
        if self.stream.packets.is_empty() {
            self.first = at;
        }
        if at < self.first + last {
            self.backwards += 1;
        }
        at.saturating_sub(self.first).max(last)
    }

    fn append(&mut self, packet: &MoldPacket<'_>, skip: u16, at: Nanos) {
        let mut record = PacketRecord { at, offset: self.stream.blocks.len(), len: 0, messages: 0 };
        for block in packet.messages().skip(usize::from(skip)).map_while(Result::ok) {
            let (Ok(len), false) = (u16::try_from(block.len()), block.is_empty()) else {
                self.empty += 1;
                continue;
            };
            let need = u32::from(len) + 2;
            // A jumbo packet becomes several that fit the frames of this tool.
            if (record.len + need) as usize > MAX_BLOCK_BYTES {
                self.split += 1;
                self.stream.packets.push(record);
                record = PacketRecord { at, offset: self.stream.blocks.len(), len: 0, messages: 0 };
            }
            record.len += need;
            record.messages += 1;
            self.stream.blocks.extend_from_slice(&len.to_be_bytes());
            self.stream.blocks.extend_from_slice(block);
            self.messages += 1;
        }
        if record.messages > 0 {
            self.stream.packets.push(record);
        }
    }

    /// The stream, with notes of what was not in order.
    pub(super) fn finish(self) -> TickStream {
        let mut stream = self.stream;
        stream.notes.extend(self.cutter.note());
        let mut note = |count: u64, text: String| {
            if count > 0 {
                stream.notes.push(text);
            }
        };
        let FlowKey { group, port, session } = self.key;
        note(1, format!("session {session} to {group} port {port}"));
        note(self.heartbeats, format!("{} heartbeats and ends of session left out", self.heartbeats));
        note(self.gaps, format!("{} gaps in the sequence, {} messages missing", self.gaps, self.missing));
        note(self.repeated, format!("{} messages that came again or out of order left out", self.repeated));
        note(self.empty, format!("{} empty messages left out", self.empty));
        note(self.split, format!("{} packets of more than {MAX_BLOCK_BYTES} bytes split", self.split));
        note(
            self.backwards,
            format!("{} capture times run backwards; those packets are due with the one before", self.backwards),
        );
        stream
    }
}
