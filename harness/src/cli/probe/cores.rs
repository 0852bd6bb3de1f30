//! Which cores are measured, and why others are not.

use std::{collections::BTreeSet, path::Path};

use anyhow::anyhow;
use tickcert_probes::{
    affinity::{self, AffinityError},
    isolated, sysfs,
    topology::{self, NoSysfs, Topology},
};
use tickcert_results::certificate::NotRun;

use super::super::Failure;
use crate::run::machine::row;

/// The cores to measure, and those asked for that can't be.
pub(super) struct Cores {
    pub(super) usable: Vec<u32>,
    refused: Vec<(u32, AffinityError)>,
}

/// Those in the list, or all that this process may use.
pub(super) fn choose(list: Option<&str>) -> Result<Cores, Failure> {
    let asked: BTreeSet<u32> = match list {
        None => affinity::allowed().map_err(Failure::cannot_run)?,
        // The kernel's lists are read as far as they make sense; one that a user wrote must make sense as a whole.
        Some(list) if list.split(',').any(|part| sysfs::core_list(part).is_empty()) => {
            return Err(Failure::usage(anyhow!("--cores {list}: no list of cores; one looks like 0,2-5")));
        }
        Some(list) => sysfs::core_list(list),
    };
    let (mut usable, mut refused) = (Vec::new(), Vec::new());
    let asked: Vec<u32> = asked.into_iter().collect();
    for (&core, tried) in asked.iter().zip(affinity::check_all(&asked)) {
        match tried {
            Ok(()) => usable.push(core),
            Err(e) => refused.push((core, e)),
        }
    }
    Ok(Cores { usable, refused })
}

/// What the host is made of; a row where it can't be read and was asked for.
pub(super) fn topology(not_run: &mut Vec<NotRun>, wanted: bool) -> Option<Topology> {
    match topology::of_this_host() {
        Ok(found) => Some(found),
        Err(e) => {
            if wanted {
                not_run.push(row("topology", e, NoSysfs::REMEDY));
            }
            None
        }
    }
}

/// Rows for cores asked for that can't be measured, or, where all were, for those off line and out of the cpuset.
pub(super) fn unusable(cores: &Cores, all: bool, topology: Option<&Topology>, not_run: &mut Vec<NotRun>) {
    for (core, e) in &cores.refused {
        not_run.push(row(&format!("core {core}"), e, e.remedy()));
    }
    let Some(topology) = topology.filter(|_| all) else { return };
    let (off_line, forbidden) = (topology.off_line(), topology.forbidden());
    if let Some(first) = off_line.first() {
        let what = sysfs::write_core_list(&off_line);
        not_run.push(row(
            &format!("cores {what}"),
            "cores on line; these are off line",
            affinity::take_on_line(*first),
        ));
    }
    // Isolated cores, and those that taskset leaves out, are not run on by themselves and can be asked for by name.
    let tried = affinity::check_all(&forbidden.iter().copied().collect::<Vec<_>>());
    let by_name: BTreeSet<u32> =
        forbidden.iter().zip(tried).filter(|(_, tried)| tried.is_ok()).map(|(core, _)| *core).collect();
    let forbidden: BTreeSet<u32> = forbidden.difference(&by_name).copied().collect();
    not_run.extend(left_out(&by_name, &isolated::all(Path::new("/"))));
    if !forbidden.is_empty() {
        let what = format!("cores {}", sysfs::write_core_list(&forbidden));
        not_run.push(row(
            &what,
            "cores that this process may use; these are not among them",
            affinity::widen_cpuset(&what),
        ));
    }
}

/// Cores that can be used, but were not.
fn left_out(by_name: &BTreeSet<u32>, isolated: &BTreeSet<u32>) -> Option<NotRun> {
    let what = sysfs::write_core_list(by_name);
    let why = if by_name.is_subset(isolated) { "they are isolated" } else { "this process isn't run there by itself" };
    let needs = format!("to be asked for by name, since {why}");
    (!by_name.is_empty()).then(|| row(&format!("cores {what}"), needs, format!("tickcert probe --cores {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isolated_cores_that_were_left_out_are_named_with_the_option_that_takes_them_in() {
        let set = |cores: &[u32]| cores.iter().copied().collect::<BTreeSet<u32>>();
        let row = left_out(&set(&[2, 3]), &set(&[2, 3])).unwrap();
        assert_eq!((row.name.as_str(), row.how.as_str()), ("cores 2-3", "tickcert probe --cores 2-3"));
        assert!(row.needs.contains("isolated"), "{}", row.needs);
        assert!(!left_out(&set(&[2, 3]), &set(&[2])).unwrap().needs.contains("isolated"));
        assert!(left_out(&set(&[]), &set(&[2])).is_none());
    }
}
