//! What takes a core away from a program that only spins: interrupts, the scheduler, the hypervisor, firmware (SMIs).
//!
//! On each core a pinned thread does nothing but read the clock. Two successive reads further apart than the threshold
//! are a gap: for that long the core did something else. All cores are watched at once, because both ends of a lane
//! run at once, and what they share (a hypervisor's time slice, a memory bus) disturbs only then.
//!
//! After each gap, and after each step above a microsecond below a higher threshold, the thread asks the kernel whether it was switched out or had a fault; and what the kernel counts of the core
//! (interrupts, softirqs, stolen time, SMIs) is read before and after. The first is of the gap itself, the second only of the
//! window: it says what there was, and not which gap it made.

mod attribution;
mod counters;
mod gaps;
mod own;
mod smi;

use std::{
    io,
    path::Path,
    sync::OnceLock,
    thread::{self, ScopedJoinHandle},
};

use tickcert_results::{
    certificate::{Counted, NoiseCore, NoiseProbe, NotRun, NotRunKind, Topic},
    time::{Nanos, TickScale},
};

use attribution::Attributed;
use counters::Counters;
use gaps::ByCause;
pub use gaps::Gaps;
use own::Own;
use smi::SmiCounter;

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

impl NoiseError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Core { source, .. } => source.remedy(),
            Self::Thread { .. } => "raise the limit on threads (`ulimit -u`, a container's --pids-limit)".into(),
            Self::NoCores => "choose cores that this process may use (--exchange-core, --trader-core)".into(),
        }
    }
}

/// What was seen, and what could not be: a core that was taken away in the middle has a row in place of its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Of each core.
    pub probe: NoiseProbe,
    /// Counters that can't be read here, with the remedy.
    pub uncounted: Vec<NotRun>,
}

/// Watches `cores` for `duration`, all at once, counting gaps longer than `threshold`; what the kernel counts is read below
/// `root`.
///
/// # Errors
/// [`NoiseError`]; every core is tried before any is watched.
pub fn measure(
    root: &Path,
    cores: &[u32],
    duration: Nanos,
    threshold: Nanos,
    scale: TickScale,
) -> Result<Watched, NoiseError> {
    if cores.is_empty() {
        return Err(NoiseError::NoCores);
    }
    for &core in cores {
        affinity::check(core).map_err(|source| NoiseError::Core { core, source })?;
    }
    let mut smi = SmiCounter::find(root, cores);
    let mut counted = |core: &u32| (Counters::read(root, *core), smi.read(root, *core));
    let before: Vec<_> = cores.iter().map(&mut counted).collect();
    let limits =
        Limits { threshold: scale.ticks(threshold), ask_above: scale.ticks(Nanos::MICRO), settle: scale.ticks(SETTLE) };
    let seen = watch_all(root, cores, scale.ticks(duration), limits);
    let after: Vec<_> = cores.iter().map(counted).collect();
    let mut found = Vec::with_capacity(cores.len());
    let (mut interrupts_told, mut taken) = (true, Vec::new());
    for (((&core, seen), before), after) in cores.iter().zip(seen).zip(before).zip(after) {
        let watched = seen.map_err(|source| NoiseError::Thread { core, source })?;
        let thread = watched.map_err(|source| NoiseError::Core { core, source })?;
        if !thread.stayed {
            taken.push(taken_away(core));
            continue;
        }
        let (of_core, interrupts) = after.0.since(&before.0);
        interrupts_told &= interrupts.is_some();
        let smis = before.1.zip(after.1).map(|(before, after)| u64::from(after.wrapping_sub(before)));
        let mut all: Vec<Counted> = smis.map(smi_row).into_iter().collect();
        all.extend(of_core);
        all.extend(thread.own_rows.iter().cloned());
        found.push(record(core, &thread, all, interrupts, scale));
    }
    let mut uncounted = uncounted(&smi, interrupts_told);
    uncounted.extend(taken);
    let probe =
        NoiseProbe { threshold_ns: threshold, duration_ns: duration, smi_counter: smi.describe(), cores: found };
    Ok(Watched { probe, uncounted })
}

