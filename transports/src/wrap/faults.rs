//! Faults on purpose: a [`Tx`] that loses, repeats or spoils what it sends, so that a method which should find such
//! things can be shown to find them.

use serde::{Deserialize, Serialize};
use tickcert_results::time::Ticks;

use crate::api::{Flow, Segments, Tx, TxError, TxToken};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The frame is not sent, and the sender is told that it was.
    Lose,
    /// The frame is sent twice.
    Duplicate,
    /// The last byte of the frame is changed.
    Corrupt,
}

/// One fault in so many frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// What goes wrong.
    pub fault: Fault,
    /// With every how-manieth frame of the orders' flow; 0 is never.
    pub every: u32,
}

/// A [`Tx`] with faults in its orders' flow; market data passes untouched.
pub struct Faulty<T> {
    inner: T,
    plan: Option<FaultPlan>,
    frames: u32,
    injected: u64,
}

impl<T: Tx> Faulty<T> {
    /// Wraps a lane's sending half; with no plan it only passes on.
    pub const fn new(inner: T, plan: Option<FaultPlan>) -> Self {
        Self { inner, plan, frames: 0, injected: 0 }
    }

    /// How many faults there have been.
    #[must_use]
    pub const fn injected(&self) -> u64 {
        self.injected
    }

    fn due(&mut self, flow: Flow) -> Option<Fault> {
        let plan = self.plan?;
        if flow != Flow::Orders || plan.every == 0 {
            return None;
        }
        self.frames += 1;
        if self.frames < plan.every {
            return None;
        }
        self.frames = 0;
        self.injected += 1;
        Some(plan.fault)
    }
}

impl<T: Tx> Tx for Faulty<T> {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match self.due(flow) {
            None => self.inner.send(flow, len, fill),
            Some(Fault::Lose) => Ok(TxToken(0)),
            Some(Fault::Corrupt) => self.inner.send(flow, len, |frame| {
                fill(frame);
                if let Some(last) = frame.last_mut() {
                    *last ^= 0x01;
                }
            }),
            Some(Fault::Duplicate) => {
                let mut copy = vec![0; len];
                self.inner.send(flow, len, |frame| {
                    fill(frame);
                    copy.copy_from_slice(frame);
                })?;
                self.inner.send(flow, len, |frame| frame.copy_from_slice(&copy))
            }
        }
    }

    fn flush(&mut self) -> Result<(), TxError> {
        self.inner.flush()
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Ticks)) {
        self.inner.stamps(on_stamp);
    }

    fn segments(&self) -> Option<Segments> {
        self.inner.segments()
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.inner.facts(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Sink(Vec<Vec<u8>>);
    impl Tx for Sink {
        fn send(&mut self, _flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
            let mut frame = vec![0; len];
            fill(&mut frame);
            self.0.push(frame);
            Ok(TxToken(0))
        }
    }

    fn orders_sent_with(fault: Fault) -> Vec<Vec<u8>> {
        let mut tx = Faulty::new(Sink::default(), Some(FaultPlan { fault, every: 2 }));
        for n in 0..4_u8 {
            tx.send(Flow::Orders, 2, |f| f.copy_from_slice(&[n, 0])).unwrap();
        }
        tx.inner.0
    }

    #[test]
    fn every_second_order_is_lost_repeated_or_spoilt_and_no_other() {
        assert_eq!(orders_sent_with(Fault::Lose), [[0, 0], [2, 0]]);
        assert_eq!(orders_sent_with(Fault::Duplicate), [[0, 0], [1, 0], [1, 0], [2, 0], [3, 0], [3, 0]]);
        assert_eq!(orders_sent_with(Fault::Corrupt), [[0, 0], [1, 1], [2, 0], [3, 1]]);
    }

    #[test]
    fn market_data_is_never_touched() {
        let mut tx = Faulty::new(Sink::default(), Some(FaultPlan { fault: Fault::Lose, every: 1 }));
        tx.send(Flow::Ticks, 1, |f| f[0] = 7).unwrap();
        assert_eq!(tx.inner.0, [[7]]);
    }
}
