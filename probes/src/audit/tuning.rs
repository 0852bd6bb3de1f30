//! What the distribution's own tuning (TuneD) sets, which it sets again when it starts.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

/// Profiles that come with TuneD and want what a measurement wants (tuned-profiles(7)), the first of which is the one to ask for.
const FOR_LATENCY: [&str; 8] = [
    "network-latency",
    "latency-performance",
    "realtime",
    "realtime-virtual-host",
    "realtime-virtual-guest",
    "cpu-partitioning",
    "cpu-partitioning-powersave",
    "hpc-compute",
];

/// None where there is no TuneD, or it has no profile.
pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    let active = sysfs::read(root, "etc/tuned/active_profile").filter(|name| !name.is_empty());
    active.map(profile).into_iter().collect()
}

/// Several may be active at once, and one may be somebody's own.
fn profile(active: String) -> Finding {
    let ok = active.split_whitespace().any(|name| FOR_LATENCY.contains(&name));
    Ask {
        topic: Topic::OperatingSystem,
        name: "tuned",
        why: "it sets governors, idle states, watchdogs and kernel parameters by its profile whenever it starts, over what was set by hand",
        // It sets many things at once, and sets back only what it knows of; the profile outlasts a new start.
        remedy: Remedy::hand(&format!("tuned-adm profile {}, after a look at what it sets", FOR_LATENCY[0])),
    }
    .judged(active, "a profile for latency, one of your own that is made on it, or none", ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn a_profile_that_saves_is_told_and_one_for_latency_is_right() {
        let of = |name: &str| read(Tree::new().file("etc/tuned/active_profile", name).root(), &[]);
        assert!(!of("balanced\n")[0].setting.ok && of("balanced\n")[0].steps.is_empty());
        assert!(of("network-latency\n")[0].setting.ok && of("\n").is_empty());
        assert!(read(Tree::new().root(), &[]).is_empty());
    }
}
