//! Ticks for tests and benches: the sample of AAPL's open where it is there, a built stream where it is not.

#![allow(dead_code, reason = "each binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "for tests and benches only")]

use std::path::PathBuf;

use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::{
    itch::{AddOrder, Head, OrderCancel, OrderDelete, OrderExecuted, OrderReplace, Price4, Side, Stock},
    mold::{HEADER_LEN, Session, append_block, write_header},
};
use zerocopy::IntoBytes;

/// Messages of the 10,000 of AAPL on 2019-01-30 from 09:30:00 on; `None`, said so, where the samples are absent.
pub(crate) fn sample() -> Option<Vec<Vec<u8>>> {
    let Some(folder) = std::env::var_os("TICKCERT_SAMPLE_DATA") else {
        println!("SKIPPED: the sample of AAPL's open; set TICKCERT_SAMPLE_DATA to the folder that has itch50/");
        return None;
    };
    let path = PathBuf::from(folder).join("itch50/20190130_AAPL_open28s_REENCODED.itch");
    let file = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut messages = Vec::new();
    let mut rest = &file[..];
    while let Some((prefix, body)) = rest.split_first_chunk::<2>() {
        let (message, after) = body.split_at(usize::from(u16::from_be_bytes(*prefix)));
        messages.push(message.to_vec());
        rest = after;
    }
    Some(messages)
}

/// Numbers without order, the same in every run (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}

/// About `count` messages of one symbol whose price wanders, with a live book of some hundred orders.
pub(crate) fn built(count: usize) -> Vec<Vec<u8>> {
    let mut random = Random(0x5eed);
    let mut live: Vec<u64> = Vec::new();
    let mut messages = Vec::new();
    let (mut next, mut middle, mut time) = (1_u64, 1_500_000_u32, 34_200_000_000_000_u64);
    while messages.len() < count {
        time += random.below(100_000);
        let at = Nanos(time);
        middle = middle + 100 * u32::try_from(random.below(3)).unwrap() - 100;
        let shares = 1 + u32::try_from(random.below(300)).unwrap();
        let offset = 100 * u32::try_from(1 + random.below(8)).unwrap();
        let choice = random.below(100);
        let picked = usize::try_from(random.below(1 + live.len() as u64)).unwrap();
        if choice < 45 || live.len() < 20 || picked >= live.len() {
            let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
            let price = match side {
                Side::Buy => middle - offset,
                Side::Sell => middle + offset,
            };
            let add = AddOrder {
                head: Head::of::<AddOrder>(13, 0, at),
                reference: next.into(),
                side,
                shares: shares.into(),
                stock: Stock(*b"BUILT   "),
                price: Price4(price).into(),
            };
            messages.push(add.as_bytes().to_vec());
            live.push(next);
            next += 4;
            continue;
        }
        let reference = live[picked].into();
        match choice {
            45..85 => {
                live.swap_remove(picked);
                let head = Head::of::<OrderDelete>(13, 0, at);
                messages.push(OrderDelete { head, reference }.as_bytes().to_vec());
            }
            85..92 => {
                let head = Head::of::<OrderExecuted>(13, 0, at);
                let executed = OrderExecuted { head, reference, shares: 1.into(), match_number: next.into() };
                messages.push(executed.as_bytes().to_vec());
            }
            92..96 => {
                let head = Head::of::<OrderCancel>(13, 0, at);
                messages.push(OrderCancel { head, reference, shares: 2.into() }.as_bytes().to_vec());
            }
            _ => {
                live[picked] = next;
                let replace = OrderReplace {
                    head: Head::of::<OrderReplace>(13, 0, at),
                    original: reference,
                    reference: next.into(),
                    shares: shares.into(),
                    price: Price4(middle - offset).into(),
                };
                messages.push(replace.as_bytes().to_vec());
                next += 4;
            }
        }
    }
    messages
}

/// One MoldUDP64 packet.
pub(crate) fn packet(sequence: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let size = HEADER_LEN + messages.iter().map(|m| 2 + m.len()).sum::<usize>();
    let mut packet = vec![0; size];
    write_header(&mut packet, Session(*b"TEST      "), sequence, u16::try_from(messages.len()).unwrap()).unwrap();
    let mut end = HEADER_LEN;
    for message in messages {
        end = append_block(&mut packet, end, message).unwrap();
    }
    packet
}

/// The tape of these messages, so many a packet, repeated under sequence numbers that go on.
pub(crate) fn tape(messages: &[Vec<u8>], per_packet: usize, passes: u64) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    for pass in 0..passes {
        let mut sequence = 1 + pass * messages.len() as u64;
        for chunk in messages.chunks(per_packet) {
            packets.push(packet(sequence, chunk));
            sequence += chunk.len() as u64;
        }
    }
    packets
}
