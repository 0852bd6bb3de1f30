//! The two halves of an end: which flow goes over which stream. Ticks, orders and answers have a queue pair each, so that none
//! waits behind another and no end has to sort what comes.

use std::io;

use tickcert_results::stamp::Stamp;

use super::{managed::Managed, raw_port::RawPort, receiver::Receiver, sender::Sender};
use crate::{
    api::{Flow, Frame, Interest, Rx, Segments, Tx, TxError, TxToken},
    raw::{RawRx, RawTx},
};

/// Receives this end's incoming flows.
pub struct RdmaRx(pub(super) In);

#[expect(clippy::large_enum_variant, reason = "there is one of them in a process, at hand")]
pub(super) enum In {
    Streams(StreamsIn),
    Frames(RawRx<RawPort>),
}

pub(super) struct StreamsIn {
    /// The trader has market data coming in, the exchange doesn't.
    pub(super) ticks: Option<Receiver>,
    pub(super) orders: Receiver,
    pub(super) about: Vec<(&'static str, String)>,
    /// Keeps connections up that were made by the connection manager.
    pub(super) _managed: Option<Managed>,
}

impl Rx for RdmaRx {
    #[inline]
    fn poll(&mut self, interest: Interest, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        match (&mut self.0, interest) {
            (In::Streams(StreamsIn { ticks: Some(ticks), .. }), Interest::Ticks) => {
                ticks.poll(budget, |bytes, meta| on_frame(Frame { flow: Flow::Ticks, bytes, meta }))
            }
            (In::Streams(StreamsIn { ticks: None, .. }), Interest::Ticks) => Ok(0),
            (In::Streams(StreamsIn { orders, .. }), Interest::Orders) => {
                orders.poll(budget, |bytes, meta| on_frame(Frame { flow: Flow::Orders, bytes, meta }))
            }
            (In::Frames(rx), interest) => rx.poll(interest, budget, on_frame),
        }
    }

    /// A device writes what is looked at, or the kernel in its place: neither waits for this processor to let go of it.
    #[inline]
    fn rest(&self) {}

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        match &self.0 {
            In::Streams(StreamsIn { ticks, orders, about, .. }) => {
                about.iter().for_each(|(name, value)| note(name, value.clone()));
                if let Some(ticks) = ticks {
                    note("ticks_receive", ticks.describe());
                }
                note("orders_receive", orders.describe());
            }
            In::Frames(rx) => rx.facts(note),
        }
    }
}

/// Sends this end's outgoing flows.
pub struct RdmaTx(pub(super) Out);

#[expect(clippy::large_enum_variant, reason = "there is one of them in a process, at hand")]
pub(super) enum Out {
    Streams(StreamsOut),
    Frames(RawTx<RawPort>),
}

pub(super) struct StreamsOut {
    /// The exchange sends market data, the trader doesn't.
    pub(super) ticks: Option<Sender>,
    pub(super) orders: Sender,
}

impl Tx for RdmaTx {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match (&mut self.0, flow) {
            (Out::Streams(StreamsOut { orders, .. }), Flow::Orders) => orders.send(len, fill).map(TxToken),
            (Out::Streams(StreamsOut { ticks: Some(ticks), .. }), Flow::Ticks) => ticks.send(len, fill).map(TxToken),
            (Out::Streams(StreamsOut { ticks: None, .. }), Flow::Ticks) => Err(no_ticks()),
            (Out::Frames(tx), flow) => tx.send(flow, len, fill),
        }
    }

    #[inline]
    fn flush(&mut self) -> Result<(), TxError> {
        match &mut self.0 {
            Out::Streams(_) => Ok(()),
            Out::Frames(tx) => tx.flush(),
        }
    }

    /// Of the flow that this end is stamped by: ticks of the exchange's, orders of the trader's.
    fn stamps(&mut self, mut on_stamp: impl FnMut(TxToken, Stamp)) {
        match &mut self.0 {
            Out::Streams(StreamsOut { ticks, orders }) => {
                ticks.as_mut().unwrap_or(orders).take_stamps(|number, stamp| on_stamp(TxToken(number), stamp));
            }
            Out::Frames(tx) => tx.stamps(on_stamp),
        }
    }

    fn segments(&self) -> Option<Segments> {
        match &self.0 {
            Out::Streams(_) => None,
            Out::Frames(tx) => tx.segments(),
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        match &self.0 {
            Out::Streams(StreamsOut { ticks, orders }) => {
                if let Some(ticks) = ticks {
                    note("ticks_send", ticks.describe());
                }
                note("orders_send", orders.describe());
            }
            Out::Frames(tx) => tx.facts(note),
        }
    }
}

#[cold]
fn no_ticks() -> TxError {
    TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, "a trader sends no ticks"))
}
