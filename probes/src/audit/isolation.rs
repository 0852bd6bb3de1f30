//! Whether the measured cores are kept free of everything else.

use std::{collections::BTreeSet, path::Path};

use tickcert_results::certificate::Topic;

use super::{
    finding::{Absent, Ask, Finding},
    mounts::{self, Mount},
    remedy::Remedy,
};
use crate::{affinity, isolated, sysfs};

const CPU: &str = "sys/devices/system/cpu";

/// The kernel's command line, unless that would leave no core to everything else.
fn boot(root: &Path, parameter: &str, measured: &[u32], note: &str) -> Remedy {
    if affinity::online(root).iter().all(|core| measured.contains(core)) {
        return Remedy::hand("a host with more cores than are measured on: one at least is needed for everything else");
    }
    // Those that are kept free already are somebody's too.
    let mut cores = named_at_boot(root, parameter);
    cores.extend(measured);
    Remedy::boot(&format!("{parameter}={}", sysfs::write_core_list(&cores)), note)
}

/// The cores that a parameter of the kernel's command line names, without the words that may stand before them.
fn named_at_boot(root: &Path, parameter: &str) -> BTreeSet<u32> {
    let line = sysfs::read(root, "proc/cmdline").unwrap_or_default();
    let value = line.split_whitespace().filter_map(|word| word.strip_prefix(parameter)?.strip_prefix('=')).next_back();
    let lists = value.unwrap_or_default().split(',').filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    lists.flat_map(sysfs::core_list).collect()
}

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let per_core = [smt_sibling, isolcpus, nohz_full, rcu_nocbs];
    cores.iter().flat_map(|&core| per_core.map(|setting| setting(root, core, cores))).collect()
}

/// The other threads of the same physical core, while they are on line. One that is measured on itself can't be switched
/// off, and the first core of a machine often not either.
fn smt_sibling(root: &Path, core: u32, measured: &[u32]) -> Finding {
    let listed = sysfs::read(root, &format!("{CPU}/cpu{core}/topology/thread_siblings_list"));
    let others: Option<Vec<u32>> = listed.map(|l| sysfs::core_list(&l).into_iter().filter(|&c| c != core).collect());
    let switch = |sibling: &u32| format!("{CPU}/cpu{sibling}/online");
    let siblings = others.clone().unwrap_or_default();
    let remedy = if siblings.iter().any(|s| measured.contains(s)) {
        Remedy::start("measure on cores of two physical cores: --exchange-core, --trader-core")
    } else if siblings.iter().all(|s| root.join(switch(s)).exists()) {
        let off = Remedy::writes(siblings.iter().map(|s| (switch(s), "0".to_owned())).collect())
            .lasts_by("nosmt on the kernel's command line, or SMT off in the firmware's set-up");
        // What is pinned there is moved, and not moved back when it comes on line again.
        let text = format!("{} (after a look at what is pinned to it: threads, interrupts, cpusets)", off.text);
        off.in_words(text).by_hand()
    } else {
        Remedy::boot("nosmt", "")
    };
    Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/smt-sibling"),
        why: "a sibling shares the execution units and the first-level cache: whatever runs there slows this core",
        remedy,
    }
    .one_of(
        others.map(|others| sysfs::write_core_list(&others)),
        &["none"],
        Absent::Right,
        mounts::hidden(root, CPU),
    )
}

/// None where it isn't seen to be so, and what would say so is hidden.
fn yes_or_no(yes: bool, hidden: Option<Mount>) -> Option<String> {
    (yes || hidden.is_none()).then(|| if yes { "yes" } else { "no" }.to_owned())
}

fn isolcpus(root: &Path, core: u32, measured: &[u32]) -> Finding {
    let value = if isolated::at_boot(root).contains(&core) {
        "yes"
    } else if isolated::by_partition(root).contains(&core) {
        "yes (a cpuset partition)"
    } else {
        "no"
    };
    let ask = Ask {
        topic: Topic::OperatingSystem,
        name: &format!("cpu{core}/isolcpus"),
        why: "the scheduler may put any other task on a core that isn't isolated",
        remedy: boot(
            root,
            "isolcpus",
            measured,
            ", or make the cores an isolated cpuset partition (`echo isolated > cpuset.cpus.partition` of a cgroup v2 with these cores)",
        ),
    };
    match mounts::hidden(root, CPU).filter(|_| value == "no") {
        Some(mount) => ask.untold(mount, "yes"),
        None => ask.judged(value.to_owned(), "yes", value != "no"),
    }
}

fn in_nohz_full(root: &Path, core: u32) -> bool {
    sysfs::read(root, &format!("{CPU}/nohz_full")).is_some_and(|l| sysfs::core_list(&l).contains(&core))
}

fn nohz_full(root: &Path, core: u32, measured: &[u32]) -> Finding {
    let hidden = mounts::hidden(root, CPU);
    Ask {
        topic: Topic::OperatingSystem,
        name: &format!("cpu{core}/nohz_full"),
        why: "without it the scheduler's tick interrupts a spinning core 100 to 1000 times a second",
        remedy: boot(root, "nohz_full", measured, " (needs CONFIG_NO_HZ_FULL)"),
    }
    .one_of(yes_or_no(in_nohz_full(root, core), hidden), &["yes"], Absent::Wrong, hidden)
}

/// Callbacks are moved away by `rcu_nocbs=`, and by `nohz_full=`, which implies it.
fn rcu_nocbs(root: &Path, core: u32, measured: &[u32]) -> Finding {
    let file = "proc/cmdline";
    let hidden = mounts::hidden(root, file).or_else(|| mounts::hidden(root, CPU));
    let cmdline = sysfs::read(root, file).unwrap_or_default();
    let listed = cmdline
        .split_whitespace()
        .filter_map(|p| p.strip_prefix("rcu_nocbs="))
        .any(|list| list == "all" || sysfs::core_list(list).contains(&core));
    Ask {
        topic: Topic::OperatingSystem,
        name: &format!("cpu{core}/rcu_nocbs"),
        why: "RCU callbacks of the whole system run in softirq on a core that doesn't off-load them",
        remedy: boot(root, "rcu_nocbs", measured, ""),
    }
    .one_of(yes_or_no(listed || in_nohz_full(root, core), hidden), &["yes"], Absent::Wrong, hidden)
}
