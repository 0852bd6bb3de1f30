//! What a received frame is: IPv4 (RFC 791) and what is in it, UDP (RFC 768) above all. Nothing is copied, and no bytes
//! whatever cause a panic.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::{
    checksum::Sum,
    ethernet::{self, ARP, IPV4},
};

pub(super) const IP_HEADER: usize = 20;
pub(super) const UDP_HEADER: usize = 8;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// A frame's content.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// A datagram.
    Udp(Datagram<'a>),
    /// A TCP segment, its own checksum not looked at.
    Tcp(Segment<'a>),
    /// An ARP packet.
    Arp(&'a [u8]),
    /// Anything else.
    Other,
}

/// A UDP datagram whose lengths are right; see [`Datagram::is_intact`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
    pub(super) payload: &'a [u8],
    /// Header and payload.
    whole: &'a [u8],
}

/// A TCP segment in its IPv4 packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) from: SocketAddrV4,
    pub(super) to: SocketAddrV4,
    /// From the IPv4 header to the end of the payload.
    pub(super) packet: &'a [u8],
}

/// Why a frame is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoilt {
    /// It ends too soon, or its lengths contradict each other.
    Malformed,
    /// It is a part of a packet. The lanes send none: every frame of theirs says "don't fragment".
    Fragment,
    /// The IPv4 header's checksum is wrong.
    Checksum,
}

/// Looks at a frame without its checksum sequence.
#[inline]
pub(super) fn parse(frame: &[u8]) -> Result<Content<'_>, Spoilt> {
    match ethernet::split(frame).ok_or(Spoilt::Malformed)? {
        (IPV4, packet) => ipv4(packet),
        (ARP, packet) => Ok(Content::Arp(packet)),
        _ => Ok(Content::Other),
    }
}

#[inline]
fn ipv4(packet: &[u8]) -> Result<Content<'_>, Spoilt> {
    let fixed = packet.first_chunk::<IP_HEADER>().ok_or(Spoilt::Malformed)?;
    let header_len = usize::from(fixed[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    if fixed[0] >> 4 != 4 || header_len < IP_HEADER || total_len < header_len {
        return Err(Spoilt::Malformed);
    }
    // Ethernet pads short frames; what is beyond the total length is none of the packet's.
    let packet = packet.get(..total_len).ok_or(Spoilt::Malformed)?;
    let (header, body) = packet.split_at_checked(header_len).ok_or(Spoilt::Malformed)?;
    // The length that nearly all have is known here, so that nothing is decided at run time.
    let sum = if header_len == IP_HEADER { Sum::of(fixed) } else { Sum::of(header) };
    if !sum.is_intact() {
        return Err(Spoilt::Checksum);
    }
    // "More fragments", or an offset: either makes it a fragment. "Don't fragment" is no matter.
    if u16::from_be_bytes([fixed[6], fixed[7]]) & 0x3fff != 0 {
        return Err(Spoilt::Fragment);
    }
    let from = Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]);
    let to = Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]);
    match fixed[9] {
        UDP => udp(from, to, body).map(Content::Udp),
        TCP => {
            let ports = body.first_chunk::<4>().ok_or(Spoilt::Malformed)?;
            let (from, to) = sockets(from, to, *ports);
            Ok(Content::Tcp(Segment { from, to, packet }))
        }
        _ => Ok(Content::Other),
    }
}

#[inline]
fn udp(from: Ipv4Addr, to: Ipv4Addr, body: &[u8]) -> Result<Datagram<'_>, Spoilt> {
    let header = body.first_chunk::<UDP_HEADER>().ok_or(Spoilt::Malformed)?;
    if usize::from(u16::from_be_bytes([header[4], header[5]])) != body.len() {
        return Err(Spoilt::Malformed);
    }
    let payload = body.get(UDP_HEADER..).ok_or(Spoilt::Malformed)?;
    let (from, to) = sockets(from, to, [header[0], header[1], header[2], header[3]]);
    Ok(Datagram { from, to, payload, whole: body })
}

const fn sockets(from: Ipv4Addr, to: Ipv4Addr, ports: [u8; 4]) -> (SocketAddrV4, SocketAddrV4) {
    let [a, b, c, d] = ports;
    (SocketAddrV4::new(from, u16::from_be_bytes([a, b])), SocketAddrV4::new(to, u16::from_be_bytes([c, d])))
}

impl Datagram<'_> {
    /// Whether its checksum is right, or it has none. A sender whose device should have completed the checksum, and a
    /// virtual wire that didn't, leave a wrong one behind.
    #[inline]
    pub(super) fn is_intact(&self) -> bool {
        self.whole[6..UDP_HEADER] == [0, 0]
            || pseudo_header(*self.from.ip(), *self.to.ip())
                .plus_len(self.whole.len())
                .and(Sum::of(self.whole))
                .is_intact()
    }
}

/// The part of UDP's pseudo header that doesn't change from datagram to datagram.
pub(super) fn pseudo_header(from: Ipv4Addr, to: Ipv4Addr) -> Sum {
    Sum::default().words(from.to_bits()).words(to.to_bits()).word(UDP.into())
}

impl Sum {
    /// With a length of a datagram, which is below 2^16 by its header.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "lengths come from 16 bits")]
    pub(super) const fn plus_len(self, len: usize) -> Self {
        self.word(len as u16)
    }
}
