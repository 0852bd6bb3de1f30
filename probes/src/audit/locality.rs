//! Whether NIC, core and memory of an end are at the same memory node.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
    scope::{End, Scope},
};
use crate::{
    numa::{self, Node},
    sysfs,
};

/// Nothing where there is one node, or none: all is near then.
pub(super) fn read(root: &Path, scope: &Scope) -> Vec<Finding> {
    let nodes = numa::nodes(root);
    if nodes.len() < 2 {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for end in &scope.ends {
        let Some(own) = nodes.iter().find(|node| node.cores.contains(&end.core)) else { continue };
        findings.extend(interface(root, end, own, &nodes));
        findings.extend(memory(end, own, &nodes));
    }
    findings
}

fn interface(root: &Path, end: &End, own: &Node, nodes: &[Node]) -> Option<Finding> {
    let name = end.interface.as_ref()?;
    let at = numa::node_of_interface(root, name)?;
    let near = nodes.iter().find(|node| node.number == at);
    let cores = near.map(|node| sysfs::write_core_list(&node.cores)).unwrap_or_default();
    let ok = at == own.number;
    Some(
        Ask {
            topic: Topic::Application,
            name: &format!("{}/nic-node", end.name),
            why: "every frame and every doorbell crosses between the sockets otherwise",
            remedy: Remedy::start(&format!(
                "--{}-core with one of {cores}, the cores of {name}'s node; or `placement` in the profile, or the NIC in a slot of the other socket",
                end.name
            )),
        }
        .judged(
            format!("{name} at node {at}, core {} at node {}{}", end.core, own.number, distance(own, at, nodes)),
            "the same node",
            ok,
        ),
    )
}

fn memory(end: &End, own: &Node, nodes: &[Node]) -> Option<Finding> {
    let at = end.memory?;
    Some(
        Ask {
            topic: Topic::Application,
            name: &format!("{}/memory-node", end.name),
            why: "each miss of the caches crosses between the sockets otherwise",
            remedy: Remedy::start(&format!("{}_memory = {} in the profile's placement", end.name, own.number)),
        }
        .judged(
            format!("memory at node {at}, core {} at node {}{}", end.core, own.number, distance(own, at, nodes)),
            "the same node",
            at == own.number,
        ),
    )
}

/// As the firmware gives it, in the order of the nodes; 10 is the node itself.
fn distance(from: &Node, to: u32, nodes: &[Node]) -> String {
    let index = nodes.iter().position(|node| node.number == to);
    let far = index.and_then(|index| from.distances.get(index)).filter(|_| from.number != to);
    far.map(|distance| format!(" (distance {distance})")).unwrap_or_default()
}
