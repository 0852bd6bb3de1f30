//! The two halves of an end: which flow goes through which ring.

use std::io;

use super::ring::{Reader, Writer};
use crate::api::{Flow, Frame, Interest, Rx, RxMeta, Tx, TxError, TxToken};

/// Receives this end's incoming flows.
pub struct ShmRx {
    /// The trader has market data coming in, the exchange doesn't.
    pub(super) ticks: Option<Reader>,
    pub(super) orders: Reader,
}

impl Rx for ShmRx {
    #[inline]
    fn poll(&mut self, interest: Interest, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        let meta = RxMeta::default();
        match (interest, &mut self.ticks) {
            (Interest::Ticks, Some(ring)) => {
                ring.poll(budget, |bytes| on_frame(Frame { flow: Flow::Ticks, bytes, meta }))
            }
            (Interest::Ticks, None) => Ok(0),
            (Interest::Orders, _) => {
                self.orders.poll(budget, |bytes| on_frame(Frame { flow: Flow::Orders, bytes, meta }))
            }
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        note("ring", format!("{} bytes", self.orders.bytes()));
    }
}

/// Sends this end's outgoing flows.
pub struct ShmTx {
    pub(super) ticks: Option<Writer>,
    pub(super) orders: Writer,
    pub(super) sent: u32,
}

impl Tx for ShmTx {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let ring = match (flow, &mut self.ticks) {
            (Flow::Ticks, Some(ring)) => ring,
            (Flow::Ticks, None) => {
                let what = "only the exchange sends ticks";
                return Err(TxError::Io(io::Error::new(io::ErrorKind::Unsupported, what)));
            }
            (Flow::Orders, _) => &mut self.orders,
        };
        ring.send(len, fill)?;
        self.sent = self.sent.wrapping_add(1);
        Ok(TxToken(self.sent))
    }
}
