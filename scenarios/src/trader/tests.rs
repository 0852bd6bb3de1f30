//! Small streams with orders worked out by hand.

use tickcert_results::time::Nanos;
use zerocopy::IntoBytes;

use super::*;
use crate::{
    book::BookCapacity,
    feed::{
        itch::{
            AddOrder, CrossTrade, Head, OrderDelete, OrderExecuted, OrderReplace, Price4, Side, Stock, StockDirectory,
            Trade, WireMessage,
        },
        mold::{HEADER_LEN, Session, append_block, write_header},
    },
    order_entry::Order,
};

const LOCATE: u16 = 13;
const CENT: u32 = 100;

fn head<M: WireMessage>(locate: u16) -> Head {
    Head::of::<M>(locate, 0, Nanos(34_200_000_000_000))
}

fn add_for(locate: u16, stock: &[u8; 8], reference: u64, side: Side, price: u32) -> Vec<u8> {
    let add = AddOrder {
        head: head::<AddOrder>(locate),
        reference: reference.into(),
        side,
        shares: 100.into(),
        stock: Stock(*stock),
        price: Price4(price).into(),
    };
    add.as_bytes().to_vec()
}

fn bid(reference: u64, price: u32) -> Vec<u8> {
    add_for(LOCATE, b"AAPL    ", reference, Side::Buy, price)
}

fn ask(reference: u64, price: u32) -> Vec<u8> {
    add_for(LOCATE, b"AAPL    ", reference, Side::Sell, price)
}

fn delete(reference: u64) -> Vec<u8> {
    OrderDelete { head: head::<OrderDelete>(LOCATE), reference: reference.into() }.as_bytes().to_vec()
}

fn execute(reference: u64, shares: u32) -> Vec<u8> {
    let head = head::<OrderExecuted>(LOCATE);
    let executed = OrderExecuted { head, reference: reference.into(), shares: shares.into(), match_number: 1.into() };
    executed.as_bytes().to_vec()
}

fn replace(original: u64, reference: u64, price: u32) -> Vec<u8> {
    let replace = OrderReplace {
        head: head::<OrderReplace>(LOCATE),
        original: original.into(),
        reference: reference.into(),
        shares: 100.into(),
        price: Price4(price).into(),
    };
    replace.as_bytes().to_vec()
}

/// Of AAPL; what it says besides does not matter here.
fn directory() -> Vec<u8> {
    let head = head::<StockDirectory>(LOCATE);
    let mut bytes = head.as_bytes().to_vec();
    bytes.extend_from_slice(b"AAPL    ");
    bytes.resize(size_of::<StockDirectory>(), b' ');
    bytes
}

fn packet(sequence: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = vec![0; HEADER_LEN + messages.iter().map(|m| 2 + m.len()).sum::<usize>()];
    write_header(&mut packet, Session(*b"TEST      "), sequence, u16::try_from(messages.len()).unwrap()).unwrap();
    let end = messages.iter().fold(HEADER_LEN, |end, m| append_block(&mut packet, end, m).unwrap());
    assert_eq!(end, packet.len());
    packet
}

fn config(threshold: u32) -> TraderConfig {
    TraderConfig {
        capacity: BookCapacity { orders: 64, levels: 16, locates: 2 },
        ..TraderConfig::new(Strategy::threshold("AAPL", Price4(threshold), 50))
    }
}

/// A trader, and the number of its next message.
struct Bench {
    trader: Trader,
    next: u64,
}

impl Bench {
    fn new(config: &TraderConfig) -> Self {
        Self { trader: Trader::new(config).unwrap(), next: 1 }
    }

    /// Orders caused by these messages, in one packet.
    fn tick(&mut self, messages: &[Vec<u8>]) -> Vec<Order> {
        let bytes = packet(self.next, messages);
        self.next += messages.len() as u64;
        let mut orders = Vec::new();
        let outcome = self.trader.on_tick_unprobed(&bytes, |order| orders.push(*order));
        assert_eq!((outcome.kind, outcome.orders as usize), (TickKind::Messages, orders.len()));
        orders
    }

