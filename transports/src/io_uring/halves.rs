//! The two halves of a lane: a receiver or sender for each flow.

use std::{io, net::TcpStream, os::fd::OwnedFd};

use tickcert_results::certificate::OrderChannel;

use super::{Config, receive::Receiver, send::Sender};
use crate::{
    api::{Flow, Frame, Interest, Link, OpenError, Role, Rx, Segments, Tx, TxError, TxToken},
    kernel::{datagram, stream},
};

/// Receives this end's incoming flows. Belongs to the thread that first polls it.
pub struct UringRx {
    /// The trader has market data coming in, the exchange doesn't.
    ticks: Option<Receiver>,
    orders: Receiver,
}

impl Rx for UringRx {
    #[inline]
    fn poll(&mut self, interest: Interest, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        match (interest, &mut self.ticks) {
            (Interest::Ticks, Some(ticks)) => ticks.poll(budget, on_frame),
            (Interest::Ticks, None) => Ok(0),
            (Interest::Orders, _) => self.orders.poll(budget, on_frame),
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if let Some(ticks) = &self.ticks {
            note("ticks_receive", ticks.describe());
        }
        note("orders_receive", self.orders.describe());
    }
}

/// Sends this end's outgoing flows. Belongs to the thread that first sends with it.
pub struct UringTx {
    ticks: Option<Sender>,
    orders: Sender,
    stream: Option<TcpStream>,
}

impl Tx for UringTx {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match (flow, &mut self.ticks) {
            (Flow::Ticks, Some(ticks)) => ticks.send(len, fill),
            (Flow::Ticks, None) => {
                Err(TxError::Io(io::Error::new(io::ErrorKind::Unsupported, "only the exchange sends ticks")))
            }
            (Flow::Orders, _) => self.orders.send(len, fill),
        }
    }

    fn flush(&mut self) -> Result<(), TxError> {
        self.orders.send_rest()
    }

    fn segments(&self) -> Option<Segments> {
        stream::segments(self.stream.as_ref()?, self.orders.sent())
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if let Some(ticks) = &self.ticks {
            note("ticks_send", ticks.describe());
        }
        note("orders_send", self.orders.describe());
    }
}

/// Opens the sockets of this end as the lanes over kernel sockets do, and puts rings around them.
pub(super) fn open(config: &Config, link: &Link, role: Role) -> Result<(UringRx, UringTx), OpenError> {
    let (ticks_in, ticks_out) = match role {
        Role::Exchange => (None, Some(Sender::new(config, datagram::ticks_out(link)?.into())?)),
        Role::Trader => {
            let socket = datagram::ticks_in(link)?.into();
            (Some(Receiver::new(config, socket, Flow::Ticks, false)?), None)
        }
    };
    let (socket, stream): (OwnedFd, _) = match config.orders {
        OrderChannel::Datagram => (datagram::orders_of(link, role)?.into(), None),
        OrderChannel::Tcp => {
            let stream = stream::open(link, role)?;
            (stream.try_clone()?.into(), Some(stream))
        }
    };
    let orders = Receiver::new(config, socket.try_clone()?, Flow::Orders, stream.is_some())?;
    let replies = Sender::new(config, socket)?;
    Ok((UringRx { ticks: ticks_in, orders }, UringTx { ticks: ticks_out, orders: replies, stream }))
}
