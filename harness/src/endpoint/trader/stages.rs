//! What is stamped on the way of a tick: only its arrival and the order's departure, or the end of every stage too.

use tickcert_probes::clocks::tsc;
use tickcert_results::time::Ticks;
use tickcert_scenarios::trader::{Stage, StageProbe};

use crate::endpoint::samples::Departure;

/// A probe that ends in a [`Departure`].
pub(super) trait Record: StageProbe {
    /// A tick has arrived.
    fn arrived(&mut self, at: Ticks);
    /// The order's bytes are complete.
    fn encoded(&mut self);
    /// The lane has taken the order.
    fn departed(&mut self, at: Ticks) -> Departure;
}

/// Arrival and departure only; what the stages do between them is compiled as if there were no probe.
#[derive(Default)]
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
#[derive(Default)]
pub(super) struct Staged(Departure);

impl StageProbe for Staged {
    #[inline]
    fn stamp(&mut self, stage: Stage) {
        let place = match stage {
            Stage::Decode => 1,
            Stage::Book => 2,
            Stage::Decide => 3,
            Stage::Risk => 4,
            // The lane's and the hand-off's ends are stamped by the loop itself.
            Stage::Rx | Stage::HandOff | Stage::Encode | Stage::Tx => return,
        };
        self.0.stamps[place] = tsc::now().raw();
    }
}

impl Record for Staged {
    #[inline]
    fn arrived(&mut self, at: Ticks) {
        self.0.stamps = [0; _];
        self.0.stamps[Departure::ARRIVAL] = at.raw();
    }

    #[inline]
    fn encoded(&mut self) {
        self.0.stamps[5] = tsc::now().raw();
    }

    #[inline]
    fn departed(&mut self, at: Ticks) -> Departure {
        self.0.stamps[Departure::DEPARTURE] = at.raw();
        self.0
    }
}
