//! What moves pages about.

use std::path::Path;

use tickcert_results::certificate::Setting;

use super::one_of;
use crate::sysfs;

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Setting> {
    vec![transparent_hugepage(root), swap(root), numa_balancing(root), ksm(root)]
}

/// The chosen word is the one in brackets.
fn transparent_hugepage(root: &Path) -> Setting {
    let text = sysfs::read(root, "sys/kernel/mm/transparent_hugepage/enabled");
    let chosen =
        text.map(|t| t.split_once('[').and_then(|(_, r)| r.split_once(']')).map_or(t.clone(), |(c, _)| c.into()));
    one_of(
        "transparent_hugepage",
        chosen,
        &["never", "madvise"],
        true,
        "khugepaged stops a process while it collapses its pages",
        "echo never > /sys/kernel/mm/transparent_hugepage/enabled",
    )
}

/// All lines but the heading.
fn swap(root: &Path) -> Setting {
    let areas = sysfs::read(root, "proc/swaps").map(|t| {
        let names: Vec<&str> = t.lines().skip(1).filter_map(|l| l.split_whitespace().next()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    });
    one_of(
        "swap",
        areas,
        &["none"],
        true,
        "a page that was swapped out costs a disk access when it is next touched",
        "swapoff -a",
    )
}

fn numa_balancing(root: &Path) -> Setting {
    one_of(
        "numa_balancing",
        sysfs::read(root, "proc/sys/kernel/numa_balancing"),
        &["0"],
        true,
        "it unmaps pages on purpose, to learn from the faults which node uses them",
        "sysctl -w kernel.numa_balancing=0",
    )
}

fn ksm(root: &Path) -> Setting {
    one_of(
        "ksm",
        sysfs::read(root, "sys/kernel/mm/ksm/run"),
        &["0"],
        true,
        "merging equal pages write-protects them, and the next write faults",
        "echo 0 > /sys/kernel/mm/ksm/run",
    )
}
