//! A real-time priority for the calling thread.
#![expect(unsafe_code, reason = "nix has no wrapper of sched_setscheduler")]

use nix::errno::Errno;

/// The kernel refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SCHED_FIFO was refused by the kernel ({0})")]
pub struct RealtimeError(#[source] pub Errno);

impl RealtimeError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(self) -> String {
        match self.0 {
            Errno::EPERM => {
                "run as root, or with CAP_SYS_NICE or a limit on real-time priorities (`ulimit -r 1`); in a \
                             container --cap-add SYS_NICE"
                    .to_owned()
            }
            _ => {
                "run outside of containers and cgroups that forbid real-time priorities (cpu.rt_runtime_us)".to_owned()
            }
        }
    }
}

/// Gives the calling thread the lowest real-time priority: every thread without one makes way for it at once.
///
/// # Errors
/// [`RealtimeError`].
pub fn take_fifo_priority() -> Result<(), RealtimeError> {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: the pointer is to a whole `sched_param` that outlives the call, which reads it only; 0 is the calling thread.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    Errno::result(done).map(drop).map_err(RealtimeError)
}
