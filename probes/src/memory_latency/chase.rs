//! Loads that need each other: each line holds where the next one is, so that the processor can't begin one before the last
//! is there, nor guess where it goes.
//!
//! The lines of a working set form one cycle in random order (Sattolo, "An algorithm to generate a random cyclic
//! permutation", Information Processing Letters 22(6), 1986): a permutation of any other kind might fall into short cycles,
//! which fit into a cache.

use std::hint::black_box;

use tickcert_results::{
    stats::quantile,
    time::{Nanos, TickScale},
};

use crate::clocks::tsc;

/// The smallest working set: half of the smallest first-level cache there is.
pub(super) const SMALLEST: u64 = 16 << 10;
/// A line of every x86-64 processor.
const LINE_BYTES: usize = 64;
const WORDS: usize = LINE_BYTES / size_of::<usize>();

/// Loads in a block, of which the counter's reading is less than a hundredth in the nearest cache.
const BLOCK: u32 = 4_096;
/// Time for a working set, after it has been gone through once (or for as long as this too).
const LONGEST: Nanos = Nanos(40_000_000);
/// The most blocks, and the fewest, however long they take.
const MOST: usize = 4_096;
const FEWEST: usize = 5;
/// The order is the same on every host.
const SEED: u64 = 0x7469_636b_6365_7274;

/// Sizes from the smallest to the largest, doubling; the largest always.
pub(super) fn sizes(smallest: u64, largest: u64) -> Vec<u64> {
    let doubling = std::iter::successors(Some(smallest), |bytes| bytes.checked_mul(2));
    doubling.take_while(|bytes| *bytes < largest).chain([largest]).collect()
}

/// How long a load takes in the first `bytes` of `memory`, in nanoseconds.
pub(super) fn load_ns(memory: &mut [usize], bytes: u64, scale: TickScale) -> f64 {
    let lines = usize::try_from(bytes).unwrap_or(usize::MAX).min(size_of_val(memory)) / LINE_BYTES;
    link(memory, lines);
    let longest = scale.ticks(LONGEST);
    let mut at = 0;
    let begun = tsc::now();
    for _ in 0..lines.div_ceil(BLOCK as usize) {
        at = follow(memory, at);
        if tsc::now().raw().saturating_sub(begun.raw()) > longest {
            break;
        }
    }
    let mut blocks = Vec::with_capacity(MOST);
    let start = tsc::now();
    while blocks.len() < MOST {
        let before = tsc::now();
        at = follow(memory, at);
        let after = tsc::now();
        blocks.push(after.raw().saturating_sub(before.raw()));
        if blocks.len() >= FEWEST && after.raw().saturating_sub(start.raw()) > longest {
            break;
        }
    }
    of_blocks(&mut blocks, scale)
}

/// Median of a load, of what blocks of [`BLOCK`] took in ticks.
fn of_blocks(blocks: &mut [u64], scale: TickScale) -> f64 {
    let ticks = quantile::of_unsorted(blocks, 0.5).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a block lasts far less than 2^53 ticks")]
    let ns = ticks as f64 * scale.ns_per_tick;
    ns / f64::from(BLOCK)
}

/// Goes on by a block of loads; says where it came to.
#[inline(never)]
fn follow(memory: &[usize], from: usize) -> usize {
    let mut at = from;
    for _ in 0..BLOCK {
        // Indexed, and so with a branch that is always foretold: a safe default would put its choice between the loads.
        at = memory[at];
    }
    black_box(at)
}

/// Makes one cycle of the first `lines` lines, in random order: the first word of each is the index of the next one's.
fn link(memory: &mut [usize], lines: usize) {
    let mut order: Vec<usize> = (0..lines).map(|line| line * WORDS).collect();
    let mut random = SEED;
    for last in (1..lines).rev() {
        // Sattolo: with one before it, never with itself.
        order.swap(last, below(&mut random, last));
    }
    for (from, to) in order.iter().zip(order.iter().cycle().skip(1)) {
        if let Some(word) = memory.get_mut(*from) {
            *word = *to;
        }
    }
}

/// The next number below `limit`, which isn't zero: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), scaled by Lemire's
/// multiplication.
fn below(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let scaled = (u128::from(z) * limit as u128) >> 64;
    usize::try_from(scaled).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_visited_once_before_the_first_one_again() {
        for lines in [1, 2, 3, 64, 1_000] {
            let mut memory = vec![usize::MAX; lines * WORDS];
            link(&mut memory, lines);
            let (mut at, mut seen) = (0, vec![false; lines]);
            for _ in 0..lines {
                assert!(!std::mem::replace(&mut seen[at / WORDS], true), "{lines} lines");
                at = memory[at];
            }
            assert_eq!(at, 0);
        }
    }

    #[test]
    fn the_order_of_lines_is_not_one_that_a_prefetcher_could_guess() {
        let mut memory = vec![0; 10_000 * WORDS];
        link(&mut memory, 10_000);
        let neighbours = (0..10_000).filter(|line| memory[line * WORDS].abs_diff(line * WORDS) <= WORDS).count();
        // Of a random cycle, two in 10,000 are expected.
        assert!(neighbours < 20, "{neighbours} lines lead to a neighbour");
    }

    #[test]
    fn split_mix_gives_the_published_numbers() {
        // The first outputs for seed 1234567, of the reference implementation; the high half by scaling to 2^32.
        let mut state = 1_234_567;
        let high: Vec<usize> = (0..3).map(|_| below(&mut state, 1 << 32)).collect();
        let published = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(high, published.map(|n| usize::try_from(n >> 32).unwrap()));
    }

    #[test]
    fn sizes_double_and_end_with_the_largest() {
        assert_eq!(sizes(16, 100), [16, 32, 64, 100]);
        assert_eq!(sizes(16, 64), [16, 32, 64]);
        assert_eq!(sizes(64, 64), [64]);
    }

    #[test]
    fn the_latency_is_the_median_block_shared_among_its_loads() {
        let load = of_blocks(&mut [409_600, 40_960, 81_920], TickScale::from_hz(1e9));
        assert!((load - 20.0).abs() < 1e-9, "{load}");
    }
}
