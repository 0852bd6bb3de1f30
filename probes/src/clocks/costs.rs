//! What it costs to ask each clock for the time.

use nix::time::{ClockId, clock_gettime};
use tickcert_results::{certificate::ReadCost, stats::quantile, time::TickScale};

use super::tsc;

/// Batches that a median is taken over.
const BATCHES: usize = 201;
/// Reads in a batch: so many that reading the counter before and after hardly counts.
const BATCH: u32 = 100;

/// The clocks of the kernel that programs of this field read.
const KERNEL: [(&str, ClockId); 4] = [
    ("CLOCK_REALTIME", ClockId::CLOCK_REALTIME),
    ("CLOCK_TAI", ClockId::CLOCK_TAI),
    ("CLOCK_MONOTONIC", ClockId::CLOCK_MONOTONIC),
    ("CLOCK_MONOTONIC_RAW", ClockId::CLOCK_MONOTONIC_RAW),
];

/// Reads every clock some 20,000 times on the calling thread's core, which is `core` if it is kept on one; a few milliseconds, or 100 where the kernel's clocks take
/// a system call. A clock that can't be read has no row.
#[must_use]
pub fn measure(core: Option<u32>, scale: TickScale) -> Vec<ReadCost> {
    let mut costs = vec![
        ReadCost {
            clock: "rdtsc".to_owned(),
            core,
            median_ns: median(scale, || {
                let _ = tsc::unfenced();
            }),
        },
        ReadCost {
            clock: "rdtscp".to_owned(),
            core,
            median_ns: median(scale, || {
                let _ = tsc::arrival();
            }),
        },
        ReadCost {
            clock: "rdtscp, lfence".to_owned(),
            core,
            median_ns: median(scale, || {
                let _ = tsc::now();
            }),
        },
    ];
    for (clock, id) in KERNEL {
        if clock_gettime(id).is_ok() {
            costs.push(ReadCost {
                clock: clock.to_owned(),
                core,
                median_ns: median(scale, || {
                    let _ = clock_gettime(id);
                }),
            });
        }
    }
    costs
}

#[inline(always)]
fn median(scale: TickScale, read: impl Fn()) -> f64 {
    let mut batches = [0_u64; BATCHES];
    for batch in &mut batches {
        let start = tsc::now();
        for _ in 0..BATCH {
            read();
        }
        *batch = tsc::now().raw().saturating_sub(start.raw());
    }
    of_batches(&mut batches, scale)
}

/// Median of one read, of what batches of [`BATCH`] took in ticks.
fn of_batches(batches: &mut [u64], scale: TickScale) -> f64 {
    let ticks = quantile::of_unsorted(batches, 0.5).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a batch lasts far less than 2^53 ticks")]
    let ns = ticks as f64 * scale.ns_per_tick;
    ns / f64::from(BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_the_median_batch_shared_among_its_reads() {
        let cost = of_batches(&mut [9_000, 2_000, 3_000], TickScale::from_hz(2e9));
        assert!((cost - 15.0).abs() < 1e-9, "{cost}");
    }

    #[test]
    fn every_clock_of_this_host_costs_something() {
        let costs = measure(None, TickScale::from_hz(2.5e9));
        assert!(costs.len() > 3 && costs.iter().all(|c| c.median_ns > 0.0), "{costs:?}");
    }
}
