//! What the machine and its boot impose.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
};
use crate::{clocks, host, sysfs};

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let mut findings = vec![virtualisation(root)];
    findings.extend(cores.iter().map(|&core| steal(root, core)));
    findings.extend([clocksource(root), mitigations(root)]);
    findings
}

fn virtualisation(root: &Path) -> Finding {
    Ask {
        topic: Topic::Hardware,
        name: "virtualisation",
        why: "a hypervisor takes cores away and emulates devices: what is measured is emulated evidence at best",
        remedy: Remedy::hand("measure on bare metal"),
    }
    .one_of(Some(host::hypervisor(root)), &["none"], true)
}

/// The eighth figure of a core's line in `/proc/stat`, in units of 10 ms.
fn steal(root: &Path, core: u32) -> Finding {
    let stat = sysfs::read(root, "proc/stat").unwrap_or_default();
    let name = format!("cpu{core}");
    let stolen = stat.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        (fields.next()? == name).then(|| fields.nth(7).map(str::to_owned)).flatten()
    });
    Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/steal"),
        why: "in ticks of 10 ms since boot: time that the hypervisor gave to somebody else while this core wanted to run",
        remedy: Remedy::hand("give the virtual machine cores of its own (pinned, not shared), or measure on bare metal"),
    }
    .one_of(stolen, &["0"], true)
}

/// Where the kernel has dropped the TSC from those that it offers, only the next start brings it back.
fn clocksource(root: &Path) -> Finding {
    const DIR: &str = "sys/devices/system/clocksource/clocksource0";
    let offered = sysfs::read(root, &format!("{DIR}/available_clocksource")).unwrap_or_default();
    let remedy = if offered.split_whitespace().any(|one| one == "tsc") {
        let file = format!("{DIR}/current_clocksource");
        let words = format!("echo tsc > /{file}, or boot with tsc=reliable");
        Remedy::write(&file, "tsc").in_words(words).lasts_by("tsc=reliable on the kernel's command line")
    } else {
        // By hand, or the condition would be lost among other parameters.
        Remedy::hand(
            "boot with tsc=reliable, if the machine's counters are known to be in step (`dmesg | grep -i tsc` says why the kernel thinks not)",
        )
    };
    Ask {
        topic: Topic::Hardware,
        name: "clocksource",
        why: "any other clock source makes each reading of the kernel's clocks a system call, and says that the kernel distrusts the TSC",
        remedy,
    }
    .one_of(Some(clocks::clocksource(root)), &["tsc"], false)
}

/// Vulnerabilities against which something is done at run time.
fn mitigations(root: &Path) -> Finding {
    const DIR: &str = "sys/devices/system/cpu/vulnerabilities";
    let active: Vec<String> = sysfs::names(root, DIR)
        .into_iter()
        .filter(|name| sysfs::read(root, &format!("{DIR}/{name}")).is_some_and(|t| t.starts_with("Mitigation")))
        .collect();
    Ask {
        topic: Topic::OperatingSystem,
        name: "mitigations",
        why: "each adds to the cost of every system call, interrupt or indirect branch",
        remedy: Remedy::hand("boot with mitigations=off, on a host that runs nothing it doesn't trust"),
    }
    .one_of(Some(if active.is_empty() { "off".into() } else { active.join(", ") }), &["off"], true)
}
