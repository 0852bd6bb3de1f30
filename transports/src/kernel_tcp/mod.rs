//! `kernel-tcp`: ticks as UDP multicast, orders on a TCP stream, through kernel sockets read without waiting.

use std::io;

use serde::{Deserialize, Serialize};
use tickcert_results::certificate::OrderChannel;

use crate::{
    api::{Caps, Flow, Frame, Interest, Link, Role, Rx, Transport, Tx, TxError, TxToken, Unmet},
    kernel::{
        self,
        datagram::{self, DatagramRx, DatagramTx},
        stream::{self, StreamRx, StreamTx},
    },
};

/// The lane.
pub struct KernelTcp;

/// It has no settings of its own: buffers come from the profile, addresses from the bench.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// Receives this end's incoming flows.
pub struct KernelTcpRx {
    /// The trader has market data coming in, the exchange doesn't.
    ticks: Option<DatagramRx>,
    orders: StreamRx,
}

impl Rx for KernelTcpRx {
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
pub struct KernelTcpTx {
    ticks: Option<DatagramTx>,
    orders: StreamTx,
}

impl Tx for KernelTcpTx {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match (flow, &mut self.ticks) {
            (Flow::Ticks, Some(ticks)) => ticks.send(len, fill),
            (Flow::Ticks, None) => Err(TxError::Io(io::Error::new(io::ErrorKind::Unsupported, "only the exchange sends ticks"))),
            (Flow::Orders, _) => self.orders.send(len, fill),
        }
    }

    fn flush(&mut self) -> Result<(), TxError> {
        self.orders.write()
    }
}

impl Transport for KernelTcp {
    type Config = Config;
    type Rx = KernelTcpRx;
    type Tx = KernelTcpTx;

    const NAME: &'static str = "kernel-tcp";
    const SUMMARY: &'static str = "kernel sockets: ticks as UDP multicast, orders in a SoupBinTCP session on TCP";

    fn preflight(_config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        let (evidence, evidence_why) = kernel::evidence(link_is_virtual);
        Ok(Caps { orders: OrderChannel::Tcp, evidence, evidence_why })
    }

    fn open(_config: &Config, link: &Link, role: Role) -> io::Result<(KernelTcpRx, KernelTcpTx)> {
        match role {
            Role::Exchange => {
                let ticks = DatagramTx::new(datagram::ticks_out(link)?);
                let stream = stream::accept(link.orders, link.trader, link.connect_timeout)?;
                let (orders, replies) = stream::halves(stream)?;
                Ok((KernelTcpRx { ticks: None, orders }, KernelTcpTx { ticks: Some(ticks), orders: replies }))
            }
            Role::Trader => {
                let ticks = DatagramRx::new(datagram::ticks_in(link)?, Flow::Ticks);
                let stream = stream::connect(link.trader, link.orders, link.connect_timeout)?;
                let (replies, orders) = stream::halves(stream)?;
                Ok((KernelTcpRx { ticks: Some(ticks), orders: replies }, KernelTcpTx { ticks: None, orders }))
            }
        }
    }
}
