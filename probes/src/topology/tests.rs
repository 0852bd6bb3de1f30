use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    fixtures::{one_off_line, two_complexes, two_sockets},
    *,
};
use crate::sysfs::fixture::Tree;

fn set<const N: usize>(cores: [u32; N]) -> BTreeSet<u32> {
    BTreeSet::from(cores)
}

fn all(tree: &Tree) -> Topology {
    read(tree.root(), &(0..8).collect()).unwrap()
}

#[test]
fn two_sockets_with_smt_have_two_packages_two_caches_and_siblings() {
    let found = all(&two_sockets());
    assert_eq!(found.packages, [0, 1]);
    assert_eq!(found.dies, [Die { package: 0, die: 0 }, Die { package: 1, die: 0 }]);
    let shared: Vec<_> = found.last_level_caches.iter().map(|c| (c.cores.clone(), c.level, c.kib)).collect();
    assert_eq!(shared, [(set([0, 1, 4, 5]), 3, Some(49_152)), (set([2, 3, 6, 7]), 3, Some(49_152))]);
    assert_eq!(found.cores[1].siblings, set([5]));
    assert_eq!((found.cores[6].package, found.cores[6].core, found.cores[6].node), (Some(1), Some(0), Some(1)));
    assert_eq!(found.nodes[1].distances, [21, 10]);
}

#[test]
fn a_network_device_has_its_node_and_both_links_and_one_in_a_narrow_slot_is_held_back() {
    let devices = all(&two_sockets()).pci_devices;
    let [nic, twin] = devices.as_slice() else { panic!("{devices:?}") };
    assert_eq!((nic.address.as_str(), nic.driver.as_deref()), ("0000:af:00.0", Some("mlx5_core")));
    assert_eq!((nic.interfaces.as_slice(), nic.node), (&["ens3f0np0".to_owned()][..], Some(1)));
    assert_eq!(nic.local_cores, set([2, 3, 6, 7]));
    assert_eq!(nic.link, Some(Link { gigatransfers: 16.0, lanes: 8 }));
    assert_eq!(nic.link_at_most, Some(Link { gigatransfers: 16.0, lanes: 16 }));
    assert!(nic.is_held_back());
    assert_eq!((twin.driver.as_deref(), twin.node, twin.link), (None, None, None));
    assert!(twin.interfaces.is_empty() && !twin.is_held_back());
}

#[test]
fn complexes_of_one_socket_are_told_apart_by_their_caches() {
    let found = all(&two_complexes());
    assert_eq!((found.packages.len(), found.dies.len(), found.nodes.len()), (1, 1, 1));
    let shared: Vec<_> = found.last_level_caches.iter().map(|c| c.cores.clone()).collect();
    assert_eq!(shared, [set([0, 1, 2, 3]), set([4, 5, 6, 7])]);
    assert!(found.cores.iter().all(|core| core.siblings.is_empty()));
}

#[test]
fn a_core_off_line_is_there_without_a_place_and_one_out_of_the_cpuset_is_not_usable() {
    let found = read(one_off_line().root(), &set([0, 2])).unwrap();
    assert_eq!((found.off_line(), found.forbidden()), (set([3]), set([1])));
    let last = &found.cores[3];
    assert!(!last.online && !last.usable && last.package.is_none() && last.siblings.is_empty());
    assert!(found.cores[0].usable && !found.cores[1].usable);
}

#[test]
fn without_sysfs_there_is_a_remedy_and_no_topology() {
    let e = read(Tree::new().root(), &set([0])).unwrap_err();
    assert!(e.to_string().contains("sysfs") && NoSysfs::REMEDY.contains("mount -t sysfs"));
}

#[test]
fn this_host_has_at_least_the_core_that_this_runs_on() {
    match of_this_host() {
        Ok(found) => assert!(found.cores.iter().any(|core| core.usable), "{found:?}"),
        Err(e) => println!("SKIPPED: topology of this host: needs sysfs ({e})"),
    }
}

proptest! {
    #[test]
    fn files_of_any_content_are_read_without_a_panic(
        text in proptest::collection::vec("[ -~]{0,12}", 8),
    ) {
        const FILES: [&str; 8] = [
            "sys/devices/system/cpu/online",
            "sys/devices/system/cpu/present",
            "sys/devices/system/cpu/cpu0/topology/physical_package_id",
            "sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
            "sys/devices/system/cpu/cpu0/cache/index3/size",
            "sys/devices/system/node/node0/distance",
            "sys/bus/pci/devices/0000:00:01.0/current_link_speed",
            "sys/bus/pci/devices/0000:00:01.0/numa_node",
        ];
        let tree = Tree::new()
            .file("sys/bus/pci/devices/0000:00:01.0/class", "0x020000")
            .file("sys/devices/system/cpu/cpu0/cache/index3/type", "Unified")
            .file("sys/devices/system/cpu/cpu0/cache/index3/level", "3");
        let tree = FILES.iter().zip(&text).fold(tree, |tree, (file, text)| tree.file(file, text));
        let found = read(tree.root(), &BTreeSet::new()).unwrap();
        prop_assert!(found.cores.iter().any(|core| core.number == 0));
    }
}
