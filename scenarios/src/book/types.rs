//! What goes into a book and what comes out of it.

use serde::{Deserialize, Serialize};

use crate::feed::itch::{Price4, Side};

/// How much a book holds without allocating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BookCapacity {
    /// Live orders, of all symbols together; 48 bytes each.
    pub orders: usize,
    /// Price levels on each side of each symbol; 16 bytes each.
    pub levels: usize,
    /// Symbols that have a book.
    pub locates: usize,
}

impl Default for BookCapacity {
    /// For some dozens of symbols at the open: 15 MB.
    fn default() -> Self {
        Self { orders: 1 << 18, levels: 1024, locates: 64 }
    }
}

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its price.
    pub price: Price4,
    /// Shares of all its orders.
    pub shares: u64,
    /// How many orders.
    pub orders: u32,
}

/// Best bid and offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// Highest price to buy at.
    pub bid: Option<Level>,
    /// Lowest price to sell at.
    pub ask: Option<Level>,
}

/// What a message did to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The symbol.
    pub locate: u16,
    /// The side. The other one stayed as it was.
    pub side: Side,
    /// Limit of the order concerned; after a replace, of the new one.
    pub price: Price4,
    /// Best level of the side before.
    pub old_best: Option<Level>,
    /// Best level of the side after.
    pub new_best: Option<Level>,
}

impl Update {
    /// True when the best level changed in price, shares or orders.
    #[must_use]
    #[inline]
    pub fn top_changed(&self) -> bool {
        self.old_best != self.new_best
    }
}

/// What a book could not make sense of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookStats {
    /// References to no live order.
    pub unknown: u64,
    /// References to live orders that descend from one never seen, by replaces, so that nobody knows their side. They
    /// are followed, but stand in no ladder.
    pub orphans: u64,
    /// New orders under the reference of a live one; the live one stays.
    pub duplicates: u64,
    /// Reductions by more shares than the order had; the order is gone.
    pub excess: u64,
    /// New orders of no shares; ignored.
    pub empty: u64,
}
