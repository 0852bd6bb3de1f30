//! Makes captures and MoldUDP64 packets for the tests.

use etherparse::PacketBuilder;
use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::{Head, OrderDelete};
use tickcert_scenarios::feed::mold::{HEADER_LEN, Session, append_block, write_header};
use zerocopy::IntoBytes;

pub(crate) const SESSION: Session = Session(*b"TEST000001");
pub(crate) const PORT: u16 = 26_477;

/// A frame of a capture, with its time in ns.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) original_len: usize,
}

pub(crate) fn delete(reference: u64) -> Vec<u8> {
    let head = Head::of::<OrderDelete>(1, 0, Nanos(reference));
    OrderDelete { head, reference: reference.into() }.as_bytes().to_vec()
}

/// A MoldUDP64 packet.
pub(crate) fn mold(session: Session, sequence: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let len = HEADER_LEN + messages.iter().map(|message| message.len() + 2).sum::<usize>();
    let mut packet = vec![0; len];
    write_header(&mut packet, session, sequence, messages.len().try_into().unwrap()).unwrap();
    let mut offset = HEADER_LEN;
    for message in messages {
        offset = append_block(&mut packet, offset, message).unwrap();
    }
    assert_eq!(offset, len);
    packet
}

/// `count` deletes from `sequence` on, whose references are their sequence numbers.
pub(crate) fn deletes(sequence: u64, count: u64) -> Vec<u8> {
    mold(SESSION, sequence, &(sequence..sequence + count).map(delete).collect::<Vec<_>>())
}

pub(crate) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2; 6], [1, 0, 0x5e, 54, 12, 111])
        .ipv4([10, 0, 0, 1], [233, 54, 12, 111], 8)
        .udp(26_000, port);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// The same with VLAN tags put in, the outer ones first.
pub(crate) fn tagged(frame: &[u8], tags: &[[u8; 4]]) -> Vec<u8> {
    let mut tagged = frame[..12].to_vec();
    tagged.extend(tags.iter().flatten());
    tagged.extend(&frame[12..]);
    tagged
}

pub(crate) fn tcp(port: u16, payload: &[u8]) -> Vec<u8> {
    let builder =
        PacketBuilder::ethernet2([2; 6], [3; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(50_000, port, 1, 1_000);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

pub(crate) fn frames(frames: Vec<(u64, Vec<u8>)>) -> Vec<Frame> {
    frames.into_iter().map(|(at, bytes)| Frame { at, original_len: bytes.len(), bytes }).collect()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn word(value: impl TryInto<u32, Error: std::fmt::Debug>) -> u32 {
    value.try_into().unwrap()
}

/// A little-endian pcap with nanoseconds.
pub(crate) fn pcap(link: u32, frames: &[Frame]) -> Vec<u8> {
    let mut file = words(&[0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, link]);
    for frame in frames {
        let (seconds, nanos) = (frame.at / 1_000_000_000, frame.at % 1_000_000_000);
        file.extend(words(&[word(seconds), word(nanos), word(frame.bytes.len()), word(frame.original_len)]));
        file.extend(&frame.bytes);
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = word(padded + 12);
    let mut block = words(&[kind, len]);
    block.extend(body);
    block.resize(8 + padded, 0);
    block.extend(words(&[len]));
    block
}

/// A little-endian pcapng whose clock ticks 10^`resolution` times a second.
pub(crate) fn pcapng(link: u32, resolution: u8, frames: &[Frame]) -> Vec<u8> {
    let mut file = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    let mut interface = words(&[link, 0]);
    interface.extend([9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(block(1, &interface));
    for frame in frames {
        let ticks = u128::from(frame.at) * 10_u128.pow(resolution.into()) / 1_000_000_000;
        let (high, low) = (word(ticks >> 32), word(ticks & 0xffff_ffff));
        let mut body = words(&[0, high, low, word(frame.bytes.len()), word(frame.original_len)]);
        body.extend(&frame.bytes);
        file.extend(block(6, &body));
    }
    file
}
