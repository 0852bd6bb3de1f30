//! The book against a naive one, and the cases that real data brings.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

const SMALL: BookCapacity = BookCapacity { orders: 8, levels: 2, locates: 1 };

fn level(price: u32, shares: u64, orders: u32) -> Option<Level> {
    Some(Level { price: Price4(price), shares, orders })
}

#[test]
fn an_update_gives_the_best_level_before_and_after() {
    let mut book = Book::new(SMALL);
    let first = book.add(7, 1, Side::Buy, 100, Price4(10_000)).unwrap();
    assert_eq!((first.old_best, first.new_best), (None, level(10_000, 100, 1)));
    let better = book.add(7, 2, Side::Buy, 50, Price4(10_100)).unwrap();
    assert_eq!((better.old_best, better.new_best), (level(10_000, 100, 1), level(10_100, 50, 1)));
    let worse = book.add(7, 3, Side::Buy, 50, Price4(9_900)).unwrap();
    assert!(!worse.top_changed());
    let executed = book.execute(2, 20).unwrap();
    assert_eq!((executed.price, executed.new_best), (Price4(10_100), level(10_100, 30, 1)));
    let gone = book.delete(2).unwrap();
    assert_eq!((gone.locate, gone.side, gone.new_best), (7, Side::Buy, level(10_000, 100, 1)));
}

#[test]
fn an_order_whose_last_shares_are_taken_is_gone() {
    let mut book = Book::new(SMALL);
    book.add(1, 1, Side::Sell, 100, Price4(5));
    assert_eq!(book.cancel(1, 100).unwrap().new_best, None);
    assert_eq!((book.delete(1), book.stats().unknown, book.live_orders()), (None, 1, 0));
}

#[test]
fn the_lowest_offer_and_the_highest_bid_are_best_even_when_they_cross() {
    let mut book = Book::new(SMALL);
    for (reference, price) in [(1, 30), (2, 10), (3, 20)] {
        book.add(1, reference, Side::Sell, 1, Price4(price));
        book.add(1, 10 + reference, Side::Buy, 1, Price4(price));
    }
    let top = book.top(1);
    assert_eq!((top.bid, top.ask), (level(30, 1, 1), level(10, 1, 1)));
    assert!(book.depth(1, Side::Sell).map(|l| l.price.0).eq([10, 20, 30]));
    assert!(book.depth(1, Side::Buy).map(|l| l.price.0).eq([30, 20, 10]));
}

#[test]
fn a_replaced_order_keeps_side_and_symbol_and_reports_one_change() {
    let mut book = Book::new(SMALL);
    book.add(3, 1, Side::Buy, 100, Price4(50));
    let update = book.replace(1, 2, 70, Price4(60)).unwrap();
    assert_eq!((update.locate, update.side, update.price), (3, Side::Buy, Price4(60)));
    assert_eq!((update.old_best, update.new_best), (level(50, 100, 1), level(60, 70, 1)));
    let same = book.replace(2, 2, 70, Price4(60)).unwrap();
    assert!(!same.top_changed());
}

#[test]
fn what_makes_no_sense_is_counted_and_changes_nothing() {
    let mut book = Book::new(SMALL);
    book.add(1, 1, Side::Buy, 100, Price4(50));
    let before = book.top(1);
    assert_eq!(book.add(1, 1, Side::Sell, 5, Price4(70)), None);
    assert_eq!(book.add(1, 2, Side::Sell, 0, Price4(70)), None);
    assert_eq!((book.execute(9, 1), book.cancel(9, 1), book.delete(9)), (None, None, None));
    assert_eq!(book.replace(9, 10, 0, Price4(1)), None);
    assert_eq!(book.top(1), before);
    assert_eq!(book.stats(), BookStats { unknown: 4, orphans: 0, duplicates: 1, excess: 0, empty: 2 });
    book.execute(1, 101);
    assert_eq!((book.stats().excess, book.live_orders()), (1, 0));
}

#[test]
fn an_order_that_replaced_an_unknown_one_is_followed_but_stands_in_no_ladder() {
    let mut book = Book::new(SMALL);
    assert_eq!(book.replace(1, 2, 100, Price4(50)), None);
    assert_eq!(book.replace(2, 3, 100, Price4(60)), None);
    assert_eq!((book.execute(3, 40), book.delete(3), book.live_orders()), (None, None, 0));
    assert_eq!((book.stats().unknown, book.stats().orphans), (1, 3));
}

#[test]
fn more_than_the_capacity_is_held_and_counted() {
    let mut book = Book::new(SMALL);
    book.add(1, 1, Side::Buy, 1, Price4(1));
    assert_eq!(book.grew(), 0);
    for n in 2..100_u16 {
        book.add(n, u64::from(n), Side::Buy, 1, Price4(u32::from(n)));
        book.add(1, 1000 + u64::from(n), Side::Buy, 1, Price4(u32::from(n)));
    }
    assert!(book.grew() > 98);
    assert_eq!((book.live_orders(), book.depth(1, Side::Buy).count()), (197, 99));
}

#[test]
fn a_book_of_the_peak_capacity_holds_the_same_again_without_growing() {
    let fill = |book: &mut Book| {
        for n in 0..100 {
            book.add(n % 3, u64::from(n), Side::Sell, 1, Price4(u32::from(n / 6)));
        }
        for reference in 0..50 {
            book.delete(reference);
        }
    };
    let mut small = Book::new(SMALL);
    fill(&mut small);
    assert_eq!(small.peak(), BookCapacity { orders: 100, levels: 17, locates: 3 });
    let mut fitting = Book::new(small.peak());
    fill(&mut fitting);
    assert_eq!(fitting.grew(), 0);
}