    /// Sides and prices of the orders caused by each message in a packet of its own.
    fn each(&mut self, messages: &[Vec<u8>]) -> Vec<Option<(Side, u32)>> {
        let one = |m: &Vec<u8>| {
            let orders = self.tick(std::slice::from_ref(m));
            assert!(orders.len() <= 1);
            orders.first().map(|order| (order.side, order.price.0))
        };
        messages.iter().map(one).collect()
    }
}

fn buy(price: u32) -> Option<(Side, u32)> {
    Some((Side::Buy, price))
}

fn sell(price: u32) -> Option<(Side, u32)> {
    Some((Side::Sell, price))
}

#[test]
fn a_bid_that_rises_by_the_threshold_buys_at_the_offer() {
    let mut bench = Bench::new(&config(CENT));
    let orders = bench.each(&[
        ask(1, 101_000),
        bid(2, 100_000),
        bid(3, 100_099),
        bid(4, 100_100),
        bid(5, 100_100),
        bid(6, 100_200),
    ]);
    assert_eq!(orders, [None, None, None, buy(101_000), None, buy(101_000)]);
}

#[test]
fn an_offer_that_falls_by_the_threshold_sells_at_the_bid() {
    let mut bench = Bench::new(&config(CENT));
    let orders = bench.each(&[bid(1, 99_000), ask(2, 100_000), ask(3, 99_901), ask(4, 99_900), ask(5, 99_800)]);
    assert_eq!(orders, [None, None, None, sell(99_000), sell(99_000)]);
}

#[test]
fn with_the_other_side_empty_an_order_goes_at_its_own_best_price() {
    let mut bench = Bench::new(&config(CENT));
    assert_eq!(bench.each(&[bid(1, 100_000), bid(2, 100_500)]), [None, buy(100_500)]);
    let mut bench = Bench::new(&config(CENT));
    assert_eq!(bench.each(&[ask(1, 100_000), ask(2, 99_500)]), [None, sell(99_500)]);
}

#[test]
fn the_anchor_follows_a_move_away_at_once_and_an_empty_side_loses_it() {
    let mut bench = Bench::new(&config(2 * CENT));
    // Falls to 99,900 with the delete, so that 100,100 is two cents up again.
    let orders = bench.each(&[bid(1, 99_900), bid(2, 100_000), delete(2), bid(3, 100_000), bid(4, 100_100)]);
    assert_eq!(orders, [None, None, None, None, buy(100_100)]);
    let orders = bench.each(&[delete(1), delete(3), delete(4), bid(5, 200_000), bid(6, 200_200)]);
    assert_eq!(orders, [None, None, None, None, buy(200_200)]);
}

#[test]
fn executions_replaces_and_deletes_move_the_best_price_too() {
    let mut bench = Bench::new(&config(CENT));
    let orders = bench.each(&[
        ask(1, 100_000),
        ask(2, 100_300),
        execute(1, 99),
        execute(1, 1),
        replace(2, 3, 100_200),
        replace(3, 4, 100_100),
        delete(4),
    ]);
    // The last trade was at 100,000.
    assert_eq!(orders, [None, None, None, None, sell(100_200), sell(100_100), None]);
}

#[test]
fn orders_carry_symbol_and_quantity_and_are_numbered_from_1() {
    let mut bench = Bench::new(&config(CENT));
    let orders = bench.tick(&[bid(1, 100_000), bid(2, 100_100), bid(3, 100_200)]);
    let symbol = Stock(*b"AAPL    ");
    let order =
        |user_ref_num, price| Order { user_ref_num, side: Side::Buy, quantity: 50, symbol, price: Price4(price) };
    assert_eq!(orders, [order(1, 100_100), order(2, 100_200)]);
    assert_eq!((bench.trader.last_user_ref_num(), bench.trader.stats().orders), (2, 2));
}

#[test]
fn other_symbols_have_books_and_cause_no_orders() {
    let mut bench = Bench::new(&config(CENT));
    let other = |reference, price| add_for(7, b"MSFT    ", reference, Side::Buy, price);
    assert_eq!(bench.each(&[other(1, 100_000), other(2, 200_000), bid(3, 100_000)]), [None, None, None]);
    let book = bench.trader.book().unwrap();
    assert_eq!(book.top(7).bid.unwrap().price, Price4(200_000));
    assert_eq!(book.top(LOCATE).bid.unwrap().price, Price4(100_000));
}

