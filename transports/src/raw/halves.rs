//! The two halves of a lane over a device of frames, with orders on either channel: chosen when opened, looked at once
//! a call.

use std::io;

use tickcert_results::stamp::Stamp;

use super::{
    datagram::{DatagramRx, DatagramTx},
    port::{FramePort, FrameRx, FrameTx},
    tcp::{TcpRx, TcpTx},
};
use crate::api::{Flow, Frame, Interest, Rx, Segments, Tx, TxError, TxToken};

/// Receives this end's incoming flows.
pub struct RawRx<P: FramePort> {
    pub(super) port: P::Rx,
    pub(super) flows: FlowsIn<P::Tx>,
}

/// What is made of the frames.
pub(super) enum FlowsIn<X: FrameTx> {
    Datagram(DatagramRx),
    Tcp(TcpRx<X>),
}

impl<P: FramePort> Rx for RawRx<P> {
    #[inline]
    fn poll(&mut self, interest: Interest, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        match &mut self.flows {
            FlowsIn::Datagram(flows) => flows.poll(&mut self.port, interest, budget, on_frame),
            FlowsIn::Tcp(flows) => flows.poll(&mut self.port, interest, budget, on_frame),
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.port.facts(note);
        match &self.flows {
            FlowsIn::Datagram(flows) => flows.facts(note),
            FlowsIn::Tcp(flows) => flows.facts(note),
        }
    }
}

/// Sends this end's outgoing flows.
pub struct RawTx<P: FramePort>(pub(super) FlowsOut<P::Tx>);

/// What frames are made of. A TCP connection needs the device for its receiving half too, so it has it.
pub(super) enum FlowsOut<X: FrameTx> {
    Datagram(DatagramTx<X>),
    Tcp(TcpTx<X>),
}

impl<P: FramePort> Tx for RawTx<P> {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match &mut self.0 {
            FlowsOut::Datagram(flows) => flows.send(flow, len, fill),
            FlowsOut::Tcp(flows) => flows.send(flow, len, fill),
        }
    }

    #[inline]
    fn flush(&mut self) -> Result<(), TxError> {
        match &mut self.0 {
            FlowsOut::Datagram(flows) => flows.flush(),
            FlowsOut::Tcp(flows) => flows.flush(),
        }
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        match &mut self.0 {
            FlowsOut::Datagram(flows) => flows.port_mut().stamps(on_stamp),
            FlowsOut::Tcp(flows) => flows.with_port(|port| port.stamps(on_stamp)),
        }
    }

    fn segments(&self) -> Option<Segments> {
        match &self.0 {
            FlowsOut::Datagram(_) => None,
            FlowsOut::Tcp(flows) => Some(flows.segments()),
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        match &self.0 {
            FlowsOut::Datagram(flows) => flows.port().facts(note),
            FlowsOut::Tcp(flows) => flows.with_port(|port| port.facts(note)),
        }
    }
}
