//! Ethernet II headers, with or without a VLAN tag (IEEE 802.3, 802.1Q).

use std::net::Ipv4Addr;

use crate::api::MacAddress;

pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
/// Customer and service tags, and the older one of the latter.
pub(super) const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

const UNTAGGED: usize = 14;
const TAG: usize = 4;
/// Shortest frame that Ethernet allows, checksum sequence not counted.
const SHORTEST: usize = 60;

/// Who sends to whom, in which VLAN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ethernet {
    pub(super) from: MacAddress,
    pub(super) to: MacAddress,
    pub(super) vlan: Option<u16>,
}

impl Ethernet {
    /// Bytes of the header.
    pub(super) const fn len(&self) -> usize {
        if self.vlan.is_some() { UNTAGGED + TAG } else { UNTAGGED }
    }

    /// Bytes of a frame with so many after the header: no fewer than Ethernet allows, with the tag taken off too.
    pub(super) const fn frame_len(&self, after: usize) -> usize {
        let (len, shortest) = (self.len() + after, SHORTEST + self.len() - UNTAGGED);
        if len < shortest { shortest } else { len }
    }

    /// Header, padded with zeros to the longest there is.
    pub(super) fn header(&self, ethertype: u16) -> [u8; UNTAGGED + TAG] {
        let mut header = [0; UNTAGGED + TAG];
        header[..6].copy_from_slice(&self.to);
        header[6..12].copy_from_slice(&self.from);
        let mut at = 12;
        if let Some(vlan) = self.vlan {
            header[12..14].copy_from_slice(&TAGS[0].to_be_bytes());
            // Priority 0, and the VLAN's number in 12 bits.
            header[14..16].copy_from_slice(&(vlan & 0x0fff).to_be_bytes());
            at += TAG;
        }
        header[at..at + 2].copy_from_slice(&ethertype.to_be_bytes());
        header
    }
}

/// Where frames for an IPv4 multicast group go (RFC 1112, 6.4): the low 23 bits of the group.
pub(super) const fn multicast(group: Ipv4Addr) -> MacAddress {
    let [_, b, c, d] = group.octets();
    [0x01, 0x00, 0x5e, b & 0x7f, c, d]
}

/// A hardware address for an end whose device has none: made from its IP address, so that both ends come to the same,
/// and marked as given locally.
pub(super) fn or_made_up(mac: MacAddress, ip: Ipv4Addr) -> MacAddress {
    let [a, b, c, d] = ip.octets();
    if mac == [0; 6] { [0x02, 0x00, a, b, c, d] } else { mac }
}

/// What a frame carries: its type, and the bytes after the header. `None` where it ends before.
#[inline]
pub(super) fn split(frame: &[u8]) -> Option<(u16, &[u8])> {
    let (header, mut rest) = frame.split_first_chunk::<UNTAGGED>()?;
    let mut ethertype = u16::from_be_bytes([header[12], header[13]]);
    // At most two tags, as 802.1ad has it.
    for _ in 0..2 {
        if !TAGS.contains(&ethertype) {
            break;
        }
        let (tag, after) = rest.split_first_chunk::<TAG>()?;
        ethertype = u16::from_be_bytes([tag[2], tag[3]]);
        rest = after;
    }
    Some((ethertype, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_keeps_its_low_23_bits() {
        assert_eq!(multicast(Ipv4Addr::new(224, 0, 0, 1)), [0x01, 0x00, 0x5e, 0, 0, 1]);
        assert_eq!(multicast(Ipv4Addr::new(239, 255, 77, 1)), [0x01, 0x00, 0x5e, 0x7f, 77, 1]);
        assert_eq!(multicast(Ipv4Addr::new(239, 129, 2, 3)), multicast(Ipv4Addr::new(224, 1, 2, 3)));
    }

    #[test]
    fn a_frame_is_never_shorter_than_ethernet_allows() {
        let untagged = Ethernet { from: [2; 6], to: [4; 6], vlan: None };
        let tagged = Ethernet { vlan: Some(7), ..untagged };
        assert_eq!((untagged.frame_len(29), untagged.frame_len(46), untagged.frame_len(47)), (60, 60, 61));
        assert_eq!((tagged.frame_len(29), tagged.frame_len(46), tagged.frame_len(47)), (64, 64, 65));
    }

    #[test]
    fn up_to_two_tags_are_skipped() {
        let mut frame = vec![0; 12];
        frame.extend([0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 0x08, 0x00, 0xaa]);
        assert_eq!(split(&frame), Some((IPV4, &[0xaa][..])));
        assert_eq!(split(&frame[..21]), None);
        assert_eq!(split(&frame[..13]), None);
    }
}
