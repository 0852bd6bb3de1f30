//! Which cores there are, which of them this process may use, and pinning to one.

use std::{collections::BTreeSet, io, path::Path, sync::mpsc, thread, time::Duration};

use nix::{
    errno::Errno,
    sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity},
    unistd::{Pid, gettid},
};

use crate::sysfs::{self, write_core_list};

/// Why a thread can't run on the core asked for.
#[derive(Debug, thiserror::Error)]
pub enum AffinityError {
    /// No such core, or it is off line.
    #[error("core {core} doesn't exist or is off line; cores on line are {online}")]
    NoSuchCore {
        /// Asked for.
        core: u32,
        /// Those that there are.
        online: String,
    },
    /// The cgroup's cpuset doesn't hold it.
    #[error(
        "core {core} may not be used by this process; its cpuset allows {allowed} (a container's --cpuset-cpus, a systemd AllowedCPUs=)"
    )]
    NotAllowed {
        /// Asked for.
        core: u32,
        /// Those that the process runs on now.
        allowed: String,
    },
    /// Both ends on one core: one would wait for the other to be scheduled away.
    #[error(
        "both ends are placed on core {core}; a spinning exchange and a spinning trader need a core each (cores on line are {online})"
    )]
    SameCore {
        /// Asked for twice.
        core: u32,
        /// Those that there are.
        online: String,
    },
    /// Nothing else comes to run there.
    #[error(
        "core {core} ran no thread of this process for {} ms: something has it that makes way for nothing else, as tasks of real-time priority do",
        patience.as_millis()
    )]
    Held {
        /// Asked for.
        core: u32,
        /// So long was waited.
        patience: Duration,
    },
    /// No thread to try it with.
    #[error("no thread to try core {core} with")]
    NoThread {
        /// Asked for.
        core: u32,
        /// Why.
        source: io::Error,
    },
    /// Any other refusal.
    #[error("pinning to core {core} was refused by the kernel")]
    Refused {
        /// Asked for.
        core: u32,
        /// Its errno.
        source: Errno,
    },
    /// The mask can't be read.
    #[error("the affinity mask of this process can't be read")]
    Unreadable(#[source] Errno),
}

impl AffinityError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NoSuchCore { core, .. } => take_on_line(*core),
            Self::NotAllowed { core, .. } => widen_cpuset(&format!("core {core}")),
            Self::Held { core, .. } => {
                format!(
                    "end that task (`ps -eLo cls,psr,pid,comm` shows those of class FF and RR on core {core}), or name another core"
                )
            }
            Self::NoThread { .. } => "raise the limit on threads (`ulimit -u`, a container's --pids-limit)".into(),
            Self::SameCore { .. } | Self::Refused { .. } | Self::Unreadable(_) => "see the reason".into(),
        }
    }
}

/// What brings a core back that is off line.
#[must_use]
pub fn take_on_line(core: u32) -> String {
    format!(
        "take it on line, if the host has such a core: `echo 1 > /sys/devices/system/cpu/cpu{core}/online`, as root"
    )
}

/// What lets this process use `cores` (as "cores 2-3") that its cpuset, or its mask, leaves out.
#[must_use]
pub fn widen_cpuset(cores: &str) -> String {
    format!("let this process use {cores}: `taskset -c`, a container's --cpuset-cpus, a systemd AllowedCPUs=")
}

/// So long a core may take until it runs a thread: where the kernel keeps a share for others than real-time tasks, it comes within
/// a second.
const PATIENCE: Duration = Duration::from_secs(3);

/// So long is waited at a time. While the host as a whole stands still no thread of this process runs anywhere, so that of such a
/// time no more than this counts.
const SLICE: Duration = Duration::from_millis(100);

/// Cores on line. Where sysfs isn't mounted, those that the calling thread may use.
#[must_use]
pub fn online(root: &Path) -> BTreeSet<u32> {
    listed(root).unwrap_or_else(|| allowed().unwrap_or_default())
}

/// Cores on line, where sysfs tells.
fn listed(root: &Path) -> Option<BTreeSet<u32>> {
    sysfs::read(root, "sys/devices/system/cpu/online").map(|t| sysfs::core_list(&t)).filter(|cores| !cores.is_empty())
}

