//! Timers, the scheduler and the watchdogs.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{ABSENT, Absent, Ask, Finding},
    mounts,
    remedy::Remedy,
};
use crate::sysfs;

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let mut findings = vec![rt_throttling(root)];
    if has_fair_server(root) {
        findings.extend(cores.iter().map(|&core| fair_server(root, core)));
    }
    findings.extend([nmi_watchdog(root), timer_slack(root)]);
    findings
}

/// Since Linux 6.12 real-time tasks are no longer throttled; ordinary tasks that they starve are served by a deadline server.
fn has_fair_server(root: &Path) -> bool {
    let release = sysfs::read(root, "proc/sys/kernel/osrelease").unwrap_or_default();
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6_u32, 12_u32)
}

/// Its time on a core in each second, which only debugfs shows.
fn fair_server(root: &Path, core: u32) -> Finding {
    let file = format!("sys/kernel/debug/sched/fair_server/cpu{core}/runtime");
    let value = sysfs::read(root, &file);
    let mounts = sysfs::read(root, "proc/mounts").unwrap_or_default();
    let mounted = mounts.lines().any(|line| line.split_whitespace().nth(2) == Some("debugfs"));
    // What can't be read is judged as what the kernel starts with.
    let ok = value.as_deref() == Some("0");
    let shown = value.unwrap_or_else(|| {
        let why = if mounted { "can't be read" } else { "isn't mounted" };
        format!("the kernel's default of 50 ms, unless debugfs, which {why}, has another")
    });
    Ask {
        topic: Topic::OperatingSystem,
        name: &format!("cpu{core}/fair-server"),
        why: "in ns each second: a spinning SCHED_FIFO task loses its core for so long to an ordinary task that waits for it (Linux 6.12, instead of real-time throttling)",
        // As real-time throttling did, it saves a host from a task that spins for ever.
        remedy: if mounted {
            Remedy::write(&file, "0").by_hand()
        } else {
            Remedy::hand(&format!("mount -t debugfs none /sys/kernel/debug && echo 0 > /{file}"))
        },
    }
    .judged(shown, "0, or no real-time task that spins", ok)
}

/// Children inherit it, so that a shell's is that of what it starts.
fn timer_slack(root: &Path) -> Finding {
    let file = "proc/self/timerslack_ns";
    Ask {
        topic: Topic::Application,
        name: "timer_slack",
        why: "in ns: a sleep may end this much late, so a generator that sleeps before a due time overshoots it",
        remedy: Remedy::start("echo 1 > /proc/$$/timerslack_ns in the shell that starts tickcert, which inherits it"),
    }
    .one_of(sysfs::read(root, file), &["1"], Absent::Right, mounts::hidden(root, file))
}

fn rt_throttling(root: &Path) -> Finding {
    let file = "proc/sys/kernel/sched_rt_runtime_us";
    if has_fair_server(root) {
        let value = sysfs::read(root, file).unwrap_or_else(|| ABSENT.to_owned());
        return Ask {
            topic: Topic::OperatingSystem,
            name: "rt_throttling",
            why: "it throttled real-time tasks until Linux 6.12, and only limits what deadline tasks may reserve since",
            remedy: Remedy::none(),
        }
        .judged(value, "any: this kernel throttles by fair-server", true);
    }
    Ask {
        topic: Topic::OperatingSystem,
        name: "rt_throttling",
        why: "a spinning SCHED_FIFO task is stopped for the rest of each second once it has run this many us",
        // It saves a host from a task that spins for ever: nothing of tickcert runs so, another program may.
        remedy: Remedy::write(file, "-1").by_hand(),
    }
    .one_of(sysfs::read(root, file), &["-1"], Absent::Right, mounts::hidden(root, file))
}

fn nmi_watchdog(root: &Path) -> Finding {
    let file = "proc/sys/kernel/nmi_watchdog";
    Ask {
        topic: Topic::OperatingSystem,
        name: "nmi_watchdog",
        why: "it interrupts every core regularly and occupies a hardware counter",
        remedy: Remedy::write(file, "0"),
    }
    .one_of(sysfs::read(root, file), &["0"], Absent::Right, mounts::hidden(root, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    fn found(release: &str) -> Vec<(String, bool)> {
        let tree = Tree::new()
            .file("proc/sys/kernel/osrelease", release)
            .file("proc/sys/kernel/sched_rt_runtime_us", "950000\n")
            .file("sys/kernel/debug/sched/fair_server/cpu3/runtime", "50000000\n");
        read(tree.root(), &[3, 4]).into_iter().map(|f| (f.setting.name, f.setting.ok)).collect()
    }

    #[test]
    fn real_time_throttling_is_advised_only_where_the_kernel_still_does_it() {
        for old in ["6.1.0-27-amd64", "5.14.0-503.el9", "6.11.9"] {
            assert_eq!(found(old)[0], ("rt_throttling".to_owned(), false), "{old}");
        }
        for new in ["6.12.0", "6.18.44-x", "7.0"] {
            let found = found(new);
            assert_eq!(
                found[..2],
                [("rt_throttling".to_owned(), true), ("cpu3/fair-server".to_owned(), false)],
                "{new}"
            );
            assert_eq!(found[2], ("cpu4/fair-server".to_owned(), false), "what isn't shown is judged as the default");
        }
    }

    #[test]
    fn a_debugfs_that_is_mounted_and_can_not_be_read_is_not_said_to_be_missing() {
        let tree = Tree::new().file("proc/sys/kernel/osrelease", "6.18.0\n");
        let value = |tree: &Tree| fair_server(tree.root(), 3).setting.value;
        assert!(value(&tree).contains("isn't mounted"));
        let tree = tree.file("proc/mounts", "none /sys/kernel/debug debugfs rw 0 0\n");
        assert!(value(&tree).contains("can't be read"));
    }
}
