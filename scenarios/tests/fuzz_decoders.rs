//! Arbitrary and damaged input for every decoder: none panics, and what they accept is consistent.
//!
//! TICKCERT_FUZZ_CASES sets the cases per decoder (2,000 by default; a million takes minutes).
#![cfg(test)]

mod captures;
#[path = "../../results/tests/damage/mod.rs"]
mod damage;

use std::io::Write;
use std::path::Path;

use captures::{Frame, PORT, SESSION, deletes, frames, mold, pcap, pcapng, tagged, tcp, udp};
use damage::{check, damage, damaged};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::{ItchError, MESSAGE_TYPES, Message, message_len};
use tickcert_scenarios::feed::mold::{Arrival, Kind, MoldPacket, Request, Sequencer};
use tickcert_scenarios::feed::{FeedError, MAX_BLOCK_BYTES, ReadLimits, TickStream, read_ticks_from};

/// A message of any type with arbitrary fields; sides are mostly right.
fn message() -> impl Strategy<Value = Vec<u8>> {
    (select(&MESSAGE_TYPES[..]), any::<[u8; 50]>(), prop_oneof![9 => select(&b"BS"[..]), 1 => any::<u8>()]).prop_map(
        |(kind, mut bytes, side)| {
            bytes[0] = kind;
            bytes[19] = if b"AFP".contains(&kind) { side } else { bytes[19] };
            bytes[..message_len(kind).unwrap()].to_vec()
        },
    )
}

/// A well-formed message, by the reader's own judgement.
fn good_message() -> impl Strategy<Value = Vec<u8>> {
    message().prop_map(|mut bytes| {
        if b"AFP".contains(&bytes[0]) {
            bytes[19] = b'B';
        }
        bytes
    })
}

#[test]
fn itch_messages_parse_to_their_own_bytes_or_fail() {
    let arbitrary = vec(any::<u8>(), 0..64);
    let spoilt = (message(), damage()).prop_map(|(message, damage)| damaged(message, damage));
    check(&prop_oneof![arbitrary, spoilt], |bytes| {
        match Message::parse(&bytes) {
            Ok(message) => {
                prop_assert_eq!(message.as_bytes(), &bytes);
                prop_assert_eq!(message.head().kind(), bytes[0]);
                prop_assert!(message.head().timestamp() < Nanos(1 << 48));
                let shown = format!("{message:?}");
                prop_assert!(!shown.is_empty());
            }
            Err(ItchError::Empty) => prop_assert!(bytes.is_empty()),
            Err(ItchError::UnknownType { kind }) => prop_assert_eq!(message_len(kind), None),
            Err(ItchError::WrongLength { kind, expected, got }) => {
                prop_assert_eq!((message_len(kind), bytes.len()), (Some(expected), got));
                prop_assert_ne!(expected, got);
            }
            Err(ItchError::UnknownSide { .. }) => prop_assert!(!b"BS".contains(&bytes[19])),
        }
        Ok(())
    });
}

#[test]
fn mold_packets_are_walked_to_their_exact_end_or_fail() {
    let arbitrary = vec(any::<u8>(), 0..128);
    let packet = (any::<u64>(), vec(vec(any::<u8>(), 0..60), 0..40));
    let spoilt = (packet, damage())
        .prop_map(|((sequence, messages), damage)| damaged(mold(SESSION, sequence, &messages), damage));
    check(&prop_oneof![arbitrary, spoilt], |bytes| {
        prop_assert_eq!(Request::parse(&bytes).is_ok(), bytes.len() == 20);
        let Ok(packet) = MoldPacket::parse(&bytes) else {
            prop_assert!(bytes.len() < 20 || matches!(bytes[18..20], [0, 0] | [0xff, 0xff]));
            return Ok(());
        };
        let walked: Vec<_> = packet.messages().collect();
        if walked.iter().all(Result::is_ok) {
            prop_assert_eq!(walked.len(), usize::from(packet.count()));
            let total: usize = walked.iter().flatten().map(|message| message.len() + 2).sum();
            prop_assert_eq!(total + 20, bytes.len());
        } else {
            prop_assert_eq!(walked.iter().filter(|step| step.is_err()).count(), 1);
            prop_assert!(walked.last().unwrap().is_err(), "an error ends the walk");
        }
        Ok(())
    });
}

#[test]
fn mold_packets_come_back_as_they_were_written() {
    check(&(any::<u64>(), vec(vec(any::<u8>(), 0..60), 0..40)), |(sequence, messages)| {
        let bytes = mold(SESSION, sequence, &messages);
        let packet = MoldPacket::parse(&bytes).unwrap();
        prop_assert_eq!((packet.session, packet.sequence), (SESSION, sequence));
        prop_assert_eq!(packet.kind == Kind::Heartbeat, messages.is_empty());
        let walked: Vec<_> = packet.messages().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(walked, messages);
        let request = Request { session: SESSION, sequence, count: 7 };
        prop_assert_eq!(Request::parse(&request.to_bytes()), Ok(request));
        Ok(())
    });
}

