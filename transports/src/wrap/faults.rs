//! Faults on purpose: a [`Tx`] that loses, repeats, spoils, keeps back or refuses what it is to send, so that a method
//! which should find such things can be shown to find them.
//!
//! A fault takes a whole frame. On a byte stream that is a whole packet of the session above, so the stream's framing
//! stands (but for [`Fault::CorruptHead`]), and what is lost, repeated or overtaken is a message. A session's own packets
//! (log-in, heartbeats, the feed's end) go [`Faulty::without_faults`]: a fault that hit one would be no fault in an order
//! or a tick, and the counts would not agree.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tickcert_results::{stamp::Stamp, time::Nanos};

use crate::api::{Flow, Segments, Tx, TxError, TxToken};

/// A frame that is to be overtaken waits this long for the next one, and then goes alone.
const WAIT_FOR_NEXT: Duration = Duration::from_millis(500);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The frame is not sent, and the sender is told that it was.
    Lose,
    /// The frame is sent twice.
    Duplicate,
    /// The last byte of the frame is changed.
    Corrupt,
    /// The first byte of the frame is changed: on a byte stream, what the session above finds its packets by.
    CorruptHead,
    /// The frame is sent after the next one. Where none follows within 500 ms it goes alone, and that is no fault and
    /// not counted. The one that follows is never kept back itself.
    Reorder,
    /// The frame is sent so much later than the sender is told, at the first send or [`Faulty::look`] from then on.
    /// Frames that are sent meanwhile overtake it. One that is still kept back when the sender ends is lost.
    Delay {
        /// How much later.
        by: Nanos,
    },
    /// The sender is told so often that there is no room, and then the frame is sent.
    Full {
        /// How often.
        times: u32,
    },
}

/// One fault in so many frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// What goes wrong.
    pub fault: Fault,
    /// With every how-manieth frame of the flow; 0 is never.
    pub every: u32,
}

/// A [`Tx`] with faults in one of its flows; the other passes untouched. With no plan it costs one comparison;
/// memory is asked for only by faults that need a copy of the frame.
pub struct Faulty<T> {
    inner: T,
    flow: Flow,
    faults: Option<Faults>,
}

impl<T: Tx> Faulty<T> {
    /// Wraps a lane's sending half, of which `flow` gets the faults; with no plan it only passes on.
    pub fn new(inner: T, flow: Flow, plan: Option<FaultPlan>) -> Self {
        Self { inner, flow, faults: plan.filter(|plan| plan.every > 0).map(Faults::new) }
    }

    /// How many faults there have been: frames, however often one of them was refused.
    #[must_use]
    pub fn injected(&self) -> u64 {
        self.faults.as_ref().map_or(0, |faults| faults.injected)
    }

    /// The half itself, for frames that no fault may hit; they are not counted and overtake what is kept back.
    pub const fn without_faults(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Sends what was kept back and is due. To be called now and then while nothing is sent; does nothing where nothing
    /// is kept back.
    ///
    /// # Errors
    /// [`TxError::Io`]; what finds no room stays for the next call.
    pub fn look(&mut self) -> Result<(), TxError> {
        let Some(faults) = self.faults.as_mut().filter(|faults| !faults.held.is_empty()) else { return Ok(()) };
        faults.release(&mut self.inner, self.flow).or_else(TxError::unless_full)?;
        self.inner.flush().or_else(TxError::unless_full)
    }
}

impl<T: Tx> Tx for Faulty<T> {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match &mut self.faults {
            Some(faults) if flow == self.flow => faults.send(&mut self.inner, flow, len, fill),
            _ => self.inner.send(flow, len, fill),
        }
    }

    /// A frame that something is done to has no stamps.
    #[inline]
    fn send_stamped(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match &mut self.faults {
            Some(faults) if flow == self.flow => faults.send(&mut self.inner, flow, len, fill),
            _ => self.inner.send_stamped(flow, len, fill),
        }
    }

