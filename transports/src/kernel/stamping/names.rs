//! Which frame the kernel's number of a stamp belongs to: by the number, never by the order in which stamps come.

use std::collections::VecDeque;

use crate::api::TxToken;

/// So many frames wait for their stamps at most; those before are forgotten, and their stamps belong to nobody.
const MOST: usize = 1 << 16;

/// The numbers of the frames sent last, which rise, and go round at 2^32. Nothing is allocated after the beginning.
#[derive(Debug)]
pub(super) struct Names(VecDeque<(u32, TxToken)>);

impl Names {
    pub(super) fn new() -> Self {
        let mut sent = VecDeque::with_capacity(MOST);
        // Touched now, not in the timed loop.
        sent.resize(MOST, (0, TxToken(0)));
        sent.clear();
        Self(sent)
    }

    #[inline]
    pub(super) fn sent(&mut self, number: u32, frame: TxToken) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((number, frame));
    }

    pub(super) fn find(&self, number: u32) -> Option<TxToken> {
        let newest = self.0.back()?.0;
        // How far behind the newest, which falls from the first to the last, wherever the numbers went round.
        let behind = newest.wrapping_sub(number);
        let at = self.0.binary_search_by(|(sent, _)| behind.cmp(&newest.wrapping_sub(*sent))).ok()?;
        self.0.get(at).map(|(_, frame)| *frame)
    }

    /// From here on no stamp belongs to any frame sent before.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_finds_its_own_frame_and_others_none(
            first in any::<u32>(), steps in prop::collection::vec(1_u32..3000, 1..300), other in any::<u32>()
        ) {
            let mut names = Names::new();
            let mut number = first;
            let mut all = Vec::new();
            for (frame, step) in (0..).map(TxToken).zip(steps) {
                number = number.wrapping_add(step);
                names.sent(number, frame);
                all.push((number, frame));
            }
            for (number, frame) in &all {
                prop_assert_eq!(names.find(*number), Some(*frame));
            }
            let expected = all.iter().find(|(number, _)| *number == other).map(|(_, frame)| *frame);
            prop_assert_eq!(names.find(other), expected);
        }
    }

    #[test]
    fn the_oldest_of_too_many_is_forgotten_and_after_forgetting_all_nothing_is_found() {
        let mut names = Names::new();
        for number in 0..=u32::try_from(MOST).unwrap() {
            names.sent(number, TxToken(number));
        }
        assert_eq!((names.find(0), names.find(1)), (None, Some(TxToken(1))));
        names.forget();
        assert_eq!(names.find(1), None);
    }
}
