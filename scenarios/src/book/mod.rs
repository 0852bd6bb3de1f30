//! Full-depth order books, one per symbol, rebuilt from ITCH messages.
//!
//! All memory is taken when a [`Book`] is made. What exceeds the stated capacity is held all the same, at the price of
//! an allocation that [`Book::grew`] counts. A feed joined in mid-day refers to orders that were never seen: such
//! messages are counted in [`BookStats`] and change nothing. Locked and crossed books are ordinary.

mod ladder;
mod orders;
mod types;

pub use types::{BookCapacity, BookStats, Level, Top, Update};

use crate::feed::itch::{Price4, Side};
use ladder::Ladder;
use orders::{OrderStore, Resting};

/// The books of all symbols.
#[derive(Debug)]
pub struct Book {
    orders: OrderStore,
    /// By locate: one more than the place in `symbols`, 0 for none yet.
    places: Box<[u32]>,
    symbols: Vec<SymbolBook>,
    /// How many of `symbols` have a locate.
    taken: usize,
    levels: usize,
    /// What belongs to an earlier generation is as good as cleared.
    generation: u32,
    grew: u64,
    stats: BookStats,
}

#[derive(Debug)]
struct SymbolBook {
    locate: u16,
    generation: u32,
    bids: Ladder,
    asks: Ladder,
}

impl SymbolBook {
    fn new(levels: usize) -> Self {
        Self { locate: 0, generation: 0, bids: Ladder::new(Side::Buy, levels), asks: Ladder::new(Side::Sell, levels) }
    }

    const fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    #[inline]
    const fn side_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

impl Book {
    /// Empty books, with their memory taken and touched.
    #[must_use]
    pub fn new(capacity: BookCapacity) -> Self {
        let mut symbols = Vec::new();
        symbols.resize_with(capacity.locates.min(1 << 16), || SymbolBook::new(capacity.levels));
        Self {
            orders: OrderStore::new(capacity.orders),
            places: vec![0; 1 << 16].into(),
            symbols,
            taken: 0,
            levels: capacity.levels,
            generation: 1,
            grew: 0,
            stats: BookStats::default(),
        }
    }

    /// Empties all books at once, in a time that does not depend on what they hold, and starts the counts over.
    pub fn clear(&mut self) {
        self.orders.clear();
        self.stats = BookStats::default();
        if let Some(next) = self.generation.checked_add(1) {
            self.generation = next;
        } else {
            // After four billion passes the stamps start over.
            for symbol in &mut self.symbols {
                symbol.generation = 0;
            }
            self.generation = 1;
        }
    }

    /// A new order. `None` when it was ignored: its reference is a live order's, or it has no shares.
    #[inline]
    pub fn add(&mut self, locate: u16, reference: u64, side: Side, shares: u32, price: Price4) -> Option<Update> {
        let place = self.place(locate);
        if !self.insert(reference, shares, price, place, Some(side)) {
            return None;
        }
        let ladder = self.symbol(place)?.side_mut(side);
        let old_best = ladder.best();
        ladder.add(price, shares);
        let new_best = ladder.best();
        Some(Update { locate, side, price, old_best, new_best })
    }

    /// An execution at the order's own price, or at another: takes shares from a resting order, and the order away
    /// with the last of them. `None` when no live order has the reference.
    #[inline]
    pub fn execute(&mut self, reference: u64, shares: u32) -> Option<Update> {
        self.reduce(reference, shares)
    }

    /// A partial cancel; otherwise as [`Book::execute`].
    #[inline]
    pub fn cancel(&mut self, reference: u64, shares: u32) -> Option<Update> {
        self.reduce(reference, shares)
    }

    #[inline]
    fn reduce(&mut self, reference: u64, shares: u32) -> Option<Update> {
        let Some(order) = self.orders.get_mut(reference) else {
            self.stats.unknown += 1;
            return None;
        };
        if shares >= order.shares {
            self.stats.excess += u64::from(shares > order.shares);
            return self.delete(reference);
        }
        order.shares -= shares;
        let order = *order;
        self.change(&order, |ladder| ladder.reduce(order.price, shares))
    }

    /// Takes an order away. `None` when no live order has the reference.
    #[inline]
    pub fn delete(&mut self, reference: u64) -> Option<Update> {
        let Some(order) = self.orders.remove(reference) else {
            self.stats.unknown += 1;
            return None;
        };
        self.change(&order, |ladder| {
            ladder.remove(order.price, order.shares);
        })
    }

