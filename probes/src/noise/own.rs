//! What the kernel tells a thread of itself: whether it was switched out, whether it had a page fault, how long it waited.

use std::path::Path;

use nix::sys::resource::{UsageWho, getrusage};
use tickcert_results::{
    certificate::{Counted, GapCause, Topic},
    time::Nanos,
};

use crate::sysfs;

/// Counts of the calling thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    switches: u64,
    faults: u64,
}

impl Own {
    /// So many switches and faults.
    #[cfg(test)]
    pub(super) const fn of(switches: u64, faults: u64) -> Self {
        Self { switches, faults }
    }

    /// A system call, of some hundred nanoseconds.
    pub(super) fn read() -> Self {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Self::default() };
        let sum = |a: i64, b: i64| u64::try_from(a.saturating_add(b)).unwrap_or_default();
        Self {
            switches: sum(usage.voluntary_context_switches(), usage.involuntary_context_switches()),
            faults: sum(usage.minor_page_faults(), usage.major_page_faults()),
        }
    }

    /// What lay between two of them: a switch, which takes the longest, before a fault.
    pub(super) const fn cause_since(self, earlier: Self) -> GapCause {
        if self.switches > earlier.switches {
            GapCause::SwitchedOut
        } else if self.faults > earlier.faults {
            GapCause::PageFault
        } else {
            GapCause::Below
        }
    }

    /// Switches and faults since then.
    pub(super) const fn events_since(self, earlier: Self) -> u64 {
        self.switches.saturating_sub(earlier.switches).saturating_add(self.faults.saturating_sub(earlier.faults))
    }

    /// As rows, with how long the thread waited meanwhile, where the kernel says that.
    pub(super) fn counted(self, earlier: Self, waited: Option<Nanos>) -> Vec<Counted> {
        let count = |what: &str, by, is_time| Counted { layer: Topic::Application, what: what.to_owned(), by, is_time };
        let mut rows = vec![
            count("switched out for another task", self.switches.saturating_sub(earlier.switches), false),
            count("page faults", self.faults.saturating_sub(earlier.faults), false),
        ];
        rows.extend(waited.map(|waited| count("waiting for the core", waited.get(), true)));
        rows
    }
}

/// How long the calling thread has waited for a core while it could have run (`schedstat`, second figure).
pub(super) fn waited(root: &Path) -> Option<Nanos> {
    let text = sysfs::read(root, "proc/thread-self/schedstat")?;
    text.split_whitespace().nth(1)?.parse().ok().map(Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_gave_its_core_up_is_told_that_it_was_switched_out() {
        let before = Own::read();
        // Nobody sends: it can only wait, and so is switched out.
        let (keep, nothing) = std::sync::mpsc::channel::<()>();
        let _ = nothing.recv_timeout(std::time::Duration::from_millis(1));
        drop(keep);
        let after = Own::read();
        assert_eq!(after.cause_since(before), GapCause::SwitchedOut);
        assert!(after.events_since(before) > 0);
    }

    #[test]
    fn a_thread_that_touched_new_memory_is_told_that_it_faulted() {
        // Another thread may take the core meanwhile, which counts before the fault; not every time.
        let faulted = (0..1_000).any(|_| {
            let before = Own::read();
            let mut map = memmap2::MmapMut::map_anon(4096).unwrap();
            map[0] = 1;
            Own::read().cause_since(before) == GapCause::PageFault
        });
        assert!(faulted);
    }

    #[test]
    fn the_time_waited_is_the_second_figure() {
        let tree = sysfs::fixture::Tree::new().file("proc/thread-self/schedstat", "100 42583 7\n");
        assert_eq!(waited(tree.root()), Some(Nanos(42_583)));
        assert_eq!(waited(sysfs::fixture::Tree::new().root()), None);
    }
}
