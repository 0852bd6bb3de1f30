//! The tape and its oracle, beside a trader that is fed with what the tape gives out.

mod damaged;
mod oracle;
mod same;

use std::path::Path;

use tempfile::TempDir;

use super::{Tape, TapeError, build};
use crate::{
    feed::{MAX_BLOCK_BYTES, PacketRecord, TickStream, itch::Price4},
    generator::{GeneratorConfig, generate},
    trader::{Strategy, SymbolChoice, TraderConfig},
};

/// Some dozens of packets of three symbols, the spin among them.
fn ticks(seed: u64) -> TickStream {
    let config = GeneratorConfig { seed, symbols: 3, messages: 300, ..GeneratorConfig::default() };
    crowded(generate(&config).unwrap())
}

/// The same messages, up to four packets in one, so that a packet can cause several orders.
fn crowded(ticks: TickStream) -> TickStream {
    let mut packets: Vec<PacketRecord> = Vec::new();
    for (n, packet) in ticks.packets.iter().enumerate() {
        match packets.last_mut() {
            Some(last) if n % 4 > 0 && (last.len + packet.len) as usize <= MAX_BLOCK_BYTES => {
                last.len += packet.len;
                last.messages += packet.messages;
            }
            _ => packets.push(*packet),
        }
    }
    TickStream { packets, ..ticks }
}

/// An order for each move of any best price: often more than one a packet.
fn every_move() -> TraderConfig {
    let threshold = Price4(1);
    TraderConfig::new(Strategy::Threshold { symbol: SymbolChoice::All, threshold, quantity: 100 })
}

/// The busiest symbol alone: many packets cause no order.
fn busiest(ticks: &TickStream) -> TraderConfig {
    let symbol = super::most_active_symbol(ticks).unwrap();
    TraderConfig::new(Strategy::threshold(symbol.to_string().trim(), Price4(100), 100))
}

fn write(path: &Path, ticks: &TickStream, trader: TraderConfig) -> Result<Tape, TapeError> {
    build(path, ticks, trader)?;
    Tape::open(path)
}

/// A tape in a folder of its own.
fn tape(ticks: &TickStream, trader: TraderConfig) -> (TempDir, Tape) {
    let folder = tempfile::tempdir().unwrap();
    let tape = write(&folder.path().join("tape"), ticks, trader).unwrap();
    (folder, tape)
}
