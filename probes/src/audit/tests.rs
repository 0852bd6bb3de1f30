use super::*;
use crate::{
    audit::finding::{ABSENT, UNTOLD},
    sysfs::fixture::Tree,
};

fn find<'a>(settings: &'a [Setting], name: &str) -> &'a Setting {
    settings.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no setting {name}"))
}

/// A host that is tuned in every respect, measured on cores 2 and 3 of four.
fn tuned() -> Tree {
    let tree = Tree::new()
        .file("proc/cpuinfo", "microcode\t: 0x1f\nflags\t: fpu tsc\n")
        .file("sys/class/dmi/id/bios_version", "2.1\n")
        .file("proc/cmdline", "isolcpus=2-3 nohz_full=2-3 rcu_nocbs=2-3 mitigations=off\n")
        .file("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        .file("proc/stat", "cpu  1 2 3 4 5 6 7 0\ncpu2 1 2 3 4 5 6 7 0 0 0\ncpu3 1 2 3 4 5 6 7 0 0 0\n")
        .file("proc/self/timerslack_ns", "1\n")
        .file("proc/sys/kernel/numa_balancing", "0\n")
        .file("proc/sys/kernel/nmi_watchdog", "0\n")
        .file("proc/sys/kernel/sched_rt_runtime_us", "-1\n")
        .file("proc/sys/net/core/busy_poll", "0\n")
        .file("proc/sys/net/core/busy_read", "0\n")
        .file("proc/irq/24/smp_affinity_list", "0-3\n")
        .file("proc/irq/24/effective_affinity_list", "1\n")
        .file("proc/irq/24/eth0-rx-0/x", "")
        .file("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n")
        .file("sys/kernel/mm/ksm/run", "0\n")
        .file("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n")
        .file("sys/devices/system/cpu/online", "0-3\n")
        .file("sys/devices/system/cpu/isolated", "2-3\n")
        .file("sys/devices/system/cpu/nohz_full", "2-3\n")
        .file("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n")
        .file("sys/devices/system/cpu/vulnerabilities/spectre_v2", "Vulnerable\n");
    [2, 3].into_iter().fold(tree, |tree, core| {
        let dir = format!("sys/devices/system/cpu/cpu{core}");
        tree.file(&format!("{dir}/cpufreq/scaling_governor"), "performance\n")
            .file(&format!("{dir}/topology/thread_siblings_list"), &format!("{core}\n"))
            .file(&format!("{dir}/cpuidle/state0/name"), "POLL\n")
            .file(&format!("{dir}/cpuidle/state0/latency"), "0\n")
            .file(&format!("{dir}/cpuidle/state0/disable"), "0\n")
            .file(&format!("{dir}/cpuidle/state1/name"), "C6\n")
            .file(&format!("{dir}/cpuidle/state1/latency"), "133\n")
            .file(&format!("{dir}/cpuidle/state1/disable"), "1\n")
    })
}

#[test]
fn a_tuned_host_has_nothing_to_complain_of() {
    let bad: Vec<_> = read(tuned().root(), &[2, 3]).into_iter().filter(|s| !s.ok).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Each row: what is changed on the tuned host, which setting must then fail, and a part of the value it shows.
const SPOILT: [(&str, &str, &str, &str); 17] = [
    ("sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave", "cpu2/governor", "powersave"),
    ("sys/devices/system/cpu/cpu3/cpuidle/state1/disable", "0", "cpu3/idle-states", "C6 (133 us)"),
    ("sys/devices/system/cpu/intel_pstate/no_turbo", "0", "turbo", "on"),
    ("sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2,6", "cpu2/smt-sibling", "6"),
    ("sys/devices/system/cpu/isolated", "3", "cpu2/isolcpus", "no"),
    ("sys/devices/system/cpu/nohz_full", "(null)", "cpu3/nohz_full", "no"),
    ("proc/irq/24/effective_affinity_list", "2", "cpu2/irqs", "24 eth0-rx-0"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", "transparent_hugepage", "always"),
    ("proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2", "swap", "/dev/sda2"),
    ("proc/sys/kernel/numa_balancing", "1", "numa_balancing", "1"),
    ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet", "clocksource", "hpet"),
    ("proc/sys/net/core/busy_poll", "50", "busy_poll", "50"),
    ("proc/self/timerslack_ns", "50000", "timer_slack", "50000"),
    ("sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines", "mitigations", "spectre_v2"),
    ("proc/sys/kernel/sched_rt_runtime_us", "950000", "rt_throttling", "950000"),
    ("proc/cpuinfo", "flags : hypervisor", "virtualisation", "unknown"),
    ("proc/stat", "cpu3 1 2 3 4 5 6 7 99 0 0", "cpu3/steal", "99"),
];

#[test]
fn each_spoiler_is_found_by_its_own_setting_and_says_how_to_mend_it() {
    for (file, text, name, shown) in SPOILT {
        let tree = tuned().file(file, text);
        let settings = read(tree.root(), &[2, 3]);
        let setting = find(&settings, name);
        assert!(!setting.ok, "{file} = {text} was not found");
        assert!(setting.value.contains(shown), "{name} shows {}", setting.value);
        assert!(!setting.fix.is_empty() && !setting.why.is_empty() && !setting.wanted.is_empty());
    }
}

#[test]
fn rcu_callbacks_are_looked_for_on_the_command_line() {
    let tree = tuned().file("proc/cmdline", "rcu_nocbs=3").file("sys/devices/system/cpu/nohz_full", "");
    let settings = read(tree.root(), &[2, 3]);
    assert!(!find(&settings, "cpu2/rcu_nocbs").ok && find(&settings, "cpu3/rcu_nocbs").ok);
}

#[test]
fn in_an_empty_tree_nothing_can_be_told_and_nothing_is_right() {
    for setting in read(Tree::new().root(), &[0]) {
        let expected = if matches!(setting.name.as_str(), "sysfs" | "procfs") { ABSENT } else { UNTOLD };
        assert_eq!((setting.value.as_str(), setting.ok), (expected, false), "{}", setting.name);
    }
}

#[test]
fn what_a_kernel_with_sys_and_proc_does_not_have_is_absent() {
    let tree = Tree::new().file("sys/devices/system/cpu/online", "0\n").file("proc/sys/kernel/osrelease", "6.1.0\n");
    let settings = read(tree.root(), &[0]);
    for (name, ok) in [("cpu0/governor", false), ("ksm", true), ("numa_balancing", true), ("mitigations", true)] {
        let setting = find(&settings, name);
        assert_eq!((setting.value.as_str(), setting.ok), (ABSENT, ok), "{name}");
    }
}

#[test]
fn names_are_unique() {
    let settings = read(tuned().root(), &[2, 3]);
    let mut names: Vec<_> = settings.iter().map(|s| &s.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), settings.len());
}
