//! Reads of the time-stamp counter. The only module of the clocks with `unsafe`: one instruction sequence.
#![expect(
    unsafe_code,
    reason = "the counter is read by an instruction that has no safe wrapper with the fences it needs"
)]

#[cfg(not(target_arch = "x86_64"))]
compile_error!(
    "tickcert's software stamps are x86-64 rdtscp; port probes/src/clocks/tsc.rs to build for this processor"
);

use std::arch::{asm, x86_64::__cpuid};

use tickcert_results::time::Ticks;

/// What a counter that reads zero is taken for: [`Ticks`] are never zero, and one tick is below any granularity.
const FIRST: Ticks = Ticks::new(1).unwrap();

/// The counter now: everything before the call in program order is done, nothing after it has begun.
///
/// `rdtscp` waits until all earlier instructions have executed and all earlier loads are visible (Intel SDM volume 2B
/// and AMD APM volume 3, RDTSCP); the `lfence` after it keeps later instructions from starting before the counter was
/// read. Earlier *stores* have left the program but may still sit in the store buffer, which is what a stamp of
/// "handed to the ring" means. The statement counts as touching memory, so the compiler moves no access across it.
///
/// Costs 10 to 30 ns. Counters of different cores are in step where [`Support::invariant`] holds.
#[inline(always)]
#[must_use]
pub fn now() -> Ticks {
    let (low, high): (u32, u32);
    // SAFETY: rdtscp writes eax, edx and ecx, all named as outputs, and lfence writes nothing; neither touches memory,
    // the stack or the flags. Linux leaves rdtscp enabled in user space (CR4.TSD clear); on a processor without it
    // `clocks::start` refuses the run.
    unsafe {
        asm!("rdtscp", "lfence", out("eax") low, out("edx") high, out("ecx") _, options(nostack, preserves_flags));
    }
    Ticks::new((u64::from(high) << 32) | u64::from(low)).unwrap_or(FIRST)
}

/// As [`now`] for what comes before the call, but what follows in program order may have begun already: some
/// nanoseconds cheaper. For an arrival, which is over when it is stamped, and for loops that wait for a point in time.
#[inline(always)]
#[must_use]
pub fn arrival() -> Ticks {
    let (low, high): (u32, u32);
    // SAFETY: as in `now`, without the lfence.
    unsafe {
        asm!("rdtscp", out("eax") low, out("edx") high, out("ecx") _, options(nostack, preserves_flags));
    }
    Ticks::new((u64::from(high) << 32) | u64::from(low)).unwrap_or(FIRST)
}

/// The counter at about this point of the program: what stands before the call may be going on, and what follows may have
/// begun. For its cost only; nothing that is stamped is stamped by it.
#[inline(always)]
#[must_use]
pub fn unfenced() -> Ticks {
    let (low, high): (u32, u32);
    // SAFETY: rdtsc writes eax and edx, both named as outputs, and touches nothing else; for the rest see `now`.
    unsafe {
        asm!("rdtsc", out("eax") low, out("edx") high, options(nostack, preserves_flags));
    }
    Ticks::new((u64::from(high) << 32) | u64::from(low)).unwrap_or(FIRST)
}

/// What the processor promises about its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Support {
    /// It has `rdtscp`.
    pub rdtscp: bool,
    /// Constant rate in every P-, C- and T-state (Intel SDM volume 3, "Invariant TSC").
    pub invariant: bool,
}

/// Asks CPUID: leaf 8000_0001h EDX bit 27 for `rdtscp`, leaf 8000_0007h EDX bit 8 for an invariant counter.
#[must_use]
pub fn support() -> Support {
    let extended_leaves = __cpuid(0x8000_0000).eax;
    let has = |leaf: u32, bit: u32| extended_leaves >= leaf && __cpuid(leaf).edx & (1 << bit) != 0;
    Support { rdtscp: has(0x8000_0001, 27), invariant: has(0x8000_0007, 8) }
}

/// Whether the counter ticks at a constant rate and never stops.
#[must_use]
pub fn is_invariant() -> bool {
    support().invariant
}

/// What reading the counter costs, and how finely it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reads {
    /// Median cost of one [`now`], in ticks.
    pub median_ticks: f64,
    /// Smallest difference between two successive reads that differ, in ticks.
    pub granularity_ticks: u64,
}

/// Batches that the median is taken over; odd, so that there is a middle one.
const BATCHES: usize = 201;
/// Reads in a batch: long enough that the granularity of the counter doesn't show, short enough to be undisturbed.
const BATCH: u32 = 50;

/// Reads the counter some 20,000 times, back to back; less than a millisecond.
#[must_use]
pub fn measure_reads() -> Reads {
    let mut granularity = u64::MAX;
    let mut previous = now();
    for _ in 0..BATCHES * 50 {
        let next = now();
        let step = next.raw().wrapping_sub(previous.raw());
        if step != 0 {
            granularity = granularity.min(step);
        }
        previous = next;
    }
    let mut batches = [0_u64; BATCHES];
    for batch in &mut batches {
        let start = now();
        let mut last = start;
        for _ in 0..BATCH {
            last = now();
        }
        *batch = last.raw().saturating_sub(start.raw());
    }
    batches.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a batch lasts far less than 2^53 ticks")]
    let median_ticks = batches[BATCHES / 2] as f64 / f64::from(BATCH);
    Reads { median_ticks, granularity_ticks: granularity }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successive_reads_never_run_backwards() {
        let mut previous = now();
        for _ in 0..10_000 {
            let next = now();
            assert!(next >= previous);
            previous = next;
        }
    }

    #[test]
    fn a_read_costs_something_and_its_step_is_no_larger_than_its_cost() {
        let reads = measure_reads();
        assert!(reads.median_ticks > 0.0);
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let step = reads.granularity_ticks as f64;
        assert!(step >= 1.0 && step <= reads.median_ticks * 2.0, "{reads:?}");
    }

    #[test]
    fn the_promise_of_cpuid_is_the_one_that_the_kernel_prints() {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = cpuinfo.lines().find(|l| l.starts_with("flags")).unwrap();
        assert_eq!(support().rdtscp, flags.split_whitespace().any(|f| f == "rdtscp"));
        // The kernel may know better (`tsc_known_freq`), but never claims less than the processor.
        if is_invariant() {
            assert!(flags.split_whitespace().any(|f| f == "nonstop_tsc"));
        }
    }
}
