//! How deep a core sleeps.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding, UNTOLD},
    remedy::Remedy,
};
use crate::sysfs;

const CPU: &str = "sys/devices/system/cpu";
/// Longest wake-up that still counts as none: that of C1 on current processors is 1 or 2 us.
const SHALLOW_US: u64 = 2;
const AT_BOOT: &str = "processor.max_cstate=1 intel_idle.max_cstate=0";

/// Idle states that are enabled and take longer than [`SHALLOW_US`] to leave. A kernel without any only halts, or polls, which
/// is what is wanted.
pub(super) fn states(root: &Path, core: u32) -> Finding {
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
    let (value, ok) = if polls(root) {
        ("none: the kernel polls (idle=poll)".to_owned(), true)
    } else if sysfs::names(root, CPU).is_empty() {
        (UNTOLD.to_owned(), false)
    } else if states.is_empty() {
        ("none: the kernel only halts".to_owned(), true)
    } else if deep.is_empty() {
        ("none deep".to_owned(), true)
    } else {
        (deep.iter().map(|(_, shown)| shown.as_str()).collect::<Vec<_>>().join(", "), false)
    };
    let remedy = if ok {
        Remedy::none()
    } else if deep.is_empty() {
        Remedy::boot(AT_BOOT, "")
    } else {
        Remedy::writes(deep.iter().map(|(s, _)| (format!("{dir}/{s}/disable"), "1".to_owned())).collect())
            .lasts_by(&format!("{AT_BOOT} on the kernel's command line"))
    };
    Ask {
        topic: Topic::Hardware,
        name: &format!("cpu{core}/idle-states"),
        why: "a core that sleeps deeply wakes late; /dev/cpu_dma_latency held at 0 during a trial has the same effect, where it may be held",
        remedy,
    }
    .judged(value, &format!("none deep (wake-up above {SHALLOW_US} us)"), ok)
}

fn polls(root: &Path) -> bool {
    sysfs::read(root, "proc/cmdline").unwrap_or_default().split_whitespace().any(|word| word == "idle=poll")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    fn found(tree: &Tree) -> (String, bool) {
        let setting = states(tree.root(), 1).setting;
        (setting.value, setting.ok)
    }

    #[test]
    fn a_kernel_without_idle_states_halts_which_is_no_fault() {
        let guest = Tree::new().file("sys/devices/system/cpu/cpuidle/current_driver", "none\n");
        assert_eq!(found(&guest), ("none: the kernel only halts".to_owned(), true));
    }

    #[test]
    fn a_kernel_that_polls_has_no_deep_states_whatever_is_listed() {
        let dir = "sys/devices/system/cpu/cpu1/cpuidle/state1";
        let deep = |tree: Tree| {
            tree.file(&format!("{dir}/name"), "C6")
                .file(&format!("{dir}/latency"), "133")
                .file(&format!("{dir}/disable"), "0")
        };
        assert_eq!(found(&deep(Tree::new())), ("C6 (133 us)".to_owned(), false));
        assert!(found(&deep(Tree::new().file("proc/cmdline", "ro idle=poll quiet\n"))).1);
    }

    #[test]
    fn where_sys_is_hidden_it_can_not_be_told() {
        assert_eq!(found(&Tree::new()), (UNTOLD.to_owned(), false));
    }
}
