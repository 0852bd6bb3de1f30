//! The trader on the real open of AAPL.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use sha2::{Digest, Sha256};
use tickcert_scenarios::{
    feed::itch::{Price4, Stock},
    order_entry::{Order, OrderSettings, OrderTemplate},
    trader::{Strategy, Trader, TraderConfig},
};

const SYMBOL: &str = "AAPL";

fn config(threshold: u32) -> TraderConfig {
    TraderConfig::new(Strategy::threshold(SYMBOL, Price4(threshold), 100))
}

/// All orders of a tape, and the trader after it.
fn orders(config: &TraderConfig, tape: &[Vec<u8>]) -> (Vec<Order>, Trader) {
    let mut trader = Trader::new(config).unwrap();
    let mut orders = Vec::new();
    for packet in tape {
        trader.on_tick_unprobed(packet, |order| orders.push(*order));
    }
    (orders, trader)
}

fn digest(orders: &[Order]) -> [u8; 32] {
    let template = OrderTemplate::new(&OrderSettings::default()).unwrap();
    let mut hash = Sha256::new();
    orders.iter().for_each(|order| hash.update(template.packet(order)));
    hash.finalize().into()
}

#[test]
fn the_sample_has_51_unknown_references_and_no_other_surprise() {
    let Some(messages) = support::sample() else {
        return;
    };
    let (_, trader) = orders(&config(100), &support::tape(&messages, 1, 1));
    assert_eq!(trader.stats().messages, 10_000);
    assert_eq!(trader.unknown_references(), 51);
    assert_eq!((trader.stats().malformed_messages, trader.stats().gaps), (0, 0));
    let book = trader.book().unwrap();
    assert_eq!(book.stats().orphans, 378);
    assert_eq!((book.stats().duplicates, book.stats().excess, book.stats().empty, book.grew()), (0, 0, 0, 0));
}

#[test]
fn two_runs_over_the_sample_give_the_same_bytes_and_packing_changes_nothing() {
    let Some(messages) = support::sample() else {
        return;
    };
    let (first, _) = orders(&config(100), &support::tape(&messages, 1, 1));
    let (second, _) = orders(&config(100), &support::tape(&messages, 1, 1));
    let (packed, _) = orders(&config(100), &support::tape(&messages, 30, 1));
    assert!(first.len() > 300, "{} orders", first.len());
    assert_eq!(digest(&first), digest(&second));
    assert_eq!(digest(&first), digest(&packed));
    assert!(first.iter().all(|order| order.symbol == Stock::new(SYMBOL).unwrap()));
}

#[test]
fn every_pass_of_a_repeated_sample_gives_the_same_orders_under_numbers_that_go_on() {
    let Some(messages) = support::sample() else {
        return;
    };
    let (once, _) = orders(&config(100), &support::tape(&messages, 1, 1));
    let repeated = TraderConfig { messages_per_pass: Some(messages.len() as u64), ..config(100) };
    let (thrice, trader) = orders(&repeated, &support::tape(&messages, 1, 3));
    assert_eq!((trader.stats().resets, trader.unknown_references()), (2, 153));
    assert_eq!(thrice.len(), 3 * once.len());
    for (i, order) in thrice.iter().enumerate() {
        let user_ref_num = u32::try_from(i + 1).unwrap();
        assert_eq!(*order, Order { user_ref_num, ..once[i % once.len()] });
    }
}

/// Figures for whoever chooses a threshold; each is checked for being a healthy number only.
#[test]
fn a_higher_threshold_gives_fewer_orders() {
    let Some(messages) = support::sample() else {
        return;
    };
    let tape = support::tape(&messages, 1, 1);
    let mut last = usize::MAX;
    for threshold in [100, 200, 500, 1_000, 2_000, 5_000] {
        let (orders, trader) = orders(&config(threshold), &tape);
        println!("threshold {}: {} orders, {} refused", Price4(threshold), orders.len(), trader.stats().refused());
        assert!(orders.len() <= last && !orders.is_empty());
        last = orders.len();
    }
}
