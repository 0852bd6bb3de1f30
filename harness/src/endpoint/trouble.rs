//! Delays on purpose: known truths for the self-test. In a certification none of this exists.

use std::time::Duration;

use nix::{poll::ppoll, sys::time::TimeSpec};
use tickcert_probes::clocks::tsc;
use tickcert_results::time::{Nanos, TickScale, Ticks};

use super::{control::Injection, phase::Phase, trouble_ffi::FreshPages};

/// Fresh pages are touched, and calls slow, before one order of so many.
const EVERY: usize = 50;

/// What goes wrong in a trader.
pub(super) struct Trouble {
    burn: Option<Burn>,
    block: usize,
    stall: Option<Stall>,
    pages: Option<FreshPages>,
    /// How long the slow calls take.
    calls: Option<TimeSpec>,
}

impl Trouble {
    /// `None` when nothing is to go wrong.
    pub(super) fn new(injection: &Injection, scale: TickScale) -> Option<Self> {
        let stall = Stall::new(injection.stall, injection.stall_every, scale);
        let burn = (injection.busy > Nanos::ZERO).then(|| Burn::calibrated(injection.busy, scale));
        let pages = FreshPages::new(injection.fresh_pages as usize);
        let calls = (injection.slow_calls > Nanos::ZERO).then(|| Duration::from(injection.slow_calls).into());
        let any = burn.is_some() || stall.is_some() || pages.is_some() || calls.is_some();
        any.then_some(Self { burn, block: injection.busy_blocks as usize, stall, pages, calls })
    }

    /// Before the order of this number is sent.
    #[inline]
    pub(super) fn burn(&mut self, order: usize) {
        if let Some(stall) = &mut self.stall {
            stall.look(tsc::now().raw());
        }
        let now_and_then = order % EVERY == EVERY - 1;
        if now_and_then && let Some(pages) = &mut self.pages {
            pages.touch();
        }
        if let Some(long) = self.calls {
            let wait = if now_and_then { long } else { TimeSpec::new(0, 0) };
            // That a signal ends it early is no harm.
            let _ = ppoll(&mut [], Some(wait), None);
        }
        let in_odd_block = order.checked_div(self.block).is_none_or(|block| block % 2 == 1);
        // Read last, and in every block: what lay between this and the spin would be paid by the others and not by it.
        let now = tsc::now().raw();
        if in_odd_block && let Some(burn) = &mut self.burn {
            burn.spin_from(now);
        }
    }

    /// Stalls if it is time to.
    pub(super) fn look(&mut self, now: u64) {
        if let Some(stall) = &mut self.stall {
            stall.look(now);
        }
        if let Some(pages) = &mut self.pages {
            pages.give_back();
        }
    }

    /// When it stalled.
    pub(super) fn stalls(self) -> Vec<Ticks> {
        self.stall.map(Stall::began).unwrap_or_default()
    }
}

/// A spin of a given length.
///
/// A loop that reads the clock can only end on the grid of its own reads, some 20 ns apart, and always on the same points
/// of it, so that 100 ns become 90 or 110: each spin's end is moved by a random part of a step. A send that begins while
/// the loop's last read is still under way gains 20 ns more: the spin ends with a fence. What is left, some 5 ns, is
/// measured before a system call, as the send is one, and taken off.
struct Burn {
    /// From the reading that it starts at to the earliest end.
    ticks: u64,
    /// Between two reads of the loop.
    step: u64,
    phase: Phase,
}

impl Burn {
    /// Spins and batches of the calibration: long enough batches that the clock's own step does not show in them, and
    /// so many that the median is one that nothing disturbed.
    const BATCH: u32 = 32;
    const BATCHES: usize = 101;
    /// Each round corrects what the one before left over.
    const ROUNDS: u32 = 4;
    /// What a spin lasts beyond its end does not depend on its length: longer ones are calibrated by this one.
    const LONGEST: Nanos = Nanos(1_000);

    fn calibrated(wanted: Nanos, scale: TickScale) -> Self {
        let read_in_loop = || {
            std::hint::black_box(tsc::arrival());
        };
        let step = Self::batch(read_in_loop) / u64::from(Self::BATCH);
        let tried = scale.ticks(wanted.min(Self::LONGEST));
        let mut burn = Self { ticks: tried, step, phase: Phase::new(step) };
        let send = || {
            std::hint::black_box(nix::unistd::getppid());
        };
        // What the order that is not delayed pays too.
        let read = || std::hint::black_box(tsc::now()).raw();
        let idle = Self::batch(|| {
            read();
            send();
        });
        for _ in 0..Self::ROUNDS {
            let burnt = Self::batch(|| {
                burn.spin_from(read());
                send();
            });
            let (batch, whole) = (u64::from(Self::BATCH), idle + tried * u64::from(Self::BATCH));
            let (too_long, too_short) = (burnt.saturating_sub(whole), whole.saturating_sub(burnt));
            burn.ticks = (burn.ticks + too_short / batch).saturating_sub(too_long / batch);
        }
        burn.ticks = (scale.ticks(wanted) + burn.ticks).saturating_sub(tried);
        burn
    }

    /// Ticks of a batch, the median.
    fn batch(mut one: impl FnMut()) -> u64 {
        let mut batches = [0; Self::BATCHES];
        for ticks in &mut batches {
            let before = tsc::now().raw();
            for _ in 0..Self::BATCH {
                one();
            }
            *ticks = tsc::now().raw() - before;
        }
        batches.sort_unstable();
        batches[Self::BATCHES / 2]
    }

    #[inline]
    fn spin_from(&mut self, now: u64) {
        spin_until(now + self.ticks + self.phase.within(self.step));
        let _ = tsc::now();
    }
}

/// A stop of a given length, again and again.
pub(super) struct Stall {
    length: u64,
    every: u64,
    next: Option<u64>,
    began: Vec<Ticks>,
}

impl Stall {
    /// More than fit into any trial of the self-test, so that noting them allocates nothing.
    const ROOM: usize = 1024;

    pub(super) fn new(length: Nanos, every: Nanos, scale: TickScale) -> Option<Self> {
        let (length, every) = (scale.ticks(length), scale.ticks(every));
        (length > 0).then(|| Self { length, every, next: None, began: Vec::with_capacity(Self::ROOM) })
    }

    #[inline]
    pub(super) fn look(&mut self, now: u64) {
        let next = *self.next.get_or_insert(now + self.every);
        if now >= next {
            self.next = Some(next + self.every);
            self.began.extend(Ticks::new(now));
            spin_until(now + self.length);
        }
    }

    /// When each began.
    pub(super) fn began(self) -> Vec<Ticks> {
        self.began
    }
}

/// Watches the clock until it reads `until`.
#[inline]
pub(super) fn spin_until(until: u64) {
    while tsc::arrival().raw() < until {}
}
