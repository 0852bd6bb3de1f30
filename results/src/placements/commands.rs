//! How to put a program where a placement has its trader.

use crate::certificate::{InterruptsSent, Placement, PlacementClass, QueueSteered, Recommendation};

/// The commands and the lines of a profile for a placement.
pub(super) fn recommendation(placement: &Placement) -> Recommendation {
    let nodes = placement.nodes.as_ref();
    let memory = [nodes.and_then(|n| n.exchange.memory), nodes.and_then(|n| n.trader.memory)];
    let mut commands = vec![program(placement.trader_core, memory[1])];
    let sent: Vec<&InterruptsSent> = placement.interrupts.iter().filter(|sent| !sent.numbers.is_empty()).collect();
    if !sent.is_empty() {
        commands.push("systemctl stop irqbalance  # or it moves them back within seconds".to_owned());
    }
    commands.extend(sent.into_iter().map(interrupts));
    commands.extend(placement.queues.iter().filter(|steered| steered.of > 1).map(queue));
    Recommendation { placement: placement.name.clone(), commands, profile: profile(placement, memory) }
}

/// A program on a core, with its memory on a node where there are several.
fn program(core: u32, memory: Option<u32>) -> String {
    match memory {
        Some(node) => format!("numactl --physcpubind={core} --membind={node} TRADER"),
        None => format!("taskset -c {core} TRADER"),
    }
}

fn interrupts(sent: &InterruptsSent) -> String {
    let numbers: Vec<String> = sent.numbers.iter().map(ToString::to_string).collect();
    let InterruptsSent { interface, core, .. } = sent;
    format!("for i in {}; do echo {core} > /proc/irq/$i/smp_affinity_list; done  # {interface}", numbers.join(" "))
}

/// All that an interface receives to one queue; `ethtool -X IF default` takes it back.
fn queue(steered: &QueueSteered) -> String {
    let QueueSteered { interface, queue, .. } = steered;
    format!("ethtool -X {interface} equal 1 start {queue}")
}

fn profile(placement: &Placement, [exchange, trader]: [Option<u32>; 2]) -> Vec<String> {
    // A pair of cores says nothing of interrupts: only the placement's own words do, those of what is near too.
    if let Some(class) = placement.class.filter(|class: &PlacementClass| class.interrupts.is_some()) {
        return vec!["[run]".to_owned(), format!("placements = [\"{}\"]", class.words().join("+"))];
    }
    let mut lines = vec![
        "[run.placement]".to_owned(),
        format!("exchange_core = {}", placement.exchange_core),
        format!("trader_core = {}", placement.trader_core),
    ];
    let of = |end: &str, node: Option<u32>| node.map(|node| format!("{end}_memory = {node}"));
    lines.extend(of("exchange", exchange).into_iter().chain(of("trader", trader)));
    lines
}