#[test]
fn a_receiver_that_gives_gaps_up_sees_each_number_once_and_in_order() {
    check(&vec((0_u64..60, 0_u16..6), 0..40), |packets| {
        let mut sequencer = Sequencer::expecting(10);
        let mut seen = 10;
        for (sequence, count) in packets {
            let skip = match sequencer.on_packet(sequence, count) {
                Arrival::InOrder => 0,
                Arrival::Straddles { skip } => u64::from(skip),
                Arrival::Duplicate => u64::from(count),
                Arrival::Gap { first, missing } => {
                    prop_assert_eq!((first, first + missing), (seen, sequence));
                    sequencer.resume_at(sequence + u64::from(count));
                    seen = sequence;
                    0
                }
            };
            for number in sequence + skip..sequence + u64::from(count) {
                prop_assert_eq!(number, seen);
                seen += 1;
            }
            prop_assert_eq!(sequencer.expected(), seen);
        }
        Ok(())
    });
}

/// What holds for every stream that a reader accepts; what it refuses must be explained.
fn sound(read: Result<TickStream, FeedError>) -> Result<(), TestCaseError> {
    let stream = match read {
        Ok(stream) => stream,
        Err(error) => {
            let text = error.to_string();
            prop_assert!(text.starts_with("fuzz") && text.contains("To mend it: "), "{}", text);
            return Ok(());
        }
    };
    prop_assert!(!stream.packets.is_empty());
    prop_assert!(stream.packets.is_sorted_by_key(|packet| packet.at));
    let mut offset = 0;
    for packet in &stream.packets {
        prop_assert_eq!(packet.offset, offset);
        offset += packet.len as usize;
        prop_assert!(packet.messages > 0 && packet.len as usize <= MAX_BLOCK_BYTES);
        let messages: Vec<_> = stream.messages(packet).collect();
        prop_assert_eq!(messages.len(), usize::from(packet.messages));
        for message in messages {
            prop_assert!(Message::parse(message).is_ok());
        }
    }
    prop_assert_eq!(offset, stream.blocks.len());
    Ok(())
}

fn read(bytes: &[u8]) -> Result<TickStream, FeedError> {
    read_ticks_from(bytes, Path::new("fuzz"), ReadLimits::default())
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

fn pack(bytes: Vec<u8>, packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => bytes,
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => zstd::stream::encode_all(&bytes[..], 1).unwrap(),
    }
}

fn packing() -> impl Strategy<Value = Packing> {
    prop_oneof![6 => Just(Packing::Plain), 1 => Just(Packing::Gzip), 1 => Just(Packing::Zstd)]
}

#[test]
fn binary_files_are_read_soundly_or_refused_with_a_remedy() {
    let arbitrary = vec(any::<u8>(), 0..200);
    let file = vec(good_message(), 0..12).prop_map(|messages| {
        let records = messages
            .iter()
            .map(|message| [&u16::try_from(message.len()).unwrap().to_be_bytes(), &message[..]].concat());
        records.collect::<Vec<_>>().concat()
    });
    // Damage before the packing reaches the reader's own checks, damage after it those of the unpacker.
    let spoilt = (file, damage(), packing(), damage())
        .prop_map(|(file, first, packing, then)| damaged(pack(damaged(file, first), packing), then));
    check(&prop_oneof![1 => arbitrary, 3 => spoilt], |bytes| sound(read(&bytes)));
}

/// Frames of a feed, with tags, heartbeats and other traffic among them.
fn capture() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        6 => (0_u64..20, 0_u64..4).prop_map(|(sequence, count)| udp(PORT, &deletes(sequence, count))),
        1 => vec(good_message(), 1..4).prop_map(|messages| udp(PORT, &mold(SESSION, 5, &messages))),
        1 => (0_u64..20).prop_map(|sequence| tagged(&udp(PORT, &deletes(sequence, 2)), &[[0x81, 0, 0, 9]])),
        1 => vec(any::<u8>(), 0..60).prop_map(|payload| udp(53, &payload)),
        1 => vec(any::<u8>(), 0..60).prop_map(|payload| tcp(8_001, &payload)),
        1 => vec(any::<u8>(), 0..60),
    ];
    let packets = vec((0_u64..10_000_000_000, frame), 0..8).prop_map(frames);
    let link = prop_oneof![8 => Just(1_u32), 1 => select(vec![0_u32, 12, 101, 108, 113, 228, 229, 276, 147])];
    (packets, link, any::<bool>(), 3_u8..13).prop_map(|(packets, link, next_generation, resolution)| {
        let packets: Vec<Frame> = packets;
        if next_generation { pcapng(link, resolution, &packets) } else { pcap(link, &packets) }
    })
}

#[test]
fn captures_are_read_soundly_or_refused_with_a_remedy() {
    let magics = select(vec![[0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0x0a, 0x0d, 0x0d, 0x0a]]);
    let arbitrary = (magics, vec(any::<u8>(), 0..200)).prop_map(|(magic, rest)| [&magic[..], &rest].concat());
    let spoilt =
        (capture(), damage(), packing()).prop_map(|(file, damage, packing)| pack(damaged(file, damage), packing));
    check(&prop_oneof![1 => arbitrary, 4 => spoilt], |bytes| sound(read(&bytes)));
}
