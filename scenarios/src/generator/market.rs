//! The books that the generated messages act on, kept so that every message is true.

use std::collections::{BTreeMap, VecDeque};

use super::dice::Dice;
use crate::feed::itch::Side;

/// A resting order. Prices are whole cents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) reference: u64,
    pub(super) symbol: u16,
    pub(super) side: Side,
    pub(super) cents: u32,
    pub(super) shares: u32,
    /// Where it stands in its symbol's list of live orders.
    place: usize,
}

/// Orders of one price, first come first.
#[derive(Debug, Default)]
struct Level {
    /// Slot and reference; an entry whose slot holds another reference is dead.
    queue: VecDeque<(usize, u64)>,
    live: usize,
}

/// One symbol.
#[derive(Debug, Default)]
struct Book {
    bids: BTreeMap<u32, Level>,
    asks: BTreeMap<u32, Level>,
    /// Slots of its live orders, in no order.
    live: Vec<usize>,
}

impl Book {
    const fn levels(&mut self, side: Side) -> &mut BTreeMap<u32, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn best(&self, side: Side) -> Option<(u32, usize)> {
        let best = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        best.map(|(&cents, level)| (cents, level.live))
    }
}

/// All books.
#[derive(Debug)]
pub(super) struct Market {
    books: Vec<Book>,
    /// `None` for a free slot.
    orders: Vec<Option<Order>>,
    free: Vec<usize>,
    adds: u64,
}

impl Market {
    pub(super) fn new(symbols: u16) -> Self {
        Self { books: (0..symbols).map(|_| Book::default()).collect(), orders: Vec::new(), free: Vec::new(), adds: 0 }
    }

    /// Live orders of all symbols.
    pub(super) const fn live(&self) -> usize {
        self.orders.len() - self.free.len()
    }

    /// Live orders of one symbol.
    pub(super) fn live_of(&self, symbol: u16) -> usize {
        self.books.get(usize::from(symbol)).map_or(0, |book| book.live.len())
    }

    /// Best price in cents, and how many orders stand there.
    pub(super) fn best(&self, symbol: u16, side: Side) -> Option<(u32, usize)> {
        self.books.get(usize::from(symbol))?.best(side)
    }

    pub(super) fn order(&self, slot: usize) -> Option<&Order> {
        self.orders.get(slot)?.as_ref()
    }

    /// A new order at the back of its level; gives its reference. References of one symbol are equal modulo 4, as
    /// studies of the real feed report.
    pub(super) fn add(&mut self, symbol: u16, side: Side, cents: u32, shares: u32) -> u64 {
        self.adds += 1;
        let reference = self.adds * 4 + u64::from(symbol % 4);
        let slot = self.free.pop().unwrap_or(self.orders.len());
        if slot == self.orders.len() {
            self.orders.push(None);
        }
        if let (Some(book), Some(entry)) = (self.books.get_mut(usize::from(symbol)), self.orders.get_mut(slot)) {
            *entry = Some(Order { reference, symbol, side, cents, shares, place: book.live.len() });
            book.live.push(slot);
            let level = book.levels(side).entry(cents).or_default();
            level.queue.push_back((slot, reference));
            level.live += 1;
        }
        reference
    }

    /// Takes shares off an order; at none it is gone.
    pub(super) fn reduce(&mut self, slot: usize, shares: u32) {
        let Some(Some(order)) = self.orders.get_mut(slot) else {
            return;
        };
        order.shares = order.shares.saturating_sub(shares);
        if order.shares == 0 {
            self.remove(slot);
        }
    }

    /// Takes an order out.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Order> {
        let order = self.orders.get_mut(slot)?.take()?;
        self.free.push(slot);
        let book = self.books.get_mut(usize::from(order.symbol))?;
        book.live.swap_remove(order.place);
        if let Some(&moved) = book.live.get(order.place)
            && let Some(Some(moved)) = self.orders.get_mut(moved)
        {
            moved.place = order.place;
        }
        let levels = book.levels(order.side);
        let level = levels.get_mut(&order.cents)?;
        level.live -= 1;
        if level.live == 0 {
            levels.remove(&order.cents);
        } else if level.queue.len() > 2 * level.live + 16 {
            let orders = &self.orders;
            level.queue.retain(|&entry| is_live(orders, entry));
        }
        Some(order)
    }

    /// Slot of the order that an execution must hit: the oldest at the best price.
    pub(super) fn front(&mut self, symbol: u16, side: Side) -> Option<usize> {
        let levels = self.books.get_mut(usize::from(symbol))?.levels(side);
        let mut best = match side {
            Side::Buy => levels.last_entry()?,
            Side::Sell => levels.first_entry()?,
        };
        let queue = &mut best.get_mut().queue;
        while let Some(&entry) = queue.front() {
            if is_live(&self.orders, entry) {
                return Some(entry.0);
            }
            queue.pop_front();
        }
        None
    }

    /// Slot of any live order of a symbol.
    pub(super) fn any(&self, symbol: u16, dice: &mut Dice) -> Option<usize> {
        let live = &self.books.get(usize::from(symbol))?.live;
        let place = dice.below(live.len() as u64);
        live.get(usize::try_from(place).ok()?).copied()
    }
}

fn is_live(orders: &[Option<Order>], (slot, reference): (usize, u64)) -> bool {
    matches!(orders.get(slot), Some(Some(order)) if order.reference == reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_the_oldest_live_order_of_the_best_price() {
        let mut market = Market::new(1);
        market.add(0, Side::Buy, 100, 5);
        let oldest = market.add(0, Side::Buy, 101, 5);
        let next = market.add(0, Side::Buy, 101, 5);
        let front = market.front(0, Side::Buy).unwrap();
        assert_eq!(market.order(front).unwrap().reference, oldest);
        market.reduce(front, 5);
        let front = market.front(0, Side::Buy).unwrap();
        assert_eq!(market.order(front).unwrap().reference, next);
        assert_eq!(market.best(0, Side::Buy), Some((101, 1)));
    }

    #[test]
    fn a_slot_that_is_used_again_is_not_taken_for_the_order_that_left_it() {
        let mut market = Market::new(1);
        market.add(0, Side::Sell, 100, 5);
        let kept = market.add(0, Side::Sell, 100, 5);
        let first = market.front(0, Side::Sell).unwrap();
        market.remove(first);
        market.add(0, Side::Sell, 100, 5);
        let front = market.front(0, Side::Sell).unwrap();
        assert_eq!(market.order(front).unwrap().reference, kept);
        assert_eq!(market.live(), 2);
    }
}
