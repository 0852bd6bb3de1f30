//! The price levels of one side of one symbol.

use super::Level;
use crate::feed::itch::{Price4, Side};

/// Levels looked at one by one from the best on, before the rest is halved. Most messages concern the first few.
const NEAR: usize = 8;

/// Sorted so that the best level is the last: messages near the top move little memory.
#[derive(Debug)]
pub(super) struct Ladder {
    /// Turns a price into a key, and back, such that a better price has the higher key.
    flip: u32,
    levels: Vec<Entry>,
    peak: usize,
    grew: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u32,
    orders: u32,
    shares: u64,
}

impl Ladder {
    /// With room for `capacity` levels, touched.
    pub(super) fn new(side: Side, capacity: usize) -> Self {
        let flip = match side {
            Side::Buy => 0,
            Side::Sell => u32::MAX,
        };
        let touch = Entry { key: 1, orders: 1, shares: 1 };
        let mut levels = vec![touch; capacity];
        levels.clear();
        Self { flip, levels, peak: 0, grew: 0 }
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.levels.clear();
    }

    /// Most levels at once.
    pub(super) const fn peak(&self) -> usize {
        self.peak
    }

    pub(super) const fn grew(&self) -> u64 {
        self.grew
    }

    #[inline]
    const fn level(&self, entry: &Entry) -> Level {
        Level { price: Price4(entry.key ^ self.flip), shares: entry.shares, orders: entry.orders }
    }

    #[inline]
    pub(super) fn best(&self) -> Option<Level> {
        self.levels.last().map(|entry| self.level(entry))
    }

    /// Best first.
    pub(super) fn levels(&self) -> impl Iterator<Item = Level> {
        self.levels.iter().rev().map(|entry| self.level(entry))
    }

    /// Where the level of `key` is, or where it would be inserted.
    #[inline]
    fn find(&self, key: u32) -> Result<usize, usize> {
        let far = self.levels.len().saturating_sub(NEAR);
        let near = self.levels.get(far..).unwrap_or_default();
        for (i, entry) in near.iter().enumerate().rev() {
            if entry.key <= key {
                return if entry.key == key { Ok(far + i) } else { Err(far + i + 1) };
            }
        }
        self.levels.get(..far).unwrap_or_default().binary_search_by_key(&key, |entry| entry.key)
    }

    /// One more order at `price`.
    #[inline]
    pub(super) fn add(&mut self, price: Price4, shares: u32) {
        let key = price.0 ^ self.flip;
        match self.find(key) {
            Ok(at) => {
                if let Some(entry) = self.levels.get_mut(at) {
                    entry.orders += 1;
                    entry.shares += u64::from(shares);
                }
            }
            Err(at) => {
                self.grew += u64::from(self.levels.len() == self.levels.capacity());
                self.levels.insert(at, Entry { key, orders: 1, shares: u64::from(shares) });
                self.peak = self.peak.max(self.levels.len());
            }
        }
    }

    /// An order at `price` has `shares` fewer, and still some.
    #[inline]
    pub(super) fn reduce(&mut self, price: Price4, shares: u32) {
        if let Ok(at) = self.find(price.0 ^ self.flip)
            && let Some(entry) = self.levels.get_mut(at)
        {
            entry.shares -= u64::from(shares);
        }
    }

    /// An order at `price` with `shares` left is gone.
    #[inline]
    pub(super) fn remove(&mut self, price: Price4, shares: u32) {
        if let Ok(at) = self.find(price.0 ^ self.flip)
            && let Some(entry) = self.levels.get_mut(at)
        {
            entry.orders -= 1;
            entry.shares -= u64::from(shares);
            if entry.orders == 0 {
                self.levels.remove(at);
            }
        }
    }
}
