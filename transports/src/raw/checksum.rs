//! The checksum of IPv4, UDP and TCP (RFC 1071).

/// A sum of 16-bit words whose carries are not folded in yet, in the machine's own order of bytes, which makes no
/// difference until the sum is written (RFC 1071, 2). Sums of parts add up to the sum of the whole as long as every part
/// but the last has an even length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum(u64);

impl Sum {
    /// Of bytes; an odd last one counts as the high half of a word.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low half, and the high half beside it")]
    pub(super) fn of(bytes: &[u8]) -> Self {
        // Words four times as wide fold to the same: 2^16 is 1 in this arithmetic, and so are 2^32 and 2^64. In 128 bits
        // the compiler adds with carry, which takes fewer steps for a short frame than four sums side by side.
        let (eights, rest) = bytes.as_chunks::<8>();
        let (four, rest) = rest.as_chunks::<4>();
        let (two, one) = rest.as_chunks::<2>();
        let mut sum = 0_u128;
        for word in eights {
            sum += u128::from(u64::from_ne_bytes(*word));
        }
        for word in four {
            sum += u128::from(u32::from_ne_bytes(*word));
        }
        for word in two {
            sum += u128::from(u16::from_ne_bytes(*word));
        }
        for byte in one {
            sum += u128::from(u16::from_ne_bytes([*byte, 0]));
        }
        let (low, high) = (sum as u64, (sum >> 64) as u64);
        Self((low & 0xffff_ffff) + (low >> 32) + high)
    }

    /// With one more word.
    #[inline]
    pub(super) const fn word(self, word: u16) -> Self {
        Self(self.0 + word.to_be() as u64)
    }

    /// With two more words.
    #[inline]
    pub(super) const fn words(self, words: u32) -> Self {
        Self(self.0 + words.to_be() as u64)
    }

    /// With another part.
    #[inline]
    pub(super) const fn and(self, part: Self) -> Self {
        Self(self.0 + part.0)
    }

    /// Folded to one word: all ones, if a correct checksum was among what was summed.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits before")]
    pub(super) const fn folded(self) -> u16 {
        // As many folds as the largest number takes: to 33 bits, 18, 17 and 16.
        let sum = (self.0 & 0xffff_ffff) + (self.0 >> 32);
        let sum = (sum & 0xffff) + (sum >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        u16::from_be(((sum & 0xffff) + (sum >> 16)) as u16)
    }

    /// The checksum to write.
    #[inline]
    pub(super) const fn checksum(self) -> u16 {
        !self.folded()
    }

    /// Whether what was summed, its checksum included, is intact.
    #[inline]
    pub(super) const fn is_intact(self) -> bool {
        self.folded() == 0xffff
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_to_ddf2() {
        let sum = Sum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!((sum.folded(), sum.checksum()), (0xddf2, 0x220d));
    }

    #[test]
    fn an_odd_last_byte_is_the_high_half_of_a_word() {
        assert_eq!(Sum::of(&[0x12, 0x34, 0x56]).folded(), Sum::of(&[0x12, 0x34, 0x56, 0]).folded());
        assert_eq!(Sum::of(&[]).folded(), 0);
    }

    proptest! {
        #[test]
        fn it_is_the_sum_of_words_with_the_carry_brought_round(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut slow = 0_u32;
            for pair in bytes.chunks(2) {
                slow += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
                slow = (slow & 0xffff) + (slow >> 16);
            }
            prop_assert_eq!(u32::from(Sum::of(&bytes).folded()), slow);
        }

        #[test]
        fn parts_add_up_to_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..500), at in 0_usize..250) {
            let (head, tail) = bytes.split_at((at * 2).min(bytes.len() & !1));
            prop_assert_eq!(Sum::of(head).and(Sum::of(tail)).folded(), Sum::of(&bytes).folded());
        }
    }
}
