//! From a frame to what it carries: Ethernet (with VLAN tags), Linux cooked, loopback and raw IP.

use std::net::IpAddr;

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};

const LINK_NULL: u32 = 0;
const LINK_ETHERNET: u32 = 1;
const LINK_RAW_OLD: [u32; 2] = [12, 14];
const LINK_RAW: u32 = 101;
const LINK_LOOP: u32 = 108;
const LINK_COOKED: u32 = 113;
const LINK_IPV4: u32 = 228;
const LINK_IPV6: u32 = 229;
const LINK_COOKED_2: u32 = 276;

/// What a frame carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carried<'a> {
    /// A datagram, possibly cut by the capture.
    Udp { group: IpAddr, port: u16, payload: &'a [u8] },
    /// A TCP segment.
    Tcp { source: u16, destination: u16, payload: &'a [u8] },
    /// A part of an IP packet, which is not put together here.
    Fragment,
    /// Anything else.
    Other,
    /// A link type that is not known here.
    UnknownLink(u32),
}

/// Opens one frame.
pub(super) fn open(link: u32, frame: &[u8]) -> Carried<'_> {
    let packet = match link {
        LINK_ETHERNET => LaxSlicedPacket::from_ethernet(frame).ok(),
        LINK_COOKED => after_ether_type(frame, 14, 16),
        LINK_COOKED_2 => after_ether_type(frame, 0, 20),
        LINK_NULL | LINK_LOOP => frame.get(4..).and_then(|ip| LaxSlicedPacket::from_ip(ip).ok()),
        LINK_RAW | LINK_IPV4 | LINK_IPV6 => LaxSlicedPacket::from_ip(frame).ok(),
        link if LINK_RAW_OLD.contains(&link) => LaxSlicedPacket::from_ip(frame).ok(),
        unknown => return Carried::UnknownLink(unknown),
    };
    packet.map_or(Carried::Other, |packet| carried(&packet))
}

/// A header whose only field of interest is an EtherType at `at`; it ends at `end`.
fn after_ether_type(frame: &[u8], at: usize, end: usize) -> Option<LaxSlicedPacket<'_>> {
    let ether_type = u16::from_be_bytes(*frame.get(at..)?.first_chunk::<2>()?);
    Some(LaxSlicedPacket::from_ether_type(EtherType(ether_type), frame.get(end..)?))
}

fn carried<'a>(packet: &LaxSlicedPacket<'a>) -> Carried<'a> {
    let (group, fragmented) = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => (IpAddr::V4(ip.header().destination_addr()), ip.payload().fragmented),
        Some(LaxNetSlice::Ipv6(ip)) => (IpAddr::V6(ip.header().destination_addr()), ip.payload().fragmented),
        _ => return Carried::Other,
    };
    match &packet.transport {
        _ if fragmented => Carried::Fragment,
        Some(TransportSlice::Udp(udp)) => Carried::Udp { group, port: udp.destination_port(), payload: udp.payload() },
        Some(TransportSlice::Tcp(tcp)) => {
            Carried::Tcp { source: tcp.source_port(), destination: tcp.destination_port(), payload: tcp.payload() }
        }
        _ => Carried::Other,
    }
}
