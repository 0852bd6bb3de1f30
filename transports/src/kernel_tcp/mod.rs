//! `kernel-tcp`: ticks as UDP multicast, orders on a TCP stream, through kernel sockets read without waiting.

use tickcert_results::certificate::OrderChannel;

use crate::{
    api::{Caps, Link, OpenError, Role, Transport, UDP_HEADERS, Unmet, Variant},
    kernel::{
        self, busy_poll, datagram,
        halves::{SocketRx, SocketTx},
        stream::{self, StreamRx, StreamTx},
    },
};

/// The lane.
pub struct KernelTcp;

pub use crate::kernel::busy_poll::Config;

impl Transport for KernelTcp {
    type Config = Config;
    type Rx = SocketRx<StreamRx>;
    type Tx = SocketTx<StreamTx>;

    const NAME: &'static str = "kernel-tcp";
    const DECIDED_BY_LANE: &'static str = busy_poll::DECIDED_BY_LANE;
    const VARIANTS: &'static [Variant] = &[
        Variant {
            lane: "kernel-tcp",
            summary: "kernel sockets: ticks as UDP multicast, orders in a SoupBinTCP session on TCP",
            settings: "{}",
        },
        Variant {
            lane: "kernel-tcp-busypoll",
            summary: "kernel-tcp, whose receive calls poll the device themselves",
            settings: r#"{"busy_poll": true}"#,
        },
    ];

    fn headers_before_ticks(_config: &Config) -> Option<u32> {
        Some(UDP_HEADERS)
    }

    fn preflight(_config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        let (evidence, evidence_why) = kernel::evidence(link_is_virtual);
        Ok(Caps { orders: OrderChannel::Tcp, evidence, evidence_why, own_wire: None })
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError> {
        let (ticks_in, ticks_out) = datagram::ticks(link, role)?;
        let stream = stream::open(link, role)?;
        config.apply(&stream)?;
        if let Some(ticks) = &ticks_in {
            config.apply(ticks)?;
        }
        let end = link.stamping.map(|stamping| stamping.of(role));
        let (orders_in, orders_out) = stream::stamped_halves(stream, role, end)?;
        Ok((SocketRx { ticks: ticks_in, orders: orders_in }, SocketTx { ticks: ticks_out, orders: orders_out }))
    }
}
