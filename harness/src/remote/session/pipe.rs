//! The way to the agent: one message or piece at a time, and a sign of life between.

use std::{
    io,
    process::ChildStdin,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use crate::remote::protocol::{self, Request};

/// An agent that hears nothing for long takes the run for gone; it is told this often that it isn't.
const ALIVE: Duration = Duration::from_secs(5);

/// To the agent's standard input.
pub(super) struct Pipe(Mutex<State>);

struct State {
    /// `None` when it is closed.
    to: Option<ChildStdin>,
    /// Number of the last request.
    last: u64,
    /// Nothing but what is meant may be said until then: a trial is being measured.
    hushed_until: Option<Instant>,
}

impl Pipe {
    pub(super) fn new(to: ChildStdin) -> Arc<Self> {
        let pipe = Arc::new(Self(Mutex::new(State { to: Some(to), last: 0, hushed_until: None })));
        let weak = Arc::downgrade(&pipe);
        thread::spawn(move || say_alive(&weak));
        pipe
    }

    /// Sends a request; returns its number.
    pub(super) fn request(&self, request: &Request) -> io::Result<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.last += 1;
        let number = state.last;
        protocol::send(state.open()?, &(number, request))?;
        Ok(number)
    }

    pub(super) fn piece(&self, piece: &[u8]) -> io::Result<()> {
        protocol::send_piece(self.0.lock().unwrap_or_else(PoisonError::into_inner).open()?, piece)
    }

    /// Says nothing by itself for so long; `None` for no longer.
    pub(super) fn hush(&self, at_most: Option<Duration>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.hushed_until = at_most.map(|at_most| Instant::now() + at_most);
    }

    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).to = None;
    }
}

impl State {
    fn open(&mut self) -> io::Result<&mut ChildStdin> {
        self.to.as_mut().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

/// Until the pipe is closed.
fn say_alive(pipe: &Weak<Pipe>) {
    loop {
        thread::sleep(ALIVE);
        let Some(pipe) = pipe.upgrade() else { return };
        let mut state = pipe.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.hushed_until.is_some_and(|until| Instant::now() < until) {
            continue;
        }
        if state.open().and_then(|to| protocol::send(to, &(0, Request::Alive))).is_err() {
            return;
        }
    }
}
