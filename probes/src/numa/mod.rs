//! Memory nodes: which there are, which is a core's own, and where a process's memory is to lie and does lie.

mod pages;
mod policy_ffi;

use std::{collections::BTreeSet, path::Path};

pub use pages::{MemoryByNode, memory_by_node, memory_of_mapping};
pub use policy_ffi::{BindError, bind_memory, bind_thread};

use crate::sysfs;

const NODES: &str = "sys/devices/system/node";

/// A memory node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: u32,
    /// Its cores; none where it has memory only.
    pub cores: BTreeSet<u32>,
    /// Its distances to all nodes in the order of their numbers, as the firmware gives them: 10 to itself.
    pub distances: Vec<u32>,
    /// Its huge pages of each size.
    pub huge_pages: Vec<HugePool>,
}

/// Huge pages of one size on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HugePool {
    /// Size of a page in KiB.
    pub kib: u64,
    /// How many are set aside.
    pub total: u64,
    /// How many of them are free.
    pub free: u64,
}

/// All nodes below `root`, in the order of their numbers; none where the kernel knows of none.
#[must_use]
pub fn nodes(root: &Path) -> Vec<Node> {
    let mut numbers: Vec<u32> =
        sysfs::names(root, NODES).iter().filter_map(|name| name.strip_prefix("node")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| node(root, number)).collect()
}

/// The node that a core belongs to; `None` where the kernel knows of no nodes.
#[must_use]
pub fn node_of_core(root: &Path, core: u32) -> Option<u32> {
    nodes(root).into_iter().find(|node| node.cores.contains(&core)).map(|node| node.number)
}

/// The node that an interface's device is on, in the calling thread's network namespace; `None` where it has none.
#[must_use]
pub fn node_of_interface(root: &Path, interface: &str) -> Option<u32> {
    sysfs::read_number(root, &format!("sys/class/net/{interface}/device/numa_node"))
}

fn node(root: &Path, number: u32) -> Node {
    let dir = format!("{NODES}/node{number}");
    let text = |file: &str| sysfs::read(root, &format!("{dir}/{file}")).unwrap_or_default();
    Node {
        number,
        cores: sysfs::core_list(&text("cpulist")),
        distances: text("distance").split_whitespace().filter_map(|d| d.parse().ok()).collect(),
        huge_pages: huge_pages(root, &format!("{dir}/hugepages")),
    }
}

fn huge_pages(root: &Path, dir: &str) -> Vec<HugePool> {
    let mut pools: Vec<HugePool> = sysfs::names(root, dir)
        .iter()
        .filter_map(|name| {
            let kib = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            let count = |file| sysfs::read_number(root, &format!("{dir}/{name}/{file}"));
            Some(HugePool { kib, total: count("nr_hugepages")?, free: count("free_hugepages")? })
        })
        .collect();
    pools.sort_unstable_by_key(|pool| pool.kib);
    pools
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    fn two_nodes() -> Tree {
        let tree =
            Tree::new().file("sys/class/net/eth0/device/numa_node", "1\n").file("sys/class/net/tap0/mtu", "1500\n");
        [(0, "0-1", "10 21"), (1, "2-3", "21 10")].into_iter().fold(tree, |tree, (n, cores, distances)| {
            let dir = format!("sys/devices/system/node/node{n}");
            let pool = format!("{dir}/hugepages/hugepages-2048kB");
            tree.file(&format!("{dir}/cpulist"), cores)
                .file(&format!("{dir}/distance"), distances)
                .file(&format!("{pool}/nr_hugepages"), "64\n")
                .file(&format!("{pool}/free_hugepages"), if n == 0 { "64\n" } else { "3\n" })
        })
    }

    #[test]
    fn nodes_are_read_with_cores_distances_and_huge_pages() {
        let tree = two_nodes();
        let nodes = nodes(tree.root());
        assert_eq!(nodes.iter().map(|n| n.number).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(nodes[1].cores, BTreeSet::from([2, 3]));
        assert_eq!(nodes[1].distances, [21, 10]);
        assert_eq!(nodes[1].huge_pages, [HugePool { kib: 2048, total: 64, free: 3 }]);
    }

    #[test]
    fn a_core_and_an_interface_are_found_on_their_nodes_and_what_has_none_has_none() {
        let tree = two_nodes();
        assert_eq!(node_of_core(tree.root(), 3), Some(1));
        assert_eq!(node_of_core(tree.root(), 4), None);
        assert_eq!(node_of_interface(tree.root(), "eth0"), Some(1));
        assert_eq!(node_of_interface(tree.root(), "tap0"), None);
        // What the kernel says of a device on no node.
        let none = Tree::new().file("sys/class/net/eth0/device/numa_node", "-1\n");
        assert_eq!(node_of_interface(none.root(), "eth0"), None);
    }

    #[test]
    fn an_empty_tree_has_no_nodes() {
        assert_eq!(nodes(Tree::new().root()), []);
    }
}
