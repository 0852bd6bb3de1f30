//! How fast what lies between the cores runs: mesh, last-level cache, memory controllers (Intel's uncore).

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

const UNCORE: &str = "sys/devices/system/cpu/intel_uncore_frequency";

/// One for each die that the driver `intel_uncore_frequency` knows; none without it.
pub(super) fn read(root: &Path) -> Vec<Finding> {
    let dies = sysfs::names(root, UNCORE)
        .into_iter()
        .filter(|name| name.starts_with("package_") || name.starts_with("uncore"));
    dies.filter_map(|die| of_die(root, &die)).collect()
}

fn of_die(root: &Path, die: &str) -> Option<Finding> {
    let khz = |file: &str| sysfs::read_number::<u64>(root, &format!("{UNCORE}/{die}/{file}"));
    let (least, most) = (khz("min_freq_khz")?, khz("max_freq_khz")?);
    let can = khz("initial_max_freq_khz").unwrap_or(most).max(most);
    let file = |name: &str| format!("{UNCORE}/{die}/{name}");
    // The upper limit first: a lower one above it is refused.
    let all = [(file("max_freq_khz"), most), (file("min_freq_khz"), least)];
    let changes = all.into_iter().filter(|(_, now)| *now < can).map(|(file, _)| (file, can.to_string()));
    let ok = least == can && most == can;
    let remedy = if ok { Remedy::none() } else { Remedy::writes(changes.collect()) };
    let ask = Ask {
        topic: Topic::Hardware,
        name: &format!("uncore/{die}"),
        why: "what lies between cores, last-level cache and memory slows down while little is asked of it, and takes its time to come back",
        remedy,
    };
    let mhz = |khz: u64| khz / 1000;
    Some(ask.judged(format!("{} to {} MHz", mhz(least), mhz(most)), &format!("{} MHz always", mhz(can)), ok))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    fn die(least: u64, most: u64) -> Finding {
        let dir = format!("{UNCORE}/package_00_die_00");
        let tree = Tree::new()
            .file(&format!("{dir}/min_freq_khz"), &least.to_string())
            .file(&format!("{dir}/max_freq_khz"), &most.to_string())
            .file(&format!("{dir}/initial_max_freq_khz"), "2400000");
        read(tree.root()).remove(0)
    }

    #[test]
    fn an_uncore_that_may_slow_down_is_held_at_its_highest_the_upper_limit_first() {
        let found = die(800_000, 2_000_000);
        assert_eq!((found.setting.value.as_str(), found.setting.ok), ("800 to 2000 MHz", false));
        let at = "/sys/devices/system/cpu/intel_uncore_frequency/package_00_die_00";
        let fix = format!("echo 2400000 > {at}/max_freq_khz; echo 2400000 > {at}/min_freq_khz");
        assert_eq!(found.setting.fix, fix);
        assert!(die(2_400_000, 2_400_000).setting.ok && read(Tree::new().root()).is_empty());
    }
}
