//! Timers, the scheduler and the watchdogs.

use std::path::Path;

use tickcert_results::certificate::Setting;

use super::one_of;
use crate::sysfs;

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Setting> {
    vec![timer_slack(root), rt_throttling(root), nmi_watchdog(root)]
}

fn timer_slack(root: &Path) -> Setting {
    one_of(
        "timer_slack",
        sysfs::read(root, "proc/self/timerslack_ns"),
        &["1"],
        true,
        "in ns: a sleep may end this much late, so a generator that sleeps before a due time overshoots it",
        "echo 1 > /proc/PID/timerslack_ns, or prctl(PR_SET_TIMERSLACK, 1) at start",
    )
}

fn rt_throttling(root: &Path) -> Setting {
    one_of(
        "rt_throttling",
        sysfs::read(root, "proc/sys/kernel/sched_rt_runtime_us"),
        &["-1"],
        true,
        "a spinning SCHED_FIFO task is stopped for the rest of each second once it has run this many us",
        "sysctl -w kernel.sched_rt_runtime_us=-1",
    )
}

fn nmi_watchdog(root: &Path) -> Setting {
    one_of(
        "nmi_watchdog",
        sysfs::read(root, "proc/sys/kernel/nmi_watchdog"),
        &["0"],
        true,
        "it interrupts every core regularly and occupies a hardware counter",
        "sysctl -w kernel.nmi_watchdog=0",
    )
}
