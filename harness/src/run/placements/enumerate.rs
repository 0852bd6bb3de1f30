//! Every distinct placement of a host, each once: of all pairs of cores that are as near to each other, to memory and to the NIC,
//! one stands for all.

use std::{cmp::Reverse, collections::BTreeMap};

use tickcert_results::certificate::{CoreRelation, InterruptSite, InterruptsSent, Nearness, PlacementClass};

use super::{
    Seat,
    facts::{HostFacts, InterfaceFacts},
};

/// Cores of exchange and trader.
type Pair = (u32, u32);

/// Memory nodes of exchange and trader.
type Nodes = (Option<u32>, Option<u32>);

/// What makes one pair of cores better to measure on than another of the same class; less is better. Last come the cores' own
/// numbers, so that it never depends on the order of anything; the last cores serve the fewest interrupts.
type Unfitness = (bool, usize, usize, Reverse<u32>, Reverse<u32>);

/// Those of a lane that crosses the interfaces, or of one that doesn't, in the order of their classes.
pub(super) fn seats(host: &HostFacts, over_interfaces: bool) -> Vec<Seat> {
    let interfaces = host.interfaces.as_ref().filter(|_| over_interfaces);
    let mut best: BTreeMap<(CoreRelation, Option<Nearness>), (Unfitness, Pair)> = BTreeMap::new();
    let usable = host.usable();
    for trader in usable.iter().copied() {
        let nic = interfaces.and_then(|[_, of_trader]| nearness(host, trader, of_trader.node));
        for exchange in usable.iter().copied().filter(|core| *core != trader) {
            let Some(cores) = host.relation(exchange, trader) else { continue };
            let found = (unfitness(host, (exchange, trader), interfaces), (exchange, trader));
            best.entry((cores, nic)).and_modify(|kept| *kept = (*kept).min(found)).or_insert(found);
        }
    }
    let mut all = Vec::new();
    for ((cores, nic), (_, pair)) in best {
        for (memory, nodes) in memory(host, pair) {
            for (interrupts, sent) in interrupts(host, pair, interfaces) {
                let class = Some(PlacementClass { cores, nic, memory, interrupts });
                all.push(Seat { cores: pair, memory: nodes, class, interrupts: sent });
            }
        }
    }
    all
}

fn nearness(host: &HostFacts, core: u32, node: Option<u32>) -> Option<Nearness> {
    let own = host.node(core)?;
    node.map(|node| if node == own { Nearness::Local } else { Nearness::Remote })
}

fn unfitness(host: &HostFacts, (exchange, trader): Pair, interfaces: Option<&[InterfaceFacts; 2]>) -> Unfitness {
    let both = [exchange, trader];
    let far =
        interfaces.and_then(|[of_exchange, _]| nearness(host, exchange, of_exchange.node)) == Some(Nearness::Remote);
    (
        // Or a placement would differ from another in the exchange's way to its NIC too.
        far,
        both.iter().filter(|core| !host.isolated.contains(core)).count(),
        both.iter().filter(|core| host.is_first(**core)).count(),
        Reverse(trader),
        Reverse(exchange),
    )
}

/// Memory nodes of exchange and trader. The exchange's memory is always near: it belongs to the instrument.
fn memory(host: &HostFacts, (exchange, trader): Pair) -> Vec<(Option<Nearness>, Nodes)> {
    let of_exchange = host.node(exchange);
    let Some(own) = host.node(trader) else { return vec![(None, (None, None))] };
    let near = (Some(Nearness::Local), (of_exchange, Some(own)));
    let far = host.farthest(own).map(|far| (Some(Nearness::Remote), (of_exchange, Some(far))));
    [Some(near), far].into_iter().flatten().collect()
}

/// Where the interrupts of the trader's interface go. Those of the exchange's go to the exchange's core, so that they are
/// never in the trader's way.
fn interrupts(
    host: &HostFacts,
    (exchange, trader): Pair,
    interfaces: Option<&[InterfaceFacts; 2]>,
) -> Vec<(Option<InterruptSite>, Vec<InterruptsSent>)> {
    let Some([of_exchange, of_trader]) = interfaces.filter(|[_, trader]| !trader.interrupts.is_empty()) else {
        return vec![(None, Vec::new())];
    };
    let sent = |interface: &InterfaceFacts, core| InterruptsSent {
        interface: interface.name.clone(),
        numbers: interface.interrupts.iter().copied().collect(),
        core,
    };
    let of = |core| {
        let all = [sent(of_exchange, exchange), sent(of_trader, core)];
        all.into_iter().filter(|sent| !sent.numbers.is_empty()).collect()
    };
    let mut sites = vec![(Some(InterruptSite::Same), of(trader))];
    sites
        .extend(elsewhere(host, (exchange, trader), of_trader.node).map(|core| (Some(InterruptSite::Other), of(core))));
    sites
}

/// A core of neither end, for interrupts: rather one that nobody keeps free, on the NIC's node, and no thread of an end's core.
fn elsewhere(host: &HostFacts, (exchange, trader): Pair, nic: Option<u32>) -> Option<u32> {
    let shared =
        |core| [exchange, trader].iter().any(|end| host.relation(core, *end) == Some(CoreRelation::SmtSibling));
    let unfitness = |core: &u32| {
        let far = nic.is_some_and(|nic| host.node(*core).is_some_and(|node| node != nic));
        (shared(*core), host.isolated.contains(core), far, *core)
    };
    host.usable().into_iter().filter(|core| ![exchange, trader].contains(core)).min_by_key(unfitness)
}
