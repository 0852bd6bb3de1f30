//! Whether an end takes stamps, as a type: without them its loops are compiled as if there were none.
//!
//! Stamps of frames sent come late and cost a call to fetch, so they are fetched when nothing else is to be done: while
//! no order is waited for at the exchange, while no tick comes at the trader. An end that always has something to do
//! fetches them now and then all the same.

use anyhow::Context as _;
use tickcert_probes::clocks::tsc;
use tickcert_results::time::TickScale;
use tickcert_transports::api::{Flow, RxMeta, Tx, TxError};

use super::{
    control::TrialSpec,
    stamp_log::{self, Came, Received, StampLog},
};

/// After so many looks in a row that found nothing, an end looks less often until it sends again.
const DRY_LOOKS: u32 = 64;
/// However busy an end is, it looks so many times within the time after which a stamp is late.
const LOOKS_IN_TIME: u64 = 5;

/// What an end does about stamps.
pub(super) trait Stamps {
    /// What of that which comes with a frame goes with it to whoever keeps it, perhaps in another thread.
    type Carried: Copy + Default + Send + Sync + 'static;

    /// Sends a frame, and asks for its stamps if it is one of those that matter.
    fn send(&mut self, tx: &mut impl Tx, frame: Frame, len: usize, fill: impl FnOnce(&mut [u8]))
    -> Result<(), TxError>;

    /// Of what came with a frame.
    fn carried(meta: RxMeta) -> Self::Carried;

    /// What came with the frame that is now being looked at.
    fn arrived(&mut self, carried: Self::Carried);

    /// That frame is the one that is kept under this number.
    fn keep(&mut self, number: usize);

    /// Frames that matter, sent so far; 0 where nobody counts them.
    fn asked(&self) -> usize;

    /// Fetches stamps if any are wanted; where the end is `busy`, only if it hasn't done so for long.
    fn look(&mut self, tx: &mut impl Tx, busy: bool);

    /// It is over: fetches the last ones until all are there, or could only be late.
    fn drain(&mut self, tx: &mut impl Tx);
}

/// A frame about to be sent.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) flow: Flow,
    /// Its number in the log.
    pub(super) number: usize,
    /// Its number in a pass of the tape; the trader's orders all matter.
    pub(super) in_pass: usize,
}

/// None are taken.
pub(super) struct Unstamped;

impl Stamps for Unstamped {
    type Carried = ();

    #[inline(always)]
    fn send(
        &mut self,
        tx: &mut impl Tx,
        frame: Frame,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), TxError> {
        tx.send(frame.flow, len, fill).map(drop)
    }

    #[inline(always)]
    fn carried(_meta: RxMeta) {}

    #[inline(always)]
    fn arrived(&mut self, (): ()) {}

    #[inline(always)]
    fn keep(&mut self, _number: usize) {}

    #[inline(always)]
    fn asked(&self) -> usize {
        0
    }

    #[inline(always)]
    fn look(&mut self, _tx: &mut impl Tx, _busy: bool) {}

    fn drain(&mut self, _tx: &mut impl Tx) {}
}

/// They are taken.
pub(super) struct Stamped {
    log: StampLog,
    /// By number in a pass, whether it matters; empty where all do.
    matters: Vec<bool>,
    /// Hardware stamps what this end sends.
    hardware: bool,
    arrived: Received,
    dry: u32,
    last_look: u64,
    /// In ticks.
    look_at_least: u64,
    timeout: u64,
}

impl Stamped {
    /// Room for the stamps of so many frames sent and received; `None` where none are to be taken.
    pub(super) fn new(spec: &TrialSpec, sent: usize, received: usize, matters: Vec<bool>) -> Option<Self> {
        let here = spec.link.stamping?.of(spec.role);
        let timeout = spec.scale.ticks(spec.stamp_timeout);
        Some(Self {
            log: StampLog::with_room(sent, received),
            matters,
            hardware: here.transmit,
            arrived: Received::default(),
            dry: 0,
            last_look: tsc::now().raw(),
            look_at_least: timeout / LOOKS_IN_TIME,
            timeout,
        })
    }

    fn fetch(&mut self, tx: &mut impl Tx) {
        let seen = tsc::now().raw();
        let before = self.log.stamps();
        let log = &mut self.log;
        tx.stamps(|token, stamp| log.came(Came { token, stamp, seen }));
        self.last_look = seen;
        self.dry = if self.log.stamps() == before { self.dry.saturating_add(1) } else { 0 };
    }

    /// Writes all that was logged beside the samples; what found no room in the log.
    pub(super) fn write(&self, spec: &TrialSpec) -> anyhow::Result<u64> {
        let path = stamp_log::beside(&spec.samples);
        self.log.write(&path).with_context(|| format!("can't write the stamps {}", path.display()))?;
        Ok(self.log.overflowed())
    }
}

impl Stamps for Stamped {
    type Carried = Received;

    #[inline]
    fn send(
        &mut self,
        tx: &mut impl Tx,
        frame: Frame,
        len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), TxError> {
        if !self.matters.get(frame.in_pass).copied().unwrap_or(true) {
            return tx.send(frame.flow, len, fill).map(drop);
        }
        let token = tx.send_stamped(frame.flow, len, fill)?;
        self.log.sent(frame.number, token);
        self.dry = 0;
        Ok(())
    }

    #[inline]
    fn carried(meta: RxMeta) -> Received {
        meta.into()
    }

    #[inline]
    fn arrived(&mut self, carried: Received) {
        self.arrived = carried;
    }

    #[inline]
    fn keep(&mut self, number: usize) {
        self.log.received(number, self.arrived);
    }

    #[inline]
    fn asked(&self) -> usize {
        self.log.frames()
    }

    #[inline]
    fn look(&mut self, tx: &mut impl Tx, busy: bool) {
        if self.log.outstanding() == 0 {
            return;
        }
        let overdue = tsc::arrival().raw().saturating_sub(self.last_look) > self.look_at_least;
        if overdue || !busy && self.dry < DRY_LOOKS {
            self.fetch(tx);
        }
    }

    fn drain(&mut self, tx: &mut impl Tx) {
        let deadline = tsc::now().raw() + self.timeout;
        self.fetch(tx);
        while self.hardware && self.log.outstanding() > 0 && tsc::now().raw() < deadline {
            self.fetch(tx);
        }
    }
}

/// How often an end that takes stamps must find time for them, at least.
pub(super) fn look_at_least(spec: &TrialSpec, scale: TickScale) -> u64 {
    if spec.link.stamping.is_some() { scale.ticks(spec.stamp_timeout) / LOOKS_IN_TIME } else { u64::MAX }
}
