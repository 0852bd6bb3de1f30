//! What the host is made of, as far as distances within it go: packages, dies, groups of cores that share a last-level cache,
//! cores and their siblings, memory nodes, and the devices on PCI Express with the links that they have.
//!
//! All of it is read below a root (`/`, or a recorded tree), from the files that
//! `Documentation/admin-guide/cputopology.rst` and `Documentation/ABI/testing/{sysfs-devices-system-cpu,sysfs-bus-pci}` of the
//! kernel describe. What isn't there is absent, never made up.

mod caches;
mod cores;
mod devices;
mod devices_text;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod relation;

use std::{collections::BTreeSet, path::Path};

pub use caches::largest_cache_kib;
pub use tickcert_results::certificate::{Core, Die, Link, Node, PciDevice, PciKind, Relation, SharedCache, Topology};

use crate::{affinity, numa, sysfs};

/// There is nothing that tells of cores: sysfs is not mounted, or hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("/{CPUS}: sysfs is not mounted, or hidden")]
pub struct NoSysfs;

impl NoSysfs {
    /// What can be done about it.
    pub const REMEDY: &str = "mount it (`mount -t sysfs sysfs /sys`), or give it to the container (`-v /sys:/sys:ro`)";
}

const CPUS: &str = "sys/devices/system/cpu";

/// Reads the host below `root`. `usable` are the cores that this process may use ([`affinity::allowed`]).
///
/// # Errors
/// [`NoSysfs`].
pub fn read(root: &Path, usable: &BTreeSet<u32>) -> Result<Topology, NoSysfs> {
    let cores = cores::read(root, usable);
    if cores.is_empty() {
        return Err(NoSysfs);
    }
    let packages: BTreeSet<u32> = cores.iter().filter_map(|core| core.package).collect();
    let dies: BTreeSet<Die> =
        cores.iter().filter_map(|core| Some(Die { package: core.package?, die: core.die? })).collect();
    Ok(Topology {
        packages: packages.into_iter().collect(),
        dies: dies.into_iter().collect(),
        last_level_caches: caches::last_level(root, &cores),
        nodes: numa::nodes(root)
            .into_iter()
            .map(|n| Node { number: n.number, cores: n.cores, distances: n.distances })
            .collect(),
        pci_devices: devices::read(root),
        cores,
    })
}

/// Reads this host, for the calling thread.
///
/// # Errors
/// [`NoSysfs`].
pub fn of_this_host() -> Result<Topology, NoSysfs> {
    read(Path::new("/"), &affinity::allowed().unwrap_or_default())
}

fn cpu_file(core: u32, file: &str) -> String {
    format!("{CPUS}/cpu{core}/{file}")
}

fn cpu_list(root: &Path, core: u32, file: &str) -> BTreeSet<u32> {
    sysfs::read(root, &cpu_file(core, file)).map(|text| sysfs::core_list(&text)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
