//! Timers, the scheduler and the watchdogs.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    vec![rt_throttling(root), nmi_watchdog(root), timer_slack(root)]
}

/// Children inherit it, so that a shell's is that of what it starts.
fn timer_slack(root: &Path) -> Finding {
    Ask {
        topic: Topic::Application,
        name: "timer_slack",
        why: "in ns: a sleep may end this much late, so a generator that sleeps before a due time overshoots it",
        remedy: Remedy::start("echo 1 > /proc/$$/timerslack_ns in the shell that starts tickcert, which inherits it"),
    }
    .one_of(sysfs::read(root, "proc/self/timerslack_ns"), &["1"], true)
}

fn rt_throttling(root: &Path) -> Finding {
    let file = "proc/sys/kernel/sched_rt_runtime_us";
    Ask {
        topic: Topic::OperatingSystem,
        name: "rt_throttling",
        why: "a spinning SCHED_FIFO task is stopped for the rest of each second once it has run this many us",
        // It saves a host from a task that spins for ever: nothing of tickcert runs so, another program may.
        remedy: Remedy::write(file, "-1").by_hand(),
    }
    .one_of(sysfs::read(root, file), &["-1"], true)
}

fn nmi_watchdog(root: &Path) -> Finding {
    let file = "proc/sys/kernel/nmi_watchdog";
    Ask {
        topic: Topic::OperatingSystem,
        name: "nmi_watchdog",
        why: "it interrupts every core regularly and occupies a hardware counter",
        remedy: Remedy::write(file, "0"),
    }
    .one_of(sysfs::read(root, file), &["0"], true)
}
