//! What the host is made of, and how long it takes from one of its parts to another: what every figure of a run stands on.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use tickcert_probes::{
    affinity,
    clocks::costs,
    core_to_core, isolated, memory_latency, pair,
    sysfs::write_core_list,
    topology::{self, NoSysfs, Topology},
};
use tickcert_results::{
    certificate::{CoreMatrix, Machine, MemoryView, NotRun, NotRunKind, ReadCost},
    time::{Nanos, TickScale},
};

use super::{certify::Order, interrupt, progress::Progress};

/// How long all pairs of cores together are measured, where a millisecond for each isn't more…
const CORE_TO_CORE: Nanos = Nanos(4_000_000_000);
/// …but that no pair is begun after so long: of cores that others hold each may take a second.
const CORE_TO_CORE_AT_MOST: Duration = Duration::from_secs(20);
/// How long memory is measured; what has begun by then is ended.
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

/// The name of the rows that say what was left out.
const NAME: &str = "core to core, memory, and what reading a clock costs";

/// That nothing is measured of a host on which nothing else is.
pub(super) fn without_a_bench(machine: Option<&Machine>) -> Option<NotRun> {
    machine.map(|_| {
        optional(row(
            NAME,
            "a bench, before whose trials they are measured",
            "see what the lanes need, or `tickcert probe`",
        ))
    })
}

/// What the profile can do without, as it can without all of this.
fn optional(row: NotRun) -> NotRun {
    NotRun { optional: true, ..row }
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
    let mut rows = Vec::new();
    if order.profile.run.machine {
        progress.say("Measuring from core to core, and memory");
        let mut cores = cores(order);
        rows.extend(left_out(machine.topology.as_ref(), &cores));
        leave_out_held(&mut cores, &mut rows);
        machine.read_costs = read_costs(&cores, scale);
        machine.core_to_core = core_to_core(&cores, scale, &mut rows);
        // Who breaks a run off doesn't wait for what takes longest of it.
        if interrupt::wanted() {
            rows.push(row("memory", "a run that isn't broken off", "run it again, or see `tickcert probe memory`"));
        } else {
            machine.memory = memory(&cores, scale, &mut rows);
        }
    } else {
        let needs = "a profile that wants it: this one has `machine = false`";
        rows.push(row(NAME, needs, "take that out of [run], or see `tickcert probe`"));
    }
    not_run.extend(rows.into_iter().map(optional));
}

/// The trader's first, then the others of the run, then all that it may use and nobody has isolated.
fn cores(order: &Order) -> Vec<u32> {
    let mut cores = vec![order.cores.1];
    let isolated = isolated::all(Path::new("/"));
    let others = affinity::allowed().unwrap_or_default().into_iter().filter(|core| !isolated.contains(core));
    for core in order.all_cores().into_iter().chain(others) {
        if !cores.contains(&core) {
            cores.push(core);
        }
    }
    cores
}

/// What is pinned to a core that nothing else comes to run on would be waited for without end.
fn leave_out_held(cores: &mut Vec<u32>, rows: &mut Vec<NotRun>) {
    let tried = affinity::check_all(cores);
    let mut answered = tried.iter();
    cores.retain(|&core| match answered.next() {
        Some(Err(e)) => {
            rows.push(row(&format!("core to core and memory of core {core}"), e, e.remedy()));
            false
        }
        _ => true,
    });
}

/// Cores on line that are not measured.
fn left_out(topology: Option<&Topology>, measured: &[u32]) -> Option<NotRun> {
    let others = topology?.cores.iter().filter(|core| core.online && !measured.contains(&core.number));
    let others: BTreeSet<u32> = others.map(|core| core.number).collect();
    let list = write_core_list(&others);
    let needs = "cores that this run uses, or may use and nobody has isolated; these are neither";
    let how = format!("tickcert probe core-to-core memory --cores {list}");
    (!others.is_empty()).then(|| row(&format!("core to core and memory of cores {list}"), needs, how))
}

/// Costs of reading on the first core, in a thread of its own, so that this one stays where it may be.
pub(crate) fn read_costs(cores: &[u32], scale: TickScale) -> Vec<ReadCost> {
    let first = cores.first().copied();
    std::thread::scope(|s| {
        let reading = s.spawn(move || costs::measure(first.filter(|core| affinity::pin(*core).is_ok()), scale));
        reading.join().unwrap_or_default()
    })
}

pub(crate) fn core_to_core(cores: &[u32], scale: TickScale, not_run: &mut Vec<NotRun>) -> Option<CoreMatrix> {
    let mut cores = cores.to_vec();
    cores.sort_unstable();
    let began = Instant::now();
    let is_over = || interrupt::wanted() || began.elapsed() > CORE_TO_CORE_AT_MOST;
    let (matrix, failed) = core_to_core::measure(&cores, CORE_TO_CORE, scale, &is_over);
    let left = pair::of(&cores).count().saturating_sub(matrix.pairs.len() + failed.len());
    if left > 0 {
        let why = if interrupt::wanted() {
            "a run that isn't broken off".to_owned()
        } else {
            format!("more time than {} s", CORE_TO_CORE_AT_MOST.as_secs())
        };
        not_run.push(row(
            "core to core of all pairs",
            format!("{why}, for {left} pairs that were not begun"),
            "tickcert probe core-to-core --cores LIST, on a host whose cores nobody else holds",
        ));
    }
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
