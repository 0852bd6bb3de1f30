//! What the kernel does on the two measured cores while a trial is measured, by BPF programs on its tracepoints, so that the
//! slowest ticks can be told why they were slow.
//!
//! The programs write into one ring for each core, which is read when the trial is over: nobody is woken in between. A core
//! that is not measured, and time that is not measured, cost a comparison. What finds no room is counted, with the time
//! of the first. So are softirqs that are part of a timed thread's own call, which are not timed.

pub mod anchors;
mod event;
#[cfg(feature = "bpf")]
mod faults;
pub mod frequency;
mod history;
#[cfg(feature = "bpf")]
mod program;
#[cfg(not(feature = "bpf"))]
#[path = "program_absent.rs"]
mod program;
#[cfg(feature = "bpf")]
mod record;
#[cfg(feature = "bpf")]
mod spans;
#[cfg(feature = "bpf")]
mod symbols;

pub use event::{Comm, Event, Vector, What};
pub use history::{History, Lost};
pub use program::Tracer;

use thiserror::Error;

/// Bytes of each core's ring: room for two million events, which is a softirq for each tick of a long repetition.
pub const ROOM: u32 = 64 << 20;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Cores of exchange and trader on which it is tried whether they can be watched; those of a trial are told at its start.
    pub cores: [u32; 2],
    /// The system calls of the timed threads too.
    pub calls: bool,
    /// Bytes of each core's ring, a power of two of pages: [`ROOM`].
    pub room: u32,
}

/// Why the kernel can't be watched here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("needs {needs}; {how}")]
pub struct Unmet {
    /// What is missing.
    pub needs: String,
    /// How to get it.
    pub how: String,
}

impl Unmet {
    fn new(needs: impl Into<String>, how: impl Into<String>) -> Self {
        Self { needs: needs.into(), how: how.into() }
    }
}

/// Threads are known by the numbers that the kernel itself gives them, which programs in a PID namespace don't see.
#[cfg(feature = "bpf")]
fn in_first_pid_namespace() -> bool {
    /// `PROC_PID_INIT_INO` of the kernel.
    const FIRST: &str = "pid:[4026531836]";
    std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == FIRST)
}
