//! What crosses the two queues, with the stamps taken so far.

use tickcert_results::time::Nanos;
use tickcert_scenarios::{
    feed::itch::{Price4, Side, Stock},
    order_entry::Order,
    trader::{Change, Event},
};

/// What a message of the feed says, for the thread that decides.
#[derive(Clone, Copy)]
pub(super) struct ToDecide<P, C> {
    pub(super) event: Event,
    pub(super) probe: P,
    /// What came with the tick's frame.
    pub(super) carried: C,
}

/// An order, for the thread that sends.
#[derive(Clone, Copy)]
pub(super) struct ToSend<P, C> {
    pub(super) order: Order,
    pub(super) probe: P,
    pub(super) carried: C,
}

/// What the places of a queue hold before they hold anything.
impl<P: Default, C: Default> Default for ToDecide<P, C> {
    fn default() -> Self {
        let event = Event { time: Nanos::ZERO, sequence: 0, change: Change::Packet };
        Self { event, probe: P::default(), carried: C::default() }
    }
}

impl<P: Default, C: Default> Default for ToSend<P, C> {
    fn default() -> Self {
        let (symbol, price) = (Stock([b' '; 8]), Price4(0));
        let order = Order { user_ref_num: 0, side: Side::Buy, quantity: 0, symbol, price };
        Self { order, probe: P::default(), carried: C::default() }
    }
}
