//! `kernel-udp`: ticks as UDP multicast, orders as UDP datagrams, through kernel sockets read without waiting.

use tickcert_results::certificate::OrderChannel;

use crate::{
    api::{Caps, Flow, Link, OpenError, Role, Transport, UDP_HEADERS, Unmet, Variant},
    kernel::{
        self, busy_poll,
        datagram::{self, DatagramRx, DatagramTx},
        halves::{SocketRx, SocketTx},
    },
};

/// The lane.
pub struct KernelUdp;

pub use crate::kernel::busy_poll::Config;

impl Transport for KernelUdp {
    type Config = Config;
    type Rx = SocketRx<DatagramRx>;
    type Tx = SocketTx<DatagramTx>;

    const NAME: &'static str = "kernel-udp";
    const DECIDED_BY_LANE: &'static str = busy_poll::DECIDED_BY_LANE;
    const VARIANTS: &'static [Variant] = &[
        Variant {
            lane: "kernel-udp",
            summary: "kernel sockets: ticks as UDP multicast, orders as UDP datagrams",
            settings: "{}",
        },
        Variant {
            lane: "kernel-udp-busypoll",
            summary: "kernel-udp, whose receive calls poll the device themselves",
            settings: r#"{"busy_poll": true}"#,
        },
    ];

    fn headers_before_ticks(_config: &Config) -> Option<u32> {
        Some(UDP_HEADERS)
    }

    fn preflight(_config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        let (evidence, evidence_why) = kernel::evidence(link_is_virtual);
        Ok(Caps { orders: OrderChannel::Datagram, evidence, evidence_why, own_wire: None })
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError> {
        let (ticks_in, ticks_out) = datagram::ticks(link, role)?;
        let orders = datagram::orders_of(link, role)?;
        config.apply(&orders)?;
        if let Some(ticks) = &ticks_in {
            config.apply(ticks)?;
        }
        let end = link.stamping.map(|stamping| stamping.of(role));
        // Of orders, the trader's are stamped when they leave, and the exchange's when they arrive.
        let (arriving, leaving) = match role {
            Role::Exchange => (end, None),
            Role::Trader => (None, end),
        };
        let replies = DatagramTx::new(orders.try_clone()?).stamped(leaving)?;
        let orders = DatagramRx::new(orders, Flow::Orders).stamped(arriving)?;
        Ok((SocketRx { ticks: ticks_in, orders }, SocketTx { ticks: ticks_out, orders: replies }))
    }
}
