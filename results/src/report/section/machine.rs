//! What the host is made of, and how long it takes from one of its parts to another.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::banner;
use crate::{
    certificate::{CoreMatrix, LineLatency, Link, Machine, MemoryView, PciKind, Relation, Topology},
    core_list,
    evidence::Evidence,
    report::{chart, text},
};

/// With more cores than this the fields of a heat map are too small to point at.
const MOST_CORES: usize = 64;

/// Of a virtual machine all of it is what the hypervisor shows, and costs.
pub(super) fn section(machine: &Machine, virtualised: bool) -> Markup {
    html! {
        h3 { "What the host is made of" }
        @if virtualised { (banner(Evidence::Emulated)) }
        @match &machine.topology {
            Some(topology) => (parts(topology)),
            None => p { "The kernel did not tell." },
        }
        @if let Some(matrix) = &machine.core_to_core { (core_to_core(matrix, machine.topology.as_ref(), virtualised)) }
        @if !machine.memory.is_empty() { (memory(&machine.memory, virtualised)) }
        @if !machine.read_costs.is_empty() {
            h3 { "What reading a clock costs" }
            @if virtualised { (banner(Evidence::Emulated)) }
            dl.table {
                @for cost in &machine.read_costs { dt { (cost.clock) } dd { (text::duration_ns(cost.median_ns)) ", median" @if let Some(core) = cost.core { ", on core " (core) } } }
            }
        }
    }
}

fn parts(t: &Topology) -> Markup {
    let or_none = |cores: &std::collections::BTreeSet<u32>| core_list::write(cores);
    let (off_line, forbidden) = (t.off_line(), t.forbidden());
    html! {
        dl.table {
            dt { "Parts" }
            dd {
                (text::plural(t.packages.len(), "socket", "sockets")) ", " (text::plural(t.dies.len(), "die", "dies")) ", "
                (text::plural(t.last_level_caches.len(), "last-level cache", "last-level caches")) ", "
                (text::plural(t.cores.len(), "core", "cores")) " (threads of the processor), "
                (text::plural(t.nodes.len(), "memory node", "memory nodes"))
            }
            @if !off_line.is_empty() { dt { "Off line" } dd { "cores " (or_none(&off_line)) } }
            @if !forbidden.is_empty() { dt { "Not for this process by itself" } dd { "cores " (or_none(&forbidden)) } }
        }
        (groups(t))
        (distances(t))
        (devices(t))
    }
}

/// A row for each group of cores that share all of socket, die, last-level cache and node.
fn groups(t: &Topology) -> Markup {
    let mut groups: BTreeMap<_, (Vec<u32>, Vec<String>)> = BTreeMap::new();
    for core in t.cores.iter().filter(|core| core.online) {
        let cache = t.last_level_caches.iter().position(|cache| cache.cores.contains(&core.number));
        let (cores, threads) = groups.entry((core.package, core.die, cache, core.node)).or_default();
        cores.push(core.number);
        let mut siblings = core.siblings.clone();
        siblings.insert(core.number);
        if siblings.len() > 1 && siblings.first() == Some(&core.number) {
            threads.push(core_list::write(&siblings));
        }
    }
    let number = |n: Option<u32>| n.map_or("–".to_owned(), |n| n.to_string());
    html! {
        table {
            thead { tr { th.num { "Socket" } th.num { "Die" } th { "Last-level cache" } th.num { "Memory node" } th { "Cores" } th { "Threads of one core" } } }
            tbody {
                @for ((package, die, cache, node), (cores, threads)) in &groups {
                    tr {
                        td.num { (number(*package)) } td.num { (number(*die)) }
                        td { (cache.map_or("–".to_owned(), |at| of_cache(t, at))) }
                        td.num { (number(*node)) } td { (core_list::write(cores)) }
                        td { @if threads.is_empty() { "one each" } @else { (threads.join(" ")) } }
                    }
                }
            }
        }
    }
}

fn of_cache(t: &Topology, at: usize) -> String {
    let cache = &t.last_level_caches[at];
    let size = cache.kib.map_or_else(String::new, |kib| format!(", {}", text::bytes(kib * 1024)));
    format!("{at}: level {}{size}", cache.level)
}

/// Of one node there is nothing to say.
fn distances(t: &Topology) -> Markup {
    html! {
        @if t.nodes.len() > 1 {
            table {
                caption { "Distances between memory nodes, by the firmware: 10 is a node's to itself" }
                thead { tr { th { "From node" } @for to in &t.nodes { th.num { "to " (to.number) } } } }
                tbody {
                    @for node in &t.nodes {
                        tr { td { (node.number) } @for distance in &node.distances { td.num { (distance) } } }
                    }
                }
            }
        }
    }
}

