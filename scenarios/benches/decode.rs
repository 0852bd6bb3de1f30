//! Decoding alone: how many ITCH messages one core turns into values a second.
//!
//! The tapes are longer than the second-level cache, as a day's file is. Every field that a book needs is read of every message: locate, timestamp, reference, side, shares, price, and the
//! second reference of a replace. They go into a sum, so that no read can be left out.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tickcert_scenarios::feed::TickStream;
use tickcert_scenarios::feed::itch::{Message, Side};
use tickcert_scenarios::feed::mold::{HEADER_LEN, MoldPacket, Session, write_header};
use tickcert_scenarios::generator::{GeneratorConfig, Mix, generate};

/// What a book would be told, as one number.
#[inline]
fn fields(message: &Message<'_>) -> u64 {
    let head = message.head();
    let common = u64::from(head.locate()).wrapping_add(head.timestamp().get());
    let own = match message {
        Message::AddOrder(m) => order(m.reference.get(), m.side, m.shares.get(), m.price.get().0),
        Message::AddOrderMpid(m) => order(m.reference.get(), m.side, m.shares.get(), m.price.get().0),
        Message::OrderExecuted(m) => m.reference.get().wrapping_add(m.shares.get().into()),
        Message::OrderExecutedWithPrice(m) => {
            m.reference.get().wrapping_add(u64::from(m.shares.get()) ^ u64::from(m.price.get().0))
        }
        Message::OrderCancel(m) => m.reference.get().wrapping_add(m.shares.get().into()),
        Message::OrderDelete(m) => m.reference.get(),
        Message::OrderReplace(m) => {
            let new = order(m.reference.get(), Side::Buy, m.shares.get(), m.price.get().0);
            m.original.get().wrapping_add(new)
        }
        _ => 0,
    };
    common.wrapping_add(own)
}

#[inline]
fn order(reference: u64, side: Side, shares: u32, price: u32) -> u64 {
    let side = u64::from(side == Side::Sell) << 63;
    reference.wrapping_add(side).wrapping_add(u64::from(shares) ^ u64::from(price))
}

/// Datagrams back to back, as the wire carries them, with their lengths.
fn datagrams(stream: &TickStream) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut lengths, mut sequence) = (Vec::new(), Vec::new(), 1);
    for packet in &stream.packets {
        let mut header = [0; HEADER_LEN];
        if write_header(&mut header, Session(*b"BENCH00001"), sequence, packet.messages).is_err() {
            continue;
        }
        sequence += u64::from(packet.messages);
        bytes.extend(header);
        bytes.extend(stream.blocks_of(packet));
        lengths.push(HEADER_LEN + packet.len as usize);
    }
    (bytes, lengths)
}

/// The whole buffer, packet by packet and message by message.
fn decode(bytes: &[u8], lengths: &[usize]) -> u64 {
    let (mut rest, mut sum) = (bytes, 0_u64);
    for &len in lengths {
        let Some((datagram, after)) = rest.split_at_checked(len) else {
            return sum;
        };
        rest = after;
        let Ok(packet) = MoldPacket::parse(datagram) else {
            return sum;
        };
        for message in packet.messages().flatten().map(Message::parse).map_while(Result::ok) {
            sum = sum.wrapping_add(fields(&message));
        }
    }
    sum
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(20);
    for (name, mix) in [("open", Mix::OPENING), ("day-2025", Mix::DAY_2025)] {
        let config = GeneratorConfig { messages: 1_000_000, mix, ..GeneratorConfig::default() };
        let Ok(stream) = generate(&config) else {
            continue;
        };
        group.throughput(Throughput::Elements(stream.message_count()));
        group.bench_function(format!("itch/{name}"), |bencher| {
            bencher.iter(|| {
                let mut sum = 0_u64;
                for packet in black_box(&stream.packets) {
                    for message in stream.messages(packet).map(Message::parse).map_while(Result::ok) {
                        sum = sum.wrapping_add(fields(&message));
                    }
                }
                sum
            });
        });
        let (bytes, lengths) = datagrams(&stream);
        group.bench_function(format!("mold+itch/{name}"), |bencher| {
            bencher.iter(|| decode(black_box(&bytes), black_box(&lengths)));
        });
    }
    group.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);
