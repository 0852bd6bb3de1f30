//! What moves pages about, and the huge pages that lanes want.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Absent, Ask, Finding},
    mounts,
    remedy::Remedy,
};
use crate::{
    numa::{self, Node},
    sysfs,
};

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let mut findings = vec![transparent_hugepage(root), swap(root), numa_balancing(root), ksm(root)];
    let own = |node: &Node| cores.iter().any(|core| node.cores.contains(core));
    findings.extend(numa::nodes(root).iter().filter(|node| own(node)).filter_map(huge_pages));
    findings
}

/// The chosen word is the one in brackets.
fn transparent_hugepage(root: &Path) -> Finding {
    let file = "sys/kernel/mm/transparent_hugepage/enabled";
    let chosen = sysfs::read(root, file).map(|text| sysfs::chosen(&text).to_owned());
    Ask {
        topic: Topic::OperatingSystem,
        name: "transparent_hugepage",
        why: "khugepaged stops a process while it collapses its pages",
        remedy: Remedy::write(file, "madvise").lasts_by("transparent_hugepage=madvise on the kernel's command line"),
    }
    .one_of(chosen, &["madvise", "never"], Absent::Right, mounts::hidden(root, file))
}

/// All lines but the heading; each area is a step of its own, so that one which can't be emptied leaves the others.
fn swap(root: &Path) -> Finding {
    let file = "proc/swaps";
    let text = sysfs::read(root, file);
    let areas: Vec<Area> = text.iter().flat_map(|t| t.lines().skip(1)).filter_map(Area::of_line).collect();
    let names: Vec<&str> = areas.iter().map(|area| area.name.as_str()).collect();
    let lasting = "take the areas out of /etc/fstab, and switch off what makes others (zram, systemd-swap)";
    let remedy = if areas.is_empty() {
        Remedy::none()
    } else if areas.iter().all(|area| is_plain(&area.name)) {
        Remedy::runs(areas.iter().map(Area::commands).collect(), lasting)
    } else {
        // `swapon -a` knows only the areas of `/etc/fstab`, and a name that isn't plain isn't handed to a shell.
        Remedy::runs(vec![("swapoff -a".to_owned(), "swapon -a".to_owned())], lasting).by_hand()
    };
    let value = text.is_some().then(|| if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    Ask {
        topic: Topic::OperatingSystem,
        name: "swap",
        why: "a page that was swapped out costs a disk access when it is next touched",
        remedy,
    }
    .one_of(value, &["none"], Absent::Right, mounts::hidden(root, file))
}

/// A swap area that is on.
struct Area {
    name: String,
    /// Negative where the kernel chose it, which swapon(8) can't ask for.
    priority: i32,
}

impl Area {
    fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        Some(Self { name, priority: words.last().and_then(|word| word.parse().ok()).unwrap_or(-1) })
    }

    fn commands(&self) -> (String, String) {
        let Self { name, priority } = self;
        let chosen = if *priority >= 0 { format!("-p {priority} ") } else { String::new() };
        (format!("swapoff {name}"), format!("swapon {chosen}{name}"))
    }
}

fn is_plain(name: &str) -> bool {
    !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c))
}

fn numa_balancing(root: &Path) -> Finding {
    let file = "proc/sys/kernel/numa_balancing";
    Ask {
        topic: Topic::OperatingSystem,
        name: "numa_balancing",
        why: "it unmaps pages on purpose, to learn from the faults which node uses them",
        remedy: Remedy::write(file, "0"),
    }
    .one_of(sysfs::read(root, file), &["0"], Absent::Right, mounts::hidden(root, file))
}

fn ksm(root: &Path) -> Finding {
    let file = "sys/kernel/mm/ksm/run";
    Ask {
        topic: Topic::OperatingSystem,
        name: "ksm",
        why: "merging equal pages write-protects them, and the next write faults",
        remedy: Remedy::write(file, "0"),
    }
    .one_of(sysfs::read(root, file), &["0"], Absent::Right, mounts::hidden(root, file))
}

/// What one end of a lane over DPDK takes by default.
const ENOUGH_MIB: u64 = 64;

/// `None` of a node without huge pages of any size: the kernel has none.
fn huge_pages(node: &Node) -> Option<Finding> {
    let smallest = node.huge_pages.first()?;
    let free: Vec<String> = node.huge_pages.iter().map(|pool| format!("{} of {} KiB", pool.free, pool.kib)).collect();
    let free_kib = node.huge_pages.iter().map(|pool| pool.free.saturating_mul(pool.kib)).fold(0, u64::saturating_add);
    let missing = (ENOUGH_MIB * 1024).saturating_sub(free_kib).div_ceil(smallest.kib.max(1));
    let file =
        format!("sys/devices/system/node/node{}/hugepages/hugepages-{}kB/nr_hugepages", node.number, smallest.kib);
    Some(
        Ask {
            topic: Topic::OperatingSystem,
            name: &format!("node{}/huge-pages", node.number),
            why: "lanes over DPDK take them of their core's own node; a run sets aside what is missing, which memory in pieces may not give",
            remedy: Remedy::write(&file, &smallest.total.saturating_add(missing).to_string()),
        }
        .judged(format!("{} free", free.join(", ")), &format!("{ENOUGH_MIB} MiB free"), missing == 0),
    )
}
