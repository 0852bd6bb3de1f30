//! The two halves of a lane over a device of frames.

use std::io;

use super::port::{FramePort, FrameRx, FrameTx};
use crate::api::{Flow, Frame, Interest, Rx, Segments, Tx, TxError, TxToken};
use tickcert_results::time::Ticks;

/// Receives this end's incoming flows.
pub struct RawRx<P: FramePort> {
    port: P::Rx,
}

impl<P: FramePort> Rx for RawRx<P> {
    #[inline]
    fn poll(&mut self, _interest: Interest, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        self.port.receive(budget, |bytes, meta| on_frame(Frame { flow: Flow::Ticks, bytes, meta }))
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.port.facts(note);
    }
}

/// Sends this end's outgoing flows.
pub struct RawTx<P: FramePort> {
    port: P::Tx,
}

impl<P: FramePort> Tx for RawTx<P> {
    #[inline]
    fn send(&mut self, _flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        self.port.transmit(len, fill)
    }

    fn flush(&mut self) -> Result<(), TxError> {
        self.port.kick()
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Ticks)) {
        self.port.stamps(on_stamp);
    }

    fn segments(&self) -> Option<Segments> {
        None
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.port.facts(note);
    }
}