#[test]
fn a_symbol_chosen_by_locate_gives_the_same_orders_as_by_name() {
    let by_locate = Strategy::Threshold { symbol: SymbolChoice::Locate(LOCATE), threshold: Price4(CENT), quantity: 50 };
    let messages = [bid(1, 100_000), ask(2, 101_000), bid(3, 100_100), ask(4, 100_500)];
    let by_locate = Bench::new(&TraderConfig { strategy: by_locate, ..config(CENT) }).tick(&messages);
    assert_eq!(by_locate.len(), 2);
    assert_eq!(by_locate, Bench::new(&config(CENT)).tick(&messages));
}

/// Follows every symbol.
fn all(threshold: u32) -> TraderConfig {
    let strategy = Strategy::Threshold { symbol: SymbolChoice::All, threshold: Price4(threshold), quantity: 50 };
    TraderConfig { strategy, ..config(threshold) }
}

fn msft(reference: u64, side: Side, price: u32) -> Vec<u8> {
    add_for(7, b"MSFT    ", reference, side, price)
}

#[test]
fn with_all_symbols_each_has_its_own_anchors_and_its_name_on_its_orders() {
    let mut bench = Bench::new(&all(CENT));
    let orders = bench.tick(&[
        bid(1, 100_000),
        // Far above the other's bid, but MSFT's first: its anchor.
        msft(2, Side::Buy, 200_000),
        bid(3, 100_100),
        msft(4, Side::Buy, 200_099),
        msft(5, Side::Sell, 201_000),
        // The fall of AAPL moves AAPL's anchor alone.
        delete(3),
        msft(6, Side::Buy, 200_100),
        bid(7, 100_100),
        msft(8, Side::Sell, 200_900),
    ]);
    let seen: Vec<_> = orders.iter().map(|o| (o.user_ref_num, o.symbol.0, o.side, o.price.0)).collect();
    assert_eq!(
        seen,
        [
            (1, *b"AAPL    ", Side::Buy, 100_100),
            (2, *b"MSFT    ", Side::Buy, 201_000),
            (3, *b"AAPL    ", Side::Buy, 100_100),
            (4, *b"MSFT    ", Side::Sell, 200_100),
        ]
    );
}

#[test]
fn with_all_symbols_the_collar_is_around_the_last_trade_of_the_orders_own() {
    let mut config = all(CENT);
    config.risk.collar_bps = 100;
    let mut bench = Bench::new(&config);
    let orders = bench.each(&[
        bid(1, 100_000),
        msft(2, Side::Buy, 200_000),
        ask(3, 100_500),
        msft(4, Side::Sell, 210_000),
        // Both trade: AAPL at 100,500, MSFT at 210,000, of which 1 % away is 207,900.
        execute(3, 1),
        execute(4, 100),
        msft(5, Side::Buy, 207_899),
        msft(6, Side::Buy, 207_999),
        bid(7, 100_100),
    ]);
    let (near, own) = (buy(207_999), buy(100_500));
    assert_eq!(orders, [None, None, None, None, None, None, None, near, own]);
    assert_eq!((bench.trader.stats().refused_collar, bench.trader.stats().refused()), (1, 1));
}

#[test]
fn with_all_symbols_the_rate_limit_counts_the_orders_of_all_together() {
    let mut config = all(CENT);
    config.risk.max_orders = 1;
    let mut bench = Bench::new(&config);
    let orders =
        bench.each(&[bid(1, 100_000), msft(2, Side::Buy, 200_000), bid(3, 100_100), msft(4, Side::Buy, 200_100)]);
    assert_eq!(orders, [None, None, buy(100_100), None]);
    assert_eq!(bench.trader.stats().refused_rate, 1);
}

#[test]
fn with_all_symbols_each_pass_starts_afresh() {
    let messages =
        [bid(1, 100_000), msft(2, Side::Buy, 200_000), bid(3, 100_100), msft(4, Side::Buy, 200_100), execute(2, 100)];
    let mut bench = Bench::new(&TraderConfig { messages_per_pass: Some(messages.len() as u64), ..all(CENT) });
    let first = bench.tick(&messages);
    assert_eq!(first.len(), 2);
    for pass in 1..=3 {
        let expected: Vec<_> = first.iter().map(|o| Order { user_ref_num: o.user_ref_num + 2 * pass, ..*o }).collect();
        assert_eq!(bench.tick(&messages), expected);
    }
}

