//! Interrupts of network interfaces: which they are, and where they go.
//!
//! Numbers are from `msi_irqs/` and `irq` of the device (`Documentation/ABI/testing/sysfs-bus-pci`), where they go from
//! `/proc/irq/N/` (`Documentation/core-api/irq/irq-affinity.rst`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::sysfs;

/// Folder of each interrupt, below the root.
const IRQ: &str = "proc/irq";

/// Interrupts of an interface's device in the calling thread's network namespace, by number; none of one that is only software. Those
/// that its driver has not asked for yet, as while it is down, are among them, and have no [`affinity_file`].
#[must_use]
pub fn of_interface(root: &Path, interface: &str) -> BTreeSet<u32> {
    let device = format!("sys/class/net/{interface}/device");
    // A virtio device has none of its own: they are those of the PCI device that carries it.
    let carried = sysfs::link_name(root, &device).is_some_and(|name| name.starts_with("virtio"));
    let messages = if carried { format!("{device}/../msi_irqs") } else { format!("{device}/msi_irqs") };
    let mut found: BTreeSet<u32> =
        sysfs::names(root, &messages).into_iter().filter_map(|name| name.parse().ok()).collect();
    if found.is_empty() {
        // 0 is a device that has none.
        found.extend(sysfs::read_number::<u32>(root, &format!("{device}/irq")).filter(|irq| *irq != 0));
    }
    found
}

/// The file that says on which cores an interrupt may go, and sends it there.
#[must_use]
pub fn affinity_file(root: &Path, irq: u32) -> PathBuf {
    root.join(IRQ).join(irq.to_string()).join("smp_affinity_list")
}

/// Where an interrupt goes, or may go on a kernel that doesn't say; none where it can't be read.
#[must_use]
pub fn goes_to(root: &Path, irq: u32) -> BTreeSet<u32> {
    let list = |file| sysfs::read(root, &format!("{IRQ}/{irq}/{file}")).filter(|list| !list.is_empty());
    list("effective_affinity_list")
        .or_else(|| list("smp_affinity_list"))
        .map(|l| sysfs::core_list(&l))
        .unwrap_or_default()
}

/// Where an interrupt may go.
#[must_use]
pub fn may_go_to(root: &Path, irq: u32) -> BTreeSet<u32> {
    sysfs::read(root, &format!("{IRQ}/{irq}/smp_affinity_list")).map(|l| sysfs::core_list(&l)).unwrap_or_default()
}

/// How many of each interrupt each core has taken since the start (`/proc/interrupts`, proc(5)).
#[must_use]
pub fn taken(root: &Path) -> BTreeMap<u32, BTreeMap<u32, u64>> {
    let text = sysfs::read(root, "proc/interrupts").unwrap_or_default();
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let cores: Vec<u32> = head.split_whitespace().filter_map(|word| word.strip_prefix("CPU")?.parse().ok()).collect();
    lines
        .filter_map(|line| {
            let (irq, rest) = line.trim_start().split_once(':')?;
            let counts = rest.split_whitespace().map_while(|word| word.parse().ok());
            Some((irq.parse().ok()?, cores.iter().copied().zip(counts).collect()))
        })
        .collect()
}

/// Whether irqbalance runs: it moves interrupts about every ten seconds.
#[must_use]
pub fn is_balanced(root: &Path) -> bool {
    sysfs::names(root, "proc")
        .iter()
        .filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
        .any(|pid| fs::read(root.join("proc").join(pid).join("comm")).is_ok_and(|comm| comm == b"irqbalance\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    fn with_irq(tree: Tree, irq: u32, may: &str, goes: Option<&str>) -> Tree {
        let dir = format!("proc/irq/{irq}");
        let tree = tree.file(&format!("{dir}/smp_affinity_list"), may);
        match goes {
            Some(goes) => tree.file(&format!("{dir}/effective_affinity_list"), goes),
            None => tree,
        }
    }

    #[test]
    fn interrupts_of_a_device_are_those_that_it_signals_by_messages_where_it_does() {
        let dir = "sys/class/net/eth2/device";
        let tree = [40, 41, 42]
            .into_iter()
            .fold(Tree::new(), |tree, irq| tree.file(&format!("{dir}/msi_irqs/{irq}"), "msix\n"));
        let tree = with_irq(tree.file(&format!("{dir}/irq"), "16\n"), 40, "0-3\n", Some("2\n"));
        let tree = with_irq(with_irq(tree, 41, "0-3\n", Some("\n")), 16, "0-3\n", None);
        assert_eq!(
            of_interface(tree.root(), "eth2"),
            BTreeSet::from([40, 41, 42]),
            "one that nobody asked for yet too"
        );
        assert_eq!((goes_to(tree.root(), 40), goes_to(tree.root(), 41)), (BTreeSet::from([2]), (0..4).collect()));
        assert_eq!(may_go_to(tree.root(), 40), (0..4).collect());
    }

    #[test]
    fn an_old_device_has_its_one_and_one_that_is_software_has_none() {
        let tree = with_irq(Tree::new().file("sys/class/net/eth2/device/irq", "11\n"), 11, "0-3\n", None);
        let tree = tree.file("sys/class/net/eth3/device/irq", "0\n").file("sys/class/net/veth0/mtu", "1500\n");
        assert_eq!(of_interface(tree.root(), "eth2"), BTreeSet::from([11]));
        assert_eq!(of_interface(tree.root(), "eth3"), BTreeSet::new());
        assert_eq!(of_interface(tree.root(), "veth0"), BTreeSet::new());
        assert_eq!(goes_to(tree.root(), 99), BTreeSet::new());
    }

    #[test]
    fn what_each_core_has_taken_is_read_by_the_cores_that_are_on_line() {
        let text = "            CPU0       CPU2       \n  40:       1823          0   PCI-MSI 524288-edge      eth2-rx-0\n NMI:          0          0   Non-maskable interrupts\nERR:          0\n";
        let tree = Tree::new().file("proc/interrupts", text);
        assert_eq!(taken(tree.root()), BTreeMap::from([(40, BTreeMap::from([(0, 1823), (2, 0)]))]));
        assert_eq!(taken(Tree::new().root()), BTreeMap::new());
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_read_without_a_panic(text: String) {
            let _ = taken(Tree::new().file("proc/interrupts", &text).root());
        }
    }

    #[test]
    fn interrupts_of_a_virtio_device_are_those_of_its_carrier() {
        let carrier = "sys/devices/pci0000:00/0000:00:03.0";
        let tree = Tree::new()
            .file(&format!("{carrier}/msi_irqs/30"), "msix\n")
            .file(&format!("{carrier}/virtio0/vendor"), "x\n");
        let tree = tree.link("sys/class/net/eth0/device", "../../../devices/pci0000:00/0000:00:03.0/virtio0");
        let tree = with_irq(tree, 30, "0\n", None);
        assert_eq!(of_interface(tree.root(), "eth0"), BTreeSet::from([30]));
    }

    #[test]
    fn the_balancer_is_known_by_the_name_of_its_process() {
        let tree = Tree::new().file("proc/812/comm", "irqbalance\n").file("proc/irq/9/comm", "x\n");
        assert!(is_balanced(tree.root()));
        assert!(!is_balanced(Tree::new().file("proc/812/comm", "irqbalance-ui\n").root()));
    }
}
