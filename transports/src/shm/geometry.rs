//! What lies where in the shared memory: a page of counters, then three rings.

use std::ops::RangeInclusive;

use crate::kernel::MAX_FRAME;

/// A cache line of every processor that this runs on.
pub(super) const LINE: usize = 64;
/// Bytes of a frame's header, which stands at the start of a line, in front of the payload.
pub(super) const HEADER: usize = 4;
/// Lines that the longest frame takes.
pub(super) const FRAME_LINES: usize = lines_of(MAX_FRAME);
/// Two lines: some processors fetch lines in pairs.
const COUNTER_STRIDE: usize = 2 * LINE;
const PAGE: usize = 4096;

/// Lines of a frame of `len` bytes.
pub(super) const fn lines_of(len: usize) -> usize {
    (HEADER + len).div_ceil(LINE)
}

/// One of the rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Market data, exchange to trader.
    Ticks,
    /// Orders, trader to exchange.
    Orders,
    /// What the exchange has to say to orders.
    Answers,
}

const RINGS: usize = 3;

/// Sizes and places. A frame begins on one of the first `starts` lines of its ring, and may reach into the lines behind
/// them, so that none is ever cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Lines on which a frame may begin.
    pub(super) starts: usize,
}

impl Geometry {
    /// Sizes that a ring can have.
    pub(super) const RING_BYTES: RangeInclusive<usize> = 64 << 10..=1 << 30;

    /// Rings of so many bytes, in whole lines, within the bounds.
    pub(super) fn new(ring_bytes: usize) -> Self {
        let (least, most) = Self::RING_BYTES.into_inner();
        Self { starts: ring_bytes.clamp(least, most) / LINE }
    }

    /// What the other end says; none where no ring could be so large.
    pub(super) fn of_starts(starts: u64) -> Option<Self> {
        let starts = usize::try_from(starts).ok()?;
        let bytes = starts.checked_mul(LINE)?;
        Self::RING_BYTES.contains(&bytes).then_some(Self { starts })
    }

    /// Lines of a ring.
    pub(super) const fn lines(self) -> usize {
        self.starts + FRAME_LINES
    }

    /// Byte offset of the counter up to which a ring was read.
    pub(super) const fn counter(self, which: Which) -> usize {
        which as usize * COUNTER_STRIDE
    }

    /// Byte offset of a ring's first line.
    pub(super) const fn ring(self, which: Which) -> usize {
        PAGE + which as usize * self.lines() * LINE
    }

    /// Bytes of everything, in whole pages.
    pub(super) const fn bytes(self) -> usize {
        (PAGE + RINGS * self.lines() * LINE).next_multiple_of(PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Which; RINGS] = [Which::Ticks, Which::Orders, Which::Answers];

    #[test]
    fn rings_and_counters_lie_apart_and_within_the_memory() {
        for bytes in [0, 64 << 10, 100_001, 1 << 20, 1 << 30, usize::MAX] {
            let geometry = Geometry::new(bytes);
            let size = geometry.lines() * LINE;
            let mut end = PAGE;
            for which in ALL {
                assert!(geometry.counter(which) + 8 <= PAGE);
                assert!(geometry.ring(which) >= end && geometry.ring(which).is_multiple_of(LINE));
                end = geometry.ring(which) + size;
            }
            assert!(end <= geometry.bytes());
        }
    }

    #[test]
    fn a_size_that_no_ring_has_is_not_taken_from_the_other_end() {
        assert_eq!(Geometry::of_starts(1 << 14), Some(Geometry::new(1 << 20)));
        assert_eq!(Geometry::of_starts(0), None);
        assert_eq!(Geometry::of_starts(u64::MAX), None);
    }
}
