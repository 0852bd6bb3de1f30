//! The generator's messages checked against books of their own: that every one is true, and that something happens.
#![cfg(test)]

use std::collections::{BTreeMap, HashMap, VecDeque};

use tickcert_results::time::{Nanos, PerSecond};
use tickcert_scenarios::feed::TickStream;
use tickcert_scenarios::feed::itch::{Message, Price4, Side};
use tickcert_scenarios::generator::{Envelope, GeneratorConfig, GeneratorError, Mix, generate};

/// One symbol's book, by the rules of the feed and nothing else.
#[derive(Default)]
struct Book {
    bids: BTreeMap<Price4, VecDeque<u64>>,
    asks: BTreeMap<Price4, VecDeque<u64>>,
}

impl Book {
    fn side(&mut self, side: Side) -> &mut BTreeMap<Price4, VecDeque<u64>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn touch(&self) -> (Option<Price4>, Option<Price4>) {
        (self.bids.last_key_value().map(|(p, _)| *p), self.asks.first_key_value().map(|(p, _)| *p))
    }
}

struct Order {
    locate: u16,
    side: Side,
    price: Price4,
    shares: u32,
}

/// Every book of a stream, and what was seen on the way.
#[derive(Default)]
struct Replay {
    books: HashMap<u16, Book>,
    orders: HashMap<u64, Order>,
    /// By symbol: messages on its book, and how many of them moved its best bid or offer.
    moves: HashMap<u16, (u32, u32)>,
}

impl Replay {
    fn run(stream: &TickStream) -> Self {
        let mut replay = Self::default();
        for packet in &stream.packets {
            for bytes in stream.messages(packet) {
                let message = Message::parse(bytes).unwrap();
                let locate = message.head().locate();
                let before = replay.books.entry(locate).or_default().touch();
                if replay.apply(&message) {
                    let after = replay.books[&locate].touch();
                    let (messages, moved) = replay.moves.entry(locate).or_default();
                    *messages += 1;
                    *moved += u32::from(before != after);
                    if let (Some(bid), Some(ask)) = after {
                        assert!(bid < ask, "crossed: {message:?}");
                    }
                }
            }
        }
        replay
    }

    /// False for a message that is not about a book.
    fn apply(&mut self, message: &Message<'_>) -> bool {
        let locate = message.head().locate();
        match message {
            Message::AddOrder(m) => {
                self.add(locate, m.reference.get(), m.side, m.shares.get(), m.price.get());
            }
            Message::AddOrderMpid(m) => {
                self.add(locate, m.reference.get(), m.side, m.shares.get(), m.price.get());
            }
            Message::OrderExecuted(m) => self.execute(m.reference.get(), m.shares.get(), None),
            Message::OrderExecutedWithPrice(m) => {
                self.execute(m.reference.get(), m.shares.get(), Some(m.price.get()));
            }
            Message::OrderCancel(m) => self.reduce(m.reference.get(), m.shares.get()),
            Message::OrderDelete(m) => {
                self.remove(m.reference.get());
            }
            Message::OrderReplace(m) => {
                let old = self.remove(m.original.get());
                self.add(locate, m.reference.get(), old.side, m.shares.get(), m.price.get());
            }
            _ => return false,
        }
        true
    }

    fn add(&mut self, locate: u16, reference: u64, side: Side, shares: u32, price: Price4) {
        assert!(shares > 0 && price > Price4(0));
        let book = self.books.entry(locate).or_default();
        book.side(side).entry(price).or_default().push_back(reference);
        let before = self.orders.insert(reference, Order { locate, side, price, shares });
        assert!(before.is_none(), "reference {reference} is used twice");
    }

    fn execute(&mut self, reference: u64, shares: u32, price: Option<Price4>) {
        let order = &self.orders[&reference];
        let (bid, ask) = self.books[&order.locate].touch();
        let best = if order.side == Side::Buy { bid } else { ask };
        assert_eq!(best, Some(order.price), "an execution away from the best price");
        assert_eq!(price.unwrap_or(order.price), order.price);
        let (side, at) = (order.side, order.price);
        let queue = self.books.get_mut(&order.locate).unwrap().side(side).get(&at).unwrap();
        assert_eq!(queue.front(), Some(&reference), "an execution out of turn");
        self.reduce(reference, shares);
    }

    fn reduce(&mut self, reference: u64, shares: u32) {
        let order = self.orders.get_mut(&reference).unwrap();
        assert!((1..=order.shares).contains(&shares), "more shares than the order has");
        order.shares -= shares;
        if order.shares == 0 {
            self.remove(reference);
        }
    }

    fn remove(&mut self, reference: u64) -> Order {
        let order = self.orders.remove(&reference).expect("a reference that exists");
        let levels = self.books.get_mut(&order.locate).unwrap().side(order.side);
        let queue = levels.get_mut(&order.price).unwrap();
        queue.retain(|&waiting| waiting != reference);
        if queue.is_empty() {
            levels.remove(&order.price);
        }
        order
    }
}

fn small() -> GeneratorConfig {
    GeneratorConfig { messages: 60_000, symbols: 40, ..GeneratorConfig::default() }
}

#[test]
fn every_message_is_true_and_no_book_crosses() {
    for (seed, mix) in [(1, Mix::OPENING), (2, Mix::DAY_2019), (3, Mix::DAY_2025)] {
        Replay::run(&generate(&GeneratorConfig { seed, mix, ..small() }).unwrap());
    }
}

#[test]
fn the_best_prices_of_active_symbols_move_often() {
    for mix in [Mix::OPENING, Mix::DAY_2019] {
        let replay = Replay::run(&generate(&GeneratorConfig { mix, ..small() }).unwrap());
        for locate in 1..=10 {
            let (messages, moved) = replay.moves[&locate];
            println!("symbol {locate}: {moved} of {messages} messages move the touch");
            assert!(moved * 20 >= messages, "symbol {locate}: {moved} of {messages}");
        }
    }
}

