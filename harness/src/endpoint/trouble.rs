//! Delays on purpose: known truths for the self-test. In a certification none of this exists.

use tickcert_probes::clocks::tsc;
use tickcert_results::time::{Nanos, TickScale};

use super::control::Injection;

/// Reads of the clock that the calibration of the busy delay takes.
const READS: u64 = 1000;

/// What goes wrong in a trader.
pub(super) struct Trouble {
    busy: u64,
    block: usize,
    stall: Option<Stall>,
}

impl Trouble {
    /// `None` when nothing is to go wrong.
    pub(super) fn new(injection: &Injection, scale: TickScale) -> Option<Self> {
        let stall = Stall::new(injection.stall, injection.stall_every, scale);
        (injection.busy > Nanos::ZERO || stall.is_some()).then(|| Self {
            // A spin ends at the first reading not before its end, half a read late on average.
            busy: scale.ticks(injection.busy).saturating_sub(ticks_per_read() / 2),
            block: injection.busy_blocks as usize,
            stall,
        })
    }

    /// Before the order of this number is sent.
    #[inline]
    pub(super) fn burn(&mut self, order: usize) {
        let now = tsc::now().raw();
        self.look(now);
        let in_odd_block = order.checked_div(self.block).is_none_or(|block| block % 2 == 1);
        if self.busy > 0 && in_odd_block {
            spin_until(now + self.busy);
        }
    }

    /// Stalls if it is time to.
    pub(super) fn look(&mut self, now: u64) {
        if let Some(stall) = &mut self.stall {
            stall.look(now);
        }
    }
}

/// A stop of a given length, again and again.
pub(super) struct Stall {
    length: u64,
    every: u64,
    next: Option<u64>,
}

impl Stall {
    pub(super) fn new(length: Nanos, every: Nanos, scale: TickScale) -> Option<Self> {
        (length > Nanos::ZERO).then(|| Self { length: scale.ticks(length), every: scale.ticks(every), next: None })
    }

    #[inline]
    pub(super) fn look(&mut self, now: u64) {
        let next = *self.next.get_or_insert(now + self.every);
        if now >= next {
            self.next = Some(next + self.every);
            spin_until(now + self.length);
        }
    }
}

/// Watches the clock until it reads `until`.
#[inline]
pub(super) fn spin_until(until: u64) {
    while tsc::arrival().raw() < until {}
}

fn ticks_per_read() -> u64 {
    let before = tsc::now().raw();
    for _ in 0..READS {
        std::hint::black_box(tsc::arrival());
    }
    (tsc::now().raw() - before) / READS
}
