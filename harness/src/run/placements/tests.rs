//! Placements of machines of all kinds, from recorded trees and made-up ones.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tempfile::TempDir;
use tickcert_probes::topology::{Core, Die, Node, SharedCache, Topology};
use tickcert_results::certificate::PlacementClass;

use super::{
    facts::{HostFacts, InterfaceFacts},
    *,
};

#[path = "../../../../probes/tests/support/tree.rs"]
mod tree;

mod lanes;

fn between(exchange: &str, trader: &str) -> Wire {
    Wire::Interfaces { exchange: exchange.to_owned(), trader: trader.to_owned(), force: false }
}

fn find(tree: &TempDir, usable: &BTreeSet<u32>, wire: &Wire) -> Seats {
    Seats::find(tree.path(), usable, wire, &PlacementSelection::All, (0, 1))
}

fn names(seats: &[Seat]) -> Vec<String> {
    seats.iter().map(Seat::name).collect()
}

fn seat<'s>(seats: &'s [Seat], name: &str) -> &'s Seat {
    let found = seats.iter().find(|seat| seat.name() == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", names(seats)))
}

fn lacking(seats: &Seats) -> Vec<&str> {
    seats.not_run.iter().map(|row| row.name.as_str()).collect()
}

#[test]
fn an_intel_of_two_sockets_has_each_placement_once_with_what_is_far_in_its_name() {
    let host = tree::tree("intel-e810");
    let found = find(&host, &(0..64).collect(), &between("eth2", "eth3"));
    let seats = found.of_lane(true);
    for cores in ["smt-sibling", "same-l3", "other-socket"] {
        for near in ["", "+mem-remote", "+nic-remote", "+nic-remote+mem-remote"] {
            for site in ["+irq-same", "+irq-other"] {
                seat(seats, &format!("{cores}{near}{site}"));
            }
        }
    }
    assert_eq!(seats.len(), 24, "{:?}", names(seats));
    let cores = |name: &str| seat(seats, name).cores;
    // The NIC is on the first socket; 32 and up are the second threads of 0 and up.
    assert_eq!((cores("same-l3+irq-same"), cores("smt-sibling+irq-same")), ((46, 47), (15, 47)));
    assert_eq!((cores("other-socket+irq-same"), cores("other-socket+nic-remote+irq-same")), ((63, 47), (47, 63)));
    let far = seat(seats, "same-l3+nic-remote+mem-remote+irq-other");
    assert_eq!((far.cores, far.memory), ((62, 63), (Some(1), Some(0))));
    let sent: Vec<_> = far.interrupts.iter().map(|s| (s.interface.as_str(), s.numbers.clone(), s.core)).collect();
    assert_eq!(sent, [("eth2", vec![130, 131], 62), ("eth3", vec![140, 141], 0)]);
    assert_eq!(lacking(&found), ["other-l3"]);
    assert_eq!(names(found.of_lane(false)).len(), 6, "a lane with a way of its own knows no NIC");
}

#[test]
fn an_epyc_of_one_socket_has_other_complexes_and_no_other_socket() {
    let host = tree::tree("epyc-connectx");
    let found = find(&host, &(0..32).collect(), &between("enp193s0f0np0", "enp193s0f1np0"));
    let cores: Vec<_> = found.of_lane(true).iter().map(|seat| (seat.name(), seat.cores)).collect();
    let wanted = [
        // Complexes of four cores, the NIC on the node of 16 to 23, and 8 to 15 isolated on the node before.
        ("same-l3", (22, 23)),
        ("same-l3+mem-remote", (22, 23)),
        ("same-l3+nic-remote", (14, 15)),
        ("same-l3+nic-remote+mem-remote", (14, 15)),
        ("other-l3", (19, 23)),
        ("other-l3+mem-remote", (19, 23)),
        ("other-l3+nic-remote", (23, 15)),
        ("other-l3+nic-remote+mem-remote", (23, 15)),
    ];
    assert_eq!(cores, wanted.map(|(name, cores)| (name.to_owned(), cores)));
    assert_eq!(lacking(&found), ["smt-sibling", "other-socket", "irq-same", "irq-other"]);
}

#[test]
fn a_workstation_of_one_node_has_one_placement_on_its_isolated_cores() {
    let host = tree::tree("x2522");
    let found = find(&host, &(0..8).collect(), &Wire::Veth);
    let only: Vec<_> = found.of_lane(true).iter().map(|seat| (seat.name(), seat.cores)).collect();
    assert_eq!(only, [("same-l3".to_owned(), (6, 7))]);
    let all = ["smt-sibling", "other-l3", "other-socket", "mem-remote", "nic-remote", "irq-same", "irq-other"];
    assert_eq!(lacking(&found), all);
}

