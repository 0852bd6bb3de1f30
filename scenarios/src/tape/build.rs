//! Makes a tape: frames the ticks, and lets the oracle (the trader itself, without any network) find the orders.

use std::{collections::HashMap, path::Path};

use zerocopy::little_endian::U32;

use super::{
    TapeError, TapeHeader,
    format::{PacketEntry, Parts},
};
use crate::{
    feed::{
        TickStream,
        itch::{Message, Stock},
        mold,
    },
    order_entry::{OrderSettings, OrderTemplate},
    trader::{Trader, TraderConfig},
};

/// The MoldUDP64 session of every tape.
const SESSION: mold::Session = mold::Session(*b"TICKCERT01");

/// The message count that ends a session.
const END_OF_SESSION: u16 = 0xffff;

/// Builds a tape from ticks and the trader's configuration, and writes it to `path`, whole or not at all.
///
/// # Errors
/// [`TapeError`]: the strategy can't run on these ticks or never sends an order, or the file can't be written.
pub fn build(path: &Path, ticks: &TickStream, trader: TraderConfig) -> Result<(), TapeError> {
    let (packets, payload, messages) = frame(ticks);
    let trader = TraderConfig { messages_per_pass: Some(messages), ..trader };
    let mut parts = Parts {
        header: TapeHeader {
            source: ticks.source.clone(),
            notes: ticks.notes.clone(),
            messages,
            trader,
            orders: OrderSettings::default(),
        },
        packets,
        payload,
        order_len: OrderTemplate::LEN,
        order_packets: Vec::new(),
        order_bytes: Vec::new(),
    };
    find_orders(&mut parts)?;
    if parts.order_packets.is_empty() {
        let strategy = parts.header.trader.strategy.describe();
        return Err(TapeError::NoOrders { origin: ticks.source.clone(), strategy });
    }
    parts.write(path)
}

/// Puts a MoldUDP64 header before the blocks of each packet; sequence numbers begin at 1.
fn frame(ticks: &TickStream) -> (Vec<PacketEntry>, Vec<u8>, u64) {
    let mut payload = Vec::with_capacity(ticks.blocks.len() + ticks.packets.len() * mold::HEADER_LEN);
    let mut sequence = 1_u64;
    let packets = ticks
        .packets
        .iter()
        .map(|packet| {
            let (offset, blocks) = (payload.len(), ticks.blocks_of(packet));
            payload.resize(offset + mold::HEADER_LEN, 0);
            // There is room for it: it was made one line above.
            let _ = mold::write_header(&mut payload[offset..], SESSION, sequence, packet.messages);
            payload.extend_from_slice(blocks);
            sequence += u64::from(packet.messages);
            let len = u16::try_from(payload.len() - offset).unwrap_or(u16::MAX);
            PacketEntry::new(packet.at, offset as u64, len, packet.messages)
        })
        .collect();
    (packets, payload, sequence - 1)
}

/// Plays the ticks to the trader and keeps its orders. The books' capacity is then what they held at most, so that the
/// trader, which uses the same capacity, allocates nothing while it is timed and keeps its memory small.
fn find_orders(parts: &mut Parts) -> Result<(), TapeError> {
    let trader = play(parts)?;
    note_unknown_references(parts, &trader);
    if let Some(book) = trader.book() {
        parts.header.trader.capacity = book.peak();
    }
    Ok(())
}

fn play(parts: &mut Parts) -> Result<Trader, TapeError> {
    let mut trader = Trader::new(&parts.header.trader)?;
    let template = OrderTemplate::new(&parts.header.orders)?;
    let mut bytes = [0; OrderTemplate::LEN];
    let mut at = 0;
    parts.order_packets.clear();
    parts.order_bytes.clear();
    for (n, entry) in parts.packets.iter().enumerate() {
        let packet = &parts.payload[at..at + entry.len()];
        at += entry.len();
        let number = U32::new(u32::try_from(n).unwrap_or(u32::MAX));
        trader.on_tick_unprobed(packet, |order| {
            template.write(&mut bytes, order);
            parts.order_packets.push(number);
            parts.order_bytes.extend_from_slice(&bytes);
        });
    }
    Ok(trader)
}

fn note_unknown_references(parts: &mut Parts, trader: &Trader) {
    let unknown = trader.unknown_references();
    if unknown > 0 {
        let note = format!(
            "{unknown} messages refer to orders added before these ticks begin; they were ignored, as by any receiver that starts late"
        );
        parts.header.notes.push(note);
    }
}
/// The stock that most messages of the ticks are about; `None` if no order is added in them.
#[must_use]
pub fn most_active_symbol(ticks: &TickStream) -> Option<Stock> {
    let (mut count, mut name) = (HashMap::<u16, u64>::new(), HashMap::<u16, Stock>::new());
    for packet in &ticks.packets {
        for message in ticks.messages(packet).filter_map(|m| Message::parse(m).ok()) {
            let locate = message.head().locate();
            match message {
                Message::AddOrder(m) => _ = name.insert(locate, m.stock),
                Message::AddOrderMpid(m) => _ = name.insert(locate, m.stock),
                Message::StockDirectory(_) | Message::TradingAction(_) => continue,
                _ => {}
            }
            *count.entry(locate).or_default() += 1;
        }
    }
    // The lower locate wins a tie, so that the choice does not depend on the order of a hash map.
    let (busiest, _) =
        count.into_iter().filter(|(l, _)| name.contains_key(l)).max_by_key(|(l, n)| (*n, u16::MAX - *l))?;
    name.remove(&busiest)
}

/// An end of session that stands at sequence number `next`.
pub(super) fn end_of_session(next: u64) -> [u8; mold::HEADER_LEN] {
    let mut packet = [0; mold::HEADER_LEN];
    // A header fits into a header.
    let _ = mold::write_header(&mut packet, SESSION, next, END_OF_SESSION);
    packet
}
