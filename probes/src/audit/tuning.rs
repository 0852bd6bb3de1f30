//! What the distribution's own tuning (TuneD) sets, which it sets again when it starts.

use std::path::Path;

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
};
use crate::sysfs;

/// Profiles that come with TuneD and want what a measurement wants (tuned-profiles(7)), the first of which is the one to ask for.
const FOR_LATENCY: [&str; 7] = [
    "network-latency",
    "latency-performance",
    "realtime",
    "realtime-virtual-host",
    "realtime-virtual-guest",
    "cpu-partitioning",
    "hpc-compute",
];
/// Those that save, whatever they are made on.
const SAVING: [&str; 3] = ["cpu-partitioning-powersave", "powersave", "balanced"];
/// Where profiles are, an administrator's first (tuned.conf(5)).
const FOLDERS: [&str; 4] = ["etc/tuned/profiles", "etc/tuned", "usr/lib/tuned/profiles", "usr/lib/tuned"];
/// Profiles made on each other that are followed: some might be made on themselves.
const DEEPEST: usize = 8;

/// None where there is no TuneD, or it has no profile.
pub(super) fn read(root: &Path, _cores: &[u32]) -> Vec<Finding> {
    let active = sysfs::read(root, "etc/tuned/active_profile").filter(|name| !name.is_empty());
    active.map(|active| profile(root, active)).into_iter().collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Latency,
    Saving,
    Other,
}

/// By its name, or by what it is made on.
fn kind(root: &Path, name: &str, depth: usize) -> Kind {
    if SAVING.contains(&name) {
        return Kind::Saving;
    }
    if FOR_LATENCY.contains(&name) {
        return Kind::Latency;
    }
    if depth == 0 || name.contains('/') {
        return Kind::Other;
    }
    let conf = FOLDERS.iter().find_map(|folder| sysfs::read(root, &format!("{folder}/{name}/tuned.conf")));
    let kinds: Vec<Kind> = included(&conf.unwrap_or_default()).map(|name| kind(root, name, depth - 1)).collect();
    together(&kinds)
}

/// One that saves spoils the others.
fn together(kinds: &[Kind]) -> Kind {
    [Kind::Saving, Kind::Latency].into_iter().find(|kind| kinds.contains(kind)).unwrap_or(Kind::Other)
}

/// `include=a, b` of the section `[main]`, which comes first.
fn included(conf: &str) -> impl Iterator<Item = &str> {
    let lines = conf.lines().map(str::trim).skip_while(|line| *line != "[main]").skip(1);
    let main = lines.take_while(|line| !line.starts_with('['));
    let lists = main.filter_map(|line| line.strip_prefix("include")?.trim_start().strip_prefix('='));
    lists.flat_map(|list| list.split([',', ';'])).map(str::trim).filter(|name| !name.is_empty())
}

/// Several may be active at once, and one may be somebody's own.
fn profile(root: &Path, active: String) -> Finding {
    let kinds: Vec<Kind> = active.split_whitespace().map(|name| kind(root, name, DEEPEST)).collect();
    let ok = together(&kinds) == Kind::Latency;
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

    #[test]
    fn a_profile_of_ones_own_is_as_what_it_is_made_on() {
        let made = |on: &str, active: &str| {
            let tree = Tree::new()
                .file("etc/tuned/active_profile", active)
                .file("etc/tuned/mine/tuned.conf", "[main]\nsummary=x\ninclude = theirs\n[cpu]\ngovernor=y\n")
                .file("usr/lib/tuned/theirs/tuned.conf", &format!("[main]\ninclude={on}\n"));
            read(tree.root(), &[])[0].setting.ok
        };
        assert!(made("network-latency", "mine\n") && made("throughput, realtime", "mine"));
        assert!(!made("balanced", "mine") && !made("realtime,powersave", "mine") && !made("mine", "mine"));
        assert!(!made("x", "cpu-partitioning-powersave") && !made("realtime", "mine balanced"));
    }
}
