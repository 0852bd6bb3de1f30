//! What has to be known of a host to tell its placements apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tickcert_probes::{
    irq, isolated, numa,
    topology::{self, NoSysfs, Relation, Topology},
};
use tickcert_results::certificate::CoreRelation;

use crate::bench::Wire;

/// A last-level cache of a lower level is a core's own: the kernel knows of no shared one then.
const SHARED_LEVEL: u32 = 3;

/// The host.
pub(in crate::run) struct HostFacts {
    pub(super) topology: Topology,
    /// Cores that the scheduler leaves alone.
    pub(super) isolated: BTreeSet<u32>,
    /// The interfaces of exchange and trader; none of a virtual wire.
    pub(super) interfaces: Option<[InterfaceFacts; 2]>,
}

/// An interface of the wire.
pub(super) struct InterfaceFacts {
    pub(super) name: String,
    pub(super) node: Option<u32>,
    pub(super) interrupts: BTreeSet<u32>,
}

/// Interrupts that may be sent elsewhere, all or none: with one that its driver manages itself, they would go to two places.
fn movable(root: &Path, of_interface: BTreeSet<u32>) -> BTreeSet<u32> {
    // The kernel leaves the right to write off the file of one that it lets nobody move (`register_irq_proc`, kernel/irq/proc.c).
    let is_fixed = |irq: &u32| {
        fs::metadata(irq::affinity_file(root, *irq)).is_ok_and(|file| file.permissions().mode() & 0o222 == 0)
    };
    if of_interface.iter().any(is_fixed) { BTreeSet::new() } else { of_interface }
}

impl HostFacts {
    /// Of the host below `root`.
    pub(in crate::run) fn read(root: &Path, usable: &BTreeSet<u32>, wire: &Wire) -> Result<Self, NoSysfs> {
        let interface = |name: &String| InterfaceFacts {
            name: name.clone(),
            node: numa::node_of_interface(root, name),
            interrupts: movable(root, irq::of_interface(root, name)),
        };
        let interfaces = match wire {
            Wire::Interfaces { exchange, trader, .. } => Some([exchange, trader].map(interface)),
            Wire::Veth | Wire::TwoHosts { .. } => None,
        };
        Ok(Self { topology: topology::read(root, usable)?, isolated: isolated::all(root), interfaces })
    }

    pub(super) fn usable(&self) -> Vec<u32> {
        self.topology.cores.iter().filter(|core| core.usable).map(|core| core.number).collect()
    }

    /// The node of a core, where there are several.
    pub(super) fn node(&self, core: u32) -> Option<u32> {
        if self.topology.nodes.len() < 2 {
            return None;
        }
        self.topology.cores.iter().find(|c| c.number == core)?.node
    }

    /// The node that is farthest from another, by the firmware; the first of several.
    pub(super) fn farthest(&self, from: u32) -> Option<u32> {
        let nodes = &self.topology.nodes;
        let distances = &nodes.iter().find(|node| node.number == from)?.distances;
        let distance: BTreeMap<u32, u32> =
            nodes.iter().map(|node| node.number).zip(distances.iter().copied()).collect();
        let others = nodes.iter().map(|node| node.number).filter(|node| *node != from);
        others.rev().max_by_key(|node| distance.get(node).copied().unwrap_or_default())
    }

    /// How near two cores are; `None` where the kernel doesn't say.
    pub(super) fn relation(&self, a: u32, b: u32) -> Option<CoreRelation> {
        let shares = |core: u32| {
            self.topology.last_level_caches.iter().any(|c| c.level >= SHARED_LEVEL && c.cores.contains(&core))
        };
        Some(match self.topology.relation(a, b) {
            Relation::Siblings => CoreRelation::SmtSibling,
            Relation::SameCache => CoreRelation::SameL3,
            Relation::SamePackage if shares(a) && shares(b) => CoreRelation::OtherL3,
            Relation::SamePackage => CoreRelation::SameSocket,
            Relation::OtherPackage => CoreRelation::OtherSocket,
            Relation::Unknown => return None,
        })
    }

    /// Whether a core is the machine's first one or a thread of it, which serve what can't be sent elsewhere.
    pub(super) fn is_first(&self, core: u32) -> bool {
        let first = self.topology.cores.first();
        first.is_some_and(|first| first.number == core || first.siblings.contains(&core))
    }
}