    /// Takes an order away and adds another in its stead, on the same side of the same symbol. `None` when no live
    /// order has the old reference. A new reference that is another live order's, and a new order of no shares, are
    /// counted and the new order is not added; the old one is gone all the same.
    #[inline]
    pub fn replace(&mut self, old: u64, new: u64, shares: u32, price: Price4) -> Option<Update> {
        let Some(order) = self.orders.remove(old) else {
            self.stats.unknown += 1;
            self.insert(new, shares, price, 0, None);
            return None;
        };
        let added = self.insert(new, shares, price, order.place, order.side);
        let update = self.change(&order, |ladder| {
            ladder.remove(order.price, order.shares);
            if added {
                ladder.add(price, shares);
            }
        })?;
        Some(if added { Update { price, ..update } } else { update })
    }

    /// Puts an order in the store; false when it was ignored, and counted.
    #[inline]
    fn insert(&mut self, reference: u64, shares: u32, price: Price4, place: u16, side: Option<Side>) -> bool {
        if shares == 0 {
            self.stats.empty += 1;
            return false;
        }
        let order = Resting { price, shares, place, side };
        let inserted = self.orders.insert(reference, order);
        self.stats.duplicates += u64::from(!inserted);
        inserted
    }

    /// Changes the ladder that a live order stands in, and says what that did to the best level.
    #[inline]
    fn change(&mut self, order: &Resting, change: impl FnOnce(&mut Ladder)) -> Option<Update> {
        let Some(side) = order.side else {
            self.stats.orphans += 1;
            return None;
        };
        let symbol = self.symbol(order.place)?;
        let locate = symbol.locate;
        let ladder = symbol.side_mut(side);
        let old_best = ladder.best();
        change(ladder);
        let new_best = ladder.best();
        Some(Update { locate, side, price: order.price, old_best, new_best })
    }

    /// Best bid and offer of a symbol.
    #[must_use]
    #[inline]
    pub fn top(&self, locate: u16) -> Top {
        self.live(locate).map_or_else(Top::default, |symbol| Top { bid: symbol.bids.best(), ask: symbol.asks.best() })
    }

    /// Levels of one side of a symbol, best first.
    pub fn depth(&self, locate: u16, side: Side) -> impl Iterator<Item = Level> {
        self.live(locate).into_iter().flat_map(move |symbol| symbol.side(side).levels())
    }

    /// Live orders of all symbols.
    #[must_use]
    pub const fn live_orders(&self) -> usize {
        self.orders.len()
    }

    /// The least capacity that would have held everything so far: what to give a book that is to see the same ticks.
    /// A smaller book is a faster one, for more of it stays in the caches.
    #[must_use]
    pub fn peak(&self) -> BookCapacity {
        let levels = self.symbols.iter().map(|s| s.bids.peak().max(s.asks.peak())).max();
        BookCapacity { orders: self.orders.peak(), levels: levels.unwrap_or(0), locates: self.taken }
    }

    /// Times that the capacity was exceeded, so that memory was taken while running. Not started over by
    /// [`Book::clear`].
    #[must_use]
    pub fn grew(&self) -> u64 {
        self.grew + self.orders.grew() + self.symbols.iter().map(|s| s.bids.grew() + s.asks.grew()).sum::<u64>()
    }

    /// What could not be made sense of since the last [`Book::clear`].
    #[must_use]
    pub const fn stats(&self) -> BookStats {
        self.stats
    }

    /// The book of a symbol, if it has had an order since the last clearing.
    fn live(&self, locate: u16) -> Option<&SymbolBook> {
        let place = self.places.get(usize::from(locate))?.checked_sub(1)?;
        self.symbols.get(place as usize).filter(|symbol| symbol.generation == self.generation)
    }

    /// Where the symbol's book is; a symbol never seen gets the next free one.
    #[inline]
    fn place(&mut self, locate: u16) -> u16 {
        match self.places.get(usize::from(locate)) {
            #[expect(clippy::cast_possible_truncation, reason = "there are at most 65,536 places")]
            Some(&place) if place > 0 => (place - 1) as u16,
            _ => self.new_place(locate),
        }
    }

    #[cold]
    fn new_place(&mut self, locate: u16) -> u16 {
        let taken = self.taken;
        self.taken += 1;
        if taken >= self.symbols.len() {
            self.grew += 1;
            self.symbols.push(SymbolBook::new(self.levels));
        }
        if let Some(symbol) = self.symbols.get_mut(taken) {
            symbol.locate = locate;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 65,535 others are taken")]
        let place = taken as u16;
        if let Some(slot) = self.places.get_mut(usize::from(locate)) {
            *slot = u32::from(place) + 1;
        }
        place
    }

    /// A symbol's book, cleared if it is of an earlier generation.
    #[inline]
    fn symbol(&mut self, place: u16) -> Option<&mut SymbolBook> {
        let symbol = self.symbols.get_mut(usize::from(place))?;
        if symbol.generation != self.generation {
            symbol.generation = self.generation;
            symbol.bids.clear();
            symbol.asks.clear();
        }
        Some(symbol)
    }
}

#[cfg(test)]
mod tests;