#[test]
fn a_virtual_wire_has_neither_nic_nor_interrupts_and_says_what_they_need() {
    let host = tree::tree("intel-e810");
    let found = find(&host, &(0..64).collect(), &Wire::Veth);
    assert!(names(found.of_lane(true)).iter().all(|name| !name.contains("nic") && !name.contains("irq")));
    for word in ["nic-remote", "irq-same", "irq-other"] {
        let row = found.not_run.iter().find(|row| row.name == word).unwrap();
        assert!(row.optional && row.needs.contains("the wire is virtual") && row.how.contains("--trader-interface"));
    }
}

#[test]
fn cores_that_a_cpuset_forbids_are_in_no_placement_and_in_a_row_with_the_remedy() {
    let host = tree::tree("intel-e810");
    let found = find(&host, &BTreeSet::from([2, 3]), &Wire::Veth);
    assert_eq!(found.cores(), BTreeSet::from([2, 3]));
    let row = found.not_run.iter().find(|row| row.name.starts_with("cores 0-1,4-")).unwrap();
    assert!(row.how.contains("--cpuset-cpus"), "{row:?}");
    assert!(lacking(&found).contains(&"other-socket"));
}

#[test]
fn a_container_without_sysfs_measures_the_cores_that_it_would_have_and_says_what_a_matrix_needs() {
    let empty = tempfile::tempdir().unwrap();
    let found = find(&empty, &BTreeSet::from([0, 1]), &Wire::Veth);
    assert_eq!(found.of_lane(true), [Seat::only((0, 1), (None, None))]);
    assert!(found.not_run[0].how.contains("/sys:/sys:ro") && !found.not_run[0].optional, "{:?}", found.not_run);
}

#[test]
fn a_placement_that_is_asked_for_by_name_and_is_not_there_keeps_the_whole_from_passing() {
    let host = tree::tree("epyc-connectx");
    let wanted = PlacementSelection::Named(vec!["other-l3".to_owned(), "other-socket".to_owned()]);
    let found = Seats::find(host.path(), &(0..64).collect(), &Wire::Veth, &wanted, (0, 1));
    assert!(names(found.of_lane(true)).iter().all(|name| name.starts_with("other-l3")), "{found:?}");
    let row = found.not_run.iter().find(|row| row.name == "other-socket").unwrap();
    assert!(!row.optional && row.needs.contains("second socket"), "{row:?}");
}

/// A host of made-up shape: sockets, complexes in each, cores in each of these, threads of each.
fn made_up((sockets, complexes, cores, threads): (u32, u32, u32, u32), told: bool, nic: Option<u32>) -> HostFacts {
    let each = sockets * complexes * cores;
    let all = each * threads;
    let core = |number: u32| {
        let place = number % each;
        let siblings = (0..threads).map(|t| place + t * each).filter(|other| *other != number).collect();
        let package = place / (complexes * cores);
        let (package, core) = (Some(package), Some(place));
        Core { number, online: true, usable: true, package, die: Some(0), core, siblings, node: package }
    };
    let of = |keep: &dyn Fn(u32) -> bool| (0..all).filter(|number| keep(number % each)).collect::<BTreeSet<u32>>();
    let topology = Topology {
        packages: (0..sockets).collect(),
        dies: (0..sockets).map(|package| Die { package, die: 0 }).collect(),
        last_level_caches: (0..sockets * complexes)
            .filter(|_| told)
            .map(|cache| SharedCache { cores: of(&|place| place / cores == cache), level: 3, kib: None })
            .collect(),
        cores: (0..all).map(core).collect(),
        nodes: (0..sockets)
            .map(|number| Node {
                number,
                cores: of(&|place| place / (complexes * cores) == number),
                distances: (0..sockets).map(|other| if other == number { 10 } else { 20 + other }).collect(),
            })
            .collect(),
        pci_devices: Vec::new(),
    };
    let interface = |name: &str, irqs: std::ops::Range<u32>| InterfaceFacts {
        name: name.to_owned(),
        node: nic,
        interrupts: irqs.collect(),
    };
    let interfaces = nic.map(|_| [interface("eth2", 40..42), interface("eth3", 50..52)]);
    HostFacts { topology, isolated: BTreeSet::new(), interfaces }
}

