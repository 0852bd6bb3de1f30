//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType},
};
use serde::{Deserialize, Serialize};

use super::{Connection, Interface, NetlinkError, address::family};

/// A route of the main table through one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Network that it leads to.
    pub destination: IpAddr,
    /// Bits of the network's prefix; 0 is the default route.
    pub prefix_length: u8,
    /// Next hop; none where the network is on the wire itself.
    pub gateway: Option<IpAddr>,
    /// Metric.
    pub priority: Option<u32>,
    /// Who made it (`linux/rtnetlink.h`, `RTPROT_*`).
    pub protocol: u8,
}

/// `RTPROT_KERNEL`: made by the kernel with an address, and made again with it.
const BY_KERNEL: u8 = 2;
/// `RTPROT_STATIC`
const STATIC: u8 = 4;

impl Route {
    /// A network that is on the wire itself.
    #[must_use]
    pub const fn on_link(destination: Ipv4Addr, prefix_length: u8) -> Self {
        Self { destination: IpAddr::V4(destination), prefix_length, gateway: None, priority: None, protocol: STATIC }
    }

    /// Whether everything that has no other route goes here.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.prefix_length == 0
    }

    fn message(&self, index: u32) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = family(self.destination);
        message.header.destination_prefix_length = self.prefix_length;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::from(self.protocol);
        // IPv6 knows no scopes of routes.
        let link_scope = self.gateway.is_none() && self.destination.is_ipv4();
        message.header.scope = if link_scope { RouteScope::Link } else { RouteScope::Universe };
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![RouteAttribute::Oif(index)];
        if self.prefix_length > 0 {
            message.attributes.push(RouteAttribute::Destination(self.destination.into()));
        }
        message.attributes.extend(self.gateway.map(|g| RouteAttribute::Gateway(g.into())));
        message.attributes.extend(self.priority.map(RouteAttribute::Priority));
        message
    }

    /// The route of a message, and the interfaces that it goes through: one for each of several next hops.
    fn read(message: &RouteMessage) -> Option<(Vec<u32>, Self)> {
        let ip = |a: &RouteAddress| match a {
            RouteAddress::Inet(v4) => Some(IpAddr::V4(*v4)),
            RouteAddress::Inet6(v6) => Some(IpAddr::V6(*v6)),
            _ => None,
        };
        if message.header.kind != RouteType::Unicast || message.header.table != RouteHeader::RT_TABLE_MAIN {
            return None;
        }
        let destination = match message.header.address_family {
            AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            _ => return None,
        };
        let mut route = Self {
            destination,
            prefix_length: message.header.destination_prefix_length,
            gateway: None,
            priority: None,
            protocol: message.header.protocol.into(),
        };
        let mut interfaces = Vec::new();
        for attribute in &message.attributes {
            match attribute {
                RouteAttribute::Oif(index) => interfaces.push(*index),
                RouteAttribute::MultiPath(hops) => interfaces.extend(hops.iter().map(|hop| hop.interface_index)),
                RouteAttribute::Destination(a) => route.destination = ip(a)?,
                RouteAttribute::Gateway(a) => route.gateway = ip(a),
                RouteAttribute::Priority(metric) => route.priority = Some(*metric),
                _ => {}
            }
        }
        Some((interfaces, route))
    }
}

impl Connection {
    /// Routes of the main table through an interface, without those that come with its addresses.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn routes(&mut self, interface: &Interface) -> Result<Vec<Route>, NetlinkError> {
        let what = format!("list the routes through {}", interface.name);
        let all = self.dump(&what, RouteNetlinkMessage::GetRoute(RouteMessage::default()))?;
        Ok(all
            .iter()
            .filter_map(|m| match m {
                RouteNetlinkMessage::NewRoute(route) => Route::read(route),
                _ => None,
            })
            .filter(|(indices, route)| indices.contains(&interface.index) && route.protocol != BY_KERNEL)
            .map(|(_, route)| route)
            .collect())
    }

    /// Adds a route.
    ///
    /// # Errors
    /// [`NetlinkError`], with `EEXIST` where there is one to the same network with the same metric.
    pub fn add_route(&mut self, interface: &Interface, route: &Route) -> Result<(), NetlinkError> {
        let what = format!("route {}/{} through {}", route.destination, route.prefix_length, interface.name);
        self.act(&what, RouteNetlinkMessage::NewRoute(route.message(interface.index)), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Takes a route away.
    ///
    /// # Errors
    /// [`NetlinkError`], with `ESRCH` where it isn't there.
    pub fn remove_route(&mut self, interface: &Interface, route: &Route) -> Result<(), NetlinkError> {
        let what = format!("take the route {}/{} from {}", route.destination, route.prefix_length, interface.name);
        self.act(&what, RouteNetlinkMessage::DelRoute(route.message(interface.index)), 0)
    }
}
