//! The processor.

use std::{collections::BTreeSet, path::Path};

use tickcert_results::certificate::CpuInfo;

use crate::{affinity, sysfs};

/// From `/proc/cpuinfo` and the topology of the cores on line.
pub(super) fn read(root: &Path) -> CpuInfo {
    let cpuinfo = sysfs::read(root, "proc/cpuinfo").unwrap_or_default();
    let cores = affinity::online(root);
    let topology = |core: &u32, file| sysfs::read(root, &format!("sys/devices/system/cpu/cpu{core}/topology/{file}"));
    let packages: BTreeSet<String> = cores.iter().filter_map(|c| topology(c, "physical_package_id")).collect();
    let threads =
        cores.iter().filter_map(|c| topology(c, "thread_siblings_list")).map(|l| sysfs::core_list(&l).len()).max();
    CpuInfo {
        model: field(&cpuinfo, "model name").unwrap_or_default().to_owned(),
        microcode: field(&cpuinfo, "microcode").unwrap_or_default().to_owned(),
        cores: count(cores.len()),
        threads_per_core: count(threads.unwrap_or(1).max(1)),
        sockets: count(packages.len().max(1)),
    }
}

/// The first core's value of a key in `/proc/cpuinfo`.
pub(crate) fn field<'a>(cpuinfo: &'a str, key: &str) -> Option<&'a str> {
    cpuinfo.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