fn devices(t: &Topology) -> Markup {
    let link = |link: Option<Link>| link.map_or("not told".to_owned(), |link| link.to_string());
    html! {
        @if !t.pci_devices.is_empty() {
            table {
                caption { "Devices on PCI Express" }
                thead { tr { th { "Address" } th { "Kind" } th { "Interfaces" } th { "Driver" } th.num { "Node" } th { "Cores near it" } th { "Link" } th { "At most" } } }
                tbody {
                    @for device in &t.pci_devices {
                        tr {
                            td.mono { (device.address) } td { (device.kind.name()) }
                            td { @if device.interfaces.is_empty() { "–" } @else { (device.interfaces.join(" ")) } }
                            td { (device.driver.as_deref().unwrap_or("–")) }
                            td.num { (device.node.map_or("–".to_owned(), |node| node.to_string())) }
                            td { @if device.local_cores.is_empty() { "–" } @else { (core_list::write(&device.local_cores)) } }
                            td { (link(device.link)) @if device.is_held_back() { " " (held_back(device.kind)) } }
                            td { (link(device.link_at_most)) }
                        }
                    }
                }
            }
        }
    }
}

/// Idle displays and accelerators have a slower link on purpose.
fn held_back(kind: PciKind) -> Markup {
    html! {
        @if kind == PciKind::Network { span.bad { "held back by its slot or its training" } } @else { "below its most" }
    }
}

fn core_to_core(matrix: &CoreMatrix, topology: Option<&Topology>, virtualised: bool) -> Markup {
    let mut by_relation: BTreeMap<Relation, Vec<&LineLatency>> = BTreeMap::new();
    for pair in &matrix.pairs {
        let relation = topology.map_or(Relation::Unknown, |t| t.relation(pair.cores[0], pair.cores[1]));
        by_relation.entry(relation).or_default().push(pair);
    }
    by_relation.values_mut().for_each(|pairs| pairs.sort_by(|a, b| a.one_way_ns.total_cmp(&b.one_way_ns)));
    let of = |pair: &LineLatency| {
        format!("{} ({} and {})", text::duration_ns(pair.one_way_ns), pair.cores[0], pair.cores[1])
    };
    html! {
        h3 { "From core to core" }
        @if virtualised { (banner(Evidence::Emulated)) }
        @if matrix.cores.len() <= MOST_CORES {
            figure.wide {
                figcaption {
                    strong { "How long a cache line takes one way, median in nanoseconds" }
                    " Darker is longer; four times the shortest has the full shade. Each pair is measured once, both ways together."
                }
                (chart::cores(matrix))
            }
        } @else {
            p.note { "Of " (matrix.cores.len()) " cores a picture has no room; the certificate has each pair (" code { "probes.machine.core_to_core" } ")." }
        }
        @if let Some(topology) = topology {
            @let on_line = topology.cores.iter().filter(|core| core.online).count();
            @if matrix.cores.len() < on_line { p.note { "Measured are " (matrix.cores.len()) " of " (on_line) " cores on line: " (core_list::write(&matrix.cores)) "." } }
        }
        table {
            thead { tr { th { "The two cores share" } th.num { "Pairs" } th.num { "Shortest" } th.num { "Middle" } th.num { "Longest" } } }
            tbody {
                @for (relation, pairs) in &by_relation {
                    tr {
                        td { (relation.describe()) } td.num { (pairs.len()) }
                        @for at in [0, pairs.len() / 2, pairs.len() - 1] { td.num { (of(pairs[at])) } }
                    }
                }
            }
        }
    }
}

fn memory(views: &[MemoryView], virtualised: bool) -> Markup {
    let node = |node: Option<u32>| node.map_or("–".to_owned(), |node| node.to_string());
    html! {
        h3 { "Memory" }
        @if virtualised { (banner(Evidence::Emulated)) }
        @if let Some(chart) = chart::memory(views) {
            figure.wide {
                figcaption {
                    strong { "How long a load takes that needs the one before it, by working set" }
                    " Median of blocks, from a core to the memory of its own node."
                }
                (chart)
            }
        }
        table {
            thead { tr {
                th.num { "From core" } th.num { "of node" } th.num { "to node" } th { "Pages" }
                th.num { "Working set" } th.num { "A load" } th.num { "One core reads" }
            } }
            tbody {
                @for view in views {
                    tr {
                        td.num { (view.core) } td.num { (node(view.core_node)) } td.num { (node(view.memory_node)) } td { (view.pages.name()) }
                        @match view.loads.last() {
                            Some(largest) => { td.num { (text::bytes(largest.bytes)) } td.num { (text::duration_ns(largest.load_ns)) } }
                            None => { td.num { "–" } td.num { "–" } }
                        }
                        td.num { (format!("{:.1} GB/s", view.read_bytes_per_second / 1e9)) }
                    }
                }
            }
        }
    }
}
