//! Stamps that nobody took, around any lane: known truths, and faults on purpose, so that whoever counts the good and the
//! bad ones can be shown to count right. In a certification none of this exists.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use tickcert_results::{
    stamp::{Stamp, StampClock},
    time::{Nanos, Ticks},
};

use crate::api::{Flow, Frame, Interest, RECEIVED_STAMPS_OF_ZERO, Rx, STAMPS_OF_ZERO, Segments, Tx, TxError, TxToken};

/// A stale stamp is so much older than it should be: of another trial.
const STALE: Duration = Duration::from_secs(600);

/// What goes wrong with a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StampFault {
    /// It never comes.
    Missing,
    /// It comes so much later. Of a frame that is received nothing comes later than the frame: it has none.
    Late {
        /// How much.
        by: Nanos,
    },
    /// It comes twice. Of a frame that is received only one can come: it is as it should be.
    Duplicate,
    /// It is of a time long before the frame.
    Stale,
    /// It is a zero.
    Zero,
}

/// What is wrong with one stamp in so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampFaults {
    /// What is.
    pub fault: StampFault,
    /// With every how-manieth frame; 0 is never.
    pub every: u32,
}

/// Made-up stamps of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FakeStamps {
    /// Which clock they pretend to be of; it shows the system's time.
    pub clock: StampClock,
    /// What goes wrong with those of frames sent.
    pub tx: Option<StampFaults>,
    /// What goes wrong with those of frames received.
    pub rx: Option<StampFaults>,
}

/// Counts to the next fault.
#[derive(Clone, Copy, Debug)]
struct Turn {
    faults: Option<StampFaults>,
    frames: u32,
    zeros: u64,
}

impl Turn {
    const fn new(faults: Option<StampFaults>) -> Self {
        Self { faults, frames: 0, zeros: 0 }
    }

    /// What is wrong with the stamp of the next frame.
    fn next(&mut self) -> Option<StampFault> {
        self.frames = self.frames.saturating_add(1);
        let due = self.faults.filter(|f| f.every > 0 && self.frames >= f.every)?;
        self.frames = 0;
        self.zeros += u64::from(due.fault == StampFault::Zero);
        Some(due.fault)
    }

    fn note(&self, name: &'static str, note: &mut dyn FnMut(&'static str, String)) {
        if self.zeros > 0 {
            note(name, self.zeros.to_string());
        }
    }
}

/// The system's time, so much earlier.
fn stamp(clock: StampClock, earlier: Duration) -> Option<Stamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.checked_sub(earlier)?;
    Some(Stamp::new(Ticks::new(u64::try_from(now.as_nanos()).ok()?)?, clock))
}

/// A sending half whose frames have made-up stamps; without a plan they have the lane's own.
pub struct FakeTx<T> {
    inner: T,
    fake: Option<Made>,
}

struct Made {
    clock: StampClock,
    turn: Turn,
    token: u32,
    /// In the order of the frames; the first is not always the first to come.
    coming: VecDeque<(Instant, TxToken, Stamp)>,
}

impl<T: Tx> FakeTx<T> {
    /// Wraps a lane's sending half.
    pub fn new(inner: T, plan: Option<FakeStamps>) -> Self {
        let made =
            |plan: FakeStamps| Made { clock: plan.clock, turn: Turn::new(plan.tx), token: 0, coming: VecDeque::new() };
        Self { inner, fake: plan.map(made) }
    }
}

impl Made {
    fn make(&mut self) -> TxToken {
        self.token = self.token.wrapping_add(1);
        let (token, fault, now) = (TxToken(self.token), self.turn.next(), Instant::now());
        let earlier = if fault == Some(StampFault::Stale) { STALE } else { Duration::ZERO };
        let Some(stamp) = stamp(self.clock, earlier) else { return token };
        match fault {
            Some(StampFault::Missing | StampFault::Zero) => {}
            Some(StampFault::Late { by }) => self.coming.push_back((now + by.into(), token, stamp)),
            Some(StampFault::Duplicate) => self.coming.extend([(now, token, stamp); 2]),
            Some(StampFault::Stale) | None => self.coming.push_back((now, token, stamp)),
        }
        token
    }

    fn hand_over(&mut self, mut on_stamp: impl FnMut(TxToken, Stamp)) {
        let now = Instant::now();
        self.coming.retain(|(due, token, stamp)| {
            let wait = *due > now;
            if !wait {
                on_stamp(*token, *stamp);
            }
            wait
        });
    }
}

impl<T: Tx> Tx for FakeTx<T> {
    #[inline]
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        self.inner.send(flow, len, fill)
    }

    #[inline]
    fn send_stamped(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        match &mut self.fake {
            None => self.inner.send_stamped(flow, len, fill),
            Some(fake) => self.inner.send(flow, len, fill).map(|_| fake.make()),
        }
    }

    #[inline]
    fn flush(&mut self) -> Result<(), TxError> {
        self.inner.flush()
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        match &mut self.fake {
            None => self.inner.stamps(on_stamp),
            Some(fake) => fake.hand_over(on_stamp),
        }
    }

    fn segments(&self) -> Option<Segments> {
        self.inner.segments()
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.inner.facts(note);
        if let Some(fake) = &self.fake {
            fake.turn.note(STAMPS_OF_ZERO, note);
        }
    }
}

/// A receiving half whose frames have made-up stamps; without a plan they have the lane's own.
pub struct FakeRx<R> {
    inner: R,
    /// Frames of either flow have a turn of their own.
    fake: Option<(StampClock, [Turn; 2])>,
}

impl<R: Rx> FakeRx<R> {
    /// Wraps a lane's receiving half.
    pub fn new(inner: R, plan: Option<FakeStamps>) -> Self {
        Self { inner, fake: plan.map(|plan| (plan.clock, [Turn::new(plan.rx); 2])) }
    }
}

impl<R: Rx> Rx for FakeRx<R> {
    #[inline]
    fn poll(&mut self, interest: Interest, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        let fake = &mut self.fake;
        self.inner.poll(interest, budget, |mut frame| {
            if let Some((clock, turns)) = fake {
                let turn = &mut turns[usize::from(frame.flow == Flow::Orders)];
                frame.meta.hw = match turn.next() {
                    Some(StampFault::Missing | StampFault::Zero | StampFault::Late { .. }) => None,
                    Some(StampFault::Stale) => stamp(*clock, STALE),
                    Some(StampFault::Duplicate) | None => stamp(*clock, Duration::ZERO),
                };
            }
            on_frame(frame);
        })
    }

    #[inline]
    fn rest(&self) {
        self.inner.rest();
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        self.inner.facts(note);
        if let Some((_, [ticks, orders])) = &self.fake {
            let both = Turn { zeros: ticks.zeros + orders.zeros, ..*ticks };
            both.note(RECEIVED_STAMPS_OF_ZERO, note);
        }
    }
}

#[cfg(test)]
#[path = "fake_stamps_tests.rs"]
mod tests;
