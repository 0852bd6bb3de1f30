//! Where in its tick the message that caused an order ends: found by the trader's own code on the tape, as the orders were.

use super::{Tape, TapeError};
use crate::{
    feed::{itch::Message, mold},
    trader::{Stage, StageProbe, Strategy, Trader},
};

/// Counts the messages that are read.
#[derive(Default)]
struct Reading {
    messages: usize,
}

impl StageProbe for Reading {
    #[inline]
    fn stamp(&mut self, stage: Stage) {
        self.messages += usize::from(stage == Stage::Decode);
    }
}

impl Tape {
    /// Of each order of one pass, how many bytes of its tick there are up to the end of the message that caused it. A strategy
    /// that decides on the packet's head has that for its message. Empty where the tape's own settings make no trader, and so
    /// no orders either.
    #[must_use]
    pub fn trigger_ends(&self) -> &[u32] {
        self.trigger_ends.get_or_init(|| self.find_trigger_ends().unwrap_or_default())
    }

    fn find_trigger_ends(&self) -> Result<Vec<u32>, TapeError> {
        if matches!(self.header().trader.strategy, Strategy::FirstByte { .. }) {
            return Ok(vec![narrow(mold::HEADER_LEN); self.orders()]);
        }
        let mut trader = Trader::new(&self.header().trader)?;
        let (mut ends, mut all) = (Vec::new(), Vec::with_capacity(self.orders()));
        for n in 0..self.packets() {
            let packet = self.packet(n);
            readable(packet, &mut ends);
            let mut reading = Reading::default();
            trader.on_tick(packet, &mut reading, |_, reading| {
                // Of what is not readable nothing can come: the packet's end is the latest that it can be.
                all.push(ends.get(reading.messages.wrapping_sub(1)).copied().unwrap_or(narrow(packet.len())));
            });
        }
        Ok(all)
    }

    /// Bytes of the tick that causes order `n` of one pass.
    #[must_use]
    pub fn trigger_len(&self, n: usize) -> u32 {
        self.triggers.get(n).map_or(0, |packet| narrow(self.packet(*packet as usize).len()))
    }
}

/// Where each message that can be read ends.
fn readable(packet: &[u8], ends: &mut Vec<u32>) {
    ends.clear();
    let Ok(packet) = mold::MoldPacket::parse(packet) else { return };
    let mut at = mold::HEADER_LEN;
    for message in packet.messages().map_while(Result::ok) {
        // Before each stand two bytes with its length.
        at += 2 + message.len();
        if Message::parse(message).is_ok() {
            ends.push(narrow(at));
        }
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::{
        feed::itch::Price4,
        generator::{self, GeneratorConfig},
        tape,
        trader::{SymbolChoice, TraderConfig},
    };

    use super::*;

    fn tape(strategy: Strategy) -> (tempfile::TempDir, Tape) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let ticks = generator::generate(&GeneratorConfig { messages: 20_000, ..GeneratorConfig::default() }).unwrap();
        tape::build(&path, &ticks, TraderConfig::new(strategy)).unwrap();
        let tape = Tape::open(&path).unwrap();
        (folder, tape)
    }

    /// A packet cut after `end` bytes, with as many messages as end by there.
    fn cut(packet: &[u8], end: u32) -> Vec<u8> {
        let mut ends = Vec::new();
        readable(packet, &mut ends);
        let messages = u16::try_from(ends.iter().filter(|e| **e <= end).count()).unwrap();
        let mut cut = packet[..end as usize].to_vec();
        cut[18..20].copy_from_slice(&messages.to_be_bytes());
        cut
    }

    #[test]
    fn the_order_is_there_when_its_message_has_ended_and_not_one_message_before() {
        let threshold = Price4(100);
        let (_folder, tape) = tape(Strategy::Threshold { symbol: SymbolChoice::All, threshold, quantity: 100 });
        let ends = tape.trigger_ends();
        assert_eq!(ends.len(), tape.orders());
        let (mut several, mut trader) = (0, Trader::new(&tape.header().trader).unwrap());
        let mut order = 0;
        for n in 0..tape.packets() {
            let packet = tape.packet(n);
            let of_packet =
                ends[order..].iter().enumerate().take_while(|(i, _)| tape.triggers[order + i] as usize == n);
            let of_packet: Vec<u32> = of_packet.map(|(_, end)| *end).collect();
            if let Some(first) = of_packet.first() {
                several += usize::from((*first as usize) < packet.len());
                // The trader as it stands before this packet, given the packet up to there and no further.
                let orders = |trader: &mut Trader, bytes: &[u8]| trader.on_tick_unprobed(bytes, |_| ()).orders;
                assert!(packet.len() >= *first as usize);
                let whole = cut(packet, *first);
                assert_eq!(orders(&mut trader, &whole), 1, "packet {n}");
                let rest = &packet[*first as usize..];
                let messages =
                    u16::from_be_bytes([packet[18], packet[19]]) - u16::from_be_bytes([whole[18], whole[19]]);
                if messages > 0 {
                    let sequence = u64::from_be_bytes(packet[10..18].try_into().unwrap());
                    let mut head = packet[..20].to_vec();
                    let first = sequence + u64::from(u16::from_be_bytes([whole[18], whole[19]]));
                    head[10..18].copy_from_slice(&first.to_be_bytes());
                    head[18..20].copy_from_slice(&messages.to_be_bytes());
                    assert_eq!(orders(&mut trader, &[&head, rest].concat()) as usize, of_packet.len() - 1);
                }
            } else {
                assert_eq!(trader.on_tick_unprobed(packet, |_| ()).orders, 0);
            }
            order += of_packet.len();
        }
        assert_eq!(order, tape.orders());
        assert!(several > 10, "only {several} orders come of a message that is not the last of its packet");
    }

    #[test]
    fn a_strategy_without_messages_decides_on_the_head() {
        let (_folder, tape) = tape(Strategy::first_byte());
        assert!(tape.trigger_ends().iter().all(|end| *end == 20));
        assert_eq!(tape.trigger_len(3), narrow(tape.packet(3).len()));
    }
}
