//! Random phases for loops that would otherwise always meet the same grid.

/// Marsaglia's xorshift64: a few cycles, and good enough for a phase.
pub(super) struct Phase(u64);

impl Phase {
    pub(super) const fn new(seed: u64) -> Self {
        // Of zero it would make zeros for ever.
        Self(seed | 1)
    }

    /// Somewhere in `0..length`; 0 for a length of 0.
    #[inline]
    pub(super) fn within(&mut self, length: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.checked_rem(length).unwrap_or(0)
    }
}
