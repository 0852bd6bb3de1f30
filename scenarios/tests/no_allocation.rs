//! The trader's timed loop allocates nothing: shown by an allocator that counts.

#![allow(clippy::unwrap_used, reason = "a test")]
#![expect(unsafe_code, reason = "an allocator is unsafe by definition; this one passes every call on")]

mod support;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use tickcert_scenarios::{
    feed::itch::Price4,
    generator::{GeneratorConfig, generate},
    order_entry::{OrderSettings, OrderTemplate},
    trader::{Strategy, SymbolChoice, Trader, TraderConfig},
};

/// Counts what this thread asks for.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has nothing to measure any more.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every method passes its arguments unchanged to the system's allocator, which upholds the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises about `layout` are those asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: `pointer` came from `alloc` above with this layout, hence from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `dealloc`, and the caller's promises about `size` are those asked for here.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Calls of the allocator while a trader takes a tape, and the orders that it sent.
fn calls_and_orders(config: &TraderConfig, tape: &[Vec<u8>]) -> (u64, u64) {
    let mut trader = Trader::new(config).unwrap();
    let template = OrderTemplate::new(&OrderSettings::default()).unwrap();
    let mut out = [0; OrderTemplate::LEN];
    let before = CALLS.get();
    for packet in tape {
        trader.on_tick_unprobed(packet, |order| {
            template.write(&mut out, order);
            black_box(&out);
        });
    }
    (CALLS.get() - before, trader.stats().orders)
}

#[test]
fn the_counter_sees_an_allocation() {
    let before = CALLS.get();
    drop(black_box(vec![1_u8; 100]));
    assert_eq!(CALLS.get() - before, 2);
}

#[test]
fn three_passes_of_a_tape_from_tick_to_packet_allocate_nothing() {
    let (symbol, messages) = match support::sample() {
        Some(messages) => ("AAPL", messages),
        None => ("BUILT", support::built(10_000)),
    };
    let threshold = Strategy::threshold(symbol, Price4(100), 100);
    let mut config = TraderConfig::new(threshold);
    config.messages_per_pass = Some(messages.len() as u64);
    let (calls, orders) = calls_and_orders(&config, &support::tape(&messages, 4, 3));
    assert!(orders > 200, "{orders} orders");
    assert_eq!(calls, 0);
}

#[test]
fn three_passes_with_all_symbols_followed_allocate_nothing() {
    let ticks = generate(&GeneratorConfig { symbols: 20, messages: 10_000, ..GeneratorConfig::default() }).unwrap();
    let messages: Vec<Vec<u8>> =
        ticks.packets.iter().flat_map(|packet| ticks.messages(packet).map(<[u8]>::to_vec)).collect();
    let strategy = Strategy::Threshold { symbol: SymbolChoice::All, threshold: Price4(100), quantity: 100 };
    let config = TraderConfig { messages_per_pass: Some(messages.len() as u64), ..TraderConfig::new(strategy) };
    let (calls, orders) = calls_and_orders(&config, &support::tape(&messages, 4, 3));
    assert!(orders > 200, "{orders} orders");
    assert_eq!(calls, 0);
}

#[test]
fn the_echo_allocates_nothing() {
    let tape = support::tape(&support::built(1_000), 1, 1);
    assert_eq!(calls_and_orders(&TraderConfig::new(Strategy::first_byte()), &tape), (0, 1_000));
}
