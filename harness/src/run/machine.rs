//! What the host is made of, and how long it takes from one of its parts to another: what every figure of a run stands on.

use std::{collections::BTreeSet, path::Path};

use tickcert_probes::{
    affinity,
    clocks::costs,
    core_to_core, memory_latency,
    topology::{self, NoSysfs},
};
use tickcert_results::{
    certificate::{CoreMatrix, Machine, MemoryView, NotRun, NotRunKind, ReadCost},
    time::{Nanos, TickScale},
};

use super::{certify::Order, progress::Progress};

/// How long all pairs of cores together are measured, where a millisecond for each isn't more…
const CORE_TO_CORE: Nanos = Nanos(4_000_000_000);
/// …and how long memory is; what has begun by then is ended.
const MEMORY: Nanos = Nanos(20_000_000_000);

/// A row for what could not be had of this host.
pub(crate) fn row(name: &str, needs: impl std::fmt::Display, how: impl Into<String>) -> NotRun {
    NotRun::new(NotRunKind::Probe, name, needs.to_string(), how)
}

/// Its parts, as far as the kernel tells of them.
pub(super) fn read(not_run: &mut Vec<NotRun>) -> Machine {
    let topology = topology::of_this_host().map_err(|e| not_run.push(row("topology", e, NoSysfs::REMEDY)));
    Machine { topology: topology.ok(), ..Machine::default() }
}

/// What lies between them, on the cores of the run and all others that it may use, before anything of the run is measured. Others that
/// are isolated are left to whoever they were isolated for.
pub(super) fn measure(
    order: &Order,
    scale: TickScale,
    machine: &mut Machine,
    not_run: &mut Vec<NotRun>,
    progress: &Progress,
) {
    if !order.profile.run.machine {
        let needs = "a profile that wants it: this one has `machine = false`";
        let name = "core to core, memory, and what reading a clock costs";
        let left_out = row(name, needs, "take that out of [run], or see `tickcert probe`");
        return not_run.push(NotRun { optional: true, ..left_out });
    }
    let own = order.all_cores().into_iter();
    let cores: BTreeSet<u32> = affinity::allowed().unwrap_or_default().into_iter().chain(own).collect();
    let cores: Vec<u32> = cores.into_iter().filter(|core| affinity::check(*core).is_ok()).collect();
    progress.say("Measuring from core to core, and memory");
    machine.read_costs = read_costs(&cores, scale);
    machine.core_to_core = core_to_core(&cores, scale, not_run);
    machine.memory = memory(&cores, scale, not_run);
}

/// Costs of reading on the first core, in a thread of its own, so that this one stays where it may be.
pub(crate) fn read_costs(cores: &[u32], scale: TickScale) -> Vec<ReadCost> {
    let first = cores.first().copied();
    std::thread::scope(|s| {
        let reading = s.spawn(move || {
            // Where it can't be kept on a core, the figures are of whichever it runs on.
            let _ = first.map(affinity::pin);
            costs::measure(scale)
        });
        reading.join().unwrap_or_default()
    })
}

pub(crate) fn core_to_core(cores: &[u32], scale: TickScale, not_run: &mut Vec<NotRun>) -> Option<CoreMatrix> {
    let (matrix, failed) = core_to_core::measure(cores, CORE_TO_CORE, scale);
    for ([a, b], e) in failed {
        not_run.push(row(&format!("core-to-core of {a} and {b}"), causes(&e), e.remedy()));
    }
    Some(matrix).filter(|matrix| !matrix.pairs.is_empty())
}

pub(crate) fn memory(cores: &[u32], scale: TickScale, not_run: &mut Vec<NotRun>) -> Vec<MemoryView> {
    let (views, failed) = memory_latency::measure(&memory_latency::wants(Path::new("/"), cores), MEMORY, scale);
    for (want, e) in failed {
        let node = want.memory_node.map_or_else(String::new, |node| format!(" on node {node}"));
        let name = format!("memory{node} from core {}, pages of {}", want.core, want.pages.name());
        not_run.push(row(&name, causes(&e), e.remedy()));
    }
    views
}

/// An error with its causes, on a line.
pub(crate) fn causes(e: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(e), |e| e.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
