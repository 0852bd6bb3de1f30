//! The rule that follows a symbol through a threshold; see [`super::Strategy::Threshold`].

use super::{TraderError, config, followed::Known};
use crate::{
    book::{Top, Update},
    feed::itch::{Price4, Side, Stock},
};

/// The rule, which is the same for every symbol.
#[derive(Clone, Debug)]
pub(super) struct Threshold {
    step: u32,
    pub(super) quantity: u32,
}

/// An order that the strategy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) side: Side,
    pub(super) symbol: Stock,
    pub(super) price: Price4,
}

impl Threshold {
    pub(super) fn new(threshold: Price4, quantity: u32) -> Result<Self, TraderError> {
        if threshold.0 == 0 {
            return Err(TraderError::Threshold);
        }
        Ok(Self { step: threshold.0, quantity: config::check_quantity(quantity)? })
    }

    /// Looks at what a message did to the book of `symbol`, and says which order it wants, if any.
    #[inline]
    pub(super) fn decide(&self, symbol: &mut Known, update: &Update, top: impl FnOnce() -> Top) -> Option<(Wish, Top)> {
        let price = |level: Option<crate::book::Level>| level.map(|l| l.price);
        let best = price(update.new_best);
        if best == price(update.old_best) {
            return None;
        }
        let anchor = match update.side {
            Side::Buy => &mut symbol.bid_anchor,
            Side::Sell => &mut symbol.ask_anchor,
        };
        let (Some(best), Some(from)) = (best, *anchor) else {
            *anchor = best;
            return None;
        };
        let (away, through) = match update.side {
            Side::Buy => (best < from, best.0 >= from.0.saturating_add(self.step)),
            Side::Sell => (best > from, best.0 <= from.0.saturating_sub(self.step)),
        };
        if away || through {
            *anchor = Some(best);
        }
        if !through {
            return None;
        }
        let top = top();
        let opposite = match update.side {
            Side::Buy => top.ask,
            Side::Sell => top.bid,
        };
        Some((Wish { side: update.side, symbol: symbol.name, price: price(opposite).unwrap_or(best) }, top))
    }
}
