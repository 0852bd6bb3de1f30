//! What an endpoint process does to itself before it measures, and what the kernel says of it afterwards.

use std::path::Path;

use anyhow::Result;
use nix::{
    sched::sched_getcpu,
    sys::resource::{Usage as Rusage, UsageWho, getrusage},
};
use tickcert_probes::{affinity, memory, numa};
use tickcert_scenarios::order_entry::session::{CredentialError, Credentials};

use tickcert_transports::api::{Rx, Tx};

use super::control::{Facts, Usage};
use crate::allocator;

/// Runs on `core` only, with all memory on `node`, if one is named, and locked where this is allowed.
pub(super) fn prepare(core: u32, node: Option<u32>) -> Result<()> {
    affinity::pin(core)?;
    if let Some(node) = node {
        numa::bind_memory(node)?;
    }
    // Without the right to lock, page faults show in the usage; the trial is no less true for it.
    let _ = memory::lock_all();
    Ok(())
}

/// What both halves of a lane say of themselves.
pub(super) fn facts(rx: &impl Rx, tx: &impl Tx) -> Facts {
    let mut facts = Facts::new();
    let mut note = |name: &'static str, value: String| {
        facts.insert(name.to_owned(), value);
    };
    rx.facts(&mut note);
    tx.facts(&mut note);
    facts
}

/// Where this process's memory lies; `None` where the kernel knows of one node only, or of none.
pub(super) fn memory_by_node() -> Option<numa::MemoryByNode> {
    let several = numa::nodes(Path::new("/")).len() > 1;
    several.then(|| numa::memory_by_node().ok()).flatten()
}

/// Who the trader is. The session is between two processes of one run: there is nothing to keep secret.
pub(super) fn credentials() -> Result<Credentials, CredentialError> {
    Credentials::new("TRADER", "TICKCERT")
}

/// What this thread uses between two points.
pub(crate) struct UsageMeter {
    kernel: Option<Rusage>,
    allocator_calls: u64,
}

impl UsageMeter {
    pub(crate) fn start() -> Self {
        Self { kernel: getrusage(UsageWho::RUSAGE_THREAD).ok(), allocator_calls: allocator::calls() }
    }

    pub(crate) fn stop(self) -> Usage {
        // First of all: what follows allocates.
        let allocator_calls = allocator::calls() - self.allocator_calls;
        let core = sched_getcpu().ok().and_then(|core| u32::try_from(core).ok());
        let used = Usage { allocator_calls, core, ..Usage::default() };
        let (Some(before), Ok(after)) = (self.kernel, getrusage(UsageWho::RUSAGE_THREAD)) else { return used };
        let since = |get: fn(&Rusage) -> i64| u64::try_from(get(&after) - get(&before)).unwrap_or_default();
        Usage {
            voluntary_switches: since(Rusage::voluntary_context_switches),
            involuntary_switches: since(Rusage::involuntary_context_switches),
            minor_faults: since(Rusage::minor_page_faults),
            major_faults: since(Rusage::major_page_faults),
            memory_locked: memory_is_locked(),
            ..used
        }
    }
}

fn memory_is_locked() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
    locked.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).is_some_and(|kb| kb > 0)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn what_a_loop_asks_of_the_allocator_is_in_its_usage_and_what_the_meter_itself_asks_is_not() {
        assert_eq!(UsageMeter::start().stop().allocator_calls, 0);
        let meter = UsageMeter::start();
        drop(black_box(vec![1_u8; 100]));
        assert_eq!(meter.stop().allocator_calls, 2);
    }
}
