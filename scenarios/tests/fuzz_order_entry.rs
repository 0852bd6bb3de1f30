//! Arbitrary bytes into every decoder of order entry, and into the trader: no panic, and the rules hold.
//!
//! `TICKCERT_FUZZ_CASES` sets how many cases each target gets (2,000 when it is not set).

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use proptest::prelude::*;
use tickcert_results::time::Nanos;
use tickcert_scenarios::{
    book::BookCapacity,
    feed::itch::Price4,
    order_entry::{
        ouch::{ClientMessage, ServerMessage, TagValues},
        session::{ClientEvent, ClientSession, Credentials, ServerConfig, ServerEvent, ServerSession, Timers},
        soup::{Deframer, Packet},
    },
    trader::{Strategy as Trading, Trader, TraderConfig},
};

fn cases() -> ProptestConfig {
    let cases = std::env::var("TICKCERT_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Bytes that often begin like an OUCH message.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let kind = proptest::sample::select(b"OUXMQSACDEBJPITR".to_vec());
    (kind, proptest::collection::vec(any::<u8>(), 0..120), any::<bool>()).prop_map(|(kind, mut bytes, honest)| {
        if honest && let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        bytes
    })
}

/// A stream of packets, most of them framed as they should be, of any type.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let packet =
        (proptest::sample::select(b"+AJSHZLUROx".to_vec()), proptest::collection::vec(any::<u8>(), 0..70), 0..20_u8)
            .prop_map(|(kind, payload, luck)| {
                let length = u16::try_from(1 + payload.len()).unwrap();
                let length = if luck == 0 { length ^ 0x0101 } else { length };
                [&length.to_be_bytes()[..], &[kind], &payload].concat()
            });
    let login =
        Just(b"\0\x2fLtrader".iter().chain(b"secret              ").chain(b"                   1").copied().collect());
    let accepted = Just(b"\0\x1fA  TICKCERT                   1".to_vec());
    let bare = proptest::sample::select(vec![b"\0\x01H".to_vec(), b"\0\x01R".to_vec(), b"\0\x02UQ".to_vec()]);
    let one = prop_oneof![4 => packet, 2 => login, 2 => accepted, 4 => bare];
    proptest::collection::vec(one, 0..12).prop_map(|packets| packets.concat())
}

