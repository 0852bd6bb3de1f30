//! Frames that are not ours, or not right.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
};

use etherparse::{PacketBuilder, PacketBuilderStep, UdpHeader};
use proptest::prelude::*;

use super::{DATAGRAM, Mischief, TCP, device::Memory, ends, link, patiently, until};
use crate::api::{Flow, Interest, Role, Rx, Tx};

fn udp(from: SocketAddrV4, to: SocketAddrV4) -> PacketBuilderStep<UdpHeader> {
    PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from.ip().octets(), to.ip().octets(), 5).udp(from.port(), to.port())
}

fn order(to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    udp(link().trader, to).write(&mut frame, payload).unwrap();
    frame
}

fn facts(rx: &impl Rx) -> BTreeMap<&'static str, String> {
    let mut facts = BTreeMap::new();
    rx.facts(&mut |name, value| {
        facts.insert(name, value);
    });
    facts
}

#[test]
fn what_is_not_ours_or_not_right_is_ignored_and_counted() {
    let mut ends = ends(DATAGRAM, Mischief::default());
    let orders = link().orders;
    let elsewhere = SocketAddrV4::new(*orders.ip(), orders.port() + 1);
    let mut spoilt = vec![order(elsewhere, &[1; 20]), order(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 5), &[1])];
    let changed = |at: usize, to: u8| {
        let mut frame = order(orders, &[1; 20]);
        frame[at] = to;
        frame
    };
    spoilt.push(changed(24, 0)); // the IPv4 header's checksum
    spoilt.push(changed(40, 0)); // the datagram's
    spoilt.push(changed(38, 9)); // its length, beyond the packet's
    spoilt.push(order(orders, &[1; 20])[..50].to_vec());
    for frame in &spoilt {
        ends.wire.inject(Role::Exchange, frame);
    }
    // "More fragments", with the checksum that goes with it.
    let mut fragment = order(orders, &[1; 20]);
    let checksum = u16::from_be_bytes([fragment[24], fragment[25]]);
    let flags = u16::from_be_bytes([fragment[20], fragment[21]]);
    let more = 0x2000_u16;
    fragment[20..22].copy_from_slice(&more.to_be_bytes());
    let sum = u32::from(!checksum) + u32::from(!flags) + u32::from(more);
    let sum = (sum & 0xffff) + (sum >> 16);
    fragment[24..26].copy_from_slice(&(!u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap()).to_be_bytes());
    ends.wire.inject(Role::Exchange, &fragment);
    ends.wire.inject(Role::Exchange, &order(orders, &[7; 20]));
    let mut got = Vec::new();
    until(&mut ends.exchange.0, Interest::Orders, |_, bytes| {
        got.push(bytes.to_vec());
        true
    });
    assert_eq!(got, [[7; 20]]);
    let facts = facts(&ends.exchange.0);
    let count = |name| facts.get(name).map(String::as_str);
    assert_eq!(count("frames_of_others"), Some("2"));
    assert_eq!(count("frames_with_wrong_checksum"), Some("2"));
    assert_eq!(count("frames_malformed"), Some("2"));
    assert_eq!(count("frames_fragmented"), Some("1"));
    assert_eq!(count("frames_without_room"), None);
}

#[test]
fn a_datagram_without_checksum_is_taken() {
    let mut ends = ends(DATAGRAM, Mischief::default());
    let mut frame = order(link().orders, &[8; 20]);
    frame[40..42].fill(0);
    ends.wire.inject(Role::Exchange, &frame);
    until(&mut ends.exchange.0, Interest::Orders, |_, bytes| bytes == [8; 20]);
}

#[test]
fn a_flood_of_others_frames_does_not_keep_poll_from_returning() {
    for framing in [DATAGRAM, TCP] {
        let mut ends = ends(framing, Mischief::default());
        let elsewhere = SocketAddrV4::new(*link().orders.ip(), 9);
        for _ in 0..500 {
            ends.wire.inject(Role::Exchange, &order(elsewhere, &[1]));
        }
        ends.exchange.0.poll(Interest::Orders, 1, |_| panic!("nothing was for us")).unwrap();
        assert!(ends.wire.intercept(Role::Exchange).is_some(), "one poll took everything");
    }
}

fn who_has(target: Ipv4Addr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0]);
    frame.extend(target.octets());
    frame.resize(60, 0);
    frame
}

/// On datagrams with the next flush: the receiving half has nothing to send with.
#[test]
fn who_asks_for_our_address_is_told() {
    for framing in [DATAGRAM, TCP] {
        let mut ends = ends(framing, Mischief::default());
        // What the handshake may have left.
        patiently(|| ends.wire.intercept(Role::Trader).is_none());
        ends.wire.inject(Role::Exchange, &who_has(*link().orders.ip()));
        ends.wire.inject(Role::Exchange, &who_has(*link().trader.ip()));
        ends.exchange.0.poll(Interest::Orders, 4, |_| panic!("no order was sent")).unwrap();
        ends.exchange.1.flush().unwrap();
        let reply = ends.wire.intercept(Role::Trader).unwrap();
        assert_eq!((&reply[..6], &reply[12..14]), (&[2, 0, 0, 0, 0, 9][..], &[8, 6][..]));
        assert_eq!((&reply[20..22], &reply[22..28]), (&[0, 2][..], &link().exchange_mac[..]));
        assert_eq!(ends.wire.intercept(Role::Trader), None);
    }
}

#[test]
fn ticks_may_come_to_the_traders_own_address() {
    let (wire, mut link) = (Memory::new(Mischief::default()), link());
    link.ticks = SocketAddrV4::new(*link.trader.ip(), 26_477);
    let mut exchange = super::open(&wire, DATAGRAM, &link, Role::Exchange).unwrap();
    let mut trader = super::open(&wire, DATAGRAM, &link, Role::Trader).unwrap();
    exchange.1.send(Flow::Ticks, 20, |frame| frame.fill(1)).unwrap();
    exchange.1.flush().unwrap();
    until(&mut trader.0, Interest::Ticks, |_, bytes| bytes == [1; 20]);
}

proptest! {
    #[test]
    fn arbitrary_segments_cause_no_panic(payload in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut ends = ends(TCP, Mischief::default());
        let (from, to) = (link().trader, link().orders);
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(from.ip().octets(), to.ip().octets(), 5)
            .tcp(from.port(), to.port(), 1, 1)
            .write(&mut frame, &payload)
            .unwrap();
        ends.wire.inject(Role::Exchange, &frame);
        // The header itself overwritten, all but the ports.
        let len = payload.len().min(frame.len() - 38);
        frame[38..38 + len].copy_from_slice(&payload[..len]);
        ends.wire.inject(Role::Exchange, &frame);
        let _ = ends.exchange.0.poll(Interest::Orders, 8, |_| ());
        let _ = ends.exchange.0.poll(Interest::Ticks, 8, |_| ());
    }
}
