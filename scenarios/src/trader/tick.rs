//! One tick after the other.

use super::{Decider, Decoder, NoProbe, StageProbe, TraderConfig, TraderError, TraderStats, stats::TickOutcome};
use crate::{book::Book, order_entry::Order};

/// The trader, but for the lane, in one thread: both halves, with nothing between them.
#[derive(Debug)]
pub struct Trader {
    decoder: Decoder,
    decider: Decider,
}

impl Trader {
    /// A trader that expects the feed's first message and numbers its orders from 1.
    ///
    /// # Errors
    /// [`TraderError`] for a configuration that makes no sense.
    pub fn new(config: &TraderConfig) -> Result<Self, TraderError> {
        Ok(Self { decoder: Decoder::new(config), decider: Decider::new(config)? })
    }

    /// Takes one tick, the payload of a datagram, and calls `send` for each order that it causes, from inside. Nothing
    /// that the bytes may hold is an error: what cannot be read is counted.
    #[inline]
    pub fn on_tick<P: StageProbe>(
        &mut self,
        packet: &[u8],
        probe: &mut P,
        mut send: impl FnMut(&Order, &mut P),
    ) -> TickOutcome {
        let decider = &mut self.decider;
        self.decoder.on_tick(packet, probe, |event, probe| decider.on_event(event, probe, &mut send))
    }

    /// Orders of a tick for who wants no stamps.
    #[inline]
    pub fn on_tick_unprobed(&mut self, packet: &[u8], mut send: impl FnMut(&Order)) -> TickOutcome {
        self.on_tick(packet, &mut NoProbe, |order, _| send(order))
    }

    /// What was seen and done so far.
    #[must_use]
    pub const fn stats(&self) -> TraderStats {
        self.decoder.stats().with_decisions(self.decider.stats())
    }

    /// The books; `None` for a strategy that has none.
    #[must_use]
    pub const fn book(&self) -> Option<&Book> {
        self.decider.book()
    }

    /// Messages that referred to orders never seen.
    #[must_use]
    pub fn unknown_references(&self) -> u64 {
        self.decider.unknown_references()
    }

    /// UserRefNum of the last order; 0 before the first.
    #[must_use]
    pub const fn last_user_ref_num(&self) -> u32 {
        self.decider.last_user_ref_num()
    }
}
