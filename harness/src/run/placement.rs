//! Where the ends of a cell are on a host of several memory nodes, and what of that is far from what.

use std::path::Path;

use tickcert_probes::numa::{self, MemoryByNode};
use tickcert_results::certificate::{EndNodes, Host, PlacementNodes};
use tickcert_transports::api::Link;

/// The nodes of a placement: of both cores, of the memory they are bound to, and of both interfaces. `None` on a host with one node.
pub(super) fn nodes(
    root: &Path,
    host: &Host,
    link: &Link,
    cores: (u32, u32),
    memory: (Option<u32>, Option<u32>),
) -> Option<PlacementNodes> {
    let all = numa::nodes(root);
    if all.len() < 2 {
        return None;
    }
    let end = |core, memory, interface: &str| EndNodes {
        core: all.iter().find(|node| node.cores.contains(&core)).map(|node| node.number),
        memory,
        // The interface is in the bench's namespace by now; the host was read before.
        interface: host.nics.iter().find(|nic| nic.name == interface).and_then(|nic| u32::try_from(nic.numa_node).ok()),
    };
    Some(PlacementNodes {
        exchange: end(cores.0, memory.0, &link.exchange_interface),
        trader: end(cores.1, memory.1, &link.trader_interface),
        distances: all.into_iter().map(|node| node.distances).collect(),
    })
}

/// What of a placement is on a node other than its core's, a line each; of the interfaces only where the lane uses them.
pub(super) fn crossings(nodes: &PlacementNodes, uses_interfaces: bool) -> Vec<String> {
    let far = |who, end: EndNodes| {
        let interface = end.interface.filter(|_| uses_interfaces);
        [("memory", end.memory, "memory"), ("interface", interface, "frame")].into_iter().filter_map(
            move |(what, node, each)| {
                let (core, node) = (end.core?, node?);
                let distance = nodes.distances.get(core as usize).and_then(|d| d.get(node as usize));
                let distance = distance.map(|d| format!(" (distance {d}, and 10 to its own)")).unwrap_or_default();
                (core != node).then(|| {
                    format!(
                        "the {who}'s core is on memory node {core} and its {what} on node {node}{distance}: each access to the {each} crosses from one to the other"
                    )
                })
            },
        )
    };
    far("exchange", nodes.exchange).chain(far("trader", nodes.trader)).collect()
}

/// That memory lies elsewhere than where it was bound to, or that nobody can tell, if so.
pub(super) fn astray(who: &str, asked: Option<u32>, memory: Option<&MemoryByNode>) -> Option<String> {
    let asked = asked?;
    let Some(memory) = memory else {
        return Some(format!(
            "the {who}'s memory was to be on node {asked}, and where it is can't be told: /proc/PID/numa_maps can't be read"
        ));
    };
    let elsewhere = memory.elsewhere(asked);
    (elsewhere > 0).then(|| {
        format!(
            "the {who}'s memory was to be on node {asked}, and of it {} KiB are elsewhere ({memory})",
            elsewhere / 1024
        )
    })
}

/// That an end is on another core after its trial than the one that it was put on, if so.
pub(super) fn moved(who: &str, core: u32, ended_on: Option<u32>) -> Option<String> {
    let ended_on = ended_on.filter(|ended_on| *ended_on != core)?;
    Some(format!(
        "the {who} was put on core {core} and ended on core {ended_on}: the core was taken off line, or out of its cpuset"
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn placed(core: u32, memory: Option<u32>, interface: Option<u32>) -> PlacementNodes {
        let exchange = EndNodes { core: Some(0), memory: Some(0), interface: Some(0) };
        let trader = EndNodes { core: Some(core), memory, interface };
        PlacementNodes { exchange, trader, distances: vec![vec![10, 21], vec![21, 10]] }
    }

    #[test]
    fn what_is_on_another_node_than_its_core_is_named_and_what_is_near_is_not() {
        assert_eq!(crossings(&placed(1, Some(1), Some(1)), true), [""; 0]);
        assert_eq!(crossings(&placed(1, None, None), true), [""; 0]);
        let said = crossings(&placed(1, Some(0), Some(0)), true);
        assert_eq!(said.len(), 2);
        assert!(
            said[0].starts_with("the trader's core is on memory node 1 and its memory on node 0 (distance 21"),
            "{said:?}"
        );
        assert!(said[1].contains("its interface on node 0"), "{said:?}");
    }

    #[test]
    fn where_the_interface_is_does_not_matter_to_a_lane_that_does_not_use_it() {
        assert_eq!(crossings(&placed(1, None, Some(0)), false), [""; 0]);
    }

    #[test]
    fn an_end_that_is_on_another_core_afterwards_is_said_and_one_that_stayed_is_not() {
        assert_eq!(moved("trader", 1, Some(1)), None);
        assert_eq!(moved("trader", 1, None), None);
        let said = moved("trader", 1, Some(0)).unwrap();
        assert!(said.starts_with("the trader was put on core 1 and ended on core 0"), "{said}");
    }

    #[test]
    fn memory_that_is_not_where_it_was_bound_to_is_said_with_how_much() {
        let memory = MemoryByNode(BTreeMap::from([(0, 8192), (1, 1 << 20)]));
        let said = astray("trader", Some(1), Some(&memory)).unwrap();
        assert!(
            said.contains("to be on node 1, and of it 8 KiB are elsewhere (node 0: 8 KiB, node 1: 1024 KiB)"),
            "{said}"
        );
        assert_eq!(astray("trader", None, Some(&memory)), None);
        assert_eq!(astray("trader", Some(1), Some(&MemoryByNode(BTreeMap::from([(1, 4096)])))), None);
        assert!(
            astray("trader", Some(1), None).unwrap().contains("numa_maps can't be read"),
            "nobody has seen it there"
        );
    }
}
