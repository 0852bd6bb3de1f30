//! `kernel-udp`: ticks as UDP multicast, orders as UDP datagrams, through kernel sockets read without waiting.

use std::io;

use serde::{Deserialize, Serialize};
use tickcert_results::certificate::OrderChannel;

use crate::{
    api::{Caps, Flow, Frame, Interest, Link, Role, Rx, Transport, Tx, TxError, TxToken, Unmet},
    kernel::{
        self,
        datagram::{self, DatagramRx, DatagramTx},
    },
};

/// The lane.
pub struct KernelUdp;

/// It has no settings of its own: buffers come from the profile, addresses from the bench.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// Receives this end's incoming flows.
pub struct KernelUdpRx {
    /// The trader has market data coming in, the exchange doesn't.
    ticks: Option<DatagramRx>,
    orders: DatagramRx,
}

impl Rx for KernelUdpRx {
    #[inline]
    fn poll(&mut self, interest: Interest, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        match (interest, &mut self.ticks) {
            (Interest::Ticks, Some(ticks)) => ticks.poll(budget, on_frame),
            (Interest::Ticks, None) => Ok(0),
            (Interest::Orders, _) => self.orders.poll(budget, on_frame),
        }
    }
}

/// Sends this end's outgoing flows.
pub struct KernelUdpTx {
    ticks: Option<DatagramTx>,
    orders: DatagramTx,
}

impl Tx for KernelUdpTx {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match (flow, &mut self.ticks) {
            (Flow::Ticks, Some(ticks)) => ticks.send(len, fill),
            (Flow::Ticks, None) => Err(TxError::Io(io::Error::new(io::ErrorKind::Unsupported, "only the exchange sends ticks"))),
            (Flow::Orders, _) => self.orders.send(len, fill),
        }
    }
}

impl Transport for KernelUdp {
    type Config = Config;
    type Rx = KernelUdpRx;
    type Tx = KernelUdpTx;

    const NAME: &'static str = "kernel-udp";
    const SUMMARY: &'static str = "kernel sockets: ticks as UDP multicast, orders as UDP datagrams";

    fn preflight(_config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        let (evidence, evidence_why) = kernel::evidence(link_is_virtual);
        Ok(Caps { orders: OrderChannel::Datagram, evidence, evidence_why })
    }

    fn open(_config: &Config, link: &Link, role: Role) -> io::Result<(KernelUdpRx, KernelUdpTx)> {
        let (local, peer) = match role {
            Role::Exchange => (link.orders, link.trader),
            Role::Trader => (link.trader, link.orders),
        };
        let orders = datagram::orders(local, peer, link.receive_buffer)?;
        let replies = DatagramTx::new(orders.try_clone()?);
        let orders = DatagramRx::new(orders, Flow::Orders);
        Ok(match role {
            Role::Exchange => {
                let ticks = DatagramTx::new(datagram::ticks_out(link)?);
                (KernelUdpRx { ticks: None, orders }, KernelUdpTx { ticks: Some(ticks), orders: replies })
            }
            Role::Trader => {
                let ticks = DatagramRx::new(datagram::ticks_in(link)?, Flow::Ticks);
                (KernelUdpRx { ticks: Some(ticks), orders }, KernelUdpTx { ticks: None, orders: replies })
            }
        })
    }
}
