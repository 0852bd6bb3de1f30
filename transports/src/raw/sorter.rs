//! Which frames are ours, and which flow they belong to.

use std::net::SocketAddrV4;

use tickcert_results::certificate::OrderChannel;

use super::{
    arp::{self, Answerer, Asker},
    ethernet::{self, Ethernet},
    frame::{self, Content, Spoilt},
    udp::UdpFrames,
};
use crate::api::{Flow, Link, MacAddress, Role};

/// Who is who, as one end sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    role: Role,
    own_mac: MacAddress,
    peer_mac: MacAddress,
    /// Where this end's order entry is.
    pub(super) local: SocketAddrV4,
    /// Where the other's is.
    pub(super) peer: SocketAddrV4,
    ticks: SocketAddrV4,
    vlan: Option<u16>,
}

impl Ends {
    pub(super) fn new(link: &Link, role: Role, vlan: Option<u16>) -> Self {
        let exchange = (link.orders, ethernet::or_made_up(link.exchange_mac, *link.orders.ip()));
        let trader = (link.trader, ethernet::or_made_up(link.trader_mac, *link.trader.ip()));
        let ((local, own_mac), (peer, peer_mac)) = match role {
            Role::Exchange => (exchange, trader),
            Role::Trader => (trader, exchange),
        };
        Self { role, own_mac, peer_mac, local, peer, ticks: link.ticks, vlan }
    }

    /// To the other end.
    pub(super) const fn ethernet(&self) -> Ethernet {
        Ethernet { from: self.own_mac, to: self.peer_mac, vlan: self.vlan }
    }

    /// Orders, or answers to them, as datagrams.
    pub(super) fn orders_out(&self) -> UdpFrames {
        UdpFrames::new(self.ethernet(), self.local, self.peer)
    }

    /// Market data, which only the exchange sends.
    pub(super) fn ticks_out(&self) -> Option<UdpFrames> {
        let to = self.ticks;
        let mac = if to.ip().is_multicast() { ethernet::multicast(*to.ip()) } else { self.peer_mac };
        let from = SocketAddrV4::new(*self.local.ip(), to.port());
        (self.role == Role::Exchange).then(|| UdpFrames::new(Ethernet { to: mac, ..self.ethernet() }, from, to))
    }

    pub(super) const fn answerer(&self) -> Answerer {
        Answerer { mac: self.own_mac, ip: *self.local.ip(), vlan: self.vlan }
    }
}

/// What a frame is to this end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sorted<'a> {
    /// A flow's payload.
    Payload(Flow, &'a [u8]),
    /// An IPv4 packet with a segment of the order connection.
    Segment(&'a [u8]),
    /// Somebody wants our hardware address.
    Arp(Asker),
    /// Nothing to us; counted.
    Nothing,
}

/// Frames that were ignored, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    /// For others, or of other protocols.
    pub(super) foreign: u64,
    /// Ends too soon, or lengths contradict each other.
    pub(super) malformed: u64,
    /// Parts of packets.
    pub(super) fragments: u64,
    /// Wrong checksums, of IPv4 or of a datagram of ours.
    pub(super) checksum: u64,
}

/// Sorts what arrives.
#[derive(Clone, Debug)]
pub(super) struct Sorter {
    local: SocketAddrV4,
    peer: SocketAddrV4,
    ticks: Option<SocketAddrV4>,
    orders: OrderChannel,
    ignored: Ignored,
}

impl Sorter {
    pub(super) fn new(ends: &Ends, orders: OrderChannel) -> Self {
        let ticks = (ends.role == Role::Trader).then_some(ends.ticks);
        Self { local: ends.local, peer: ends.peer, ticks, orders, ignored: Ignored::default() }
    }

    #[inline]
    pub(super) fn sort<'a>(&mut self, frame: &'a [u8]) -> Sorted<'a> {
        match frame::parse(frame) {
            Ok(Content::Udp(datagram)) => {
                let flow = if self.is_orders(OrderChannel::Datagram, datagram.from, datagram.to) {
                    Flow::Orders
                } else if self.ticks == Some(datagram.to) {
                    Flow::Ticks
                } else {
                    return self.foreign();
                };
                if datagram.is_intact() {
                    return Sorted::Payload(flow, datagram.payload);
                }
                self.ignored.checksum += 1;
            }
            Ok(Content::Tcp(segment)) if self.is_orders(OrderChannel::Tcp, segment.from, segment.to) => {
                return Sorted::Segment(segment.packet);
            }
            Ok(Content::Arp(packet)) => {
                if let Some(asker) = arp::asks_for(*self.local.ip(), packet) {
                    return Sorted::Arp(asker);
                }
                self.ignored.foreign += 1;
            }
            Ok(Content::Tcp(_) | Content::Other) => self.ignored.foreign += 1,
            Err(Spoilt::Malformed) => self.ignored.malformed += 1,
            Err(Spoilt::Fragment) => self.ignored.fragments += 1,
            Err(Spoilt::Checksum) => self.ignored.checksum += 1,
        }
        Sorted::Nothing
    }

    fn is_orders(&self, channel: OrderChannel, from: SocketAddrV4, to: SocketAddrV4) -> bool {
        self.orders == channel && from == self.peer && to == self.local
    }

    const fn foreign<'a>(&mut self) -> Sorted<'a> {
        self.ignored.foreign += 1;
        Sorted::Nothing
    }

    /// What was ignored so far.
    pub(super) const fn ignored(&self) -> Ignored {
        self.ignored
    }
}
