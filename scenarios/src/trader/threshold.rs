//! The strategy that follows one symbol through a threshold; see [`super::Strategy::Threshold`].

use super::{SymbolChoice, TraderError, config};
use crate::{
    book::{Top, Update},
    feed::itch::{Price4, Side, Stock},
};

/// The symbol followed: what was configured, and what was learnt.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Named; its locate is not known yet.
    Named(Stock),
    /// By locate; its name is not known yet.
    Numbered(u16),
    /// Both known.
    Known(u16, Stock),
}

/// Anchors of both sides of one symbol.
#[derive(Clone, Debug)]
pub(super) struct Threshold {
    choice: Target,
    target: Target,
    step: u32,
    pub(super) quantity: u32,
    bid_anchor: Option<Price4>,
    ask_anchor: Option<Price4>,
}

/// An order that the strategy wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) side: Side,
    pub(super) symbol: Stock,
    pub(super) price: Price4,
}

impl Threshold {
    pub(super) fn new(symbol: &SymbolChoice, threshold: Price4, quantity: u32) -> Result<Self, TraderError> {
        let choice = match symbol {
            SymbolChoice::Name(name) => Target::Named(config::stock(name)?),
            SymbolChoice::Locate(locate) => Target::Numbered(*locate),
        };
        if threshold.0 == 0 {
            return Err(TraderError::Threshold);
        }
        let quantity = config::check_quantity(quantity)?;
        Ok(Self { choice, target: choice, step: threshold.0, quantity, bid_anchor: None, ask_anchor: None })
    }

    /// As at the start of a pass: what was learnt is forgotten too, so that all passes are alike.
    pub(super) const fn reset(&mut self) {
        self.target = self.choice;
        self.bid_anchor = None;
        self.ask_anchor = None;
    }

    /// A message has named the stock of a locate.
    #[inline]
    pub(super) fn learn(&mut self, locate: u16, stock: Stock) {
        match self.target {
            Target::Known(..) => {}
            Target::Named(name) if name == stock => self.target = Target::Known(locate, stock),
            Target::Numbered(number) if number == locate => {
                self.target = Target::Known(locate, stock);
            }
            Target::Named(_) | Target::Numbered(_) => {}
        }
    }

    /// True for the symbol followed, once it is known.
    #[inline]
    pub(super) const fn follows(&self, locate: u16) -> bool {
        matches!(self.target, Target::Known(known, _) if known == locate)
    }

    /// Looks at what a message did to the book, and says which order it wants, if any.
    #[inline]
    pub(super) fn decide(&mut self, update: &Update, top: impl FnOnce() -> Top) -> Option<(Wish, Top)> {
        let Target::Known(locate, symbol) = self.target else {
            return None;
        };
        let price = |level: Option<crate::book::Level>| level.map(|l| l.price);
        let best = price(update.new_best);
        if locate != update.locate || best == price(update.old_best) {
            return None;
        }
        let anchor = match update.side {
            Side::Buy => &mut self.bid_anchor,
            Side::Sell => &mut self.ask_anchor,
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
        Some((Wish { side: update.side, symbol, price: price(opposite).unwrap_or(best) }, top))
    }
}
