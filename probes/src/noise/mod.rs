//! What takes a core away from a program that only spins: interrupts, the scheduler, the hypervisor, firmware (SMIs).
//!
//! On each core a pinned thread does nothing but read the clock. Two successive reads further apart than the threshold
//! are a gap: for that long the core did something else. All cores are watched at once, because both ends of a lane
//! run at once, and what they share (a hypervisor's time slice, a memory bus) disturbs only then.

mod gaps;

use std::{
    io,
    sync::OnceLock,
    thread::{self, ScopedJoinHandle},
};

use tickcert_results::{
    certificate::{NoiseCore, NoiseProbe},
    time::{Nanos, TickScale},
};

pub use gaps::Gaps;

use crate::{
    affinity::{self, AffinityError},
    clocks::tsc,
};

/// Why the noise probe did not run.
#[derive(Debug, thiserror::Error)]
pub enum NoiseError {
    /// A core can't be watched.
    #[error("the noise probe can't watch core {core}")]
    Core {
        /// Which.
        core: u32,
        /// Why.
        source: AffinityError,
    },
    /// No thread.
    #[error("no thread for the noise probe of core {core}")]
    Thread {
        /// Which.
        core: u32,
        /// Why.
        source: io::Error,
    },
    /// No cores were named.
    #[error("the noise probe needs at least one core")]
    NoCores,
}

/// Watches `cores` for `duration`, all at once, counting gaps longer than `threshold`.
///
/// # Errors
/// [`NoiseError`]; every core is tried before any is watched.
pub fn measure(cores: &[u32], duration: Nanos, threshold: Nanos, scale: TickScale) -> Result<NoiseProbe, NoiseError> {
    if cores.is_empty() {
        return Err(NoiseError::NoCores);
    }
    for &core in cores {
        affinity::check(core).map_err(|source| NoiseError::Core { core, source })?;
    }
    let start = OnceLock::new();
    let (ticks, limit) = (scale.ticks(duration), scale.ticks(threshold));
    let seen = thread::scope(|s| {
        let one = |core: u32| {
            let start = &start;
            thread::Builder::new().spawn_scoped(s, move || {
                let pinned = affinity::pin(core);
                let go = *start.wait();
                pinned.map(|()| watch(if go { ticks } else { 0 }, limit))
            })
        };
        let threads: Vec<_> = cores.iter().map(|&core| one(core)).collect();
        // Those that were spawned wait for this, so it is said in any case.
        let _ = start.set(threads.iter().all(Result::is_ok));
        let join = |t: ScopedJoinHandle<'_, _>| t.join().map_err(|_| io::Error::other("it panicked"));
        threads.into_iter().map(|t| t.and_then(join)).collect::<Vec<_>>()
    });
    let mut found = Vec::with_capacity(cores.len());
    for (&core, seen) in cores.iter().zip(seen) {
        let watched = seen.map_err(|source| NoiseError::Thread { core, source })?;
        let gaps = watched.map_err(|source| NoiseError::Core { core, source })?;
        found.push(record(core, &gaps, scale));
    }
    Ok(NoiseProbe { threshold_ns: threshold, duration_ns: duration, cores: found })
}

/// Reads the clock until `ticks` have passed.
fn watch(ticks: u64, threshold_ticks: u64) -> Gaps {
    let mut gaps = Gaps::new(tsc::now(), threshold_ticks);
    while gaps.elapsed_ticks() < ticks {
        gaps.read(tsc::now());
    }
    gaps
}

#[expect(clippy::cast_precision_loss, reason = "counts and ticks of one probe stay far below 2^53")]
fn record(core: u32, gaps: &Gaps, scale: TickScale) -> NoiseCore {
    let elapsed_s = gaps.elapsed_ticks() as f64 * scale.ns_per_tick / 1e9;
    let per = |total: f64, whole: f64| if whole > 0.0 { total / whole } else { 0.0 };
    NoiseCore {
        core,
        gaps: gaps.count(),
        gaps_per_second: per(gaps.count() as f64, elapsed_s),
        largest_ns: scale.ns(gaps.largest()).unwrap_or_default(),
        stolen_ppm: per(gaps.stolen_ticks() as f64, gaps.elapsed_ticks() as f64) * 1e6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_core_asked_for_has_its_own_row() {
        let cores: Vec<u32> = affinity::allowed().unwrap().into_iter().take(2).collect();
        let (duration, threshold) = (Nanos::MILLI * 20, Nanos::MICRO);
        // The rate matters little here; one near any TSC's does.
        let probe = measure(&cores, duration, threshold, TickScale::from_hz(2.5e9)).unwrap();
        assert_eq!(probe.cores.iter().map(|c| c.core).collect::<Vec<_>>(), cores);
        assert_eq!((probe.duration_ns, probe.threshold_ns), (duration, threshold));
        for core in &probe.cores {
            assert!((0.0..=1e6).contains(&core.stolen_ppm));
            assert!(core.gaps == 0 || core.largest_ns > threshold);
        }
    }

    #[test]
    fn a_core_that_does_not_exist_is_an_error_before_anything_is_watched() {
        let e = measure(&[0, 60_000], Nanos::SECOND * 60, Nanos::MICRO, TickScale::from_hz(2.5e9)).unwrap_err();
        assert!(matches!(e, NoiseError::Core { core: 60_000, .. }), "{e}");
    }

    #[test]
    fn no_cores_are_an_error() {
        assert!(matches!(measure(&[], Nanos::MILLI, Nanos::MICRO, TickScale::from_hz(1e9)), Err(NoiseError::NoCores)));
    }
}
