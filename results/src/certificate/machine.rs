//! What the host is made of, as far as distances within it go, and how long it takes from one of its parts to another.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LineLatency;

/// The host that the trader runs on, by its parts. What could not be had is in [`super::Certificate::not_run`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// What it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<Topology>,
    /// What one read of each clock costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_costs: Vec<ReadCost>,
    /// How long a cache line takes from each core to each other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_to_core: Option<CoreMatrix>,
    /// How long memory takes, from a core of each node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryView>,
}

/// Packages, dies, groups of cores that share a last-level cache, cores and their siblings, memory nodes, and devices on PCI
/// Express with the links that they have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topology {
    /// Sockets, by the kernel's numbers.
    pub packages: Vec<u32>,
    /// Dies, each with the number of its package.
    pub dies: Vec<Die>,
    /// Last-level caches: cores of the same one reach each other soonest.
    pub last_level_caches: Vec<SharedCache>,
    /// Cores (threads of the processor), on line or not.
    pub cores: Vec<Core>,
    /// Memory nodes.
    pub nodes: Vec<Node>,
    /// Network controllers, and whatever else has a link of PCI Express; bridges are left out.
    pub pci_devices: Vec<PciDevice>,
}

/// A die within a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Die {
    /// Its package.
    pub package: u32,
    /// Its number there.
    pub die: u32,
}

/// A cache and the cores that share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SharedCache {
    /// Cores on line.
    pub cores: BTreeSet<u32>,
    /// Its level; 3 as a rule.
    pub level: u32,
    /// Its size; nothing where the kernel doesn't say.
    pub kib: Option<u64>,
}

/// A core, in the kernel's sense: one thread of the processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Core {
    /// The kernel's number.
    pub number: u32,
    /// On line.
    pub online: bool,
    /// On line, and the measuring process might run on it.
    pub usable: bool,
    /// Its socket; nothing where it is off line, as for what follows.
    pub package: Option<u32>,
    /// Its die in the socket.
    pub die: Option<u32>,
    /// Its number in the socket, which threads of one core share.
    pub core: Option<u32>,
    /// Other threads of the same core (SMT), on line.
    pub siblings: BTreeSet<u32>,
    /// Its memory node.
    pub node: Option<u32>,
}

/// A memory node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Its number.
    pub number: u32,
    /// Its cores.
    pub cores: BTreeSet<u32>,
    /// Its distances to all nodes, by the firmware: 10 to itself.
    pub distances: Vec<u32>,
}

/// A device on PCI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PciDevice {
    /// Its address: `0000:3b:00.0`.
    pub address: String,
    /// What it is for.
    pub kind: PciKind,
    /// Its interfaces in the measuring process's network namespace; none while a driver of user space has it.
    pub interfaces: Vec<String>,
    /// Its driver; nothing where none has it.
    pub driver: Option<String>,
    /// Its memory node; nothing where it has none, as on hosts with one.
    pub node: Option<u32>,
    /// Cores near it, as the kernel says.
    pub local_cores: BTreeSet<u32>,
    /// Its link as it is…
    pub link: Option<Link>,
    /// …and as it could be at most, as the device says; its slot may be the narrower one.
    pub link_at_most: Option<Link>,
}

/// What a device is for, by its class (PCI Code and ID Assignment Specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PciKind {
    /// A network controller.
    Network,
    /// Disks.
    Storage,
    /// A display, or a processor of such.
    Display,
    /// A processing accelerator, as FPGA cards are.
    Accelerator,
    /// Anything else.
    Other,
}

impl PciKind {
    /// In a word, for a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Storage => "storage",
            Self::Display => "display",
            Self::Accelerator => "accelerator",
            Self::Other => "other",
        }
    }
}

/// A link of PCI Express.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// Giga-transfers a second of a lane: 8 is PCIe 3.0, 16 is 4.0.
    pub gigatransfers: f64,
    /// Lanes.
    pub lanes: u32,
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} GT/s x{}", self.gigatransfers, self.lanes)
    }
}

impl PciDevice {
    /// Whether its link is slower or narrower than the device could have it.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        match (self.link, self.link_at_most) {
            (Some(now), Some(most)) => now.gigatransfers < most.gigatransfers || now.lanes < most.lanes,
            _ => false,
        }
    }
}

