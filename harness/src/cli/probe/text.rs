//! What was found, for a terminal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use comfy_table::{Table, presets};
use tickcert_probes::sysfs::write_core_list;
use tickcert_results::certificate::{
    CoreMatrix, CounterOffset, LineLatency, Link, MemoryView, NotRun, PciDevice, Relation, Topology,
};

use super::{Found, figures::Clocks, noise_text::noise, ptp};

/// All of it. The topology is shown if `show_topology`, and tells otherwise what cores have to do with each other.
pub(super) fn all(found: &Found, topology: Option<&Topology>, show_topology: bool) -> String {
    let sections = [
        topology.filter(|_| show_topology).map(of_topology),
        found.clocks.as_ref().map(clocks),
        found.core_to_core.as_ref().map(|matrix| core_to_core(matrix, topology)),
        Some(&found.memory).filter(|views| !views.is_empty()).map(|views| memory(views)),
        found.noise.as_ref().map(noise),
        Some(&found.not_run).filter(|rows| !rows.is_empty()).map(|rows| not_run(rows)),
    ];
    sections.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_BORDERS_ONLY_CONDENSED);
    table.set_header(header);
    table
}

fn number(n: Option<impl ToString>) -> String {
    n.map_or_else(|| "-".to_owned(), |n| n.to_string())
}

fn of_topology(topology: &Topology) -> String {
    let mut text = format!(
        "Topology: sockets {}, dies {}, last-level caches {}, cores {}, memory nodes {}\n",
        topology.packages.len(),
        topology.dies.len(),
        topology.last_level_caches.len(),
        topology.cores.len(),
        topology.nodes.len()
    );
    let mut cores = table(["core", "socket", "die", "cache", "node", "siblings", "state"]);
    for core in &topology.cores {
        let cache = topology.last_level_caches.iter().position(|cache| cache.cores.contains(&core.number));
        let state = match (core.online, core.usable) {
            (false, _) => "off line",
            (true, false) => "not for this process",
            (true, true) => "usable",
        };
        let siblings = if core.siblings.is_empty() { "-".into() } else { write_core_list(&core.siblings) };
        cores.add_row([
            core.number.to_string(),
            number(core.package),
            number(core.die),
            number(cache),
            number(core.node),
            siblings,
            state.into(),
        ]);
    }
    let _ = writeln!(text, "{cores}");
    for (n, cache) in topology.last_level_caches.iter().enumerate() {
        let size = cache.kib.map_or_else(String::new, |kib| format!(", {} MiB", kib / 1024));
        let _ = writeln!(text, "cache {n}: level {}{size}, cores {}", cache.level, write_core_list(&cache.cores));
    }
    for node in &topology.nodes {
        let distances: Vec<String> = node.distances.iter().map(ToString::to_string).collect();
        let cores = write_core_list(&node.cores);
        let _ = writeln!(text, "node {}: cores {cores}, distances {}", node.number, distances.join(" "));
    }
    topology.pci_devices.iter().for_each(|device| text.push_str(&pci_device(device)));
    text
}

fn pci_device(device: &PciDevice) -> String {
    let link = |link: Option<Link>| link.map_or_else(|| "not told".to_owned(), |link| link.to_string());
    let interfaces = if device.interfaces.is_empty() { "-".into() } else { device.interfaces.join(" ") };
    format!(
        "device {} ({}): {interfaces}, driver {}, node {}, link {}, at most {}{}\n",
        device.address,
        device.kind.name(),
        number(device.driver.as_ref()),
        number(device.node),
        link(device.link),
        link(device.link_at_most),
        if device.is_held_back() { ": HELD BACK by its slot or its training" } else { "" }
    )
}

fn clocks(clocks: &Clocks) -> String {
    let counter = &clocks.counter;
    let mut text = format!(
        "Clocks: {} time-stamp counter of {:.6} GHz (within {:.2} ppm), steps of {} ticks; the kernel's clock source is {}\n",
        if counter.invariant_tsc { "invariant" } else { "NOT INVARIANT" },
        counter.start.hz / 1e9,
        counter.start.error_ppm,
        counter.granularity_ticks,
        counter.clocksource
    );
    let mut costs = table(["clock", "a read costs"]);
    for cost in &clocks.read_costs {
        costs.add_row([cost.clock.clone(), format!("{:.1} ns", cost.median_ns)]);
    }
    let _ = writeln!(text, "{costs}");
    text.push_str(&in_step(&clocks.offsets, clocks.pairs_not_compared));
    for offset in clocks.offsets.iter().filter(|offset| !offset.in_step()) {
        let _ = writeln!(text, "{}", out_of_step(offset));
    }
    text.push_str(&ptp::text(&clocks.hardware_clocks, &clocks.system_clock));
    text
}

