//! The two ends of the wire, each inside its namespace.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket},
    time::{Duration, Instant},
};

use tickcert_transports::api::MacAddress;

use super::{
    error::BenchError,
    netlink::{Address, Connection, Interface, NetlinkError, Route},
    netns::Namespace,
};

/// The addresses; they can't collide, since nothing else is in the namespaces.
pub(super) const EXCHANGE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// See [`EXCHANGE`].
pub(super) const TRADER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const PREFIX: u8 = 30;
/// Multicast of the organisation-local scope (RFC 2365) goes through the wire.
const MULTICAST: Route = Route::on_link(Ipv4Addr::new(239, 192, 0, 0), 14);
/// Of Ethernet, whatever the interface had before: a lane must not depend on jumbo frames.
pub(super) const MTU: u32 = 1500;

/// One end: its namespace and the interface in it.
pub(super) struct End<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) interface: &'a str,
    pub(super) ip: Ipv4Addr,
}

impl End<'_> {
    /// Loopback and interface on, with the address; the carrier may still be missing.
    pub(super) fn switch_on(&self) -> Result<(), BenchError> {
        self.namespace.run(|| {
            let mut connection = Connection::open()?;
            let loopback = connection.interface("lo")?;
            connection.set_up(&loopback, true)?;
            let interface = connection.interface(self.interface)?;
            silence_ipv6(self.interface);
            if interface.mtu != MTU {
                connection.set_mtu(&interface, MTU)?;
            }
            connection.add_address(&interface, Address { ip: IpAddr::V4(self.ip), prefix_length: PREFIX })?;
            Ok(connection.set_up(&interface, true)?)
        })?
    }

    pub(super) fn wait_for_carrier(&self, at_most: Duration) -> Result<Interface, BenchError> {
        self.namespace.run(|| Ok(Connection::open()?.wait_for_carrier(self.interface, at_most)?))?
    }

    /// The multicast route, and the other end's hardware address, so that no ARP request falls into a measurement.
    pub(super) fn route_to(&self, other: Ipv4Addr, other_mac: &[u8]) -> Result<(), BenchError> {
        self.namespace.run(|| {
            let mut connection = Connection::open()?;
            let interface = connection.interface(self.interface)?;
            connection.add_route(&interface, &MULTICAST).or_else(so_already)?;
            Ok(connection.add_neighbour(&interface, other, other_mac).or_else(so_already)?)
        })?
    }
}

fn so_already(e: NetlinkError) -> Result<(), NetlinkError> {
    if e.is_already_so() { Ok(()) } else { Err(e) }
}

/// Keeps the kernel from sending IPv6 solicitations and reports into the measurement. A kernel without IPv6, or a
/// container with a read-only `/proc/sys`, is no reason not to measure: the few frames are over in seconds.
fn silence_ipv6(interface: &str) {
    let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6"), "1");
}

/// The hardware addresses of both ends.
pub(super) struct Macs {
    pub(super) exchange: MacAddress,
    pub(super) trader: MacAddress,
}

/// Configures both ends and proves that they hear each other.
pub(super) fn connect(exchange: &End<'_>, trader: &End<'_>, at_most: Duration) -> Result<Macs, BenchError> {
    exchange.switch_on()?;
    trader.switch_on()?;
    let exchange_mac = exchange.wait_for_carrier(at_most)?.mac;
    let trader_mac = trader.wait_for_carrier(at_most)?.mac;
    exchange.route_to(trader.ip, &trader_mac)?;
    trader.route_to(exchange.ip, &exchange_mac)?;
    prove(exchange, trader, at_most)?;
    // What has no Ethernet address has none to give; only lanes that make their own frames need one.
    let address = |mac: Vec<u8>| mac.try_into().unwrap_or_default();
    Ok(Macs { exchange: address(exchange_mac), trader: address(trader_mac) })
}

/// From one attempt to the next: a switch may hold a port back for seconds after its link came up.
pub(super) const RETRY: Duration = Duration::from_millis(50);

/// Sends datagrams from the exchange until one arrives at the trader.
fn prove(exchange: &End<'_>, trader: &End<'_>, at_most: Duration) -> Result<(), BenchError> {
    let bind = |end: &End<'_>| -> Result<UdpSocket, BenchError> {
        end.namespace.run(|| UdpSocket::bind(SocketAddrV4::new(end.ip, 0)))?.map_err(BenchError::Trial)
    };
    let (from, to) = (bind(exchange)?, bind(trader)?);
    to.set_read_timeout(Some(RETRY)).map_err(BenchError::Trial)?;
    let target = to.local_addr().map_err(BenchError::Trial)?;
    let until = Instant::now() + at_most;
    let mut received = [0_u8; 16];
    loop {
        from.send_to(b"tickcert", target).map_err(BenchError::Trial)?;
        match to.recv_from(&mut received) {
            Ok(_) => return Ok(()),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(e) => return Err(BenchError::Trial(e)),
        }
        if Instant::now() >= until {
            return Err(BenchError::NotConnected {
                exchange: exchange.interface.into(),
                trader: trader.interface.into(),
                waited_ms: at_most.as_millis(),
            });
        }
    }
}
