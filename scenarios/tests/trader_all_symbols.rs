//! The trader on every symbol of a generated tape, against itself on each symbol alone.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;

use tickcert_scenarios::{
    feed::{
        TickStream,
        itch::{Message, Price4, Side, Stock},
        mold::{HEADER_LEN, Session, write_header},
    },
    generator::{GeneratorConfig, generate},
    tape::most_active_symbol,
    trader::{Strategy, SymbolChoice, Trader, TraderConfig},
};

fn ticks(symbols: u16, messages: u32) -> TickStream {
    generate(&GeneratorConfig { seed: 7, symbols, messages, ..GeneratorConfig::default() }).unwrap()
}

/// The packets as they go on the wire.
fn packets(ticks: &TickStream) -> Vec<Vec<u8>> {
    let mut sequence = 1;
    let framed = ticks.packets.iter().map(|packet| {
        let mut bytes = vec![0; HEADER_LEN];
        write_header(&mut bytes, Session(*b"TEST      "), sequence, packet.messages).unwrap();
        bytes.extend_from_slice(ticks.blocks_of(packet));
        sequence += u64::from(packet.messages);
        bytes
    });
    framed.collect()
}

/// An order, but for its number.
type Seen = (Stock, Side, u32);

/// The orders, and the packets that caused at least one.
fn orders(symbol: SymbolChoice, packets: &[Vec<u8>]) -> (Vec<Seen>, usize) {
    let strategy = Strategy::Threshold { symbol, threshold: Price4(100), quantity: 100 };
    let mut trader = Trader::new(&TraderConfig::new(strategy)).unwrap();
    let (mut orders, mut triggers) = (Vec::new(), 0);
    for packet in packets {
        let outcome = trader.on_tick_unprobed(packet, |order| orders.push((order.symbol, order.side, order.price.0)));
        triggers += usize::from(outcome.orders > 0);
    }
    assert_eq!(trader.stats().refused_rate, 0, "the rate limit is common to all symbols");
    (orders, triggers)
}

#[test]
fn the_orders_on_all_symbols_are_those_on_each_alone() {
    let ticks = ticks(12, 20_000);
    let packets = packets(&ticks);
    let mut by_symbol = BTreeMap::<[u8; 8], Vec<Seen>>::new();
    for order in orders(SymbolChoice::All, &packets).0 {
        by_symbol.entry(order.0.0).or_default().push(order);
    }
    assert!(by_symbol.len() > 6, "orders of {} symbols only", by_symbol.len());
    let mut names = BTreeMap::new();
    for message in ticks.packets.iter().flat_map(|packet| ticks.messages(packet)) {
        if let Ok(Message::AddOrder(add)) = Message::parse(message) {
            names.insert(add.head.locate(), add.stock);
        }
    }
    for (locate, name) in names {
        let alone = orders(SymbolChoice::Locate(locate), &packets).0;
        assert_eq!(by_symbol.remove(&name.0).unwrap_or_default(), alone, "{name}");
    }
    assert_eq!(by_symbol.len(), 0);
}

/// Figures for whoever writes a profile; `docs/PROFILES.md` has them.
#[test]
fn all_symbols_give_several_times_the_orders_of_the_most_active() {
    for symbols in [2, 10, 40] {
        let ticks = ticks(symbols, 100_000);
        let packets = packets(&ticks);
        let busiest = most_active_symbol(&ticks).unwrap().to_string().trim_end().to_owned();
        let share = |symbol| {
            let (orders, triggers) = orders(symbol, &packets);
            (orders.len(), 100.0 * triggers as f64 / packets.len() as f64)
        };
        let (one, all) = (share(SymbolChoice::Name(busiest)), share(SymbolChoice::All));
        println!(
            "{symbols} symbols, {} packets: most active {} orders, {:.2} % of packets; all {} orders, {:.2} %",
            packets.len(),
            one.0,
            one.1,
            all.0,
            all.1
        );
        assert!(all.1 > one.1);
    }
}
