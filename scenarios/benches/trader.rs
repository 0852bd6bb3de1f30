//! From a tick's bytes to its order's bytes, without a lane: decode, book, decide, risk check, encode.
//!
//! Over the sample of AAPL's open where `TICKCERT_SAMPLE_DATA` names it, else over a built stream, one message a
//! packet. Criterion gives the mean over whole passes; beside it, single ticks are timed by the time-stamp counter, with
//! fences, and their quantiles printed over all ticks and over those that sent an order. Each includes the cost of a
//! pair of stamps, which is printed too.

#![expect(unsafe_code, reason = "reads the time-stamp counter")]
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    arch::x86_64::{__rdtscp, _mm_lfence},
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use tickcert_scenarios::{
    book::BookCapacity,
    feed::itch::Price4,
    order_entry::{OrderSettings, OrderTemplate},
    trader::{Strategy, Trader, TraderConfig},
};

/// Passes over the tape whose ticks are timed one by one.
const PASSES: u64 = 100;

/// The counter, when everything before has been done and nothing after has begun.
#[inline(always)]
fn stamp() -> u64 {
    let mut core = 0;
    // SAFETY: every x86-64 CPU has LFENCE.
    unsafe { _mm_lfence() };
    // SAFETY: RDTSCP is there on every x86-64 CPU of the last fifteen years; it writes to `core` only.
    let now = unsafe { __rdtscp(&raw mut core) };
    // SAFETY: every x86-64 CPU has LFENCE.
    unsafe { _mm_lfence() };
    now
}

/// Nanoseconds that one tick of the counter lasts, to some hundred parts in a million.
fn ns_per_tick() -> f64 {
    let (started, first) = (Instant::now(), stamp());
    while started.elapsed() < Duration::from_millis(200) {
        std::hint::spin_loop();
    }
    let (ticks, elapsed) = (stamp() - first, started.elapsed());
    elapsed.as_nanos() as f64 / ticks as f64
}

fn print(what: &str, scale: f64, spans: &mut [u64]) {
    spans.sort_unstable();
    let quantile = |q: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
        let rank = (q * spans.len() as f64).ceil() as usize;
        spans[rank.clamp(1, spans.len()) - 1] as f64 * scale
    };
    println!(
        "{what:<18} n {:>8}  p50 {:>6.0} ns  p90 {:>6.0} ns  p99 {:>6.0} ns  p99.9 {:>6.0} ns  max {:>8.0} ns",
        spans.len(),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(0.999),
        quantile(1.0)
    );
}

/// Times each tick of many passes.
fn single_ticks(name: &str, config: &TraderConfig, tape: &[Vec<u8>]) {
    let mut trader = Trader::new(config).unwrap();
    let template = OrderTemplate::new(&OrderSettings::default()).unwrap();
    let mut out = [0; OrderTemplate::LEN];
    let (mut all, mut triggering) = (Vec::with_capacity(tape.len()), Vec::with_capacity(tape.len()));
    let mut floor: Vec<u64> = (0..100_000)
        .map(|_| {
            let first = stamp();
            stamp() - first
        })
        .collect();
    for packet in tape {
        let before = stamp();
        let outcome = trader.on_tick_unprobed(black_box(packet), |order| {
            template.write(&mut out, order);
            black_box(&out);
        });
        let span = stamp() - before;
        all.push(span);
        if outcome.orders > 0 {
            triggering.push(span);
        }
    }
    let scale = ns_per_tick();
    println!("\n{name}: single ticks, stamps included");
    print("stamp pair alone", scale, &mut floor);
    print("all ticks", scale, &mut all);
    print("triggering ticks", scale, &mut triggering);
}

/// What a book needs for a tape.
fn capacity_for(config: &TraderConfig, tape: &[Vec<u8>]) -> BookCapacity {
    let mut trader = Trader::new(config).unwrap();
    for packet in tape {
        trader.on_tick_unprobed(packet, |_| ());
    }
    trader.book().unwrap().peak()
}

fn main() {
    let (symbol, messages) = match support::sample() {
        Some(messages) => ("AAPL", messages),
        None => ("BUILT", support::built(10_000)),
    };
    let mut threshold = TraderConfig::new(Strategy::threshold(symbol, Price4(100), 100));
    threshold.messages_per_pass = Some(messages.len() as u64);
    let echo = TraderConfig::new(Strategy::first_byte());
    let mut pass = support::tape(&messages, 1, 1);
    let roomy = threshold.capacity;
    threshold.capacity = capacity_for(&threshold, &pass);
    println!("book sized for the tape: {:?}", threshold.capacity);
    let tape = support::tape(&messages, 1, PASSES);
    single_ticks(&format!("threshold 0.01 on {symbol}"), &threshold, &tape);
    single_ticks("first byte", &echo, &tape);
    let default = TraderConfig { capacity: roomy, ..threshold.clone() };
    single_ticks("threshold, book of the default capacity", &default, &tape);

    let template = OrderTemplate::new(&OrderSettings::default()).unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("tick to order");
    group.throughput(Throughput::Elements(pass.len() as u64)).sample_size(20);
    for (name, config) in [("threshold", &threshold), ("first byte", &echo)] {
        group.bench_function(name, |bencher| {
            let mut trader = Trader::new(config).unwrap();
            let mut out = [0; OrderTemplate::LEN];
            let mut sequence = 1_u64;
            bencher.iter(|| {
                for packet in &mut pass {
                    packet[10..18].copy_from_slice(&sequence.to_be_bytes());
                    sequence += 1;
                    trader.on_tick_unprobed(black_box(packet), |order| {
                        template.write(&mut out, order);
                        black_box(&out);
                    });
                }
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
