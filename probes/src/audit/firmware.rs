//! Versions of what runs below the kernel. None is right or wrong by itself; one that can't be named can't be compared.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Ask, Finding},
    mounts::{self, Mount},
    remedy::Remedy,
};
use crate::{host, sysfs};

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    vec![board(root), microcode(root)]
}

/// Of a virtual machine it is the hypervisor's, and says nothing.
fn board(root: &Path) -> Finding {
    const DIR: &str = "sys/class/dmi/id";
    let parts: Vec<String> = ["sys_vendor", "product_name", "bios_version", "bios_date"]
        .iter()
        .filter_map(|file| sysfs::read(root, &format!("{DIR}/{file}")).filter(|text| !text.is_empty()))
        .collect();
    let known = sysfs::read(root, &format!("{DIR}/bios_version")).is_some_and(|version| !version.is_empty());
    let virtual_machine = host::hypervisor(root) != "none";
    let ask = Ask {
        topic: Topic::Hardware,
        name: "firmware",
        why: "its version decides on power states, SMIs and PCIe: two hosts that differ in it are two hosts",
        remedy: Remedy::hand("read it with `dmidecode -t bios` and keep all hosts on one version"),
    };
    match mounts::hidden(root, DIR).filter(|_| !known) {
        Some(mount) => ask.untold(mount, "known"),
        None => {
            let value = if parts.is_empty() { ABSENT.to_owned() } else { parts.join(", ") };
            ask.judged(value, "known", known || virtual_machine)
        }
    }
}

fn microcode(root: &Path) -> Finding {
    let version = host::microcode(root);
    let ask = Ask {
        topic: Topic::Hardware,
        name: "microcode",
        why: "updates of it have changed the speed of branches and memory by more than what is measured here",
        remedy: Remedy::hand("`grep microcode /proc/cpuinfo` on the host; keep all hosts on one version"),
    };
    match (version, Mount::Proc.is_shown(root)) {
        (None, false) => ask.untold(Mount::Proc, "known"),
        (version, _) => {
            let known = version.is_some();
            ask.judged(version.unwrap_or_else(|| ABSENT.to_owned()), "known", known)
        }
    }
}