    #[inline]
    fn flush(&mut self) -> Result<(), TxError> {
        self.inner.flush()
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        self.inner.stamps(on_stamp);
    }

    fn segments(&self) -> Option<Segments> {
        self.inner.segments()
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.inner.facts(note);
    }
}

/// A plan at work.
struct Faults {
    plan: FaultPlan,
    /// Frames since the last that was hit.
    frames: u32,
    /// How often the present frame was refused.
    refused: u32,
    injected: u64,
    /// In the order in which they are due.
    held: VecDeque<Held>,
}

/// A frame that is kept back.
struct Held {
    /// `None`: as soon as there is room.
    due: Option<Instant>,
    bytes: Vec<u8>,
}

impl Faults {
    const fn new(plan: FaultPlan) -> Self {
        Self { plan, frames: 0, refused: 0, injected: 0, held: VecDeque::new() }
    }

    /// A frame counts when it was taken: a sender that is told of no room comes again with the same one.
    #[cold]
    fn send(
        &mut self,
        tx: &mut impl Tx,
        flow: Flow,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<TxToken, TxError> {
        // First what is due, so that nothing overtakes it that need not.
        self.release(tx, flow)?;
        let Some(fault) = self.due() else {
            let token = tx.send(flow, len, fill)?;
            self.frames = self.frames.saturating_add(1);
            self.overtaken();
            self.release(tx, flow).or_else(TxError::unless_full)?;
            return Ok(token);
        };
        let token = match fault {
            Fault::Lose => TxToken(0),
            Fault::Corrupt | Fault::CorruptHead => tx.send(flow, len, |frame| {
                fill(frame);
                let byte = if fault == Fault::Corrupt { frame.last_mut() } else { frame.first_mut() };
                if let Some(byte) = byte {
                    *byte ^= 0x01;
                }
            })?,
            Fault::Duplicate => {
                let mut copy = vec![0; len];
                let token = tx.send(flow, len, |frame| {
                    fill(frame);
                    copy.copy_from_slice(frame);
                })?;
                self.held.push_back(Held { due: None, bytes: copy });
                self.release(tx, flow).or_else(TxError::unless_full)?;
                token
            }
            Fault::Reorder => self.hold(WAIT_FOR_NEXT, len, fill),
            Fault::Delay { by } => self.hold(by.into(), len, fill),
            Fault::Full { times } if self.refused < times => {
                self.refused += 1;
                return Err(TxError::Full);
            }
            Fault::Full { .. } => tx.send(flow, len, fill)?,
        };
        self.frames = 0;
        self.refused = 0;
        // Whether a frame is overtaken is known only when it is.
        self.injected += u64::from(fault != Fault::Reorder);
        Ok(token)
    }

    /// What is to go wrong with the next frame.
    fn due(&self) -> Option<Fault> {
        let to_overtake = self.plan.fault == Fault::Reorder && !self.held.is_empty();
        (self.frames.saturating_add(1) >= self.plan.every && !to_overtake).then_some(self.plan.fault)
    }

    fn hold(&mut self, time: Duration, len: usize, fill: impl FnOnce(&mut [u8])) -> TxToken {
        let mut bytes = vec![0; len];
        fill(&mut bytes);
        self.held.push_back(Held { due: Some(Instant::now() + time), bytes });
        TxToken(0)
    }

    /// A frame has passed: one that waited for it needs wait no longer.
    fn overtaken(&mut self) {
        if self.plan.fault == Fault::Reorder
            && let Some(held) = self.held.front_mut()
        {
            held.due = None;
            self.injected += 1;
        }
    }

    /// Sends what is due.
    fn release(&mut self, tx: &mut impl Tx, flow: Flow) -> Result<(), TxError> {
        while let Some(held) = self.held.front().filter(|h| h.due.is_none_or(|due| Instant::now() >= due)) {
            tx.send(flow, held.bytes.len(), |frame| frame.copy_from_slice(&held.bytes))?;
            self.held.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
