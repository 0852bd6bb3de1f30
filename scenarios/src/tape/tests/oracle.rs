//! What must come: the oracle's orders of any number of packets are those that a trader sends.

use std::sync::LazyLock;

use proptest::prelude::*;
use tempfile::TempDir;
use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::{Strategy, Tape, TraderConfig, busiest, every_move, tape, ticks};
use crate::{
    digest::sha256_hex,
    feed::{
        PacketRecord, TickStream,
        itch::{AddOrder, Head, Message, Price4, Side, Stock},
        mold::{Kind, MoldPacket},
    },
    order_entry::OrderTemplate,
    tape::most_active_symbol,
    trader::Trader,
};

/// Several orders a packet, packets without orders, and an order for each packet.
static TAPES: LazyLock<[(TempDir, Tape); 3]> = LazyLock::new(|| {
    let ticks = ticks(7);
    [every_move(), busiest(&ticks), TraderConfig::new(Strategy::first_byte())].map(|trader| tape(&ticks, trader))
});

/// Packet `n`, counted through all passes, as it goes on the wire.
fn played(tape: &Tape, n: usize) -> Vec<u8> {
    let (pass, at) = (n / tape.packets(), n % tape.packets());
    let mut out = vec![0; tape.packet(at).len()];
    tape.write_packet(at, u32::try_from(pass).unwrap(), &mut out);
    out
}

/// The packet and the bytes of each order that a trader sends for the first `sent` packets.
fn orders(tape: &Tape, sent: usize) -> Vec<(usize, Vec<u8>)> {
    let header = tape.header();
    let mut trader = Trader::new(&header.trader).unwrap();
    let template = OrderTemplate::new(&header.orders).unwrap();
    let mut orders = Vec::new();
    for n in 0..sent {
        trader.on_tick_unprobed(&played(tape, n), |order| orders.push((n, template.packet(order).to_vec())));
    }
    assert_eq!(trader.stats().gaps + trader.stats().duplicate_packets, 0, "the passes follow each other without a gap");
    orders
}

fn first_message(packet: &[u8]) -> u64 {
    MoldPacket::parse(packet).unwrap().sequence
}

#[test]
fn the_tapes_of_these_tests_have_several_orders_in_a_packet_and_packets_without() {
    let [(_, every), (_, busiest), (_, first)] = &*TAPES;
    assert!(every.times().triggers.windows(2).any(|pair| pair[0] == pair[1]));
    let (orders, packets) = (busiest.orders(), busiest.packets());
    assert!(orders > 1 && orders < packets, "{orders} orders in {packets} packets");
    assert_eq!(first.orders(), first.packets());
}

proptest! {
    #[test]
    fn expected_is_what_a_trader_sends_that_is_fed_with_the_packets_of_all_passes(
        which in 0_usize..3,
        sent in (0_usize..4, any::<prop::sample::Index>()),
    ) {
        let (_, tape) = &TAPES[which];
        let sent = sent.0 * tape.packets() + sent.1.index(tape.packets() + 1);
        let (expected, orders) = (tape.expected(sent), orders(tape, sent));
        prop_assert_eq!(expected.len(), orders.len());
        prop_assert_eq!(expected.is_empty(), orders.is_empty());
        let mut written = Vec::new();
        for (n, (packet, order)) in orders.iter().enumerate() {
            expected.write(n, &mut written);
            prop_assert_eq!(&written, order);
            prop_assert!(expected.is(n, order));
            prop_assert_eq!((expected.index(order), expected.packet(n)), (Some(n), Some(*packet)));
        }
        prop_assert_eq!(expected.packet(orders.len()), None);
        let all: Vec<u8> = orders.into_iter().flat_map(|(_, order)| order).collect();
        prop_assert_eq!(tape.expected_digest(sent), sha256_hex(&all));
    }

    #[test]
    fn packets_for_is_the_least_number_of_packets_that_causes_so_many_orders(which in 0_usize..3, orders in 1_u64..400) {
        let (_, tape) = &TAPES[which];
        let packets = usize::try_from(tape.packets_for(orders)).unwrap();
        prop_assert!(tape.expected(packets).len() as u64 >= orders);
        prop_assert!((tape.expected(packets - 1).len() as u64) < orders);
    }

    #[test]
    fn the_session_ends_behind_the_last_message_sent_wherever_in_a_pass_that_is(which in 0_usize..3, sent in 0_usize..400) {
        let (_, tape) = &TAPES[which];
        let messages: u64 = (0..sent).map(|n| u64::from(MoldPacket::parse(&played(tape, n)).unwrap().count())).sum();
        prop_assert_eq!(tape.messages_in(sent), messages);
        let end = tape.end_of_session(sent);
        let end = MoldPacket::parse(&end).unwrap();
        prop_assert_eq!((end.kind, end.sequence), (Kind::EndOfSession, messages + 1));
        prop_assert_eq!(first_message(&played(tape, sent)), messages + 1, "what would have come next");
    }
}

