//! Live orders by reference: a hash table with open addressing, linear probing, and no tombstones.

use crate::feed::itch::{Price4, Side};

/// What is known of a live order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    pub(super) price: Price4,
    pub(super) shares: u32,
    /// Place of its symbol's book.
    pub(super) place: u16,
    /// `None` for an order that took the place of one never seen: it stands in no ladder.
    pub(super) side: Option<Side>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    reference: u64,
    /// Taken when it is the table's; free otherwise.
    generation: u32,
    order: Resting,
}

/// Spreads references that are equal in their low bits (those of one symbol are): the golden ratio times 2^64.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

const FREE: Slot =
    Slot { reference: 0, generation: 0, order: Resting { price: Price4(0), shares: 0, place: 0, side: None } };

const _: () = assert!(size_of::<Slot>() == 24);

/// At most half of the table is taken, so that probes stay short.
#[derive(Debug)]
pub(super) struct OrderStore {
    slots: Vec<Slot>,
    /// 64 less the bits of a slot's number.
    shift: u32,
    len: usize,
    peak: usize,
    generation: u32,
    grew: u64,
}

impl OrderStore {
    /// Holds `capacity` orders without allocating.
    pub(super) fn new(capacity: usize) -> Self {
        let size = capacity.max(8).saturating_mul(2).next_power_of_two();
        Self { slots: vec![FREE; size], shift: 64 - size.trailing_zeros(), len: 0, peak: 0, generation: 1, grew: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Most orders that were live at once.
    pub(super) const fn peak(&self) -> usize {
        self.peak
    }

    pub(super) const fn grew(&self) -> u64 {
        self.grew
    }

    /// Frees all slots by moving on to another generation.
    pub(super) fn clear(&mut self) {
        self.len = 0;
        if let Some(next) = self.generation.checked_add(1) {
            self.generation = next;
        } else {
            self.slots.fill(FREE);
            self.generation = 1;
        }
    }

    #[inline]
    fn home(&self, reference: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "shifted down to the bits of a slot's number")]
        let home = (reference.wrapping_mul(SPREAD) >> self.shift) as usize;
        home
    }

    #[inline]
    const fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// The slot of `reference`, or the free one where its probe ends.
    #[inline]
    fn probe(&self, reference: u64) -> Result<usize, usize> {
        let mut at = self.home(reference);
        loop {
            match self.slots.get(at) {
                Some(slot) if slot.generation == self.generation => {
                    if slot.reference == reference {
                        return Ok(at);
                    }
                }
                _ => return Err(at),
            }
            at = self.after(at);
        }
    }

    /// False when the reference is a live order's, which stays as it is.
    #[inline]
    pub(super) fn insert(&mut self, reference: u64, order: Resting) -> bool {
        let Err(mut free) = self.probe(reference) else {
            return false;
        };
        if self.len >= self.slots.len() / 2 {
            self.grow();
            free = self.probe(reference).unwrap_or_else(|free| free);
        }
        if let Some(slot) = self.slots.get_mut(free) {
            *slot = Slot { reference, generation: self.generation, order };
            self.len += 1;
            self.peak = self.peak.max(self.len);
        }
        true
    }

    #[inline]
    pub(super) fn get_mut(&mut self, reference: u64) -> Option<&mut Resting> {
        let at = self.probe(reference).ok()?;
        self.slots.get_mut(at).map(|slot| &mut slot.order)
    }

    /// Takes an order out, and closes the gap with those behind it whose probe went over it.
    #[inline]
    pub(super) fn remove(&mut self, reference: u64) -> Option<Resting> {
        let mut gap = self.probe(reference).ok()?;
        let order = self.slots.get(gap)?.order;
        let mut at = gap;
        loop {
            at = self.after(at);
            let candidate = *self.slots.get(at)?;
            if candidate.generation != self.generation {
                break;
            }
            // It may move to the gap if that lies on its way, from its home to where it is.
            let mask = self.slots.len() - 1;
            let from_home = at.wrapping_sub(self.home(candidate.reference)) & mask;
            let from_gap = at.wrapping_sub(gap) & mask;
            if from_home >= from_gap {
                *self.slots.get_mut(gap)? = candidate;
                gap = at;
            }
        }
        *self.slots.get_mut(gap)? = FREE;
        self.len -= 1;
        Some(order)
    }

    #[cold]
    fn grow(&mut self) {
        self.grew += 1;
        let generation = self.generation;
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![FREE; old.len() * 2];
        self.shift -= 1;
        for slot in old {
            if slot.generation == generation
                && let Err(free) = self.probe(slot.reference)
                && let Some(room) = self.slots.get_mut(free)
            {
                *room = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(shares: u32) -> Resting {
        Resting { shares, ..FREE.order }
    }

    /// References whose home is the last slot of a table of 16, so that probes wrap around.
    fn at_the_end(store: &OrderStore) -> impl Iterator<Item = u64> {
        (1_u64..).filter(|&r| store.home(r) == store.slots.len() - 1).take(5)
    }

    #[test]
    fn orders_that_share_a_home_are_found_after_one_of_them_is_gone() {
        for gone in 0..5 {
            let mut store = OrderStore::new(8);
            let references: Vec<u64> = at_the_end(&store).collect();
            for (&reference, shares) in references.iter().zip(0..) {
                assert!(store.insert(reference, order(shares)));
            }
            assert_eq!(store.remove(references[gone]).map(|o| o.shares as usize), Some(gone));
            for (i, &reference) in references.iter().enumerate() {
                assert_eq!(store.get_mut(reference).map(|o| o.shares as usize), (i != gone).then_some(i));
            }
        }
    }

    #[test]
    fn a_table_that_grows_keeps_every_order_and_says_so() {
        let mut store = OrderStore::new(8);
        for reference in 0..1000 {
            assert!(store.insert(reference, order(7)));
        }
        assert_eq!(store.len(), 1000);
        assert_eq!(store.grew(), 7);
        assert!((0..1000).all(|reference| store.get_mut(reference).is_some()));
    }

    #[test]
    fn a_cleared_table_is_empty_even_when_the_generations_start_over() {
        let mut store = OrderStore::new(8);
        store.generation = u32::MAX;
        store.insert(1, order(1));
        store.clear();
        assert_eq!((store.len(), store.generation), (0, 1));
        assert!(store.get_mut(1).is_none() && store.insert(1, order(2)));
    }
}