#[test]
fn a_cleared_book_is_empty_for_every_symbol_and_holds_as_much_again() {
    let mut book = Book::new(SMALL);
    for _ in 0..3 {
        for reference in 0..8_u32 {
            book.add(5, u64::from(reference), Side::Buy, 1, Price4(reference / 4));
        }
        assert_eq!(book.top(5).bid, level(1, 4, 4));
        book.clear();
        assert_eq!((book.top(5), book.live_orders()), (Top::default(), 0));
        assert_eq!(book.depth(5, Side::Buy).count(), 0);
    }
    assert_eq!(book.grew(), 0);
}

/// Every locate there is may have a book.
#[test]
fn all_locates_have_their_own_book() {
    let mut book = Book::new(BookCapacity { orders: 1 << 16, levels: 0, locates: 0 });
    // A few are enough to see that the places do not collide at either end.
    for locate in [0, 1, 2, u16::MAX - 1, u16::MAX] {
        book.add(locate, u64::from(locate), Side::Sell, 1, Price4(u32::from(locate)));
    }
    assert_eq!(book.top(u16::MAX).ask, level(65_535, 1, 1));
    assert_eq!(book.top(0).ask, level(0, 1, 1));
}

/// What a message says, drawn from so few references and prices that they meet often.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(u16, u64, Side, u32, u32),
    Reduce(u64, u32),
    Delete(u64),
    Replace(u64, u64, u32, u32),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop_oneof![
        8 => (0..3_u16, 0..40_u64, side, 0..50_u32, 0..30_u32).prop_map(|(l, r, s, n, p)| Step::Add(l, r, s, n, p)),
        4 => (0..40_u64, 0..60_u32).prop_map(|(r, n)| Step::Reduce(r, n)),
        3 => (0..40_u64).prop_map(Step::Delete),
        3 => (0..40_u64, 0..40_u64, 0..50_u32, 0..30_u32).prop_map(|(o, r, n, p)| Step::Replace(o, r, n, p)),
        1 => Just(Step::Clear),
    ]
}

/// The same rules with no regard for speed: orders in a map, levels summed when asked for.
#[derive(Default)]
struct Naive(HashMap<u64, (u16, Option<Side>, u32, u32)>);

impl Naive {
    fn add(&mut self, locate: u16, reference: u64, side: Option<Side>, shares: u32, price: u32) {
        if shares > 0 {
            self.0.entry(reference).or_insert((locate, side, shares, price));
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Add(locate, reference, side, shares, price) => {
                self.add(locate, reference, Some(side), shares, price);
            }
            Step::Reduce(reference, shares) => {
                if let Some(order) = self.0.get_mut(&reference) {
                    order.2 = order.2.saturating_sub(shares);
                }
                self.0.retain(|_, order| order.2 > 0);
            }
            Step::Delete(reference) => drop(self.0.remove(&reference)),
            Step::Replace(old, new, shares, price) => {
                let (locate, side, ..) = self.0.remove(&old).unwrap_or_default();
                self.add(locate, new, side, shares, price);
            }
            Step::Clear => self.0.clear(),
        }
    }

    /// Best first.
    fn depth(&self, locate: u16, side: Side) -> Vec<Level> {
        let mut levels = BTreeMap::<u32, (u64, u32)>::new();
        for &(_, _, shares, price) in self.0.values().filter(|o| o.0 == locate && o.1 == Some(side)) {
            let level = levels.entry(price).or_default();
            level.0 += u64::from(shares);
            level.1 += 1;
        }
        let levels = levels.into_iter().map(|(price, (shares, orders))| Level { price: Price4(price), shares, orders });
        match side {
            Side::Buy => levels.rev().collect(),
            Side::Sell => levels.collect(),
        }
    }
}

proptest! {
    #[test]
    fn the_book_is_the_naive_book_after_every_step(steps in proptest::collection::vec(step(), 1..120)) {
        let mut naive = Naive::default();
        let mut book = Book::new(SMALL);
        for step in steps {
            let before: Vec<Top> = (0..3).map(|l| book.top(l)).collect();
            naive.apply(step);
            let update = match step {
                Step::Add(locate, reference, side, shares, price) => book.add(locate, reference, side, shares, Price4(price)),
                Step::Reduce(reference, shares) => book.cancel(reference, shares),
                Step::Delete(reference) => book.delete(reference),
                Step::Replace(old, new, shares, price) => book.replace(old, new, shares, Price4(price)),
                Step::Clear => { book.clear(); None }
            };
            prop_assert_eq!(book.live_orders(), naive.0.len());
            for locate in 0..3 {
                for side in [Side::Buy, Side::Sell] {
                    prop_assert_eq!(book.depth(locate, side).collect::<Vec<_>>(), naive.depth(locate, side));
                }
            }
            if let Some(update) = update {
                let best = |top: &Top| match update.side { Side::Buy => top.bid, Side::Sell => top.ask };
                prop_assert_eq!(update.old_best, best(&before[usize::from(update.locate)]));
                prop_assert_eq!(update.new_best, best(&book.top(update.locate)));
            }
        }
    }
}