fn runs<'a>(mut bytes: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut cuts = cuts.iter();
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let cut = cuts.next().copied().unwrap_or(bytes.len()).min(bytes.len());
        let (run, rest) = bytes.split_at(cut);
        bytes = rest;
        Some(run)
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1..40_usize, 0..30)
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn ouch_messages_are_read_or_refused(bytes in message()) {
        if let Ok(ClientMessage::EnterOrder(_, tags) | ClientMessage::ReplaceOrder(_, tags)) = ClientMessage::parse(&bytes) {
            prop_assert!(bytes.ends_with(tags.bytes()) && tags.bytes().len() < bytes.len());
        }
        if let Err(error) = ServerMessage::parse(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn tag_values_come_to_an_end_and_never_reach_beyond_their_appendage(bytes in proptest::collection::vec(0..30_u8, 0..200)) {
        let mut total = 0;
        let mut failed = false;
        for tag in TagValues::new(&bytes) {
            prop_assert!(!failed, "nothing comes after an error");
            match tag {
                Ok(tag) => total += 2 + tag.value.len(),
                Err(_) => failed = true,
            }
        }
        prop_assert_eq!(failed, total < bytes.len());
    }

    #[test]
    fn the_deframer_hands_out_whole_packets_whatever_comes(bytes in stream(), noise in proptest::collection::vec(any::<u8>(), 0..60), cuts in cuts(), limit in 0..200_usize) {
        let bytes = [bytes, noise].concat();
        let mut deframer = Deframer::new(limit);
        let mut out = Vec::new();
        let mut whole = true;
        for run in runs(&bytes, &cuts) {
            let pushed = deframer.push(run, |packet| {
                whole &= packet.len() >= 3 && packet.len() == 2 + usize::from(u16::from_be_bytes([packet[0], packet[1]]));
                let _ = Packet::parse(packet);
                out.extend_from_slice(packet);
            });
            if pushed.is_err() {
                break;
            }
        }
        prop_assert!(whole && bytes.starts_with(&out));
    }

    #[test]
    fn the_server_closes_at_most_once_a_connection_and_hands_out_orders_only_after_a_login(bytes in stream(), cuts in cuts()) {
        let config = ServerConfig { stored_messages: 4, pending_bytes: 4096, ..ServerConfig::new(Credentials::new("trader", "secret").unwrap()) };
        let mut server = ServerSession::new(&config).unwrap();
        server.connected(Nanos::ZERO);
        let (mut events, mut orders, mut now) = (Vec::new(), 0_usize, Nanos::ZERO);
        for run in runs(&bytes, &cuts) {
            now = now + Nanos::MILLI;
            server.receive(now, run, |_| (), |_| orders += 1, |event| events.push(event));
            server.pump(now, 3, |_| ());
            server.tick(now, |_| (), |event| events.push(event));
        }
        while server.pump(now, 100, |_| ()) > 0 {}
        let logins = events.iter().filter(|e| matches!(e, ServerEvent::LoggedIn { .. })).count();
        let closes = events.iter().filter(|e| matches!(e, ServerEvent::Closed(_))).count();
        prop_assert!(logins <= 1 && closes <= 1);
        prop_assert!(orders == 0 || logins == 1);
        let counters = server.counters();
        let answered = counters.accepted + counters.rejected + counters.stale + counters.others;
        prop_assert_eq!(answered, orders as u64);
    }

    #[test]
    fn the_client_counts_what_it_hears_and_closes_at_most_once(bytes in stream(), cuts in cuts()) {
        let mut client = ClientSession::new(Credentials::new("trader", "secret").unwrap(), Timers::default());
        client.connected(Nanos::ZERO, |_| ());
        let (mut expected, mut closes) = (None, 0);
        let mut in_order = true;
        for run in runs(&bytes, &cuts) {
            client.receive(Nanos::MILLI, run, |event| match event {
                ClientEvent::LoggedIn { next_sequence, .. } => expected = Some(next_sequence),
                ClientEvent::Sequenced { sequence, .. } => {
                    in_order &= expected == Some(sequence);
                    expected = Some(sequence + 1);
                }
                ClientEvent::Closed(_) => closes += 1,
            });
        }
        prop_assert!(in_order && closes <= 1);
    }

    #[test]
    fn the_trader_takes_any_bytes_and_the_book_behind_them_stays_whole(
        changes in proptest::collection::vec((0..60_usize, 0..80_usize, any::<u8>()), 0..40),
        sequences in proptest::collection::vec(prop_oneof![4 => 0..200_u64, 1 => any::<u64>()], 60),
        pass in proptest::option::of(1..50_u64),
    ) {
        let mut packets: Vec<Vec<u8>> = support::built(120).chunks(2).zip(&sequences).map(|(m, &s)| support::packet(s, m)).collect();
        for (packet, at, byte) in changes {
            let packet = &mut packets[packet];
            let at = at % packet.len();
            packet[at] = byte;
        }
        let mut config = TraderConfig::new(Trading::threshold("BUILT", Price4(100), 100));
        config.capacity = BookCapacity { orders: 64, levels: 8, locates: 1 };
        config.messages_per_pass = pass;
        let mut trader = Trader::new(&config).unwrap();
        let mut orders = 0;
        for packet in &packets {
            let outcome = trader.on_tick_unprobed(packet, |_| orders += 1);
            prop_assert!(outcome.messages <= 2 || outcome.messages as usize * 2 <= packet.len());
        }
        prop_assert_eq!(trader.stats().orders, orders);
        prop_assert_eq!(trader.stats().packets, packets.len() as u64);
    }
}