/// What it saw was of another core in the end.
fn taken_away(core: u32) -> NotRun {
    NotRun::new(
        NotRunKind::Probe,
        format!("noise of core {core}"),
        "the core to the end; it was taken off line or out of this process's cpuset in the middle",
        format!("leave it on line (/sys/devices/system/cpu/cpu{core}/online) and in the cpuset, then try again"),
    )
}

fn smi_row(by: u64) -> Counted {
    Counted { layer: Topic::Hardware, what: "SMI".to_owned(), by, is_time: false }
}

fn uncounted(smi: &SmiCounter, interrupts_told: bool) -> Vec<NotRun> {
    let mut rows: Vec<NotRun> = smi.unmet().into_iter().collect();
    if !interrupts_told {
        let (needs, how) = ("/proc/interrupts, with the cores watched", "in a container, run with the host's /proc");
        rows.push(NotRun::new(NotRunKind::Probe, "interrupts of the cores watched", needs, how));
    }
    rows
}

/// How long a core spins before it is watched.
const SETTLE: Nanos = Nanos(10_000_000);

/// In ticks.
#[derive(Clone, Copy)]
struct Limits {
    /// A longer step is a gap.
    threshold: u64,
    /// After a longer step the kernel is asked, whether it is a gap or not.
    ask_above: u64,
    /// So long it spins before it begins to count.
    settle: u64,
}

type Seen = io::Result<Result<Thread, AffinityError>>;

/// A thread on each core; all begin together.
fn watch_all(root: &Path, cores: &[u32], ticks: u64, limits: Limits) -> Vec<Seen> {
    let start = OnceLock::new();
    thread::scope(|s| {
        let one = |core: u32| {
            let start = &start;
            thread::Builder::new().spawn_scoped(s, move || {
                let pinned = affinity::pin(core);
                let go = *start.wait();
                pinned.map(|()| watch(root, core, if go { ticks } else { 0 }, limits))
            })
        };
        let threads: Vec<_> = cores.iter().map(|&core| one(core)).collect();
        // Those that were spawned wait for this, so it is said in any case.
        let _ = start.set(threads.iter().all(Result::is_ok));
        let join = |t: ScopedJoinHandle<'_, _>| t.join().map_err(|_| io::Error::other("it panicked"));
        threads.into_iter().map(|t| t.and_then(join)).collect()
    })
}

/// What a thread saw on its core.
struct Thread {
    gaps: Gaps,
    by_cause: ByCause,
    /// Its own switches and faults.
    events: u64,
    own_rows: Vec<Counted>,
    /// It was still on its core in the end.
    stayed: bool,
}

/// Reads the clock until `ticks` have passed. The time that the kernel is asked in is not watched.
fn watch(root: &Path, core: u32, ticks: u64, limits: Limits) -> Thread {
    // A core that was asleep comes out of its idle state and up to its speed first, as it has in a trial.
    let counts_from = tsc::now().raw().saturating_add(limits.settle);
    while tsc::now().raw() < counts_from {}
    let waited_before = own::waited(root);
    let began = Own::read();
    let mut seen = Attributed::new(tsc::now(), limits.threshold, limits.ask_above, began);
    while seen.gaps.elapsed_ticks() < ticks {
        if seen.read(tsc::now(), Own::read) {
            seen.skip_to(tsc::now());
        }
    }
    let ended = Own::read();
    let waited = own::waited(root).zip(waited_before).map(|(after, before)| after.saturating_sub(before));
    let (events, own_rows) = (ended.events_since(began), ended.counted(began, waited));
    let Attributed { gaps, by_cause, .. } = seen;
    Thread { gaps, by_cause, events, own_rows, stayed: affinity::is_on(core) }
}

