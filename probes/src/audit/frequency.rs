//! How fast a core runs, and how deep it sleeps.

use std::path::Path;

use tickcert_results::certificate::Setting;

use super::{ABSENT, one_of};
use crate::sysfs;

const CPU: &str = "sys/devices/system/cpu";

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    for &core in cores {
        settings.push(governor(root, core));
        settings.push(idle_states(root, core));
    }
    settings.push(turbo(root));
    settings
}

fn governor(root: &Path, core: u32) -> Setting {
    one_of(
        &format!("cpu{core}/governor"),
        sysfs::read(root, &format!("{CPU}/cpu{core}/cpufreq/scaling_governor")),
        &["performance"],
        false,
        "other governors lower the clock between ticks and take microseconds to raise it; without cpufreq the firmware or the hypervisor decides",
        &format!("echo performance > /{CPU}/cpu{core}/cpufreq/scaling_governor"),
    )
}

/// Longest wake-up that still counts as none: that of C1 on current processors is 1 or 2 us.
const SHALLOW_US: u64 = 2;

/// Idle states that are enabled and take longer than [`SHALLOW_US`] to leave.
fn idle_states(root: &Path, core: u32) -> Setting {
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
    let fixes: Vec<String> = deep.iter().map(|(s, _)| format!("echo 1 > /{dir}/{s}/disable")).collect();
    Setting {
        name: format!("cpu{core}/idle-states"),
        ok: !states.is_empty() && deep.is_empty(),
        value,
        wanted: format!("none deep (wake-up above {SHALLOW_US} us)"),
        why: "a core that sleeps deeply wakes late; /dev/cpu_dma_latency held at 0 during a trial has the same effect, where it may be held; \
              without cpuidle the hypervisor or the firmware decides"
            .into(),
        fix: if fixes.is_empty() { "boot with processor.max_cstate=1 intel_idle.max_cstate=0".into() } else { fixes.join("; ") },
    }
}

/// Intel's switch is a "no", the others' a "yes".
fn turbo(root: &Path) -> Setting {
    let no_turbo = sysfs::read(root, &format!("{CPU}/intel_pstate/no_turbo"));
    let boost = sysfs::read(root, &format!("{CPU}/cpufreq/boost"));
    let (value, fix) = match (no_turbo.as_deref(), boost.as_deref()) {
        (Some("1"), _) | (None, Some("0")) => (Some("off"), String::new()),
        (Some(_), _) => (Some("on"), format!("echo 1 > /{CPU}/intel_pstate/no_turbo")),
        (None, Some(_)) => (Some("on"), format!("echo 0 > /{CPU}/cpufreq/boost")),
        (None, None) => (None, "set in the firmware's set-up or by the hypervisor".into()),
    };
    one_of(
        "turbo",
        value.map(str::to_owned),
        &["off"],
        false,
        "with turbo the clock depends on temperature and on what the other cores do, so two runs differ for no reason of theirs",
        if fix.is_empty() { "none needed" } else { &fix },
    )
}
