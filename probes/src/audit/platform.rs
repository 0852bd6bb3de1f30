//! What the machine and its boot impose.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Absent, Ask, Finding},
    mounts,
    remedy::Remedy,
};
use crate::{host, steal, sysfs};

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let mut findings = vec![virtualisation(root)];
    findings.extend(cores.iter().map(|&core| steal(root, core)));
    findings.extend([clocksource(root), mitigations(root)]);
    findings
}

/// That there is none is said by the processor's flags: without them it isn't.
fn virtualisation(root: &Path) -> Finding {
    let file = "proc/cpuinfo";
    let found = host::hypervisor(root);
    let hidden = mounts::hidden(root, file);
    let value = (found != "none" || hidden.is_none()).then_some(found);
    Ask {
        topic: Topic::Hardware,
        name: "virtualisation",
        why: "a hypervisor takes cores away and emulates devices: what is measured is emulated evidence at best",
        remedy: Remedy::hand("measure on bare metal"),
    }
    .one_of(value, &["none"], Absent::Right, hidden)
}

/// In units of 10 ms.
fn steal(root: &Path, core: u32) -> Finding {
    let file = "proc/stat";
    let stolen = steal::ticks(root, core).map(|ticks| ticks.to_string());
    Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/steal"),
        why: "in ticks of 10 ms since boot: time that the hypervisor gave to somebody else while this core wanted to run",
        remedy: Remedy::hand("give the virtual machine cores of its own (pinned, not shared), or measure on bare metal"),
    }
    .one_of(stolen, &["0"], Absent::Right, mounts::hidden(root, file))
}

/// `clocksource=tsc` asks for the TSC where it is one of several; `tsc=reliable` keeps the kernel from dropping it. Where it has
/// been dropped, only the next start brings it back.
fn clocksource(root: &Path) -> Finding {
    const DIR: &str = "sys/devices/system/clocksource/clocksource0";
    let offered = sysfs::read(root, &format!("{DIR}/available_clocksource")).unwrap_or_default();
    let line = sysfs::read(root, "proc/cmdline").unwrap_or_default();
    // Whoever has asked for another one at boot gets that again.
    let asked = line.split_whitespace().filter_map(|word| word.strip_prefix("clocksource=")).next_back();
    let lasting = match asked {
        Some(other) if other != "tsc" => {
            format!("clocksource=tsc on the kernel's command line, instead of clocksource={other}")
        }
        _ => "clocksource=tsc on the kernel's command line".to_owned(),
    };
    let remedy = if offered.split_whitespace().any(|one| one == "tsc") {
        Remedy::write(&format!("{DIR}/current_clocksource"), "tsc").lasts_by(&lasting)
    } else if line.split_whitespace().any(|word| word == "tsc=reliable") {
        Remedy::hand(
            "the kernel was told tsc=reliable and has no TSC all the same: `dmesg | grep -i tsc` says why; another machine, or a hypervisor that hands it through",
        )
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
    .one_of(
        sysfs::read(root, &format!("{DIR}/current_clocksource")),
        &["tsc"],
        Absent::Wrong,
        mounts::hidden(root, DIR),
    )
}

/// Vulnerabilities against which something is done at run time. A kernel that lists none knows of none (before Linux 4.15).
fn mitigations(root: &Path) -> Finding {
    const DIR: &str = "sys/devices/system/cpu/vulnerabilities";
    let known = sysfs::names(root, DIR);
    let none_known = known.is_empty();
    let active: Vec<String> = known
        .into_iter()
        .filter(|name| sysfs::read(root, &format!("{DIR}/{name}")).is_some_and(|t| t.starts_with("Mitigation")))
        .collect();
    let value = match (none_known, active.is_empty()) {
        (true, _) => None,
        (_, true) => Some("off".to_owned()),
        _ => Some(active.join(", ")),
    };
    Ask {
        topic: Topic::OperatingSystem,
        name: "mitigations",
        why: "each adds to the cost of every system call, interrupt or indirect branch",
        remedy: Remedy::hand("boot with mitigations=off, on a host that runs nothing it doesn't trust"),
    }
    .one_of(value, &["off"], Absent::Right, mounts::hidden(root, DIR))
}