#[test]
fn a_day_of_balanced_adds_and_deletes_keeps_books_small() {
    let config = GeneratorConfig { mix: Mix::DAY_2019, messages: 200_000, ..small() };
    let replay = Replay::run(&generate(&config).unwrap());
    assert!(replay.orders.len() < 20_000, "{} live orders", replay.orders.len());
}

#[test]
fn full_books_turn_adds_into_deletes_and_say_so() {
    let config = GeneratorConfig { max_live_orders: 1_000, ..small() };
    let stream = generate(&config).unwrap();
    assert!(Replay::run(&stream).orders.len() <= 1_000);
    assert!(stream.notes.iter().any(|note| note.contains("adds became deletes")), "{:?}", stream.notes);
}

#[test]
fn the_day_begins_with_events_directory_and_states_of_all_symbols() {
    let stream = generate(&small()).unwrap();
    let kinds: Vec<u8> = stream.packets.iter().flat_map(|p| stream.messages(p)).map(|m| m[0]).take(83).collect();
    let expected: Vec<u8> = [vec![b'S'; 2], vec![b'R'; 40], vec![b'H'; 40], vec![b'S']].into_iter().flatten().collect();
    assert_eq!(kinds, expected);
}

#[test]
fn neither_due_times_nor_timestamps_run_backwards() {
    let stream = generate(&small()).unwrap();
    assert!(stream.packets.is_sorted_by_key(|packet| packet.at));
    assert_eq!(stream.packets[0].at, Nanos::ZERO);
    let stamps = stream.packets.iter().flat_map(|p| stream.messages(p)).map(|bytes| {
        let message = Message::parse(bytes).unwrap();
        message.head().timestamp()
    });
    assert!(stamps.is_sorted());
}

/// FNV-1a over all bytes and times.
fn fingerprint(stream: &TickStream) -> u64 {
    let times = stream.packets.iter().flat_map(|packet| packet.at.get().to_be_bytes());
    times
        .chain(stream.blocks.iter().copied())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn a_seed_gives_the_same_bytes_everywhere_and_another_seed_others() {
    let config = GeneratorConfig { messages: 5_000, ..small() };
    let stream = generate(&config).unwrap();
    assert_eq!(fingerprint(&stream), FINGERPRINT, "the tape of a seed has changed");
    let other = generate(&GeneratorConfig { seed: 2, ..config }).unwrap();
    assert_ne!(fingerprint(&other), FINGERPRINT);
}

const FINGERPRINT: u64 = 0x6e8f_de95_a0b2_d3e2;

#[test]
fn a_stretched_tape_is_the_same_but_slower() {
    let config = GeneratorConfig { messages: 5_000, envelope: Envelope::Flat, ..small() };
    let fast = generate(&config).unwrap();
    let slow = generate(&GeneratorConfig { stretch: 4.0, ..config }).unwrap();
    assert_eq!(fast.packets.len(), slow.packets.len());
    let start = fast.packets.iter().find(|packet| fast.messages(packet).any(|m| m[0] == b'A')).unwrap().at;
    for (fast, slow) in fast.packets.iter().zip(&slow.packets).filter(|(fast, _)| fast.at >= start) {
        let base = fast.at.saturating_sub(start).get() * 4;
        assert!(slow.at.saturating_sub(start).get().abs_diff(base) < 4 * 1_000_000, "{fast:?} {slow:?}");
        assert_eq!((fast.len, fast.messages), (slow.len, slow.messages));
    }
}

#[test]
fn a_tape_lasts_as_long_as_its_rate_says() {
    let config = GeneratorConfig { messages: 10_000, mean_rate: PerSecond(1_000.0), ..small() };
    let stream = generate(&config).unwrap();
    let seconds = stream.duration().as_secs_f64();
    assert!((seconds - 10.0).abs() < 0.02, "{seconds}");
    let messages = stream.message_count();
    assert_eq!(messages, 10_000 + 2 * 40 + 3);
}

#[test]
fn configurations_that_make_no_tape_are_refused() {
    let refused = |config: GeneratorConfig| generate(&config).unwrap_err();
    assert_eq!(refused(GeneratorConfig { symbols: 0, ..small() }), GeneratorError::NoSymbols);
    assert_eq!(refused(GeneratorConfig { messages: 0, ..small() }), GeneratorError::NoMessages);
    assert_eq!(refused(GeneratorConfig { max_live_orders: 0, ..small() }), GeneratorError::NoRoom);
    assert_eq!(refused(GeneratorConfig { stretch: f64::INFINITY, ..small() }), GeneratorError::Stretch(f64::INFINITY));
    let rate = refused(GeneratorConfig { mean_rate: PerSecond(f64::NAN), ..small() });
    assert!(rate.to_string().contains("mean_rate"), "{rate}");
    let mix = Mix { add: 0, add_mpid: 0, ..Mix::OPENING };
    assert_eq!(refused(GeneratorConfig { mix, ..small() }), GeneratorError::NoAdds);
    let slow = refused(GeneratorConfig { mean_rate: PerSecond(0.01), ..small() });
    assert!(matches!(slow, GeneratorError::TooLong { .. }), "{slow}");
}

#[test]
fn the_smallest_tapes_can_be_made() {
    for (messages, symbols) in [(1, 1), (2, 1), (1, u16::MAX), (37, 3)] {
        let stream = generate(&GeneratorConfig { messages, symbols, ..small() }).unwrap();
        Replay::run(&stream);
    }
}
