//! Cores that are kept free of everything that isn't placed on them by name: at boot (`isolcpus=`), or as an isolated
//! partition of cgroup v2's cpusets, which the kernel's list of the former doesn't show.

use std::{collections::BTreeSet, path::Path};

use crate::{affinity, sysfs};

const GROUPS: &str = "sys/fs/cgroup";
/// Control groups looked at, and how deep: an administrator makes a partition near the top.
const MOST_GROUPS: usize = 512;
const DEEPEST: usize = 4;

/// Named by `isolcpus=`.
#[must_use]
pub fn at_boot(root: &Path) -> BTreeSet<u32> {
    sysfs::read(root, "sys/devices/system/cpu/isolated").map(|list| sysfs::core_list(&list)).unwrap_or_default()
}

/// In an isolated partition. The kernel sums them up for the whole hierarchy since Linux 6.7 (`cpuset.cpus.isolated`); before
/// that each control group is asked, as far as this process sees them.
#[must_use]
pub fn by_partition(root: &Path) -> BTreeSet<u32> {
    match sysfs::read(root, &format!("{GROUPS}/cpuset.cpus.isolated")) {
        Some(list) => sysfs::core_list(&list),
        None => of_groups(root),
    }
}

/// Both.
#[must_use]
pub fn all(root: &Path) -> BTreeSet<u32> {
    at_boot(root).union(&by_partition(root)).copied().collect()
}

fn of_groups(root: &Path) -> BTreeSet<u32> {
    let mut cores = BTreeSet::new();
    let mut waiting = vec![(GROUPS.to_owned(), 0)];
    let mut looked_at = 0;
    while let Some((group, depth)) = waiting.pop() {
        looked_at += 1;
        let state = sysfs::read(root, &format!("{group}/cpuset.cpus.partition"));
        // An invalid one is shown as `isolated invalid (…)`.
        if state.as_deref() == Some("isolated") {
            let list = sysfs::read(root, &format!("{group}/cpuset.cpus.effective")).unwrap_or_default();
            cores.extend(sysfs::core_list(&list));
        }
        if depth < DEEPEST && looked_at + waiting.len() < MOST_GROUPS {
            let is_group = |name: &String| root.join(&group).join(name).join("cgroup.procs").exists();
            let below = sysfs::names(root, &group).into_iter().filter(is_group);
            waiting.extend(below.map(|name| (format!("{group}/{name}"), depth + 1)));
        }
    }
    cores
}

/// The `wanted` cores to measure on when nobody chose, in ascending order: isolated ones that this process may use first, since
/// that is what they are kept free for, and then the last of those that it runs on, since the first ones serve most interrupts.
/// Two threads of one physical core only where nothing else is left: they take turns at it, which is in every figure.
#[must_use]
pub fn preferred(root: &Path, isolated: &BTreeSet<u32>, allowed: &BTreeSet<u32>, wanted: usize) -> Vec<u32> {
    let last = isolated.iter().rev().chain(allowed.iter().rev().filter(|core| !isolated.contains(core)));
    let (mut taken, mut alone, mut siblings) = (BTreeSet::new(), Vec::new(), Vec::new());
    for &core in last {
        if taken.contains(&core) {
            siblings.push(core);
        } else {
            alone.push(core);
            taken.extend(threads_of(root, core));
        }
    }
    let mut cores: Vec<u32> = alone.into_iter().chain(siblings).take(wanted).collect();
    cores.sort_unstable();
    cores
}