#[test]
fn a_later_pass_differs_in_the_sequence_numbers_only() {
    let (_, tape) = &TAPES[0];
    for n in 0..tape.packets() {
        let (first, third) = (played(tape, n), played(tape, n + 2 * tape.packets()));
        assert_eq!(first, tape.packet(n));
        assert_eq!(first_message(&third), first_message(&first) + 2 * tape.header().messages);
        assert_eq!((&third[..10], &third[18..]), (&first[..10], &first[18..]));
    }
}

#[test]
fn an_order_that_differs_in_one_byte_or_in_its_number_is_not_the_expected_one() {
    let (_, tape) = &TAPES[0];
    let expected = tape.expected(2 * tape.packets());
    let n = tape.orders() + 1;
    let mut order = Vec::new();
    expected.write(n, &mut order);
    assert!(expected.is(n, &order) && !expected.is(n - 1, &order) && !expected.is(1, &order));
    for at in 0..order.len() {
        order[at] ^= 1;
        assert!(!expected.is(n, &order), "byte {at}");
        order[at] ^= 1;
    }
    assert!(!expected.is(n, &order[..order.len() - 1]) && !expected.is(n, &[&order[..], &[0]].concat()));
    assert_eq!(tape.expected(0).index(&order), None);
}

/// A packet for each message: an order to buy of the stock.
fn adds(stocks: &[(u16, &[u8; 8])]) -> TickStream {
    let mut ticks = TickStream::default();
    for (n, (locate, stock)) in (1_u64..).zip(stocks) {
        let add = AddOrder {
            head: Head::of::<AddOrder>(*locate, 0, Nanos(n)),
            reference: n.into(),
            side: Side::Buy,
            shares: 100.into(),
            stock: Stock(**stock),
            price: Price4(10_000).into(),
        };
        let (offset, len) = (ticks.blocks.len(), add.as_bytes().len());
        assert!(Message::parse(add.as_bytes()).is_ok());
        ticks.blocks.extend_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        ticks.blocks.extend_from_slice(add.as_bytes());
        ticks.packets.push(PacketRecord { at: Nanos(n), offset, len: u32::try_from(len + 2).unwrap(), messages: 1 });
    }
    ticks
}

#[test]
fn the_most_active_symbol_has_the_most_messages_and_of_equals_the_lowest_locate() {
    let (a, b, c) = ((9, b"AAAA    "), (2, b"BBBB    "), (5, b"CCCC    "));
    let most = |stocks: &[(u16, &[u8; 8])]| most_active_symbol(&adds(stocks)).map(|stock| stock.0);
    assert_eq!(most(&[a, b, a, c]), Some(*a.1));
    for _ in 0..20 {
        // A hash map has another order each time.
        assert_eq!(most(&[a, b, c]), Some(*b.1));
    }
    assert_eq!(most(&[a, c, c, a]), Some(*c.1));
    assert_eq!(most(&[]), None);
}
