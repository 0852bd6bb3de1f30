//! Where a symbol's value goes, and at which prices its orders come and go.

use super::Events;
use crate::feed::itch::Side;

/// Fair values lie in this range at first, in cents, and move within half and twice their beginning.
pub(super) const FAIR_FROM: u32 = 1_000;
pub(super) const FAIR_TO: u32 = 40_000;
/// A symbol's fair value moves by a cent at one in so many of its messages.
const STEP_EVERY: u32 = 4;
/// Orders that compete at the best price before others queue behind it.
const TOUCH_QUEUE: usize = 2;

impl Events {
    /// The symbol's fair value takes a step now and then.
    pub(super) fn walk(&mut self, symbol: u16) {
        if !self.dice.chance(1, STEP_EVERY) {
            return;
        }
        let up = self.dice.chance(1, 2);
        if let Some((fair, first)) = self.fair.get_mut(usize::from(symbol)) {
            let stepped = if up { *fair + 1 } else { *fair - 1 };
            *fair = stepped.clamp(*first / 2, *first * 2);
        }
    }

    pub(super) fn fair(&self, symbol: u16) -> u32 {
        self.fair.get(usize::from(symbol)).map_or(FAIR_FROM, |&(fair, _)| fair)
    }

    /// The side whose best price the fair value has left behind: where executions and withdrawals come. Either where
    /// neither is; the other where that one is empty.
    pub(super) fn pressed(&mut self, symbol: u16) -> Side {
        let fair = self.fair(symbol);
        let bid = self.market.best(symbol, Side::Buy).map(|(cents, _)| cents);
        let ask = self.market.best(symbol, Side::Sell).map(|(cents, _)| cents);
        match (bid, ask) {
            (Some(_), None) => Side::Buy,
            (None, _) => Side::Sell,
            (Some(bid), Some(_)) if bid >= fair => Side::Buy,
            (Some(_), Some(ask)) if ask <= fair => Side::Sell,
            _ => self.side(),
        }
    }

    pub(super) fn side(&mut self) -> Side {
        if self.dice.chance(1, 2) { Side::Buy } else { Side::Sell }
    }

    /// A price that does not cross: near the fair value where few compete for the best price, else behind it.
    pub(super) fn price(&mut self, symbol: u16, side: Side, competes: bool) -> u32 {
        let fair = self.fair(symbol);
        let away = 1 + self.dice.below_u32(2);
        let near = match side {
            Side::Buy => fair.saturating_sub(away),
            Side::Sell => fair + away,
        };
        let near = self.uncrossed(symbol, side, near);
        let Some((best, queue)) = self.market.best(symbol, side) else {
            return near;
        };
        if competes && (near != best || queue < TOUCH_QUEUE) {
            return near;
        }
        // Depth grows with the book, so that levels stay short and the touch can move through them.
        let live = u32::try_from(self.market.live_of(symbol)).unwrap_or(u32::MAX);
        let behind = 2 + self.dice.below_u32(live.clamp(40, fair / 2));
        match side {
            Side::Buy => best.saturating_sub(behind).max(1),
            Side::Sell => best + behind,
        }
    }

    /// Offers never come near a cent (see [`FAIR_FROM`]), so a bid below one is always possible.
    pub(super) fn uncrossed(&self, symbol: u16, side: Side, cents: u32) -> u32 {
        let opposite = self.market.best(symbol, side.opposite()).map(|(cents, _)| cents);
        match (side, opposite) {
            (Side::Buy, Some(ask)) => cents.min(ask.saturating_sub(1)).max(1),
            (Side::Sell, Some(bid)) => cents.max(bid + 1),
            (_, None) => cents.max(1),
        }
    }
}