/// Said of all cores only where all were compared.
fn in_step(offsets: &[CounterOffset], not_compared: usize) -> String {
    let Some(worst) = offsets.iter().max_by(|a, b| a.bound_ns().total_cmp(&b.bound_ns())) else {
        return if not_compared > 0 { "Counters could not be compared\n".to_owned() } else { String::new() };
    };
    let all = offsets.len() + not_compared;
    let whose = if not_compared == 0 {
        "Counters of all cores are".to_owned()
    } else {
        format!("Of {all} pairs of cores {not_compared} could not be compared; counters of the others are")
    };
    if !offsets.iter().all(CounterOffset::in_step) {
        return if not_compared == 0 {
            String::new()
        } else {
            format!("Of {all} pairs of cores {not_compared} could not be compared\n")
        };
    }
    format!(
        "{whose} in step, as far as round trips tell: within {:.0} ns (cores {} and {})\n",
        worst.bound_ns(),
        worst.cores[0],
        worst.cores[1]
    )
}

fn out_of_step(offset: &CounterOffset) -> String {
    let [a, b] = offset.cores;
    if !offset.is_steady() {
        return format!("Counters of cores {a} and {b} RUN APART: no one offset agrees with all round trips");
    }
    format!(
        "Counters of cores {a} and {b} are OUT OF STEP: {b} is ahead by {:.0} to {:.0} ns",
        offset.at_least_ns, offset.at_most_ns
    )
}

fn core_to_core(matrix: &CoreMatrix, topology: Option<&Topology>) -> String {
    let mut text = "Core to core: a cache line one way, median in ns\n".to_owned();
    let mut rows = Table::new();
    rows.load_preset(presets::ASCII_BORDERS_ONLY_CONDENSED);
    rows.set_header([String::new()].into_iter().chain(matrix.cores.iter().map(ToString::to_string)));
    for (core, line) in matrix.cores.iter().zip(&matrix.one_way_ns) {
        let cells = line.iter().map(|ns| ns.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.1}")));
        rows.add_row([core.to_string()].into_iter().chain(cells));
    }
    let _ = writeln!(text, "{rows}");
    let mut by_relation: BTreeMap<Relation, Vec<&LineLatency>> = BTreeMap::new();
    for pair in &matrix.pairs {
        let relation = topology.map_or(Relation::Unknown, |t| t.relation(pair.cores[0], pair.cores[1]));
        by_relation.entry(relation).or_default().push(pair);
    }
    for (relation, mut pairs) in by_relation {
        pairs.sort_by(|a, b| a.one_way_ns.total_cmp(&b.one_way_ns));
        if let (Some(least), Some(most)) = (pairs.first(), pairs.last()) {
            let _ = writeln!(
                text,
                "{}: pairs {}, from {:.1} ns (cores {} and {}) to {:.1} ns (cores {} and {})",
                relation.describe(),
                pairs.len(),
                least.one_way_ns,
                least.cores[0],
                least.cores[1],
                most.one_way_ns,
                most.cores[0],
                most.cores[1]
            );
        }
    }
    text
}

/// A column for each view, a row for each working set.
fn memory(views: &[MemoryView]) -> String {
    let mut rows = Table::new();
    rows.load_preset(presets::ASCII_BORDERS_ONLY_CONDENSED);
    rows.set_header(["working set".to_owned()].into_iter().chain(views.iter().map(MemoryView::name)));
    let sizes: BTreeSet<u64> = views.iter().flat_map(|view| &view.loads).map(|point| point.bytes).collect();
    for size in sizes {
        let load = |view: &MemoryView| {
            let point = view.loads.iter().find(|point| point.bytes == size);
            point.map_or_else(|| "-".to_owned(), |point| format!("{:.1} ns", point.load_ns))
        };
        rows.add_row([bytes(size)].into_iter().chain(views.iter().map(load)));
    }
    let reads = views.iter().map(|view| format!("{:.1} GB/s", view.read_bytes_per_second / 1e9));
    rows.add_row(["reading".to_owned()].into_iter().chain(reads));
    format!("Memory: a load that needs the one before, median; and reading from end to end\n{rows}\n")
}

fn bytes(n: u64) -> String {
    if n < 1 << 20 { format!("{} KiB", n >> 10) } else { format!("{} MiB", n >> 20) }
}

fn not_run(rows: &[NotRun]) -> String {
    let mut text = "Not run:\n".to_owned();
    for row in rows {
        let _ = writeln!(text, "  {}: needs {}\n    {}", row.name, row.needs, row.how);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_said_to_be_in_step_of_those_only_that_were_compared() {
        let offset = |at_least_ns, at_most_ns| CounterOffset { cores: [0, 1], at_least_ns, at_most_ns, round_trips: 9 };
        let good = offset(-40.0, 50.0);
        assert!(in_step(&[good], 0).starts_with("Counters of all cores are in step"));
        let some = in_step(&[good], 2);
        assert!(
            some.starts_with("Of 3 pairs of cores 2 could not be compared; counters of the others are in step"),
            "{some}"
        );
        assert_eq!(in_step(&[], 3), "Counters could not be compared\n");
        assert_eq!((in_step(&[], 0), in_step(&[offset(10.0, 20.0)], 0)), (String::new(), String::new()));
    }
}