#[expect(clippy::cast_precision_loss, reason = "counts and ticks of one probe stay far below 2^53")]
fn record(core: u32, thread: &Thread, counted: Vec<Counted>, interrupts: Option<u64>, scale: TickScale) -> NoiseCore {
    let gaps = &thread.gaps;
    let elapsed_s = gaps.elapsed_ticks() as f64 * scale.ns_per_tick / 1e9;
    let per = |total: f64, whole: f64| if whole > 0.0 { total / whole } else { 0.0 };
    NoiseCore {
        core,
        gaps: gaps.count(),
        gaps_per_second: per(gaps.count() as f64, elapsed_s),
        largest_ns: scale.ns(gaps.largest()).unwrap_or_default(),
        stolen_ppm: per(gaps.stolen_ticks() as f64, gaps.elapsed_ticks() as f64) * 1e6,
        causes: thread.by_cause.record(scale),
        counted,
        without_event_at_least: interrupts.map(|came| gaps.count().saturating_sub(came.saturating_add(thread.events))),
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
        let probe = measure(Path::new("/"), &cores, duration, threshold, TickScale::from_hz(2.5e9)).unwrap().probe;
        assert_eq!(probe.cores.iter().map(|c| c.core).collect::<Vec<_>>(), cores);
        assert_eq!((probe.duration_ns, probe.threshold_ns), (duration, threshold));
        for core in &probe.cores {
            assert!((0.0..=1e6).contains(&core.stolen_ppm));
            assert!(core.gaps == 0 || core.largest_ns > threshold);
            assert_eq!(core.causes.iter().map(|of| of.gaps).sum::<u64>(), core.gaps, "each gap has one cause");
            assert!(core.without_event_at_least.is_none_or(|without| without <= core.gaps));
        }
    }

    #[test]
    fn a_core_that_does_not_exist_is_an_error_before_anything_is_watched() {
        let e = measure(Path::new("/"), &[0, 60_000], Nanos::SECOND * 60, Nanos::MICRO, TickScale::from_hz(2.5e9))
            .unwrap_err();
        assert!(matches!(e, NoiseError::Core { core: 60_000, .. }), "{e}");
    }

    #[test]
    fn a_thread_that_is_no_longer_on_its_core_says_so_and_its_row_says_what_to_do() {
        let allowed: Vec<u32> = affinity::allowed().unwrap().into_iter().collect();
        let [first, second, ..] = allowed[..] else {
            println!("SKIPPED: a core taken away from the noise probe: needs two cores that this process may use");
            return;
        };
        let limits = Limits { threshold: 1000, ask_above: 1000, settle: 0 };
        let stayed = |pinned: u32| {
            let watching = move || affinity::pin(pinned).map(|()| watch(Path::new("/"), first, 1000, limits).stayed);
            thread::spawn(watching).join().unwrap().unwrap()
        };
        assert!(stayed(first) && !stayed(second));
        let row = taken_away(first);
        assert!(row.needs.contains("off line") && row.how.contains(&format!("cpu{first}/online")), "{row:?}");
    }

    #[test]
    fn no_cores_are_an_error() {
        let none = measure(Path::new("/"), &[], Nanos::MILLI, Nanos::MICRO, TickScale::from_hz(1e9));
        assert!(matches!(none, Err(NoiseError::NoCores)));
    }

    #[test]
    fn without_proc_the_gaps_are_seen_all_the_same_and_what_is_not_counted_is_said() {
        let core = *affinity::allowed().unwrap().first().unwrap();
        let hidden = tempfile::tempdir().unwrap();
        let scale = TickScale::from_hz(2.5e9);
        let watched = measure(hidden.path(), &[core], Nanos::MILLI, Nanos::MICRO, scale).unwrap();
        let named: Vec<&str> = watched.uncounted.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(named, ["SMIs", "interrupts of the cores watched"]);
        assert!(watched.uncounted.iter().all(|row| !row.how.is_empty()));
        assert_eq!((watched.probe.cores.len(), watched.probe.cores[0].without_event_at_least), (1, None));
    }
}
