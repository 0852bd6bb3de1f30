//! A made-up matrix of placements.

use super::{LaneShape, certificate};
use crate::{
    certificate::{
        Certificate, CoreRelation, EndNodes, InterruptSite, InterruptsSent, Nearness, NotRun, NotRunKind,
        PlacementClass, PlacementNodes, QueueSteered,
    },
    evidence::Evidence,
    placements::matrices,
};

/// One lane in placements of these names and medians in nanoseconds, on a host of two sockets.
#[must_use]
pub fn placed(medians: &[(&str, u64)], repetitions: u32) -> Certificate {
    let lanes: Vec<_> =
        medians.iter().map(|(_, median)| LaneShape::new("kernel-udp", "", Evidence::Emulated, *median)).collect();
    let mut c = certificate(&lanes, repetitions, 4_000);
    for (cell, (name, _)) in c.cells.iter_mut().zip(medians) {
        put(&mut cell.placement, name);
    }
    c.placements = matrices(&c, 1);
    c
}

/// A server of two sockets with four complexes each, an interface on the first.
#[must_use]
pub fn matrix() -> Certificate {
    let medians = [
        ("smt-sibling+irq-other", 7_350),
        ("smt-sibling+mem-remote+irq-other", 8_020),
        ("same-l3+irq-same", 6_400),
        ("same-l3+irq-other", 5_480),
        ("same-l3+mem-remote+irq-other", 6_330),
        ("other-l3+irq-other", 6_580),
        ("other-l3+mem-remote+irq-other", 7_070),
        ("other-socket+irq-other", 7_900),
        ("other-socket+nic-remote+irq-other", 9_300),
        ("other-socket+nic-remote+mem-remote+irq-other", 10_150),
    ];
    let mut c = placed(&medians, 5);
    let row = |name: &str, needs: &str, how: &str| NotRun {
        optional: true,
        ..NotRun::new(NotRunKind::Placement, name, needs, how)
    };
    c.not_run = vec![row(
        "cores 48-63",
        "cores that this process may use; these are not among them",
        "widen the cpuset: `taskset -c`, a container's --cpuset-cpus, a systemd AllowedCPUs=",
    )];
    c.rates.clear();
    c
}

fn put(placement: &mut super::super::Placement, name: &str) {
    let words: Vec<&str> = name.split('+').collect();
    let is = |word: &str| words.contains(&word);
    let near = |remote| if remote { Nearness::Remote } else { Nearness::Local };
    let cores = CoreRelation::ALL.into_iter().find(|r| is(r.name())).unwrap_or(CoreRelation::SameSocket);
    let interrupts = is("irq-same").then_some(InterruptSite::Same).or(is("irq-other").then_some(InterruptSite::Other));
    placement.class = Some(PlacementClass {
        cores,
        nic: Some(near(is("nic-remote"))),
        memory: Some(near(is("mem-remote"))),
        interrupts,
    });
    name.clone_into(&mut placement.name);
    let core = u32::from(is("nic-remote"));
    let (trader, exchange) = match cores {
        CoreRelation::SmtSibling => (33, 1),
        CoreRelation::OtherL3 => (9, 1),
        CoreRelation::OtherSocket => (if core == 1 { 17 } else { 2 }, if core == 1 { 1 } else { 17 }),
        CoreRelation::SameL3 | CoreRelation::SameSocket => (2, 1),
    };
    (placement.exchange_core, placement.trader_core) = (exchange, trader);
    let memory = if is("mem-remote") { 1 - core } else { core };
    let own = u32::from(exchange == 17);
    placement.nodes = Some(PlacementNodes {
        exchange: EndNodes { core: Some(own), memory: Some(own), interface: Some(0) },
        trader: EndNodes { core: Some(core), memory: Some(memory), interface: Some(0) },
        distances: vec![vec![10, 21], vec![21, 10]],
    });
    placement.interrupts = interrupts
        .map(|site| InterruptsSent {
            interface: "eth3".to_owned(),
            numbers: (130..134).collect(),
            core: if site == InterruptSite::Same { trader } else { 4 },
        })
        .into_iter()
        .collect();
    placement.queues = ["eth2", "eth3"].map(|name| QueueSteered { interface: name.to_owned(), queue: 0, of: 4 }).into();
}
