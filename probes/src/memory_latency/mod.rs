//! How long memory takes: loads that wait for each other, from working sets that fit into the nearest cache up to ones that
//! fit into none, and how fast one core reads, for every node of cores and every node of memory, in pages of 4 KiB and in huge
//! ones.

mod buffer;
mod chase;
mod reading;

use std::{io, path::Path, thread};

use tickcert_results::{
    certificate::{LoadPoint, MemoryView, Pages},
    time::{Nanos, TickScale, Ticks},
};

use crate::{
    affinity::{self, AffinityError},
    clocks::tsc,
    numa::{self, BindError, MemoryByNode},
    sysfs,
    topology::largest_cache_kib,
};
pub use buffer::PagesError;

/// Why nothing was measured from a core to a node's memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryLatencyError {
    /// The core can't be used.
    #[error("core {core} can't be measured from")]
    Core {
        /// Which.
        core: u32,
        /// Why.
        source: AffinityError,
    },
    /// The kernel moved the thread away from its core.
    #[error("core {core}, which was taken off line or out of this process's cpuset in the middle")]
    TakenAway {
        /// Which.
        core: u32,
    },
    /// The memory can't be had on the node.
    #[error("memory can't be had there")]
    Bind(#[from] BindError),
    /// The memory can't be had in such pages.
    #[error(transparent)]
    Pages(#[from] PagesError),
    /// The kernel put it elsewhere.
    #[error("memory bound to node {node}; of it, {elsewhere} bytes lie elsewhere")]
    Elsewhere {
        /// Asked for.
        node: u32,
        /// How many bytes do not lie there.
        elsewhere: u64,
    },
    /// The kernel's account doesn't show where it is.
    #[error("where memory bound to node {node} lies, of which the kernel's account says too little")]
    Untold {
        /// Asked for.
        node: u32,
        /// What is the matter with the account.
        source: io::Error,
    },
    /// No thread.
    #[error("no thread to measure memory with")]
    Thread(#[source] io::Error),
    /// The time for all was used up by those before.
    #[error("more time than the {limit} for all of it")]
    Time {
        /// The limit.
        limit: Nanos,
    },
}

impl MemoryLatencyError {
    /// What can be done about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Pages(e) => e.remedy(),
            Self::Core { source, .. } => source.remedy(),
            Self::TakenAway { core } => {
                format!("leave it on line (/sys/devices/system/cpu/cpu{core}/online) and in the cpuset, then try again")
            }
            Self::Bind(_) | Self::Elsewhere { .. } => {
                "free memory on that node, and let this process use it: a container's --cpuset-mems, a systemd AllowedMemoryNodes=".into()
            }
            Self::Untold { .. } => {
                "a kernel that accounts for memory by node (CONFIG_NUMA), whose /proc/self/numa_maps this process may read: in a container, run with the host's /proc".into()
            }
            Self::Thread(_) => "raise the limit on threads (`ulimit -u`)".into(),
            Self::Time { .. } => "measure from fewer cores: `tickcert probe memory --cores`, one for each node that matters".into(),
        }
    }
}

/// What is to be looked at: a core, where it is, and a node of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The core.
    pub core: u32,
    /// Its node.
    pub core_node: Option<u32>,
    /// The memory's; nothing where the kernel knows of no nodes.
    pub memory_node: Option<u32>,
    /// In which pages.
    pub pages: Pages,
}

/// Every node that has one of `cores` (by the first of them) with every node that has memory, in both kinds of pages: each with its
/// own memory first, in the order of the cores.
#[must_use]
pub fn wants(root: &Path, cores: &[u32]) -> Vec<Want> {
    let nodes = numa::nodes(root);
    let with_memory: Vec<Option<u32>> =
        nodes.iter().filter(|n| has_memory(root, n.number)).map(|n| Some(n.number)).collect();
    let first_of = |node: &numa::Node| cores.iter().find(|core| node.cores.contains(core)).copied();
    let mut from: Vec<(u32, Option<u32>)> =
        nodes.iter().filter_map(|node| Some((first_of(node)?, Some(node.number)))).collect();
    if from.is_empty() {
        from = cores.first().map(|core| (*core, None)).into_iter().collect();
    }
    let to = if with_memory.is_empty() { vec![None] } else { with_memory };
    let of = |(core, core_node), memory_node| Pages::KINDS.map(|pages| Want { core, core_node, memory_node, pages });
    // What matters most first: time may not be enough for all.
    let place = |core: u32| cores.iter().position(|of| *of == core);
    let mut wants: Vec<Want> = from.into_iter().flat_map(|from| to.iter().flat_map(move |to| of(from, *to))).collect();
    wants.sort_by_key(|want| (want.core_node != want.memory_node, place(want.core)));
    wants
}

/// Whether a node has memory at all: there are nodes of cores only.
fn has_memory(root: &Path, node: u32) -> bool {
    let info = sysfs::read(root, &format!("sys/devices/system/node/node{node}/meminfo")).unwrap_or_default();
    kib_of(&info, "MemTotal:").is_none_or(|kib| kib > 0)
}

/// The number after `key` in a text of the form of `/proc/meminfo`, or a node's, whose lines begin with `Node N`.
fn kib_of(info: &str, key: &str) -> Option<u64> {
    info.lines().find_map(|line| line.split_once(key))?.1.split_whitespace().next()?.parse().ok()
}

