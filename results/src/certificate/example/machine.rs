//! A host of two sockets, each with a memory node of its own, a network device whose slot is too narrow, and a disk.

use std::collections::BTreeSet;

use crate::certificate::{
    Core, CoreMatrix, Die, LineLatency, Link, LoadPoint, Machine, MemoryView, Node, Pages, PciDevice, PciKind,
    ReadCost, SharedCache, Topology,
};

const CORES: u32 = 32;
const OF_A_SOCKET: u32 = CORES / 2;

pub(super) fn machine() -> Machine {
    Machine {
        topology: Some(topology()),
        read_costs: [("rdtsc", 7.2), ("rdtscp, lfence", 11.4), ("CLOCK_MONOTONIC_RAW", 22.8)]
            .map(|(clock, median_ns)| ReadCost { clock: clock.to_owned(), core: Some(3), median_ns })
            .into(),
        core_to_core: Some(core_to_core()),
        memory: memory(),
    }
}

fn cores_of(package: u32) -> BTreeSet<u32> {
    (package * OF_A_SOCKET..(package + 1) * OF_A_SOCKET).collect()
}

fn topology() -> Topology {
    let core = |number| Core {
        number,
        online: true,
        usable: number != 31,
        package: Some(number / OF_A_SOCKET),
        die: Some(0),
        core: Some(number % OF_A_SOCKET),
        siblings: BTreeSet::new(),
        node: Some(number / OF_A_SOCKET),
    };
    let link = |lanes| Some(Link { gigatransfers: 16.0, lanes });
    let device = |address: &str, kind, interface: &str, driver: &str, lanes| PciDevice {
        address: address.to_owned(),
        kind,
        interfaces: if interface.is_empty() { Vec::new() } else { vec![interface.to_owned()] },
        driver: Some(driver.to_owned()),
        node: Some(0),
        local_cores: cores_of(0),
        link: link(lanes),
        link_at_most: link(16),
    };
    Topology {
        packages: vec![0, 1],
        dies: [0, 1].map(|package| Die { package, die: 0 }).into(),
        last_level_caches: [0, 1]
            .map(|package| SharedCache { cores: cores_of(package), level: 3, kib: Some(32_768) })
            .into(),
        cores: (0..CORES).map(core).collect(),
        nodes: [(0, vec![10, 21]), (1, vec![21, 10])]
            .map(|(number, distances)| Node { number, cores: cores_of(number), distances })
            .into(),
        pci_devices: vec![
            device("0000:31:00.0", PciKind::Network, "ens1f0", "mlx5_core", 8),
            device("0000:5e:00.0", PciKind::Storage, "", "nvme", 16),
        ],
    }
}

/// One pair could not be measured.
fn core_to_core() -> CoreMatrix {
    let pairs = (0..CORES).flat_map(|a| (a + 1..CORES).map(move |b| [a, b])).filter(|pair| *pair != [6, 7]);
    let latency = |cores: [u32; 2]| {
        let one_way_ns =
            if cores[0] / OF_A_SOCKET == cores[1] / OF_A_SOCKET { 31.6 } else { 104.2 } + 0.3 * f64::from(cores[1]);
        LineLatency {
            cores,
            one_way_ns,
            min_ns: one_way_ns - 1.0,
            p90_ns: one_way_ns + 4.0,
            samples: 700,
            round_trips: 200,
        }
    };
    CoreMatrix::new(&(0..CORES).collect::<Vec<_>>(), pairs.map(latency).collect())
}

/// From the first node to both, in both kinds of pages.
fn memory() -> Vec<MemoryView> {
    const CURVE: [(u64, f64); 6] =
        [(16 << 10, 1.1), (256 << 10, 3.9), (4 << 20, 14.0), (16 << 20, 21.0), (64 << 20, 74.0), (128 << 20, 92.0)];
    let view = |(memory_node, pages): (u32, Pages)| {
        let slower = 1.0 + 0.6 * f64::from(memory_node) + if pages == Pages::Small { 0.2 } else { 0.0 };
        let shown = if memory_node == 0 { &CURVE[..] } else { &CURVE[5..] };
        MemoryView {
            core: 0,
            core_node: Some(0),
            memory_node: Some(memory_node),
            pages,
            loads: shown.iter().map(|(bytes, ns)| LoadPoint { bytes: *bytes, load_ns: ns * slower }).collect(),
            read_bytes_per_second: 14e9 / slower,
        }
    };
    [(0, Pages::Small), (0, Pages::Huge), (1, Pages::Small), (1, Pages::Huge)].map(view).into()
}
