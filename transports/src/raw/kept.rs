//! Payloads of a flow that nobody has asked for yet, in memory allocated beforehand.

use crate::api::{Flow, Frame, RxMeta};

/// Longest payload that is kept.
const SLOT: usize = 2048;

/// Waiting payloads, first come first handed over.
#[derive(Debug)]
pub(super) struct Kept {
    flow: Flow,
    bytes: Box<[u8]>,
    about: Box<[(usize, RxMeta)]>,
    first: usize,
    waiting: usize,
    lost: u64,
}

impl Kept {
    /// Room for so many.
    pub(super) fn new(flow: Flow, slots: usize) -> Self {
        Self {
            flow,
            // Not zero, so that the memory is written to now and not at the first arrival.
            bytes: vec![0xff; slots * SLOT].into_boxed_slice(),
            about: vec![(SLOT, RxMeta::default()); slots].into_boxed_slice(),
            first: 0,
            waiting: 0,
            lost: 0,
        }
    }

    /// How many found no room.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Keeps a payload, if there is room.
    pub(super) fn push(&mut self, payload: &[u8], meta: RxMeta) {
        let slots = self.about.len();
        if self.waiting == slots || payload.len() > SLOT {
            self.lost += 1;
            return;
        }
        let slot = (self.first + self.waiting) % slots;
        self.bytes[slot * SLOT..][..payload.len()].copy_from_slice(payload);
        self.about[slot] = (payload.len(), meta);
        self.waiting += 1;
    }

    /// Hands over at most `budget`; returns how many.
    #[inline]
    pub(super) fn hand_over(&mut self, budget: u32, on_frame: &mut impl FnMut(Frame<'_>)) -> u32 {
        let mut handed = 0;
        while handed < budget && self.waiting > 0 {
            let (len, meta) = self.about[self.first];
            on_frame(Frame { flow: self.flow, bytes: &self.bytes[self.first * SLOT..][..len], meta });
            self.first = (self.first + 1) % self.about.len();
            self.waiting -= 1;
            handed += 1;
        }
        handed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_out_in_order_and_what_finds_no_room_is_counted() {
        let mut kept = Kept::new(Flow::Orders, 3);
        let mut got = Vec::new();
        for round in 0..4_u8 {
            for n in 0..2 {
                kept.push(&[round, n], RxMeta::default());
            }
            kept.hand_over(1, &mut |frame| got.push((frame.bytes[0], frame.bytes[1])));
        }
        // Two in and one out: of the third round and the fourth only the first fits.
        assert_eq!(kept.lost(), 2);
        kept.hand_over(9, &mut |frame| got.push((frame.bytes[0], frame.bytes[1])));
        assert_eq!(got, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, 0)]);
        kept.push(&[0; SLOT + 1], RxMeta::default());
        assert_eq!((kept.lost(), kept.hand_over(1, &mut |_| panic!("too long to be kept"))), (3, 0));
    }

    #[test]
    fn no_room_at_all_is_no_trouble() {
        let mut kept = Kept::new(Flow::Ticks, 0);
        kept.push(&[1], RxMeta::default());
        assert_eq!((kept.lost(), kept.hand_over(1, &mut |_| panic!("nothing was kept"))), (1, 0));
    }
}