/// Bytes of the largest working set: four times the largest cache, 64 to 512 MiB, but no more than a quarter of what is free.
#[must_use]
pub fn largest_bytes(root: &Path, core: u32) -> u64 {
    const MIB: u64 = 1 << 20;
    let wanted = largest_cache_kib(root, core).unwrap_or(0).saturating_mul(4 << 10).clamp(64 * MIB, 512 * MIB);
    let free = kib_of(&sysfs::read(root, "proc/meminfo").unwrap_or_default(), "MemAvailable:");
    let most = free.map_or(64 * MIB, |kib| kib.saturating_mul(1024) / 4).min(of_the_tightest(root) / 4);
    // Whole huge pages, and one at least.
    wanted.min(most) / (2 * MIB) * (2 * MIB) + if most < 2 * MIB { 2 * MIB } else { 0 }
}

/// Bytes that can be had of the node that has the least, and within the limit of this process's control group: what is bound to a
/// full node, or goes beyond such a limit, has somebody killed.
fn of_the_tightest(root: &Path) -> u64 {
    const NODES: &str = "sys/devices/system/node";
    let of_node = |name: &String| {
        let info = sysfs::read(root, &format!("{NODES}/{name}/meminfo"))?;
        let kib = kib_of(&info, "MemFree:")?.saturating_add(kib_of(&info, "Inactive(file):").unwrap_or(0));
        Some(kib.saturating_mul(1024)).filter(|bytes| *bytes > 0)
    };
    let nodes = sysfs::names(root, NODES).iter().filter_map(of_node).min().unwrap_or(u64::MAX);
    let group = |file: &str| sysfs::read_number::<u64>(root, &format!("sys/fs/cgroup/{file}"));
    let group = group("memory.max").map_or(u64::MAX, |max| max.saturating_sub(group("memory.current").unwrap_or(0)));
    nodes.min(group)
}

/// Measures all that is wanted, within about `limit`: what has not begun by then is not begun. What could not be measured
/// is in the second list; the others go on.
#[must_use]
pub fn measure(wants: &[Want], limit: Nanos, scale: TickScale) -> (Vec<MemoryView>, Vec<(Want, MemoryLatencyError)>) {
    let start = tsc::now();
    let (mut views, mut failed) = (Vec::new(), Vec::new());
    for want in wants {
        match one(*want, start, limit, scale) {
            Ok(view) => views.push(view),
            Err(e) => failed.push((*want, e)),
        }
    }
    (views, failed)
}

fn one(want: Want, start: Ticks, limit: Nanos, scale: TickScale) -> Result<MemoryView, MemoryLatencyError> {
    if scale.ns(tsc::now().since(start)).is_none_or(|passed| passed > limit) {
        return Err(MemoryLatencyError::Time { limit });
    }
    // In a thread of its own: pinning and the memory's policy are a thread's.
    let view = thread::scope(|s| {
        let thread = thread::Builder::new().spawn_scoped(s, || view(want, scale))?;
        thread.join().map_err(|_| io::Error::other("it panicked"))
    });
    view.map_err(MemoryLatencyError::Thread)?
}

fn view(want: Want, scale: TickScale) -> Result<MemoryView, MemoryLatencyError> {
    let Want { core, core_node, memory_node, pages } = want;
    affinity::pin(core).map_err(|source| MemoryLatencyError::Core { core, source })?;
    if let Some(node) = memory_node {
        numa::bind_thread(node)?;
    }
    let largest = largest_bytes(Path::new("/"), core);
    let mut buffer = buffer::Buffer::new(largest, pages, memory_node)?;
    if let Some(node) = memory_node {
        lies_on(node, largest, numa::memory_of_mapping(buffer.address()))?;
    }
    let words = buffer.words();
    // Reading first: it needs no content, and the pages are there for what follows.
    let read_bytes_per_second = reading::bytes_per_second(words, scale);
    let smallest = if memory_node == core_node { chase::SMALLEST } else { largest };
    let loads = chase::sizes(smallest, largest)
        .into_iter()
        .map(|bytes| LoadPoint { bytes, load_ns: chase::load_ns(words, bytes, scale) })
        .collect();
    if !affinity::is_on(core) {
        return Err(MemoryLatencyError::TakenAway { core });
    }
    Ok(MemoryView { core, core_node, memory_node, pages, loads, read_bytes_per_second })
}

/// Whether memory of so many bytes lies where it was bound to, by the kernel's account of its mapping. Memory that the account
/// doesn't show isn't taken to be there.
fn lies_on(node: u32, bytes: u64, account: io::Result<MemoryByNode>) -> Result<(), MemoryLatencyError> {
    let account = account.map_err(|source| MemoryLatencyError::Untold { node, source })?;
    let elsewhere = account.elsewhere(node);
    if elsewhere > bytes / 100 {
        return Err(MemoryLatencyError::Elsewhere { node, elsewhere });
    }
    let found: u64 = account.0.values().sum();
    if found < bytes / 100 * 99 {
        let source = io::Error::other(format!("of {bytes} bytes it shows {found}"));
        return Err(MemoryLatencyError::Untold { node, source });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
