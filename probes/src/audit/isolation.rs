//! Whether the measured cores are kept free of everything else.

use std::path::Path;

use tickcert_results::certificate::Setting;

use super::one_of;
use crate::sysfs;

const CPU: &str = "sys/devices/system/cpu";

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Setting> {
    let per_core = [smt_sibling, isolcpus, nohz_full, rcu_nocbs];
    cores.iter().flat_map(|&core| per_core.map(|setting| setting(root, core))).collect()
}

/// The other threads of the same physical core, while they are on line.
fn smt_sibling(root: &Path, core: u32) -> Setting {
    let listed = sysfs::read(root, &format!("{CPU}/cpu{core}/topology/thread_siblings_list"));
    let siblings = listed.map(|l| {
        let others: Vec<u32> = sysfs::core_list(&l).into_iter().filter(|&c| c != core).collect();
        sysfs::write_core_list(&others)
    });
    one_of(
        &format!("cpu{core}/smt-sibling"),
        siblings,
        &["none"],
        true,
        "a sibling shares the execution units and the first-level cache: whatever runs there slows this core",
        &format!("echo off > /{CPU}/smt/control, or boot with nosmt"),
    )
}

fn yes_or_no(yes: bool) -> Option<String> {
    Some(if yes { "yes" } else { "no" }.to_owned())
}

fn isolcpus(root: &Path, core: u32) -> Setting {
    let isolated = sysfs::read(root, &format!("{CPU}/isolated")).map(|l| sysfs::core_list(&l)).unwrap_or_default();
    one_of(
        &format!("cpu{core}/isolcpus"),
        yes_or_no(isolated.contains(&core)),
        &["yes"],
        false,
        "the scheduler may put any other task on a core that isn't isolated",
        &format!(
            "boot with isolcpus={core} (all measured cores, comma-separated), or make the cores an isolated cpuset partition"
        ),
    )
}

fn in_nohz_full(root: &Path, core: u32) -> bool {
    sysfs::read(root, &format!("{CPU}/nohz_full")).is_some_and(|l| sysfs::core_list(&l).contains(&core))
}

fn nohz_full(root: &Path, core: u32) -> Setting {
    one_of(
        &format!("cpu{core}/nohz_full"),
        yes_or_no(in_nohz_full(root, core)),
        &["yes"],
        false,
        "without it the scheduler's tick interrupts a spinning core 100 to 1000 times a second",
        &format!("boot with nohz_full={core} (all measured cores; needs CONFIG_NO_HZ_FULL)"),
    )
}

/// Callbacks are moved away by `rcu_nocbs=`, and by `nohz_full=`, which implies it.
fn rcu_nocbs(root: &Path, core: u32) -> Setting {
    let cmdline = sysfs::read(root, "proc/cmdline").unwrap_or_default();
    let listed = cmdline
        .split_whitespace()
        .filter_map(|p| p.strip_prefix("rcu_nocbs="))
        .any(|list| list == "all" || sysfs::core_list(list).contains(&core));
    one_of(
        &format!("cpu{core}/rcu_nocbs"),
        yes_or_no(listed || in_nohz_full(root, core)),
        &["yes"],
        false,
        "RCU callbacks of the whole system run in softirq on a core that doesn't off-load them",
        &format!("boot with rcu_nocbs={core} (all measured cores)"),
    )
}
