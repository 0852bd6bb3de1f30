//! Frames against known bytes, and against an implementation by others.

use std::net::{Ipv4Addr, SocketAddrV4};

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use proptest::prelude::*;

use crate::raw::{
    ethernet::Ethernet,
    frame::{Content, Spoilt, parse},
    udp::UdpFrames,
};

fn build(frames: &UdpFrames, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xee; frames.frame_len(payload.len())];
    frames.build(&mut frame, payload.len(), |out| out.copy_from_slice(payload));
    frame
}

fn datagram(frame: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4, Vec<u8>)> {
    match parse(frame) {
        Ok(Content::Udp(datagram)) if datagram.is_intact() => {
            Some((datagram.from, datagram.to, datagram.payload.to_vec()))
        }
        _ => None,
    }
}

/// Lengths and checksums worked out by other means.
#[test]
fn a_tagged_multicast_frame_is_these_bytes() {
    let ethernet = Ethernet { from: [2, 0, 0, 0, 0, 1], to: [0x01, 0x00, 0x5e, 0x36, 0x0c, 0x6f], vlan: Some(7) };
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 26_477);
    let to = SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477);
    let payload: Vec<u8> = (1..22).collect();
    let want = [
        &[0x01, 0x00, 0x5e, 0x36, 0x0c, 0x6f, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 7, 0x08, 0x00][..],
        &[0x45, 0, 0, 0x31, 0, 0, 0x40, 0, 1, 17, 0x7a, 0x16, 10, 0, 0, 1, 233, 54, 12, 111],
        &[0x67, 0x6d, 0x67, 0x6d, 0, 0x1d, 0xb7, 0xc4],
        &payload,
    ]
    .concat();
    let frame = build(&UdpFrames::new(ethernet, from, to), &payload);
    assert_eq!(frame, want);
    assert_eq!(datagram(&frame), Some((from, to, payload)));
}

#[test]
fn a_header_checksum_known_from_textbooks_is_taken_and_another_is_not() {
    let header = [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7];
    let mut frame = [&[0; 12][..], &[8, 0], &header, &[0, 1, 0, 2, 0, 95, 0, 0], &[7; 87]].concat();
    assert_eq!(datagram(&frame).unwrap().2, [7; 87]);
    frame[24] ^= 1;
    assert_eq!(parse(&frame).unwrap_err(), Spoilt::Checksum);
}

/// The checksum of a datagram that would be zero is sent as all ones.
#[test]
fn a_checksum_of_zero_is_never_sent() {
    let at = |port| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port);
    let ethernet = Ethernet { from: [2; 6], to: [4; 6], vlan: None };
    let frames = UdpFrames::new(ethernet, at(1), at(2));
    let first = build(&frames, &[0, 0]);
    // Whatever the checksum of zeros is, a payload of it makes the sum complete.
    let frame = build(&frames, &first[40..42]);
    assert_eq!(frame[40..42], [0xff, 0xff]);
    assert!(datagram(&frame).is_some());
}

#[derive(Debug, Clone)]
struct Case {
    macs: [[u8; 6]; 2],
    vlan: Option<u16>,
    from: SocketAddrV4,
    to: SocketAddrV4,
    payload: Vec<u8>,
}

impl Case {
    fn frames(&self) -> UdpFrames {
        UdpFrames::new(Ethernet { from: self.macs[0], to: self.macs[1], vlan: self.vlan }, self.from, self.to)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let socket = || (any::<u32>(), any::<u16>()).prop_map(|(ip, port)| SocketAddrV4::new(ip.into(), port));
    let payload = proptest::collection::vec(any::<u8>(), 0..=1472);
    (any::<[[u8; 6]; 2]>(), proptest::option::of(1..4095_u16), socket(), socket(), payload)
        .prop_map(|(macs, vlan, from, to, payload)| Case { macs, vlan, from, to, payload })
}

proptest! {
    #[test]
    fn what_is_built_here_is_right_to_etherparse(case in case()) {
        let frame = build(&case.frames(), &case.payload);
        let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
        let vlans: Vec<u16> = sliced.vlan_ids().iter().map(|id| id.value()).collect();
        prop_assert_eq!(vlans, Vec::from_iter(case.vlan));
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("no IPv4") };
        let Some(TransportSlice::Udp(udp)) = &sliced.transport else { panic!("no UDP") };
        let header = ip.header().to_header();
        prop_assert_eq!(header.header_checksum, header.calc_header_checksum());
        prop_assert!(header.dont_fragment && !header.more_fragments);
        prop_assert_eq!(header.time_to_live, if case.to.ip().is_multicast() { 1 } else { 64 });
        prop_assert_eq!((header.source, header.destination), (case.from.ip().octets(), case.to.ip().octets()));
        prop_assert_eq!((udp.source_port(), udp.destination_port()), (case.from.port(), case.to.port()));
        prop_assert_eq!(udp.payload(), &case.payload[..]);
        let checksum = udp.to_header().calc_checksum_ipv4(&header, &case.payload).unwrap();
        prop_assert_eq!(udp.checksum(), if checksum == 0 { 0xffff } else { checksum });
    }

    #[test]
    fn what_etherparse_builds_is_understood_here(case in case(), padding in 0..20_usize) {
        let (from, to) = (case.from.ip().octets(), case.to.ip().octets());
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(case.macs[0], case.macs[1]);
        let (from_port, to_port) = (case.from.port(), case.to.port());
        match case.vlan {
            Some(vlan) => builder
                .single_vlan(vlan.try_into().unwrap())
                .ipv4(from, to, 9)
                .udp(from_port, to_port)
                .write(&mut frame, &case.payload)
                .unwrap(),
            None => {
                builder.ipv4(from, to, 9).udp(from_port, to_port).write(&mut frame, &case.payload).unwrap();
            }
        }
        frame.resize(frame.len() + padding, 0);
        prop_assert_eq!(datagram(&frame), Some((case.from, case.to, case.payload)));
    }

    #[test]
    fn a_flipped_bit_never_changes_what_is_handed_over(case in case(), bit in any::<prop::sample::Index>()) {
        let mut frame = build(&case.frames(), &case.payload);
        let bit = bit.index(frame.len() * 8);
        frame[bit / 8] ^= 1 << (bit % 8);
        if let Some(got) = datagram(&frame) {
            prop_assert_eq!(got, (case.from, case.to, case.payload));
        }
    }

    #[test]
    fn arbitrary_bytes_cause_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = datagram(&bytes);
    }

    #[test]
    fn a_spoilt_frame_causes_no_panic(
        case in case(),
        cut in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut frame = build(&case.frames(), &case.payload);
        for (at, byte) in changes {
            let at = at.index(frame.len().min(50));
            frame[at] = byte;
        }
        frame.truncate(cut.index(frame.len() + 1));
        let _ = datagram(&frame);
    }
}
