//! Two threads, each kept on a core of its own, which begin together: what everything measured between two cores needs.

use std::{
    io,
    sync::{OnceLock, mpsc},
    thread,
};

use crate::affinity::{self, AffinityError};

/// Why nothing was measured between two cores.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A core can't be used.
    #[error("core {core} can't be measured")]
    Core {
        /// Which.
        core: u32,
        /// Why.
        source: AffinityError,
    },
    /// No thread.
    #[error("no thread for core {core}")]
    Thread {
        /// Which.
        core: u32,
        /// Why.
        source: io::Error,
    },
    /// Neither was moved for good, and yet they hardly came to each other.
    #[error("cores {} and {} had no time for each other: one was taken away for a while, or others have them", cores[0], cores[1])]
    TooSlow {
        /// Which.
        cores: [u32; 2],
    },
    /// The kernel moved a thread away from its core, which it does only where it must.
    #[error("core {core} was taken away in the middle: it was taken off line, or out of this process's cpuset")]
    TakenAway {
        /// Which.
        core: u32,
    },
}

impl PairError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Core { source, .. } => source.remedy(),
            Self::TakenAway { core } => {
                format!(
                    "take it on line (`echo 1 > /sys/devices/system/cpu/cpu{core}/online`) and leave it, then try again"
                )
            }
            Self::TooSlow { cores: [a, b] } => format!(
                "leave both on line (/sys/devices/system/cpu/cpu{a}/online, cpu{b}/online) and end what real-time tasks run there, then try again"
            ),
            Self::Thread { .. } => "raise the limit on threads (`ulimit -u`, a container's --pids-limit)".into(),
        }
    }
}

/// Runs `first` and `second` on their cores, beginning together as closely as two wake-ups do, and hands over what both
/// return once both are done. Neither begins if the other can't.
///
/// # Errors
/// [`PairError`]; also when a thread was no longer on its core in the end.
pub fn run<A: Send, B: Send>(
    cores: [u32; 2],
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> Result<(A, B), PairError> {
    let (ready, pinned) = mpsc::channel();
    let go = OnceLock::new();
    let (one, other) = thread::scope(|s| {
        let one = spawn(s, cores[0], ready.clone(), &go, first);
        let other = spawn(s, cores[1], ready, &go, second);
        let expected = [one.is_ok(), other.is_ok()].into_iter().filter(|spawned| *spawned).count();
        let on_core = pinned.iter().take(expected).filter(|ok| *ok).count();
        // Those that were spawned wait for this, so it is said in any case.
        let _ = go.set(on_core == 2);
        (one.and_then(join), other.and_then(join))
    });
    let of = |core| move |source| PairError::Thread { core, source };
    let (one, other) = (one.map_err(of(cores[0]))?, other.map_err(of(cores[1]))?);
    match (one?, other?) {
        (Some(one), Some(other)) => Ok((one, other)),
        // Not reached: a thread without a result has an error, or its neighbour has.
        _ => Err(of(cores[0])(io::Error::other("it never began"))),
    }
}

type Ended<T> = Result<Option<T>, PairError>;

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    core: u32,
    ready: mpsc::Sender<bool>,
    go: &'scope OnceLock<bool>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<thread::ScopedJoinHandle<'scope, Ended<T>>> {
    thread::Builder::new().spawn_scoped(scope, move || {
        let pinned = affinity::pin(core);
        let _ = ready.send(pinned.is_ok());
        let may_begin = *go.wait();
        pinned.map_err(|source| PairError::Core { core, source })?;
        if !may_begin {
            return Ok(None);
        }
        let done = work();
        if affinity::is_on(core) { Ok(Some(done)) } else { Err(PairError::TakenAway { core }) }
    })
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, Ended<T>>) -> io::Result<Ended<T>> {
    thread.join().map_err(|_| io::Error::other("it panicked"))
}

/// Every two of `cores` once, in order.
pub fn of(cores: &[u32]) -> impl Iterator<Item = [u32; 2]> {
    cores.iter().enumerate().flat_map(|(n, &first)| cores.iter().skip(n + 1).map(move |&second| [first, second]))
}

#[cfg(test)]
pub(crate) mod tests {
    use nix::sched::sched_getcpu;

    use super::*;

    /// Two cores that this process may use, or a line that says that the test was skipped.
    pub(crate) fn two_cores() -> Option<[u32; 2]> {
        let allowed: Vec<u32> = affinity::allowed().unwrap().into_iter().collect();
        if let [first, second, ..] = allowed[..] {
            return Some([first, second]);
        }
        println!("SKIPPED: between two cores: needs two cores that this process may use");
        None
    }

    #[test]
    fn each_of_the_two_runs_on_its_core() {
        let Some(cores) = two_cores() else { return };
        let (a, b) = run(cores, || sched_getcpu().unwrap(), || sched_getcpu().unwrap()).unwrap();
        assert_eq!([a, b], cores.map(|core| core as usize));
    }

    #[test]
    fn neither_begins_where_one_can_not() {
        let core = *affinity::allowed().unwrap().first().unwrap();
        for cores in [[core, 60_000], [60_000, core]] {
            let e = run(cores, || panic!("began"), || panic!("began")).map(|((), ())| ()).unwrap_err();
            assert!(matches!(e, PairError::Core { core: 60_000, .. }), "{e}");
            assert!(e.remedy().contains("cpu60000/online"), "{}", e.remedy());
        }
    }

    #[test]
    fn a_thread_that_is_moved_in_the_middle_is_found_out() {
        let Some(cores) = two_cores() else { return };
        let moved = move || affinity::pin(cores[1]).unwrap();
        let e = run(cores, moved, || ()).unwrap_err();
        assert!(matches!(e, PairError::TakenAway { core } if core == cores[0]), "{e}");
    }

    #[test]
    fn every_two_of_some_cores_come_once() {
        assert_eq!(of(&[1, 4, 7]).collect::<Vec<_>>(), [[1, 4], [1, 7], [4, 7]]);
        assert_eq!(of(&[1]).count() + of(&[]).count(), 0);
    }
}
