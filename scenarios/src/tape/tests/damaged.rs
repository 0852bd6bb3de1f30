//! A tape that isn't as it was written is refused where that can be seen, and never brings the process down.

use std::{fs, sync::LazyLock};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{Tape, every_move, tape, ticks};
use crate::tape::TapeError;

/// Of the fixed head (`Head` in `format`): where each number stands.
const VERSION: usize = 8;
const ORDER_LEN: usize = 12;
const PACKETS: usize = 16;
const ORDERS: usize = 24;
const HEADER_LEN: usize = 32;
const PAYLOAD_LEN: usize = 40;
const HEAD: usize = 48;
/// Of an entry of the table of packets.
const ENTRY: usize = 24;

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (folder, _tape) = tape(&ticks(7), every_move());
    fs::read(folder.path().join("tape")).unwrap()
});

fn number(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
}

/// Where the parts begin: packets, their data, orders' packets, orders.
fn parts() -> [usize; 4] {
    let lens = [
        number(&WHOLE, HEADER_LEN),
        number(&WHOLE, PACKETS) * ENTRY,
        number(&WHOLE, PAYLOAD_LEN),
        number(&WHOLE, ORDERS) * 4,
    ];
    let mut at = HEAD;
    lens.map(|len| {
        at = (at + len).next_multiple_of(8);
        at
    })
}

fn open(bytes: &[u8]) -> Result<Tape, TapeError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    Tape::open(file.path())
}

/// Where the tape with these bytes in place of its own is said to be damaged, and how.
fn refusal(at: usize, with: &[u8]) -> (usize, String) {
    let mut bytes = WHOLE.clone();
    bytes[at..at + with.len()].copy_from_slice(with);
    match open(&bytes).err() {
        Some(TapeError::Damaged { offset, what, .. }) => (offset, what),
        other => panic!("not refused as damaged: {other:?}"),
    }
}

fn refused(at: usize, with: &[u8], offset: usize, why: &str) {
    let (found, what) = refusal(at, with);
    assert!(found == offset && what.contains(why), "{found}: {what}; not {offset}: {why}");
}

#[test]
fn a_head_of_something_else_is_refused_with_its_place() {
    refused(0, b"tickTOCK", 0, "no tape begins like this");
    refused(VERSION, &[9], 8, "version 9");
    for len in [0, 1, HEAD - 1] {
        let error = open(&WHOLE[..len]).err().unwrap();
        assert!(matches!(error, TapeError::Damaged { offset: 0, .. } | TapeError::Unreadable { .. }), "{error:?}");
    }
    assert!(matches!(Tape::open("/nowhere/tape".as_ref()), Err(TapeError::Unreadable { .. })));
}

#[test]
fn a_part_that_ends_beyond_the_file_is_named() {
    let [packets, payload, order_packets, orders] = parts();
    let huge = u64::MAX.to_le_bytes();
    refused(HEADER_LEN, &huge, HEAD, "the header ends beyond");
    refused(PACKETS, &huge, packets, "the table of packets ends beyond");
    refused(PAYLOAD_LEN, &huge, payload, "the packets' data ends beyond");
    refused(ORDERS, &huge, order_packets, "the table of orders ends beyond");
    refused(ORDER_LEN, &u32::MAX.to_le_bytes(), orders, "the orders' data ends beyond");
    for len in HEAD..WHOLE.len() {
        assert!(matches!(open(&WHOLE[..len]), Err(TapeError::Damaged { .. })), "cut at {len}");
    }
}

#[test]
fn a_header_that_is_no_header_is_refused() {
    assert!(refusal(HEAD, b"[").0 == HEAD);
}

