#![allow(dead_code, unreachable_pub, reason = "a build without the features `bpf` and `dpdk` has no lane over it")]
//! Lanes that make their own Ethernet frames, over whatever moves them: the rings of AF_XDP, the queues of DPDK.
//! [`port`] is what such a device must offer; what stands above it is the same for all.
//!
//! [`frame`], [`udp`] and their neighbours read and write headers, [`sorter`] finds the flow of a frame, [`datagram`]
//! and [`tcp`] are the two ways for orders, [`halves`] the lane's.

mod arp;
mod checksum;
mod connection;
mod datagram;
mod ethernet;
mod frame;
mod halves;
mod kept;
pub(crate) mod port;
mod segment;
mod sorter;
mod tcp;
#[cfg(test)]
pub(crate) mod tests;
mod udp;

use std::io;

use tickcert_results::certificate::OrderChannel;

pub(crate) use self::halves::{RawRx, RawTx};
use self::{
    halves::{FlowsIn, FlowsOut},
    port::FramePort,
    sorter::Ends,
};
use crate::api::{Link, OpenError, Role};

/// Payloads of a flow not asked for that can wait.
const KEPT: usize = 1024;
/// Frames in one poll that are none of those asked for, before it returns all the same.
const OTHERS: u32 = 64;

/// How a lane puts its payloads into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    /// VLAN that sent frames are tagged with, 1 to 4094. Received ones may carry any tag or none.
    pub(crate) vlan: Option<u16>,
    /// How orders cross.
    pub(crate) orders: OrderChannel,
}

/// Opens this end's device and what lies above it; with orders on TCP, returns when the connection stands. To be called
/// from a lane's [`crate::api::Transport::open`], whose halves are then `RawRx<P>` and `RawTx<P>`.
///
/// # Errors
/// As [`crate::api::Transport::open`].
pub(crate) fn open<P: FramePort>(
    config: &P::Config,
    framing: Framing,
    link: &Link,
    role: Role,
) -> Result<(RawRx<P>, RawTx<P>), OpenError> {
    if let Some(vlan) = framing.vlan.filter(|vlan| !(1..=4094).contains(vlan)) {
        let what = format!("{vlan} is no VLAN: they are numbered from 1 to 4094");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what).into());
    }
    let ends = Ends::new(link, role, framing.vlan);
    let (mut port, tx) = P::open(config, link, role)?;
    Ok(match framing.orders {
        OrderChannel::Datagram => {
            let (rx, tx) = datagram::halves(&ends, role, tx);
            (RawRx { port, flows: FlowsIn::Datagram(rx) }, RawTx(FlowsOut::Datagram(tx)))
        }
        OrderChannel::Tcp => {
            let (rx, tx) = tcp::open(&ends, role, link.connect_timeout, &mut port, tx)?;
            (RawRx { port, flows: FlowsIn::Tcp(rx) }, RawTx(FlowsOut::Tcp(tx)))
        }
    })
}
