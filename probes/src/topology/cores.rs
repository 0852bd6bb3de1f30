//! Cores: where each is, which others are threads of the same one, and whether it can be used.

use std::{collections::BTreeSet, path::Path};

use super::{CPUS, Core, cpu_file, cpu_list};
use crate::{affinity, numa, sysfs};

pub(super) fn read(root: &Path, usable: &BTreeSet<u32>) -> Vec<Core> {
    // Without sysfs there is nothing to say of any core; `affinity::online` falls back on the calling thread's own.
    let names = sysfs::names(root, CPUS);
    let mut numbers: BTreeSet<u32> = names.iter().filter_map(|name| name.strip_prefix("cpu")?.parse().ok()).collect();
    if let Some(present) = sysfs::read(root, &format!("{CPUS}/present")) {
        numbers.extend(sysfs::core_list(&present));
    }
    if numbers.is_empty() {
        return Vec::new();
    }
    let online = affinity::online(root);
    let nodes = numa::nodes(root);
    let node_of = |number| nodes.iter().find(|node| node.cores.contains(&number)).map(|node| node.number);
    numbers
        .into_iter()
        .map(|number| {
            let online = online.contains(&number);
            let topology = |file: &str| {
                online.then(|| sysfs::read_number(root, &cpu_file(number, &format!("topology/{file}")))).flatten()
            };
            let mut siblings = cpu_list(root, number, "topology/thread_siblings_list");
            siblings.remove(&number);
            Core {
                number,
                online,
                usable: online && usable.contains(&number),
                package: topology("physical_package_id"),
                die: topology("die_id"),
                core: topology("core_id"),
                siblings: if online { siblings } else { BTreeSet::new() },
                node: node_of(number),
            }
        })
        .collect()
}