/// Cores that the calling thread may run on now: its cgroup's cpuset, narrowed by `taskset` and by [`pin`]. To be asked
/// before pinning.
///
/// # Errors
/// [`AffinityError::Unreadable`].
pub fn allowed() -> Result<BTreeSet<u32>, AffinityError> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(AffinityError::Unreadable)?;
    Ok((0..CpuSet::count())
        .filter(|&core| set.is_set(core).unwrap_or(false))
        .filter_map(|core| u32::try_from(core).ok())
        .collect())
}

/// Keeps the calling thread on `core` from now on; on return it runs there.
///
/// # Errors
/// [`AffinityError`], naming the cores that there are.
pub fn pin(core: u32) -> Result<(), AffinityError> {
    // Where nothing tells of cores, the kernel's answer must do.
    if let Some(online) = listed(Path::new("/")).filter(|online| !online.contains(&core)) {
        return Err(AffinityError::NoSuchCore { core, online: write_core_list(&online) });
    }
    let mut set = CpuSet::new();
    let placed = usize::try_from(core).map_err(|_| Errno::EINVAL).and_then(|index| set.set(index));
    placed.and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)).map_err(|source| match source {
        // Of a core that exists an empty intersection can only be the cpuset's doing.
        Errno::EINVAL => AffinityError::NotAllowed { core, allowed: write_core_list(&allowed().unwrap_or_default()) },
        source => AffinityError::Refused { core, source },
    })
}

/// Whether the calling thread runs on `core` now. The kernel moves one that was pinned only where it must: its core was taken off
/// line, or out of the cpuset.
#[must_use]
pub fn is_on(core: u32) -> bool {
    sched_getcpu().is_ok_and(|now| u32::try_from(now) == Ok(core))
}

/// Whether [`pin`] would succeed, and the core runs what is pinned to it; the calling thread stays where it is. A thread on a core
/// that somebody else never lets go of stands still for as long, and so does all that waits for it: this doesn't.
///
/// # Errors
/// As [`pin`], [`AffinityError::Held`] and [`AffinityError::NoThread`].
pub fn check(core: u32) -> Result<(), AffinityError> {
    check_all(&[core]).pop().unwrap_or(Ok(()))
}

/// [`check`] of each of `cores`, all at once, so that several that are held take no longer than one.
#[must_use]
pub fn check_all(cores: &[u32]) -> Vec<Result<(), AffinityError>> {
    check_within(cores, PATIENCE)
}

fn check_within(cores: &[u32], patience: Duration) -> Vec<Result<(), AffinityError>> {
    let tries: Vec<_> = cores.iter().map(|&core| Try::begin(core)).collect();
    let mut left = patience;
    tries.into_iter().map(|tried| tried?.end(&mut left, patience)).collect()
}

/// A thread that is about to be pinned.
struct Try {
    core: u32,
    /// By which the kernel knows it.
    thread: Pid,
    pinned: mpsc::Receiver<Result<(), AffinityError>>,
    handle: thread::JoinHandle<()>,
}