#[test]
fn the_price_is_held_within_the_collar_around_the_last_trade_of_the_symbol() {
    let mut config = config(CENT);
    config.risk.collar_bps = 100;
    let trade = |locate, price| {
        let trade = Trade {
            head: head::<Trade>(locate),
            reference: 0.into(),
            side: Side::Buy,
            shares: 1.into(),
            stock: Stock(*b"AAPL    "),
            price: Price4(price).into(),
            match_number: 1.into(),
        };
        trade.as_bytes().to_vec()
    };
    let cross = CrossTrade {
        head: head::<CrossTrade>(LOCATE),
        shares: 5.into(),
        stock: Stock(*b"AAPL    "),
        price: Price4(110_000).into(),
        match_number: 1.into(),
        cross: b'O',
    };
    let mut bench = Bench::new(&config);
    let orders = bench.each(&[
        bid(1, 100_000),
        trade(LOCATE, 100_000),
        trade(7, 200_000),
        ask(2, 101_001),
        bid(3, 100_100),
        ask(4, 101_000),
        bid(5, 100_200),
        cross.as_bytes().to_vec(),
        bid(6, 100_300),
    ]);
    // 101,001 is too far from the trade; a hundredth of a cent less is not, but is too far from the cross.
    assert_eq!(orders, [None, None, None, None, None, None, buy(101_000), None, None]);
    assert_eq!((bench.trader.stats().refused_collar, bench.trader.stats().refused()), (2, 2));
}

#[test]
fn a_refused_order_is_counted_by_reason_moves_the_anchor_and_takes_no_number() {
    let rising = [bid(1, 100_000), bid(2, 100_100), bid(3, 100_150), bid(4, 100_200)];
    let refused = |risk: RiskLimits| {
        let mut bench = Bench::new(&TraderConfig { risk, ..config(CENT) });
        assert_eq!(bench.each(&rising), [None; 4]);
        assert_eq!(bench.trader.last_user_ref_num(), 0);
        bench.trader.stats()
    };
    assert_eq!(refused(RiskLimits { max_quantity: 49, ..RiskLimits::default() }).refused_quantity, 2);
    assert_eq!(refused(RiskLimits { max_notional: Notional(1), ..RiskLimits::default() }).refused_notional, 2);
    let mut bench =
        Bench::new(&TraderConfig { risk: RiskLimits { max_orders: 1, ..RiskLimits::default() }, ..config(CENT) });
    assert_eq!(bench.each(&rising), [None, buy(100_100), None, None]);
    assert_eq!(bench.trader.stats().refused_rate, 1);
}

#[test]
fn each_pass_starts_afresh_and_its_orders_are_those_of_the_first() {
    let directory = directory();
    let messages = [directory, bid(1, 100_000), delete(9), bid(2, 100_100), ask(3, 100_500), ask(4, 100_400)];
    let config = TraderConfig { messages_per_pass: Some(messages.len() as u64), ..config(CENT) };
    let mut bench = Bench::new(&config);
    let first = bench.tick(&messages);
    let second = bench.tick(&messages);
    assert_eq!(first.len(), 2);
    assert_eq!(second, first.iter().map(|o| Order { user_ref_num: o.user_ref_num + 2, ..*o }).collect::<Vec<_>>());
    assert_eq!((bench.trader.stats().resets, bench.trader.unknown_references()), (1, 2));
}

#[test]
fn a_pass_may_end_within_a_packet_or_in_a_gap() {
    let config = TraderConfig { messages_per_pass: Some(2), ..config(CENT) };
    let mut bench = Bench::new(&config);
    assert_eq!(bench.tick(&[bid(1, 100_000), bid(2, 100_100), bid(1, 100_000), bid(2, 100_100)]).len(), 2);
    bench.next = 101;
    assert_eq!(bench.tick(&[bid(1, 100_000), bid(2, 100_100)]).len(), 1);
    assert_eq!((bench.trader.stats().resets, bench.trader.stats().missing_messages), (2, 96));
}

