//! How fast one core reads memory from one end to the other.

use std::hint::black_box;

use tickcert_results::{
    stats::quantile,
    time::{Nanos, TickScale},
};

use crate::clocks::tsc;

/// Passes, and the time after which no more are begun.
const FEWEST: usize = 3;
const MOST: usize = 25;
const LONGEST: Nanos = Nanos(150_000_000);

/// Bytes a second, the median of passes through all of `memory`.
pub(super) fn bytes_per_second(memory: &[usize], scale: TickScale) -> f64 {
    let mut passes = Vec::with_capacity(MOST);
    let start = tsc::now();
    while passes.len() < MOST {
        let before = tsc::now();
        black_box(sum(memory));
        let after = tsc::now();
        passes.push(after.raw().saturating_sub(before.raw()));
        if passes.len() >= FEWEST && after.raw().saturating_sub(start.raw()) > scale.ticks(LONGEST) {
            break;
        }
    }
    of_passes(size_of_val(memory), &mut passes, scale)
}

/// Of passes through so many bytes, in ticks.
#[expect(clippy::cast_precision_loss, reason = "bytes and ticks of one pass stay far below 2^53")]
fn of_passes(bytes: usize, passes: &mut [u64], scale: TickScale) -> f64 {
    let ticks = quantile::of_unsorted(passes, 0.5).unwrap_or_default().max(1);
    bytes as f64 / (ticks as f64 * scale.ns_per_tick) * 1e9
}

/// A line at a time, into sums that don't wait for each other.
#[inline(never)]
fn sum(memory: &[usize]) -> usize {
    let mut sums = [0_usize; 8];
    for line in memory.chunks_exact(8) {
        for (sum, word) in sums.iter_mut().zip(line) {
            *sum = sum.wrapping_add(*word);
        }
    }
    sums.iter().fold(0, |all, sum| all.wrapping_add(*sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_median_pass() {
        // 64 bytes in 4, 8 and 100 ns.
        let rate = of_passes(64, &mut [100, 4, 8], TickScale::from_hz(1e9));
        assert!((rate - 8e9).abs() < 1.0, "{rate}");
    }

    #[test]
    fn every_word_is_read() {
        let memory: Vec<usize> = (1..=800).collect();
        assert_eq!(sum(&memory), 800 * 801 / 2);
    }
}
