//! How fast a core runs, and how deep it sleeps.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

const CPU: &str = "sys/devices/system/cpu";

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for &core in cores {
        findings.push(governor(root, core));
        findings.push(idle_states(root, core));
    }
    findings.push(turbo(root));
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
    .one_of(value, &["performance"], false)
}

/// Longest wake-up that still counts as none: that of C1 on current processors is 1 or 2 us.
const SHALLOW_US: u64 = 2;

/// Idle states that are enabled and take longer than [`SHALLOW_US`] to leave.
fn idle_states(root: &Path, core: u32) -> Finding {
    let dir = format!("{CPU}/cpu{core}/cpuidle");
    let states: Vec<String> = sysfs::names(root, &dir).into_iter().filter(|n| n.starts_with("state")).collect();
    let deep: Vec<(String, String)> = states
        .iter()
        .filter(|s| sysfs::read(root, &format!("{dir}/{s}/disable")).as_deref() == Some("0"))
        .filter_map(|s| {
            let latency: u64 = sysfs::read_number(root, &format!("{dir}/{s}/latency"))?;
            let name = sysfs::read(root, &format!("{dir}/{s}/name")).unwrap_or_else(|| s.clone());
            (latency > SHALLOW_US).then(|| (s.clone(), format!("{name} ({latency} us)")))
        })
        .collect();
    let value = match (states.is_empty(), deep.is_empty()) {
        (true, _) => ABSENT.to_owned(),
        (_, true) => "none deep".to_owned(),
        _ => deep.iter().map(|(_, shown)| shown.as_str()).collect::<Vec<_>>().join(", "),
    };
    let at_boot = "processor.max_cstate=1 intel_idle.max_cstate=0";
    let remedy = if deep.is_empty() {
        Remedy::boot(at_boot, "")
    } else {
        Remedy::writes(deep.iter().map(|(s, _)| (format!("{dir}/{s}/disable"), "1".to_owned())).collect())
            .lasts_by(&format!("{at_boot} on the kernel's command line"))
    };
    Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/idle-states"),
        why: "a core that sleeps deeply wakes late; /dev/cpu_dma_latency held at 0 during a trial has the same effect, where it may be held; \
              without cpuidle the hypervisor or the firmware decides",
        remedy,
    }
    .judged(value, &format!("none deep (wake-up above {SHALLOW_US} us)"), !states.is_empty() && deep.is_empty())
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
    .one_of(value.map(str::to_owned), &["off"], false)
}