#[test]
fn messages_already_known_are_dropped_and_missing_ones_given_up() {
    let mut trader = Trader::new(&config(CENT)).unwrap();
    let mut orders = 0;
    let mut tick = |bytes: &[u8]| trader.on_tick_unprobed(bytes, |_| orders += 1);
    let first = packet(1, &[bid(1, 100_000), bid(2, 100_100)]);
    assert_eq!(tick(&first).messages, 2);
    assert_eq!(tick(&first), TickOutcome { kind: TickKind::Duplicate, messages: 0, orders: 0 });
    assert_eq!(tick(&packet(2, &[bid(2, 100_100), bid(3, 100_200)])).messages, 1);
    assert_eq!(tick(&packet(7, &[bid(4, 100_300)])).messages, 1);
    assert_eq!(tick(&packet(10, &[])).kind, TickKind::Heartbeat);
    assert_eq!(tick(&packet(10, &[])).kind, TickKind::Heartbeat);
    let stats = trader.stats();
    assert_eq!((orders, stats.duplicate_packets, stats.gaps, stats.missing_messages), (3, 1, 2, 5));
    assert_eq!(trader.book().unwrap().stats().duplicates, 0);
}

#[test]
fn what_cannot_be_read_is_counted_and_the_rest_is_taken() {
    let mut trader = Trader::new(&config(CENT)).unwrap();
    let mut tick = |bytes: &[u8]| trader.on_tick_unprobed(bytes, |_| ()).kind;
    assert_eq!(tick(b"short"), TickKind::Malformed);
    assert_eq!(tick(&packet(1, &[b"?what".to_vec(), Vec::new(), bid(1, 100_000)])), TickKind::Messages);
    let mut cut = packet(4, &[bid(2, 100_000), bid(3, 100_000)]);
    cut.pop();
    assert_eq!(tick(&cut), TickKind::Malformed);
    let mut end = packet(6, &[]);
    end[18..20].fill(0xff);
    assert_eq!(tick(&end), TickKind::EndOfSession);
    let stats = trader.stats();
    assert_eq!((stats.malformed_packets, stats.malformed_messages, stats.packets), (2, 2, 4));
    assert_eq!(trader.book().unwrap().live_orders(), 2);
}

#[test]
fn a_packet_of_another_session_is_not_taken_for_one_of_the_first() {
    for config in [config(CENT), TraderConfig::new(Strategy::first_byte())] {
        let mut trader = Trader::new(&config).unwrap();
        let mut tick = |bytes: &[u8]| trader.on_tick_unprobed(bytes, |_| ()).kind;
        let (mut strange, mut end) = (packet(2, &[bid(2, 100_000)]), packet(3, &[]));
        strange[0] ^= 1;
        end[..10].fill(b'X');
        end[18..20].fill(0xff);
        let kinds = [packet(1, &[bid(1, 100_000)]), strange, end, packet(2, &[bid(2, 100_000)])].map(|p| tick(&p));
        assert_eq!(kinds, [TickKind::Messages, TickKind::Malformed, TickKind::Malformed, TickKind::Messages]);
        assert_eq!((trader.stats().malformed_packets, trader.stats().gaps), (2, 0));
    }
}

#[test]
fn the_echo_answers_each_new_packet_with_one_constant_order_whatever_is_in_it() {
    let mut trader = Trader::new(&TraderConfig::new(Strategy::first_byte())).unwrap();
    let mut orders = Vec::new();
    let mut tick = |bytes: &[u8]| trader.on_tick_unprobed(bytes, |order| orders.push(*order));
    tick(&packet(1, &[b"?".to_vec(), b"?".to_vec()]));
    tick(&packet(1, &[b"?".to_vec()]));
    tick(&packet(3, &[]));
    tick(&packet(3, &[bid(1, 1)]));
    let symbol = Stock(*b"ECHO    ");
    let order = |user_ref_num| Order { user_ref_num, side: Side::Buy, quantity: 1, symbol, price: Price4(10_000) };
    assert_eq!(orders, [order(1), order(2)]);
    assert!(trader.book().is_none());
}