#[test]
fn packets_that_do_not_follow_each_other_are_refused_with_the_place_of_the_entry() {
    let [packets, payload, ..] = parts();
    let third = packets + 2 * ENTRY;
    refused(third + 8, &u64::MAX.to_le_bytes(), third, "ends beyond the data");
    refused(third + 8, &(payload as u64 * 100).to_le_bytes(), third, "ends beyond the data");
    refused(third + 16, &19_u16.to_le_bytes(), third, "too short for a MoldUDP64 header");
    refused(packets, &u64::MAX.to_le_bytes(), packets + ENTRY, "before the one that precedes it");
    refused(packets + 18, &99_u16.to_le_bytes(), packets + ENTRY, "sequence number doesn't follow");
    let second = payload + number(&WHOLE, packets + ENTRY + 8);
    refused(second + 10, &[1], packets + ENTRY, "sequence number doesn't follow");
    let last = packets + (number(&WHOLE, PACKETS) - 1) * ENTRY;
    refused(last + 18, &99_u16.to_le_bytes(), packets, "not as many messages");
    refused(PACKETS, &[0; 8], parts()[0], "no messages");
}

#[test]
fn orders_of_no_packet_and_a_tape_without_orders_are_refused() {
    let [.., order_packets, orders] = parts();
    refused(order_packets + 4, &u32::MAX.to_le_bytes(), order_packets + 4, "an order of a packet that isn't there");
    let last = u32::try_from(number(&WHOLE, PACKETS) - 1).unwrap();
    refused(order_packets, &last.to_le_bytes(), order_packets + 4, "an order of a packet that isn't there");
    refused(ORDERS, &[0; 8], order_packets, "no orders");
    refused(ORDER_LEN, &[3, 0, 0, 0], orders, "orders of a length");
}

/// Whatever is accepted can be played, asked and summed up.
fn use_it(tape: &Tape, sent: usize) {
    let mut out = Vec::new();
    for n in 0..tape.packets() {
        out.resize(tape.packet(n).len(), 0);
        tape.write_packet(n, u32::MAX, &mut out);
    }
    let expected = tape.expected(sent);
    for n in 0..expected.len() {
        expected.write(n, &mut out);
        assert!(expected.packet(n).is_some_and(|packet| packet < sent) && expected.is(n, &out));
    }
    assert!(tape.expected(usize::try_from(tape.packets_for(sent as u64 + 1)).unwrap()).len() > sent);
    assert_eq!(tape.end_of_session(sent).len(), 20);
    assert_eq!(tape.summary().orders_sha256, tape.expected_digest(tape.packets()));
}

/// Where damage is done: mostly in the head, the header and the tables, where it isn't just another price.
fn place() -> impl Strategy<Value = usize> {
    let [packets, payload, order_packets, orders] = parts();
    prop_oneof![3 => 0..HEAD, 2 => HEAD..packets, 2 => packets..payload, 2 => order_packets..orders, 1 => 0..WHOLE.len()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let small = (0_u64..600).prop_map(|n| n.to_le_bytes().to_vec());
    prop_oneof![4 => any::<u8>().prop_map(|b| vec![b]), 1 => small, 1 => Just(vec![0xff; 8]), 1 => vec(any::<u8>(), 1..9)]
}

proptest! {
    #[test]
    fn fuzz_a_damaged_tape_is_refused_or_can_be_played(
        changes in vec((place(), bytes()), 0..3),
        end in prop_oneof![3 => Just(None), 1 => any::<Index>().prop_map(Some)],
        more in prop_oneof![3 => Just(vec![]), 1 => vec(any::<u8>(), 0..20)],
        sent in 0_usize..300,
    ) {
        let mut tape = WHOLE.clone();
        for (at, with) in changes {
            let to = (at + with.len()).min(tape.len());
            tape[at..to].copy_from_slice(&with[..to - at]);
        }
        if let Some(end) = end {
            tape.truncate(end.index(tape.len()));
        }
        tape.extend(more);
        if let Ok(tape) = open(&tape) {
            use_it(&tape, sent);
        }
    }

    #[test]
    fn fuzz_arbitrary_bytes_are_no_tape(head: bool, rest in vec(any::<u8>(), 0..200)) {
        let head = if head { &WHOLE[..12] } else { &[][..] };
        prop_assert!(open(&[head, &rest].concat()).is_err());
    }
}
