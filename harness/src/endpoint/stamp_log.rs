//! Stamps on their way to the parent: which frame has which name, what came for the names, and what came with the frames
//! received. Storage is allocated and touched before the timed loop, and written after it, beside the samples.

use std::{
    collections::HashSet,
    fs,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use tickcert_results::{
    stamp::{Lock, Stamp, StampClock},
    time::Ticks,
};
use tickcert_transports::api::{RxMeta, TxToken};

use super::records::Records;

/// The stamps beside a file of samples.
#[must_use]
pub fn beside(samples: &Path) -> PathBuf {
    samples.with_extension("stamps")
}

/// What came with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The device's stamp.
    pub hw: Option<Stamp>,
    /// The kernel's.
    pub kernel: Option<Stamp>,
}

impl From<RxMeta> for Received {
    fn from(meta: RxMeta) -> Self {
        Self { hw: meta.hw, kernel: meta.kernel }
    }
}

/// A frame whose stamps were asked for when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// At the exchange the packet's number through all passes, at the trader the order's in the order of departure.
    pub frame: u32,
    /// What the lane calls it.
    pub token: TxToken,
}

/// A stamp of a frame that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// What the lane calls the frame.
    pub token: TxToken,
    /// The stamp.
    pub stamp: Stamp,
    /// When the endpoint was given it, by the time-stamp counter.
    pub seen: u64,
}

/// Stamps for each frame at most this many times: of the device and of the kernel, each twice.
const PER_FRAME: usize = 4;

/// All that one end logs.
pub struct StampLog {
    sent: Vec<Sent>,
    received: Vec<Received>,
    came: Vec<Came>,
    /// The names of frames for which a stamp of hardware has come.
    stamped: HashSet<TxToken>,
    overflowed: u64,
}

/// What stands in storage that nothing was written to.
const NOBODY: Sent = Sent { frame: u32::MAX, token: TxToken(u32::MAX) };

impl StampLog {
    /// Room for so many frames sent, and the stamps of so many received.
    #[must_use]
    pub fn with_room(sent: usize, received: usize) -> Self {
        let stamp = Stamp::new(Ticks::MIN, StampClock::Kernel);
        let came = Came { token: NOBODY.token, stamp, seen: 0 };
        let mut log = Self {
            sent: vec![NOBODY; sent],
            received: vec![Received { hw: Some(stamp), kernel: None }; received],
            came: vec![came; sent * PER_FRAME],
            stamped: HashSet::with_capacity(sent),
            overflowed: 0,
        };
        // Touched by now; what is given back of a vector stays its own.
        log.sent.clear();
        log.received.fill(Received::default());
        log.came.clear();
        log
    }

    /// A frame was handed to the lane.
    #[inline]
    pub fn sent(&mut self, frame: usize, token: TxToken) {
        let sent = Sent { frame: u32::try_from(frame).unwrap_or(u32::MAX), token };
        if self.sent.push_within_room(sent).is_err() {
            self.overflowed += 1;
        }
    }

    /// What came with the frame that is received as this number.
    #[inline]
    pub fn received(&mut self, frame: usize, what: Received) {
        if let Some(slot) = self.received.get_mut(frame) {
            *slot = what;
        }
    }

    /// A stamp has come.
    pub fn came(&mut self, came: Came) {
        // A stream's own segments have names too, which nobody asked about. Names rise; nothing is allocated here.
        let is_of_ours = self.sent.binary_search_by_key(&came.token, |sent| sent.token).is_ok();
        if is_of_ours && came.stamp.clock.is_hardware() && self.stamped.len() < self.sent.len() {
            self.stamped.insert(came.token);
        }
        if self.came.push_within_room(came).is_err() {
            self.overflowed += 1;
        }
    }

    /// How many frames have been sent.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.sent.len()
    }

    /// How many stamps have come.
    #[must_use]
    pub const fn stamps(&self) -> usize {
        self.came.len()
    }

    /// Frames for which no stamp of hardware has come yet, however often one came for others.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.sent.len().saturating_sub(self.stamped.len())
    }

    /// What found no room.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(fs::File::create(path)?);
        for n in [self.sent.len(), self.received.len(), self.came.len()] {
            out.write_all(&(n as u64).to_le_bytes())?;
        }
        for sent in &self.sent {
            out.write_all(&sent.frame.to_le_bytes())?;
            out.write_all(&sent.token.0.to_le_bytes())?;
        }
        for received in &self.received {
            put(&mut out, received.hw)?;
            put(&mut out, received.kernel)?;
        }
        for came in &self.came {
            out.write_all(&came.token.0.to_le_bytes())?;
            put(&mut out, Some(came.stamp))?;
            out.write_all(&came.seen.to_le_bytes())?;
        }
        out.flush()
    }
}

/// [`Vec::push`] that never asks for memory.
trait PushWithinRoom<T> {
    fn push_within_room(&mut self, value: T) -> Result<(), T>;
}

