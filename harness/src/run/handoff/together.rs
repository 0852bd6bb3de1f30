//! The threads of a trial begin together, or not at all: one that can't be had must not leave the others waiting for it.

use std::{
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, Scope, ScopedJoinHandle},
};

/// The system gave no thread for a trial.
#[derive(Debug, thiserror::Error)]
#[error("a thread of the trial can't be started; raise the limit on threads (`ulimit -u`, a container's --pids-limit)")]
pub(super) struct NoThread(#[source] io::Error);

/// Starts a thread of the trial, which joins the others at its [`Place`] if it has one.
///
/// # Errors
/// [`NoThread`]. `work` is dropped then, and with it the place that it was to pass.
pub(super) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, NoThread> {
    let builder = thread::Builder::new();
    #[cfg(test)]
    let builder = tests::made_to_fail(builder);
    builder.spawn_scoped(scope, work).map_err(NoThread)
}

/// Where they wait for each other.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Places whose thread isn't there yet.
    missing: usize,
    /// Some thread will never be there.
    off: bool,
}

impl Gate {
    /// A place for one thread. All are to be made before the first thread starts.
    pub(super) fn place(&self) -> Place<'_> {
        self.state().missing += 1;
        Place { gate: self, passed: false }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's place at the gate. If it is dropped instead of passed, because its thread was never started or panicked on the
/// way, the gate is off for all.
#[derive(Debug)]
pub(super) struct Place<'a> {
    gate: &'a Gate,
    passed: bool,
}

impl Place<'_> {
    /// Waits until a thread is at each place; false if one of them will never come.
    #[must_use]
    pub(super) fn pass(mut self) -> bool {
        self.passed = true;
        let mut state = self.gate.state();
        state.missing -= 1;
        if state.missing == 0 {
            self.gate.moved.notify_all();
        }
        while state.missing > 0 && !state.off {
            state = self.gate.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.missing == 0
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.passed {
            self.gate.state().off = true;
            self.gate.moved.notify_all();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Threads that may still be started from this one.
        static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
    }

    /// From here on this thread can start so many others, and no more.
    pub(in super::super) fn allow(threads: u32) {
        LEFT.set(threads);
    }

    /// Beyond what is allowed: with a stack that no system has, so that it fails where the system would let it fail.
    pub(super) fn made_to_fail(builder: thread::Builder) -> thread::Builder {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        if left == 0 { builder.stack_size(1 << 60) } else { builder }
    }

    #[test]
    fn threads_pass_together_whichever_is_the_last() {
        let gate = Gate::default();
        let places = [gate.place(), gate.place(), gate.place()];
        let passed = thread::scope(|s| {
            let threads = places.map(|place| s.spawn(|| place.pass()));
            threads.map(|thread| thread.join().unwrap())
        });
        assert_eq!(passed, [true; 3]);
    }

    #[test]
    fn where_one_thread_never_comes_the_others_are_sent_home() {
        let gate = Gate::default();
        let (first, last, never) = (gate.place(), gate.place(), gate.place());
        let passed = thread::scope(|s| {
            let waiting = s.spawn(|| first.pass());
            drop(never);
            [last.pass(), waiting.join().unwrap()]
        });
        assert_eq!(passed, [false; 2]);
    }

    #[test]
    fn a_thread_that_panics_before_its_place_sends_the_others_home() {
        let gate = Gate::default();
        let (there, panics) = (gate.place(), gate.place());
        let passed = thread::scope(|s| {
            let panicking = s.spawn(|| {
                let _place = panics;
                panic!("on the way");
            });
            assert!(panicking.join().is_err());
            there.pass()
        });
        assert!(!passed);
    }

    #[test]
    fn a_thread_that_the_system_does_not_give_is_an_error_with_the_remedy() {
        allow(0);
        let e = thread::scope(|s| start(s, || ()).map(drop).unwrap_err());
        allow(u32::MAX);
        assert!(e.to_string().contains("ulimit -u"), "{e}");
    }
}
