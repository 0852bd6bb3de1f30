//! What the machine and its boot impose.

use std::path::Path;

use tickcert_results::certificate::Setting;

use super::one_of;
use crate::{clocks, host, sysfs};

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Setting> {
    let mut settings = vec![virtualisation(root)];
    settings.extend(cores.iter().map(|&core| steal(root, core)));
    settings.extend([clocksource(root), mitigations(root)]);
    settings
}

fn virtualisation(root: &Path) -> Setting {
    one_of(
        "virtualisation",
        Some(host::hypervisor(root)),
        &["none"],
        true,
        "a hypervisor takes cores away and emulates devices: what is measured is emulated evidence at best",
        "measure on bare metal",
    )
}

/// The eighth figure of a core's line in `/proc/stat`, in units of 10 ms.
fn steal(root: &Path, core: u32) -> Setting {
    let stat = sysfs::read(root, "proc/stat").unwrap_or_default();
    let name = format!("cpu{core}");
    let stolen = stat.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        (fields.next()? == name).then(|| fields.nth(7).map(str::to_owned)).flatten()
    });
    one_of(
        &format!("cpu{core}/steal"),
        stolen,
        &["0"],
        true,
        "in ticks of 10 ms since boot: time that the hypervisor gave to somebody else while this core wanted to run",
        "give the virtual machine cores of its own (pinned, not shared), or measure on bare metal",
    )
}

fn clocksource(root: &Path) -> Setting {
    let wanted = "tsc";
    one_of(
        "clocksource",
        Some(clocks::clocksource(root)),
        &[wanted],
        false,
        "any other clock source makes each reading of the kernel's clocks a system call, and says that the kernel distrusts the TSC",
        "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource, or boot with tsc=reliable",
    )
}

/// Vulnerabilities against which something is done at run time.
fn mitigations(root: &Path) -> Setting {
    const DIR: &str = "sys/devices/system/cpu/vulnerabilities";
    let active: Vec<String> = sysfs::names(root, DIR)
        .into_iter()
        .filter(|name| sysfs::read(root, &format!("{DIR}/{name}")).is_some_and(|t| t.starts_with("Mitigation")))
        .collect();
    one_of(
        "mitigations",
        Some(if active.is_empty() { "off".into() } else { active.join(", ") }),
        &["off"],
        true,
        "each adds to the cost of every system call, interrupt or indirect branch",
        "boot with mitigations=off, on a host that runs nothing it doesn't trust",
    )
}
