//! A device that is only memory: two rings, from each end to the other, which may lose and swap frames on purpose.

use std::{
    collections::VecDeque,
    io, mem,
    sync::{Arc, Mutex},
};

use tickcert_results::{
    stamp::{Stamp, StampClock},
    time::Ticks,
};

use crate::{
    api::{Link, OpenError, Role, RxMeta, TxError, TxToken},
    raw::port::{FramePort, FrameRx, FrameTx},
};

/// Frames that a ring holds.
pub(super) const RING: usize = 512;
const LONGEST: usize = 1518;

/// What goes wrong on the way; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mischief {
    /// Every how-manieth frame is lost.
    pub(super) lose: u32,
    /// Every how-manieth frame overtakes the one before.
    pub(super) swap: u32,
}

type Ring = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// The wire, which is also its own settings.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    to_exchange: Ring,
    to_trader: Ring,
    mischief: Mischief,
}

impl Memory {
    pub(super) fn new(mischief: Mischief) -> Self {
        let ring = || Arc::new(Mutex::new(VecDeque::with_capacity(RING)));
        Self { to_exchange: ring(), to_trader: ring(), mischief }
    }

    fn towards(&self, role: Role) -> &Ring {
        match role {
            Role::Exchange => &self.to_exchange,
            Role::Trader => &self.to_trader,
        }
    }

    /// Puts a frame on the wire, as somebody else would.
    pub(super) fn inject(&self, to: Role, frame: &[u8]) {
        self.towards(to).lock().unwrap().push_back(frame.to_vec());
    }

    /// Takes a frame off the wire before it arrives.
    pub(super) fn intercept(&self, to: Role) -> Option<Vec<u8>> {
        self.towards(to).lock().unwrap().pop_front()
    }
}

impl FramePort for Memory {
    type Config = Self;
    type Rx = MemoryRx;
    type Tx = MemoryTx;

    fn open(config: &Self, _link: &Link, role: Role) -> Result<(MemoryRx, MemoryTx), OpenError> {
        let peer = match role {
            Role::Exchange => Role::Trader,
            Role::Trader => Role::Exchange,
        };
        let ring = Arc::clone(config.towards(peer));
        let tx = MemoryTx { ring, queued: Vec::with_capacity(RING), mischief: config.mischief, frames: 0, left: 0 };
        Ok((MemoryRx(Arc::clone(config.towards(role))), tx))
    }
}

pub(super) struct MemoryRx(Ring);

impl FrameRx for MemoryRx {
    fn receive(&mut self, budget: u32, mut on_frame: impl FnMut(&[u8], RxMeta)) -> io::Result<u32> {
        let mut frames = 0;
        while frames < budget {
            // The ring is free again while the frame is looked at, as a device's is.
            let Some(frame) = self.0.lock().unwrap().pop_front() else { break };
            on_frame(&frame, RxMeta::default());
            frames += 1;
        }
        Ok(frames)
    }
}

/// Frames leave when it is kicked and not before.
pub(super) struct MemoryTx {
    ring: Ring,
    queued: Vec<Vec<u8>>,
    mischief: Mischief,
    frames: u32,
    /// Of those, how many were on their way when it was last asked for stamps.
    left: u32,
}

/// The stamp of the frame of that name.
pub(super) fn stamp_of(name: TxToken) -> Stamp {
    Stamp::new(Ticks::new(1_000_000 + u64::from(name.0)).unwrap(), StampClock::Device)
}

impl FrameTx for MemoryTx {
    fn transmit(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        assert!((60..=LONGEST + 4).contains(&len), "{len} bytes are no frame");
        if self.ring.lock().unwrap().len() + self.queued.len() >= RING {
            return Err(TxError::Full);
        }
        let mut frame = vec![0xee; len];
        fill(&mut frame);
        self.frames += 1;
        let due = |every| every > 0 && self.frames.is_multiple_of(every);
        if !due(self.mischief.lose) {
            let before = self.queued.len().saturating_sub(usize::from(due(self.mischief.swap)));
            self.queued.insert(before, frame);
        }
        Ok(TxToken(self.frames))
    }

    fn kick(&mut self) -> Result<(), TxError> {
        self.ring.lock().unwrap().extend(self.queued.drain(..));
        Ok(())
    }

    fn stamps(&mut self, mut on_stamp: impl FnMut(TxToken, Stamp)) {
        for name in (mem::replace(&mut self.left, self.frames)..self.frames).map(|before| TxToken(before + 1)) {
            on_stamp(name, stamp_of(name));
        }
    }
}
