//! Which frames are the lane's.

use tickcert_results::certificate::OrderChannel;

use crate::api::{Link, Role};

/// Ports by which the XDP program knows the frames of one end; zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Steer {
    udp_to: [u16; 2],
    tcp_to: u16,
    tcp_from: u16,
}

impl Steer {
    /// For that end.
    pub(super) fn new(link: &Link, role: Role, orders: OrderChannel) -> Self {
        let (ticks, exchange, trader) = (link.ticks.port(), link.orders.port(), link.trader.port());
        match (role, orders) {
            (Role::Exchange, OrderChannel::Datagram) => Self { udp_to: [exchange, 0], ..Self::default() },
            (Role::Exchange, OrderChannel::Tcp) => Self { tcp_to: exchange, ..Self::default() },
            (Role::Trader, OrderChannel::Datagram) => Self { udp_to: [ticks, trader], ..Self::default() },
            // The trader's own port of a session is any; the exchange's is known.
            (Role::Trader, OrderChannel::Tcp) => Self { udp_to: [ticks, 0], tcp_from: exchange, ..Self::default() },
        }
    }

    /// As `steer` in `steer.bpf.c`.
    #[cfg(feature = "bpf")]
    pub(super) fn bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        let ports = [self.udp_to[0], self.udp_to[1], self.tcp_to, self.tcp_from];
        for (to, port) in bytes.chunks_exact_mut(2).zip(ports) {
            to.copy_from_slice(&port.to_be_bytes());
        }
        bytes
    }
}
