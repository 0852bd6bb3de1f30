//! Frames with UDP datagrams, built in place from a header made beforehand: what is left for each frame is two lengths,
//! two checksums of sums half done, and the payload's sum.

use std::net::SocketAddrV4;

use super::{
    checksum::Sum,
    ethernet::{Ethernet, IPV4},
    frame::{IP_HEADER, UDP, UDP_HEADER, pseudo_header},
};

/// Most bytes that one frame carries: an Ethernet payload of 1500 without the headers.
pub(super) const MAX_PAYLOAD: usize = 1500 - IP_HEADER - UDP_HEADER;

const LONGEST: usize = 18 + IP_HEADER + UDP_HEADER;
const UNTAGGED: usize = LONGEST - 4;

/// Frames from one place to another.
#[derive(Clone, Debug)]
pub(super) struct UdpFrames {
    ethernet: Ethernet,
    header: [u8; LONGEST],
    ip_sum: Sum,
    udp_sum: Sum,
}

impl UdpFrames {
    /// To a multicast group no farther than the next router; all are atomic, as RFC 6864 calls those whose
    /// identification means nothing, since they may not be fragmented.
    pub(super) fn new(ethernet: Ethernet, from: SocketAddrV4, to: SocketAddrV4) -> Self {
        const DONT_FRAGMENT: [u8; 2] = [0x40, 0x00];
        let ttl = if to.ip().is_multicast() { 1 } else { 64 };
        let mut header = [0; LONGEST];
        header[..18].copy_from_slice(&ethernet.header(IPV4));
        let ip = ethernet.len();
        header[ip] = 0x45;
        header[ip + 6..ip + 8].copy_from_slice(&DONT_FRAGMENT);
        header[ip + 8] = ttl;
        header[ip + 9] = UDP;
        header[ip + 12..ip + 16].copy_from_slice(&from.ip().octets());
        header[ip + 16..ip + 20].copy_from_slice(&to.ip().octets());
        header[ip + 20..ip + 22].copy_from_slice(&from.port().to_be_bytes());
        header[ip + 22..ip + 24].copy_from_slice(&to.port().to_be_bytes());
        Self {
            ethernet,
            ip_sum: Sum::of(&header[ip..ip + IP_HEADER]),
            udp_sum: pseudo_header(*from.ip(), *to.ip()).word(from.port()).word(to.port()),
            header,
        }
    }

    const fn header_len(&self) -> usize {
        self.ethernet.len() + IP_HEADER + UDP_HEADER
    }

    /// Bytes of the frame for a payload of so many.
    #[inline]
    pub(super) const fn frame_len(&self, payload: usize) -> usize {
        self.ethernet.frame_len(IP_HEADER + UDP_HEADER + payload)
    }

    /// Builds a frame of [`UdpFrames::frame_len`] bytes around a payload of `len`, at most [`MAX_PAYLOAD`].
    #[inline]
    pub(super) fn build(&self, frame: &mut [u8], len: usize, fill: impl FnOnce(&mut [u8])) {
        let header_len = self.header_len();
        let Some((header, rest)) = frame.split_at_mut_checked(header_len) else { return };
        let Some((payload, padding)) = rest.split_at_mut_checked(len) else { return };
        fill(payload);
        if !padding.is_empty() {
            padding.fill(0);
        }
        // Of a length that is known here, so that it needs no call of memcpy.
        match <&mut [u8; UNTAGGED]>::try_from(&mut *header) {
            Ok(untagged) => untagged.copy_from_slice(&self.header[..UNTAGGED]),
            Err(_) => header.copy_from_slice(&self.header[..header_len]),
        }
        let (_, header) = header.split_at_mut(self.ethernet.len());
        let Some(header) = header.first_chunk_mut::<{ IP_HEADER + UDP_HEADER }>() else { return };
        let udp_len = UDP_HEADER + len;
        let total_len = IP_HEADER + udp_len;
        put(header, 2, total_len);
        put(header, 10, usize::from(self.ip_sum.plus_len(total_len).checksum()));
        put(header, 24, udp_len);
        // The length counts twice: in the pseudo header and in the datagram's own.
        let sum = self.udp_sum.plus_len(udp_len).plus_len(udp_len).and(Sum::of(payload));
        // Zero would say that there is none; all ones is the same number in this arithmetic.
        let checksum = match sum.checksum() {
            0 => 0xffff,
            other => other,
        };
        put(header, 26, usize::from(checksum));
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "lengths are below 2^16, since the payload is")]
fn put(header: &mut [u8; IP_HEADER + UDP_HEADER], at: usize, word: usize) {
    header[at..at + 2].copy_from_slice(&(word as u16).to_be_bytes());
}
