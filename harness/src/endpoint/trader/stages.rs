//! What is stamped on the way of a tick: only its arrival and the order's departure, or the end of every stage too.

use tickcert_probes::clocks::tsc;
use tickcert_results::time::Ticks;
use tickcert_scenarios::trader::{Stage, StageProbe};

use crate::endpoint::samples::Departure;

/// A probe that ends in a [`Departure`], perhaps in another thread than it began in.
pub(super) trait Record: StageProbe + Copy + Default + Send + Sync + 'static {
    /// A tick has arrived.
    fn arrived(&mut self, at: Ticks);
    /// The tick has crossed the queue to the thread that decides.
    fn handed_off(&mut self);
    /// The order has crossed the one to the thread that sends.
    fn handed_over(&mut self);
    /// The order's bytes are complete.
    fn encoded(&mut self);
    /// The lane has taken the order.
    fn departed(&mut self, at: Ticks) -> Departure;
}

/// Arrival and departure only; what the stages do between them is compiled as if there were no probe.
#[derive(Clone, Copy, Default)]
pub(super) struct Plain(u64);

impl StageProbe for Plain {
    #[inline(always)]
    fn stamp(&mut self, _stage: Stage) {}
}

impl Record for Plain {
    #[inline]
    fn arrived(&mut self, at: Ticks) {
        self.0 = at.raw();
    }

    #[inline(always)]
    fn handed_off(&mut self) {}

    #[inline(always)]
    fn handed_over(&mut self) {}

    #[inline(always)]
    fn encoded(&mut self) {}

    #[inline]
    fn departed(&mut self, at: Ticks) -> Departure {
        let mut departure = Departure::default();
        departure.stamps[Departure::ARRIVAL] = self.0;
        departure.stamps[Departure::DEPARTURE] = at.raw();
        departure
    }
}

/// The end of every stage. A packet with several messages overwrites the stamps of the earlier ones, so decode, book
/// and decide are those of the message that caused the order, and the time of the earlier messages counts as decode.
#[derive(Clone, Copy, Default)]
pub(super) struct Staged(Departure);

impl StageProbe for Staged {
    #[inline]
    fn stamp(&mut self, stage: Stage) {
        self.0.stamps[stage as usize] = tsc::now().raw();
    }
}

impl Record for Staged {
    #[inline]
    fn arrived(&mut self, at: Ticks) {
        self.0.stamps = [0; _];
        self.0.stamps[Departure::ARRIVAL] = at.raw();
    }

    #[inline]
    fn handed_off(&mut self) {
        self.stamp(Stage::HandOff);
    }

    #[inline]
    fn handed_over(&mut self) {
        self.stamp(Stage::HandOver);
    }

    #[inline]
    fn encoded(&mut self) {
        self.stamp(Stage::Encode);
    }

    #[inline]
    fn departed(&mut self, at: Ticks) -> Departure {
        self.0.stamps[Departure::DEPARTURE] = at.raw();
        self.0
    }
}