/// What two cores share, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// They are threads of one core.
    Siblings,
    /// A last-level cache.
    SameCache,
    /// A socket.
    SamePackage,
    /// Nothing but the host.
    OtherPackage,
    /// The kernel doesn't say.
    Unknown,
}

impl Relation {
    /// In words, for a table.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Siblings => "threads of one core",
            Self::SameCache => "same last-level cache",
            Self::SamePackage => "same socket, another last-level cache",
            Self::OtherPackage => "another socket",
            Self::Unknown => "not told by the kernel",
        }
    }
}

impl Topology {
    /// Cores that are off line.
    #[must_use]
    pub fn off_line(&self) -> BTreeSet<u32> {
        self.cores.iter().filter(|core| !core.online).map(|core| core.number).collect()
    }

    /// Cores that are on line, but not for this process.
    #[must_use]
    pub fn forbidden(&self) -> BTreeSet<u32> {
        self.cores.iter().filter(|core| core.online && !core.usable).map(|core| core.number).collect()
    }

    /// How near two different cores are to each other.
    #[must_use]
    pub fn relation(&self, a: u32, b: u32) -> Relation {
        let core = |number| self.cores.iter().find(|core| core.number == number);
        let (Some(first), Some(second)) = (core(a), core(b)) else { return Relation::Unknown };
        if first.siblings.contains(&b) {
            return Relation::Siblings;
        }
        if self.last_level_caches.iter().any(|cache| cache.cores.contains(&a) && cache.cores.contains(&b)) {
            return Relation::SameCache;
        }
        match (first.package, second.package) {
            (Some(first), Some(second)) if first == second => Relation::SamePackage,
            (Some(_), Some(_)) => Relation::OtherPackage,
            _ => Relation::Unknown,
        }
    }
}

/// What one read of a clock costs, back to back with others like it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadCost {
    /// How it is read: an instruction, or a clock of `clock_gettime(2)`.
    pub clock: String,
    /// On which core; nothing where the reading thread could not be kept on one.
    pub core: Option<u32>,
    /// Median.
    pub median_ns: f64,
}

/// One-way latencies of every pair of cores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoreMatrix {
    /// The cores, in the order of rows and columns.
    pub cores: Vec<u32>,
    /// Medians by row and column; nothing on the diagonal, nor where a pair could not be measured. A pair is measured once
    /// and stands on both sides.
    pub one_way_ns: Vec<Vec<Option<f64>>>,
    /// Each pair.
    pub pairs: Vec<LineLatency>,
}

impl CoreMatrix {
    /// Of these pairs.
    #[must_use]
    pub fn new(cores: &[u32], pairs: Vec<LineLatency>) -> Self {
        let of = |a: u32, b: u32| pairs.iter().find(|p| p.cores == [a, b] || p.cores == [b, a]).map(|p| p.one_way_ns);
        let one_way_ns = cores.iter().map(|&a| cores.iter().map(|&b| of(a, b)).collect()).collect();
        Self { cores: cores.to_vec(), one_way_ns, pairs }
    }
}

/// Pages that memory consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pages {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Huge,
}

impl Pages {
    /// Both.
    pub const KINDS: [Self; 2] = [Self::Small, Self::Huge];

    /// `4 KiB`, `2 MiB`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "4 KiB",
            Self::Huge => "2 MiB",
        }
    }
}

/// Latency of a working set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadPoint {
    /// Its size.
    pub bytes: u64,
    /// How long a load takes that needs the one before it: median of blocks.
    pub load_ns: f64,
}

/// Memory of one node, seen from one core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryView {
    /// The core.
    pub core: u32,
    /// Its memory node; nothing where the kernel knows of none.
    pub core_node: Option<u32>,
    /// The node that the memory was on, as looked at afterwards.
    pub memory_node: Option<u32>,
    /// Its pages.
    pub pages: Pages,
    /// By working set, smallest first; to another node's memory the largest only. The last is larger than all caches, if
    /// memory allows.
    pub loads: Vec<LoadPoint>,
    /// How fast the core alone reads the largest working set from one end to the other, median of passes.
    pub read_bytes_per_second: f64,
}

impl MemoryView {
    /// `core 0 to node 1, 2 MiB`.
    #[must_use]
    pub fn name(&self) -> String {
        let memory = self.memory_node.map_or_else(|| "memory".to_owned(), |node| format!("node {node}"));
        format!("core {} to {memory}, {}", self.core, self.pages.name())
    }
}
