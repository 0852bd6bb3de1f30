//! Addresses of interfaces, and their permanent neighbours.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage, AddressScope},
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
};
use serde::{Deserialize, Serialize};

use super::{Connection, Interface, NetlinkError};

/// An address and the length of its network's prefix in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The interface's own address.
    pub ip: IpAddr,
    /// Bits.
    pub prefix_length: u8,
}

impl Address {
    fn message(self, index: u32) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.family = family(self.ip);
        message.header.prefix_len = self.prefix_length;
        message.header.index = index;
        message.attributes = vec![AddressAttribute::Local(self.ip), AddressAttribute::Address(self.ip)];
        if let IpAddr::V4(v4) = self.ip
            && self.prefix_length < 31
        {
            let host_bits = u32::MAX.checked_shr(u32::from(self.prefix_length)).unwrap_or(0);
            message.attributes.push(AddressAttribute::Broadcast(Ipv4Addr::from_bits(v4.to_bits() | host_bits)));
        }
        message
    }
}

/// The family of an address.
pub(super) fn family(ip: IpAddr) -> AddressFamily {
    if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

impl Connection {
    /// Addresses of an interface, without those that the kernel makes by itself (IPv6 link-local).
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn addresses(&mut self, interface: &Interface) -> Result<Vec<Address>, NetlinkError> {
        let what = format!("list the addresses of {}", interface.name);
        let all = self.dump(&what, RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
        Ok(all
            .into_iter()
            .filter_map(|m| match m {
                RouteNetlinkMessage::NewAddress(a) if a.header.index == interface.index => own_address(&a),
                _ => None,
            })
            .collect())
    }

    /// Adds an address; one that is there already stays.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_address(&mut self, interface: &Interface, address: Address) -> Result<(), NetlinkError> {
        let what = format!("give {} the address {}/{}", interface.name, address.ip, address.prefix_length);
        let message = RouteNetlinkMessage::NewAddress(address.message(interface.index));
        self.act(&what, message, NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Takes an address away.
    ///
    /// # Errors
    /// [`NetlinkError`], with `EADDRNOTAVAIL` where it isn't there.
    pub fn remove_address(&mut self, interface: &Interface, address: Address) -> Result<(), NetlinkError> {
        let what = format!("take the address {}/{} from {}", address.ip, address.prefix_length, interface.name);
        self.act(&what, RouteNetlinkMessage::DelAddress(address.message(interface.index)), 0)
    }

    /// Names the hardware address of a neighbour for good, so that none is ever asked for.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_neighbour(&mut self, interface: &Interface, ip: Ipv4Addr, mac: &[u8]) -> Result<(), NetlinkError> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.ifindex = interface.index;
        message.header.state = NeighbourState::Permanent;
        message.attributes = vec![
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)),
            NeighbourAttribute::LinkLocalAddress(mac.to_vec()),
        ];
        let what = format!("name {ip} as a neighbour of {}", interface.name);
        self.act(&what, RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_EXCL)
    }
}

/// The local address of a message (`IFA_LOCAL`, or `IFA_ADDRESS` where there is no other); none for link-local IPv6.
fn own_address(message: &AddressMessage) -> Option<Address> {
    if message.header.scope == AddressScope::Link && message.header.family == AddressFamily::Inet6 {
        return None;
    }
    let local =
        message.attributes.iter().find_map(|a| if let AddressAttribute::Local(ip) = a { Some(*ip) } else { None });
    let any =
        message.attributes.iter().find_map(|a| if let AddressAttribute::Address(ip) = a { Some(*ip) } else { None });
    Some(Address { ip: local.or(any)?, prefix_length: message.header.prefix_len })
}
