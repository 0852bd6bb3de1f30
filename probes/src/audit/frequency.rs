//! How fast a core runs.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Absent, Ask, Finding},
    idle, mounts,
    remedy::Remedy,
    uncore,
};
use crate::sysfs;

const CPU: &str = "sys/devices/system/cpu";

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for &core in cores {
        findings.push(governor(root, core));
        findings.extend(preference(root, core));
        findings.push(idle::states(root, core));
    }
    findings.push(turbo(root));
    findings.extend(uncore::read(root));
    findings
}

fn governor(root: &Path, core: u32) -> Finding {
    let file = format!("{CPU}/cpu{core}/cpufreq/scaling_governor");
    let value = sysfs::read(root, &file);
    let remedy = match value {
        Some(_) => Remedy::write(&file, "performance"),
        None => Remedy::hand(
            "set fixed frequency and maximum performance in the firmware's set-up, or let the hypervisor's host do so",
        ),
    };
    Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/governor"),
        why: "other governors lower the clock between ticks and take microseconds to raise it; without cpufreq the firmware or the hypervisor decides",
        remedy,
    }
    .one_of(value, &["performance"], Absent::Wrong, mounts::hidden(root, &file))
}

/// How much the processor itself is to save (EPP), where it chooses its clock. 0 is as far from saving as it goes.
fn preference(root: &Path, core: u32) -> Option<Finding> {
    let file = format!("{CPU}/cpu{core}/cpufreq/energy_performance_preference");
    let value = sysfs::read(root, &file)?;
    let ask = Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/energy-preference"),
        why: "a processor that chooses its clock by itself saves between ticks, whatever the governor is called, unless it is told not to",
        remedy: Remedy::write(&file, "performance"),
    };
    Some(ask.one_of(Some(value), &["performance", "0"], Absent::Right, None))
}

/// Intel's switch is a "no", the others' a "yes".
fn turbo(root: &Path) -> Finding {
    let (no_turbo, boost) = (format!("{CPU}/intel_pstate/no_turbo"), format!("{CPU}/cpufreq/boost"));
    let (value, remedy) = match (sysfs::read(root, &no_turbo).as_deref(), sysfs::read(root, &boost).as_deref()) {
        (Some("1"), _) | (None, Some("0")) => (Some("off"), Remedy::none()),
        (Some(_), _) => (Some("on"), Remedy::write(&no_turbo, "1")),
        (None, Some(_)) => (Some("on"), Remedy::write(&boost, "0")),
        (None, None) => (None, Remedy::hand("set in the firmware's set-up or by the hypervisor")),
    };
    Ask {
        topic: Topic::Hardware,
        name: "turbo",
        why: "with turbo the clock depends on temperature and on what the other cores do, so two runs differ for no reason of theirs",
        remedy,
    }
    .one_of(value.map(str::to_owned), &["off"], Absent::Wrong, mounts::hidden(root, CPU))
}
