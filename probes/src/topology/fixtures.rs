//! Trees of hosts, written by the kernel's documentation of the files.

use crate::sysfs::fixture::Tree;

const CPU: &str = "sys/devices/system/cpu";
const NODE: &str = "sys/devices/system/node";

/// A core on line with its place and the caches that it shares.
pub(super) struct Place<'a> {
    pub(super) number: u32,
    pub(super) package: u32,
    pub(super) die: u32,
    pub(super) core: u32,
    pub(super) siblings: &'a str,
    pub(super) l3: &'a str,
    pub(super) l3_kib: u32,
}

pub(super) fn with_core(tree: Tree, place: &Place<'_>) -> Tree {
    let dir = format!("{CPU}/cpu{}", place.number);
    let cache = |tree: Tree, index: u32, level: &str, kind: &str, size: &str, shared: &str| {
        let dir = format!("{dir}/cache/index{index}");
        tree.file(&format!("{dir}/level"), level)
            .file(&format!("{dir}/type"), kind)
            .file(&format!("{dir}/size"), size)
            .file(&format!("{dir}/shared_cpu_list"), shared)
    };
    let tree = tree
        .file(&format!("{dir}/topology/physical_package_id"), &format!("{}\n", place.package))
        .file(&format!("{dir}/topology/die_id"), &format!("{}\n", place.die))
        .file(&format!("{dir}/topology/core_id"), &format!("{}\n", place.core))
        .file(&format!("{dir}/topology/thread_siblings_list"), place.siblings);
    let tree = cache(tree, 0, "1", "Data", "32K\n", place.siblings);
    let tree = cache(tree, 1, "1", "Instruction", "32K\n", place.siblings);
    cache(tree, 2, "3", "Unified\n", &format!("{}K\n", place.l3_kib), place.l3)
}

fn with_node(tree: Tree, number: u32, cores: &str, distances: &str) -> Tree {
    let dir = format!("{NODE}/node{number}");
    tree.file(&format!("{dir}/cpulist"), cores).file(&format!("{dir}/distance"), distances)
}

/// Two sockets of two cores with two threads each, numbered as Linux does on Intel: siblings are half of all apart.
/// A ConnectX on the second socket, whose slot has half of the lanes that it could use, and its twin without a driver.
pub(super) fn two_sockets() -> Tree {
    let tree = (0..8).fold(Tree::new().file(&format!("{CPU}/online"), "0-7\n"), |tree, number| {
        let (first, package) = (number % 4, number % 4 / 2);
        with_core(
            tree,
            &Place {
                number,
                package,
                die: 0,
                core: first % 2,
                siblings: &format!("{first},{}\n", first + 4),
                l3: if package == 0 { "0-1,4-5\n" } else { "2-3,6-7\n" },
                l3_kib: 49_152,
            },
        )
    });
    let tree = with_node(tree, 0, "0-1,4-5\n", "10 21\n");
    let tree = with_node(tree, 1, "2-3,6-7\n", "21 10\n");
    let (nic, twin) = ("sys/bus/pci/devices/0000:af:00.0", "sys/bus/pci/devices/0000:af:00.1");
    tree.file(&format!("{nic}/class"), "0x020000\n")
        .file(&format!("{nic}/numa_node"), "1\n")
        .file(&format!("{nic}/local_cpulist"), "2-3,6-7\n")
        .file(&format!("{nic}/current_link_speed"), "16.0 GT/s PCIe\n")
        .file(&format!("{nic}/current_link_width"), "8\n")
        .file(&format!("{nic}/max_link_speed"), "16.0 GT/s PCIe\n")
        .file(&format!("{nic}/max_link_width"), "16\n")
        .file(&format!("{nic}/net/ens3f0np0/mtu"), "1500\n")
        .link(&format!("{nic}/driver"), "../../../bus/pci/drivers/mlx5_core")
        .file(&format!("{twin}/class"), "0x020000\n")
        .file(&format!("{twin}/numa_node"), "-1\n")
        .file(&format!("{twin}/current_link_speed"), "Unknown\n")
        .file(&format!("{twin}/current_link_width"), "0\n")
        .file("sys/bus/pci/devices/0000:00:1f.0/class", "0x060100\n")
}

/// An EPYC of one socket without SMT: two complexes of four cores, each with an L3 of its own.
pub(super) fn two_complexes() -> Tree {
    let tree = (0..8).fold(Tree::new().file(&format!("{CPU}/online"), "0-7\n"), |tree, number| {
        with_core(
            tree,
            &Place {
                number,
                package: 0,
                die: 0,
                core: number,
                siblings: &format!("{number}\n"),
                l3: if number < 4 { "0-3\n" } else { "4-7\n" },
                l3_kib: 32_768,
            },
        )
    });
    with_node(tree, 0, "0-7\n", "10\n")
}

/// Four cores, of which the last is off line: its folders are there, as the kernel leaves them, without a place.
pub(super) fn one_off_line() -> Tree {
    let tree = Tree::new().file(&format!("{CPU}/online"), "0-2\n").file(&format!("{CPU}/present"), "0-3\n");
    let tree = (0..3).fold(tree, |tree, number| {
        with_core(
            tree,
            &Place {
                number,
                package: 0,
                die: 0,
                core: number,
                siblings: &format!("{number}\n"),
                l3: "0-2\n",
                l3_kib: 8_192,
            },
        )
    });
    tree.file(&format!("{CPU}/cpu3/online"), "0\n")
}