impl<T> PushWithinRoom<T> for Vec<T> {
    #[inline]
    fn push_within_room(&mut self, value: T) -> Result<(), T> {
        if self.len() == self.capacity() {
            return Err(value);
        }
        self.push(value);
        Ok(())
    }
}

/// Bytes of a stamp in a file: its time, and its clock and lock; all zero for none.
const STAMP: usize = 12;

fn put(out: &mut impl Write, stamp: Option<Stamp>) -> io::Result<()> {
    let (at, clock) = stamp.map_or((0, 0), |s| (s.at.raw(), code(s.clock, s.lock)));
    out.write_all(&at.to_le_bytes())?;
    out.write_all(&clock.to_le_bytes())
}

/// Clock and lock in four bytes: the lock in the lowest two bits, the kind in two more, a clock's number above.
fn code(clock: StampClock, lock: Lock) -> u32 {
    let lock = match lock {
        Lock::Unknown => 0,
        Lock::Locked => 1,
        Lock::Unlocked => 2,
    };
    let clock = match clock {
        StampClock::Phc(number) => number << 2 | 1,
        StampClock::Device => 2,
        StampClock::Kernel => 3,
    };
    clock << 2 | lock
}

fn stamp(bytes: &[u8]) -> Option<Stamp> {
    let at = bytes.first_chunk().map(|b| u64::from_le_bytes(*b)).and_then(Ticks::new)?;
    let code = bytes.get(8..).and_then(|b| b.first_chunk()).map(|b| u32::from_le_bytes(*b))?;
    let lock = match code & 3 {
        0 => Lock::Unknown,
        1 => Lock::Locked,
        2 => Lock::Unlocked,
        _ => return None,
    };
    let clock = match code >> 2 & 3 {
        1 => StampClock::Phc(code >> 4),
        2 => StampClock::Device,
        3 => StampClock::Kernel,
        _ => return None,
    };
    Some(Stamp { at, clock, lock })
}

const HEADER: usize = 24;
const SENT: usize = 8;
const RECEIVED: usize = 2 * STAMP;
const CAME: usize = 4 + STAMP + 8;

/// What [`StampLog::write`] wrote; it stays in the file and is read block by block.
pub struct StampSamples {
    sent: Records<SENT>,
    received: Records<RECEIVED>,
    came: Records<CAME>,
}

impl StampSamples {
    /// Looks how many there are.
    ///
    /// # Errors
    /// When the file can't be read, or is cut short.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut header = [0; HEADER];
        fs::File::open(path)?.read_exact(&mut header)?;
        let [sent, received, came] = [0, 8, 16]
            .map(|at| header.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word)));
        let place = |from: u64, n: u64, size: usize| n.checked_mul(size as u64).and_then(|len| from.checked_add(len));
        let too_many = || io::Error::new(io::ErrorKind::UnexpectedEof, "the stamps are cut short");
        let after_sent = place(HEADER as u64, sent, SENT).ok_or_else(too_many)?;
        let after_received = place(after_sent, received, RECEIVED).ok_or_else(too_many)?;
        Ok(Self {
            sent: Records::new(path, HEADER as u64, sent)?,
            received: Records::new(path, after_sent, received)?,
            came: Records::new(path, after_received, came)?,
        })
    }

    /// Every frame sent, in order.
    ///
    /// # Errors
    /// When the file can't be read any more.
    pub fn sent(&self) -> io::Result<Vec<Sent>> {
        let mut all = Vec::new();
        self.sent.each(|r| all.push(Sent { frame: number(r, 0), token: TxToken(number(r, 4)) }))?;
        Ok(all)
    }

    /// What came with each frame received, by its number.
    ///
    /// # Errors
    /// As [`Self::sent`].
    pub fn received(&self) -> io::Result<Vec<Received>> {
        let mut all = Vec::new();
        self.received.each(|r| {
            let (hw, kernel) = r.split_at(STAMP);
            all.push(Received { hw: stamp(hw), kernel: stamp(kernel) });
        })?;
        Ok(all)
    }

    /// Every stamp of a frame sent, in the order in which they came.
    ///
    /// # Errors
    /// As [`Self::sent`].
    pub fn came(&self) -> io::Result<Vec<Came>> {
        let mut all = Vec::new();
        self.came.each(|r| {
            let seen = r.get(4 + STAMP..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b));
            let stamp = r.get(4..4 + STAMP).and_then(stamp);
            all.extend(stamp.map(|stamp| Came { token: TxToken(number(r, 0)), stamp, seen }));
        })?;
        Ok(all)
    }
}

/// The four bytes at `at`, which the record holds.
fn number(record: &[u8], at: usize) -> u32 {
    record.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |n| u32::from_le_bytes(*n))
}

#[cfg(test)]
#[path = "stamp_log_tests.rs"]
mod tests;