#[test]
fn stages_are_stamped_in_order_and_the_last_ones_only_on_the_way_to_an_order() {
    #[derive(Default)]
    struct Stamps(Vec<Stage>);
    impl StageProbe for Stamps {
        fn stamp(&mut self, stage: Stage) {
            self.0.push(stage);
        }
    }
    let mut trader = Trader::new(&config(CENT)).unwrap();
    let mut stamps = Stamps::default();
    trader.on_tick(&packet(1, &[bid(1, 100_000), bid(2, 100_100)]), &mut stamps, |_, p| p.stamp(Stage::Encode));
    let (first, second) = stamps.0.split_at(2);
    assert_eq!(first, [Stage::Decode, Stage::Book]);
    assert_eq!(second, [Stage::Decode, Stage::Book, Stage::Decide, Stage::Risk, Stage::Encode]);
    assert!(Stage::ALL.is_sorted());
}

#[test]
fn a_configuration_reads_from_toml_with_defaults_and_writes_back() {
    let text = r#"
        strategy = { kind = "threshold", symbol = "AAPL", threshold = "0.01", quantity = 100 }
        risk = { max_notional = "50000", collar_bps = 50 }
    "#;
    let config: TraderConfig = toml::from_str(text).unwrap();
    assert_eq!(config.strategy, Strategy::threshold("AAPL", Price4(CENT), 100));
    assert_eq!((config.risk.max_notional, config.risk.collar_bps), (Notional(500_000_000), 50));
    assert_eq!(config.risk.max_orders, RiskLimits::default().max_orders);
    assert_eq!(toml::from_str::<TraderConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<TraderConfig>(&json).unwrap(), config);
    let echo: TraderConfig = toml::from_str(r#"strategy = { kind = "first-byte" }"#).unwrap();
    assert_eq!(echo.strategy, Strategy::first_byte());
    let numbered: TraderConfig = toml::from_str(&text.replace("\"AAPL\"", "13")).unwrap();
    assert!(matches!(numbered.strategy, Strategy::Threshold { symbol: SymbolChoice::Locate(13), .. }));
    let all: TraderConfig = toml::from_str(&text.replace("AAPL", "all")).unwrap();
    assert!(matches!(all.strategy, Strategy::Threshold { symbol: SymbolChoice::All, .. }));
    assert_eq!(toml::from_str::<TraderConfig>(&toml::to_string(&all).unwrap()).unwrap(), all);
    let allstate: TraderConfig = toml::from_str(&text.replace("AAPL", "ALL")).unwrap();
    assert_eq!(allstate.strategy, Strategy::threshold("ALL", Price4(CENT), 100));
}

#[test]
fn a_configuration_with_a_slip_is_an_error_that_names_it() {
    let parse = |strategy: &str| {
        toml::from_str::<TraderConfig>(&format!("strategy = {{ {strategy} }}")).unwrap_err().to_string()
    };
    let good = r#"kind = "threshold", symbol = "AAPL", threshold = "0.01", quantity = 100"#;
    assert!(parse(&format!("{good}, treshold = 1")).contains("treshold"));
    assert!(parse(&good.replace("\"0.01\"", "\"1 cent\"")).contains("`1 cent`"));
    assert!(parse(&good.replace("\"AAPL\"", "70000")).contains("from 0 to 65535"));
    assert!(parse(&good.replace("threshold\"", "treshold\"")).contains("first-byte"));
    assert!(parse(r#"kind = "first-byte", prize = "1""#).contains("prize"));
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_its_remedy() {
    let error = |change: fn(&mut TraderConfig)| {
        let mut config = config(CENT);
        change(&mut config);
        Trader::new(&config).unwrap_err().to_string()
    };
    assert!(error(|c| c.strategy = Strategy::threshold("", Price4(1), 1)).contains("1 to 8"));
    assert!(error(|c| c.strategy = Strategy::threshold("AAPL", Price4(0), 1)).contains("0.0001"));
    assert!(error(|c| c.strategy = Strategy::threshold("AAPL", Price4(1), 0)).contains("999999"));
    assert!(error(|c| c.messages_per_pass = Some(0)).contains("messages_per_pass"));
    assert!(error(|c| c.risk.max_orders = 0).contains("max_orders"));
    assert!(error(|c| c.capacity.orders = usize::MAX).contains("capacity.orders"));
    let echo = |price, quantity| Strategy::FirstByte { symbol: "ECHO".into(), price: Price4(price), quantity };
    let error = |strategy| Trader::new(&TraderConfig::new(strategy)).unwrap_err().to_string();
    assert!(error(echo(0, 1)).contains("0.0001"));
    assert!(error(echo(10_000, 20_000)).contains("risk.max_quantity"));
}
