//! ARP (RFC 826): requests for our own address are answered, for devices beside which no kernel does it. Nobody is ever
//! asked: the link says who is who.

use std::net::Ipv4Addr;

use super::ethernet::{self, Ethernet};
use crate::api::MacAddress;

const LEN: usize = 28;
/// Ethernet and IPv4, addresses of 6 and 4 bytes.
const KIND: [u8; 6] = [0x00, 0x01, 0x08, 0x00, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

/// Somebody who asks for our hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    mac: MacAddress,
    ip: Ipv4Addr,
}

/// Who asks for `own`, if the packet does that.
pub(super) fn asks_for(own: Ipv4Addr, packet: &[u8]) -> Option<Asker> {
    let packet = packet.first_chunk::<LEN>()?;
    let (_, target) = packet.split_at(24);
    if packet[..6] != KIND || packet[6..8] != REQUEST || target != own.octets() {
        return None;
    }
    let mac = packet[8..14].try_into().ok()?;
    let ip: [u8; 4] = packet[14..18].try_into().ok()?;
    Some(Asker { mac, ip: ip.into() })
}

/// What answers requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answerer {
    pub(super) mac: MacAddress,
    pub(super) ip: Ipv4Addr,
    pub(super) vlan: Option<u16>,
}

impl Answerer {
    /// Bytes of a reply's frame.
    pub(super) const fn frame_len(&self) -> usize {
        self.ethernet([0; 6]).frame_len(LEN)
    }

    const fn ethernet(&self, to: MacAddress) -> Ethernet {
        Ethernet { from: self.mac, to, vlan: self.vlan }
    }

    /// Builds the reply in a frame of [`Answerer::frame_len`].
    pub(super) fn reply(&self, to: Asker, frame: &mut [u8]) {
        frame.fill(0);
        let ethernet = self.ethernet(to.mac);
        let Some((header, packet)) = frame.split_at_mut_checked(ethernet.len()) else { return };
        header.copy_from_slice(&ethernet.header(ethernet::ARP)[..ethernet.len()]);
        let Some(packet) = packet.first_chunk_mut::<LEN>() else { return };
        packet[..6].copy_from_slice(&KIND);
        packet[6..8].copy_from_slice(&REPLY);
        packet[8..14].copy_from_slice(&self.mac);
        packet[14..18].copy_from_slice(&self.ip.octets());
        packet[18..24].copy_from_slice(&to.mac);
        packet[24..28].copy_from_slice(&to.ip.octets());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: [u8; 4]) -> Vec<u8> {
        let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1];
        packet.extend([0x02, 0, 0, 0, 0, 9, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0]);
        packet.extend(target);
        packet
    }

    #[test]
    fn a_request_for_our_address_is_answered_to_who_asked() {
        let us = Answerer { mac: [2, 0, 0, 0, 0, 1], ip: Ipv4Addr::new(10, 0, 0, 1), vlan: None };
        let asker = asks_for(us.ip, &request([10, 0, 0, 1])).unwrap();
        let mut frame = vec![0xee; us.frame_len()];
        us.reply(asker, &mut frame);
        let mut want = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2];
        want.extend([2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9]);
        want.resize(60, 0);
        assert_eq!(frame, want);
    }

    #[test]
    fn other_requests_and_replies_are_not_ours_to_answer() {
        let own = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(asks_for(own, &request([10, 0, 0, 2])), None);
        assert_eq!(asks_for(own, &request([10, 0, 0, 1])[..27]), None);
        let mut reply = request([10, 0, 0, 1]);
        reply[7] = 2;
        assert_eq!(asks_for(own, &reply), None);
    }
}
