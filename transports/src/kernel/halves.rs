//! The two halves of a lane over kernel sockets: market data on a UDP socket, orders on whatever the lane has for them.

use std::io;

use tickcert_results::stamp::Stamp;

use crate::{
    api::{Flow, Frame, Interest, Rx, Segments, Tx, TxError, TxToken},
    kernel::datagram::{DatagramRx, TicksOut},
};

/// Where orders, or the answers to them, come in.
pub trait OrdersIn {
    /// As [`Rx::poll`].
    fn poll(&mut self, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32>;
    /// As [`Rx::facts`].
    fn facts(&self, note: &mut dyn FnMut(&'static str, String));
}

/// Where they go out.
pub trait OrdersOut {
    /// As [`Tx::send`].
    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError>;
    /// As [`Tx::flush`].
    fn flush(&mut self) -> Result<(), TxError> {
        Ok(())
    }
    /// As [`Tx::segments`].
    fn segments(&self) -> Option<Segments> {
        None
    }
    /// As [`Tx::stamps`].
    fn stamps(&mut self, _on_stamp: impl FnMut(TxToken, Stamp)) {}
    /// As [`Tx::facts`].
    fn facts(&self, _note: &mut dyn FnMut(&'static str, String)) {}
}

/// Receives this end's incoming flows.
pub struct SocketRx<O> {
    /// The trader has market data coming in, the exchange doesn't.
    pub(crate) ticks: Option<DatagramRx>,
    pub(crate) orders: O,
}

impl<O: OrdersIn> Rx for SocketRx<O> {
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
            note("ticks_receive_buffer", ticks.buffer_granted());
            if let Some(how) = ticks.busy_poll() {
                note("ticks_busy_poll", how);
            }
        }
        self.orders.facts(note);
    }
}

/// Sends this end's outgoing flows.
pub struct SocketTx<O> {
    pub(crate) ticks: Option<TicksOut>,
    pub(crate) orders: O,
}

impl<O: OrdersOut> Tx for SocketTx<O> {
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

    #[inline]
    fn send_stamped(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match (flow, &mut self.ticks) {
            (Flow::Ticks, Some(ticks)) => ticks.send_stamped(len, fill),
            // Whoever sends orders stamps all of them.
            _ => self.send(flow, len, fill),
        }
    }

    fn flush(&mut self) -> Result<(), TxError> {
        self.orders.flush()
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        match &mut self.ticks {
            Some(ticks) => ticks.stamps(on_stamp),
            None => self.orders.stamps(on_stamp),
        }
    }

    fn segments(&self) -> Option<Segments> {
        self.orders.segments()
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        match &self.ticks {
            Some(ticks) => ticks.facts(note),
            None => self.orders.facts(note),
        }
    }
}