/// All threads of a core's physical core; none where the kernel doesn't say.
fn threads_of(root: &Path, core: u32) -> BTreeSet<u32> {
    let file = format!("sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    sysfs::read(root, &file).map(|list| sysfs::core_list(&list)).unwrap_or_default()
}

/// Cores of this host to place something on by name, those that are kept free and those that this process is run on: all that run
/// what is pinned to them.
fn answering() -> Result<(BTreeSet<u32>, BTreeSet<u32>), affinity::AffinityError> {
    let (isolated, allowed) = (all(Path::new("/")), affinity::allowed()?);
    let every: Vec<u32> = isolated.union(&allowed).copied().collect();
    let tried = affinity::check_all(&every);
    let answer: BTreeSet<u32> =
        every.into_iter().zip(tried).filter_map(|(core, tried)| tried.is_ok().then_some(core)).collect();
    Ok((isolated.intersection(&answer).copied().collect(), allowed.intersection(&answer).copied().collect()))
}

/// The cores of this host that something can be placed on by name: isolated ones, though this process isn't run there by itself, and
/// those that it is run on.
///
/// # Errors
/// [`affinity::AffinityError::Unreadable`].
pub fn placeable() -> Result<BTreeSet<u32>, affinity::AffinityError> {
    let (isolated, allowed) = answering()?;
    Ok(isolated.union(&allowed).copied().collect())
}

/// [`preferred`] of this host.
///
/// # Errors
/// [`affinity::AffinityError::Unreadable`].
pub fn choose(wanted: usize) -> Result<Vec<u32>, affinity::AffinityError> {
    let (isolated, allowed) = answering()?;
    Ok(preferred(Path::new("/"), &isolated, &allowed, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    #[test]
    fn partitions_are_summed_up_by_the_kernel_or_looked_for_in_the_groups() {
        let summed = Tree::new().file("sys/fs/cgroup/cpuset.cpus.isolated", "4-5\n");
        assert_eq!(by_partition(summed.root()), BTreeSet::from([4, 5]));
        let group = |tree: Tree, name: &str, state: &str, cores: &str| {
            let dir = format!("sys/fs/cgroup/{name}");
            tree.file(&format!("{dir}/cgroup.procs"), "")
                .file(&format!("{dir}/cpuset.cpus.partition"), state)
                .file(&format!("{dir}/cpuset.cpus.effective"), cores)
        };
        let tree = group(Tree::new(), "trading.slice", "isolated\n", "2-3\n");
        let tree = group(tree, "system.slice", "member\n", "0-1\n");
        let tree = group(tree, "trading.slice/lost", "isolated invalid (Parent unable to distribute cpu)\n", "9\n");
        let tree = tree.file("sys/devices/system/cpu/isolated", "7\n");
        assert_eq!(by_partition(tree.root()), BTreeSet::from([2, 3]));
        assert_eq!(all(tree.root()), BTreeSet::from([2, 3, 7]));
        assert_eq!(all(Tree::new().root()), BTreeSet::new());
    }

    fn set(cores: &[u32]) -> BTreeSet<u32> {
        cores.iter().copied().collect()
    }

    #[test]
    fn isolated_cores_are_taken_before_others_and_else_the_last() {
        let untold = Tree::new();
        let preferred = |isolated: &[u32], allowed: &[u32]| preferred(untold.root(), &set(isolated), &set(allowed), 2);
        let allowed = [0, 1, 6, 7];
        assert_eq!(preferred(&[], &allowed), [6, 7]);
        assert_eq!(preferred(&[2, 3, 4], &allowed), [3, 4]);
        assert_eq!(preferred(&[2], &allowed), [2, 7]);
        assert_eq!(preferred(&[7], &allowed), [6, 7]);
        assert_eq!(preferred(&[], &[3]), [3]);
    }

    #[test]
    fn two_threads_of_one_physical_core_are_taken_only_where_nothing_else_is_left() {
        let tree = (0..8).fold(Tree::new(), |tree, core| {
            let file = format!("sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
            tree.file(&file, &format!("{}-{}\n", core / 2 * 2, core / 2 * 2 + 1))
        });
        let preferred = |isolated: &[u32], allowed: &[u32]| preferred(tree.root(), &set(isolated), &set(allowed), 2);
        assert_eq!(preferred(&[4, 5, 6, 7], &[0, 1, 2, 3]), [5, 7]);
        assert_eq!(preferred(&[6, 7], &[0, 1, 2, 3]), [3, 7]);
        assert_eq!(preferred(&[], &[0, 1, 2, 3]), [1, 3]);
        assert_eq!(preferred(&[6, 7], &[6, 7]), [6, 7]);
        assert_eq!(preferred(&[], &[0, 1]), [0, 1]);
    }
}