/// Every class that a host has, by looking at every pair of cores and every choice.
fn classes(host: &HostFacts) -> BTreeSet<PlacementClass> {
    use tickcert_results::certificate::{InterruptSite, Nearness};
    let mut found = BTreeSet::new();
    let usable = host.usable();
    for (e, t) in usable.iter().flat_map(|e| usable.iter().map(move |t| (*e, *t))).filter(|(e, t)| e != t) {
        let Some(cores) = host.relation(e, t) else { continue };
        let own = host.node(t);
        let near = |at: u32| own.map(|own| if own == at { Nearness::Local } else { Nearness::Remote });
        let nic = host.interfaces.as_ref().and_then(|[_, of_trader]| near(of_trader.node?));
        let memory: Vec<Option<Nearness>> = match own {
            Some(_) => host.topology.nodes.iter().map(|node| near(node.number)).collect(),
            None => vec![None],
        };
        let sites = match (&host.interfaces, usable.len()) {
            (None, _) => vec![None],
            (Some(_), 2) => vec![Some(InterruptSite::Same)],
            (Some(_), _) => vec![Some(InterruptSite::Same), Some(InterruptSite::Other)],
        };
        for memory in memory {
            found.extend(sites.iter().map(|interrupts| PlacementClass { cores, nic, memory, interrupts: *interrupts }));
        }
    }
    found
}

proptest! {
    #[test]
    fn every_class_that_a_host_has_is_there_once_and_is_what_its_cores_say(
        shape in (1..=3_u32, 1..=3_u32, 1..=3_u32, 1..=2_u32), told: bool, nic in proptest::option::of(0..3_u32),
        isolated in proptest::collection::btree_set(0..30_u32, 0..6),
    ) {
        let mut host = made_up(shape, told, nic.map(|node| node % shape.0));
        host.isolated = isolated;
        let seats = enumerate::seats(&host, true);
        let found: Vec<PlacementClass> = seats.iter().filter_map(|seat| seat.class).collect();
        let distinct: BTreeSet<PlacementClass> = found.iter().copied().collect();
        prop_assert_eq!(found.len(), distinct.len(), "no two are alike: {:?}", names(&seats));
        prop_assert_eq!(&distinct, &classes(&host));
        let named: BTreeSet<String> = seats.iter().map(Seat::name).collect();
        prop_assert_eq!(named.len(), seats.len(), "names tell them apart");
        for seat in &seats {
            let (exchange, trader) = seat.cores;
            prop_assert_ne!(exchange, trader);
            prop_assert_eq!(host.relation(exchange, trader), seat.class.map(|class| class.cores));
            for sent in &seat.interrupts {
                let end = if sent.interface == "eth2" { exchange } else { trader };
                let same = seat.class.and_then(|c| c.interrupts) == Some(tickcert_results::certificate::InterruptSite::Same);
                prop_assert_eq!(sent.core == end, same || sent.interface == "eth2");
            }
        }
        prop_assert_eq!(&seats, &enumerate::seats(&host, true), "the same cores each time");
    }
}

#[test]
fn isolated_cores_are_taken_before_all_others_and_the_first_core_last() {
    let mut host = made_up((1, 1, 8, 1), true, None);
    assert_eq!(enumerate::seats(&host, true)[0].cores, (6, 7));
    host.isolated = BTreeSet::from([2, 3]);
    assert_eq!(enumerate::seats(&host, true)[0].cores, (2, 3));
    let small = made_up((1, 1, 2, 1), true, None);
    assert_eq!(
        enumerate::seats(&small, true).iter().map(|s| s.cores).collect::<Vec<_>>(),
        [(0, 1)],
        "and not (1, 0) too"
    );
}

#[test]
fn the_exchange_is_near_its_own_nic_and_interrupts_that_go_elsewhere_stay_on_the_node_of_the_nic() {
    let host = made_up((2, 1, 4, 2), true, Some(1));
    let seats = enumerate::seats(&host, true);
    let near = seat(&seats, "same-l3+irq-other");
    assert!([near.cores.0, near.cores.1].iter().all(|core| host.node(*core) == Some(1)), "{near:?}");
    let sent = near.interrupts.iter().find(|sent| sent.interface == "eth3").unwrap();
    assert_eq!((host.node(sent.core), sent.numbers.as_slice()), (Some(1), &[50, 51][..]));
    let far = seat(&seats, "other-socket+nic-remote+mem-remote+irq-same");
    assert_eq!(
        (host.node(far.cores.0), far.memory),
        (Some(1), (Some(1), Some(1))),
        "memory is bound to the other node"
    );
}

#[test]
fn where_the_kernel_says_nothing_of_caches_none_is_made_up() {
    let host = made_up((1, 2, 2, 1), false, None);
    assert_eq!(names(&enumerate::seats(&host, true)), ["same-socket"]);
    let rows = rows::of(&host, &enumerate::seats(&host, true), &PlacementSelection::All);
    assert!(rows.iter().any(|row| row.name == "other-l3" && row.needs.contains("a kernel that says")), "{rows:?}");
}