impl Try {
    fn begin(core: u32) -> Result<Self, AffinityError> {
        let (say_thread, thread) = mpsc::channel();
        let (say, pinned) = mpsc::channel();
        let work = move || {
            // Whoever no longer listens knows enough.
            let _ = say_thread.send(gettid());
            let _ = say.send(pin(core));
        };
        let no_thread = |source| AffinityError::NoThread { core, source };
        let handle = thread::Builder::new().spawn(work).map_err(no_thread)?;
        let thread = thread.recv().map_err(|_| no_thread(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { core, thread, pinned, handle })
    }

    /// Waits for it until nothing is `left` of the patience with all, and takes it away from its core then: left there, it would keep the whole process
    /// from ending.
    fn end(self, left: &mut Duration, patience: Duration) -> Result<(), AffinityError> {
        let Self { core, thread, pinned, handle } = self;
        let found = loop {
            let slice = SLICE.min(*left);
            match pinned.recv_timeout(slice) {
                Ok(found) => break found,
                Err(_) if left.is_zero() => break Err(AffinityError::Held { core, patience }),
                Err(_) => *left -= slice,
            }
        };
        if matches!(found, Err(AffinityError::Held { .. })) && !take_away(thread, core) {
            return found;
        }
        // A program that wants to be alone in a namespace must have no thread that is only about to end.
        handle.join().map_err(|_| AffinityError::Refused { core, source: Errno::EIO })?;
        found
    }
}

/// Has a thread run anywhere but on `core`, and says whether that is anywhere. The kernel moves one that waits for its turn at once.
fn take_away(thread: Pid, core: u32) -> bool {
    let mut set = CpuSet::new();
    // The kernel takes out of it what the cpuset forbids; the caller's own mask may have no other core.
    for other in online(Path::new("/")).into_iter().filter(|other| *other != core) {
        let _ = usize::try_from(other).map_err(|_| Errno::EINVAL).and_then(|index| set.set(index));
    }
    sched_setaffinity(thread, &set).is_ok()
}

/// Whether the two ends of a lane can be placed on these cores.
///
/// # Errors
/// As [`pin`], and [`AffinityError::SameCore`].
pub fn check_pair(exchange: u32, trader: u32) -> Result<(), AffinityError> {
    check_all(&[exchange, trader]).into_iter().collect::<Result<(), _>>()?;
    if exchange == trader {
        return Err(AffinityError::SameCore { core: trader, online: write_core_list(&online(Path::new("/"))) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::realtime;

    #[test]
    fn a_pinned_thread_runs_on_its_core() {
        for core in allowed().unwrap() {
            thread::spawn(move || {
                pin(core).unwrap();
                assert_eq!(sched_getcpu().unwrap(), core as usize);
                assert_eq!(allowed().unwrap(), BTreeSet::from([core]));
            })
            .join()
            .unwrap();
        }
    }

    #[test]
    fn a_core_that_does_not_exist_is_named_with_those_that_do() {
        let e = pin(60_000).unwrap_err();
        assert!(matches!(e, AffinityError::NoSuchCore { core: 60_000, .. }));
        let cores = write_core_list(&online(Path::new("/")));
        assert!(e.to_string().contains("60000") && e.to_string().contains(&cores), "{e}");
    }

    #[test]
    fn both_ends_on_one_core_are_refused() {
        let core = *allowed().unwrap().first().unwrap();
        assert!(matches!(check_pair(core, core), Err(AffinityError::SameCore { .. })));
    }

    #[test]
    fn a_core_that_somebody_never_lets_go_of_is_not_waited_for() {
        let cores: Vec<u32> = allowed().unwrap().into_iter().collect();
        let [held, own, ..] = cores[..] else {
            return println!("SKIPPED: a core that is held: needs two cores that this process may use");
        };
        let (say, said) = mpsc::channel();
        let until = Instant::now() + Duration::from_millis(700);
        let holder = thread::spawn(move || {
            pin(held).unwrap();
            let priority = realtime::take_fifo_priority();
            say.send(priority).unwrap();
            while priority.is_ok() && Instant::now() < until {}
        });
        if let Err(e) = said.recv().unwrap() {
            return println!("SKIPPED: a core that is held: needs a real-time priority: {e}");
        }
        let tried = thread::spawn(move || {
            pin(own).unwrap();
            let mut results = check_within(&[held, own], Duration::from_millis(200));
            (results.pop().unwrap(), results.pop().unwrap(), Instant::now())
        });
        let (of_own, of_held, ended) = tried.join().unwrap();
        of_own.unwrap();
        let e = of_held.unwrap_err();
        assert!(matches!(e, AffinityError::Held { core, .. } if core == held), "{e}");
        assert!(e.remedy().contains(&format!("core {held}")), "{}", e.remedy());
        assert!(!holder.is_finished() && ended < until, "the thread that tried it ended before the core was let go of");
        holder.join().unwrap();
        check(held).unwrap();
    }

    #[test]
    fn checking_a_core_leaves_the_caller_where_it_was() {
        let before = allowed().unwrap();
        check(*before.first().unwrap()).unwrap();
        assert_eq!(allowed().unwrap(), before);
    }

    #[test]
    fn the_cores_on_line_are_read_below_the_root_given() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("sys/devices/system/cpu");
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("online"), "0-1,4\n").unwrap();
        assert_eq!(online(root.path()), BTreeSet::from([0, 1, 4]));
    }
}
