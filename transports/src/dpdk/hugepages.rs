//! The memory that DPDK wants: pages of 2 MiB or 1 GiB that the kernel has set aside, at the memory node of the core that
//! uses them.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::api::Unmet;

const OF_HOST: &str = "sys/kernel/mm/hugepages";
const CORES: &str = "sys/devices/system/cpu";
const NODES: &str = "sys/devices/system/node";
/// Sizes of pages in KiB, as the kernel names their folders.
const SMALL: u32 = 2048;
const LARGE: u32 = 1 << 20;
/// Between two looks for free pages.
const LOOK: Duration = Duration::from_millis(5);

/// The huge pages of one memory node; of the whole host, where the kernel knows no nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    host: PathBuf,
    folder: PathBuf,
    node: Option<u32>,
}

impl Pool {
    /// Of the node that a core is at (sysfs is looked at below `root`).
    #[must_use]
    pub fn of_core(root: &Path, core: u32) -> Self {
        let host = root.join(OF_HOST);
        let names = fs::read_dir(root.join(CORES).join(format!("cpu{core}"))).into_iter().flatten().flatten();
        let node = names
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("node")?.parse::<u32>().ok())
            .map(|node| (node, root.join(NODES).join(format!("node{node}/hugepages"))))
            .find(|(_, folder)| folder.is_dir());
        match node {
            Some((node, folder)) => Self { host, folder, node: Some(node) },
            None => Self { folder: host.clone(), host, node: None },
        }
    }

    /// Number of the node, where the kernel knows any.
    #[must_use]
    pub const fn node(&self) -> Option<u32> {
        self.node
    }

    /// MiB in free pages of any size, without those that are promised to somebody: the kernel counts these for the host.
    #[must_use]
    pub fn free_mib(&self) -> u64 {
        let free = |kib| {
            let promised = read(&self.host, kib, "resv_hugepages").unwrap_or_default();
            read(&self.folder, kib, "free_hugepages").unwrap_or_default().saturating_sub(promised)
                * u64::from(kib / 1024)
        };
        free(SMALL) + free(LARGE)
    }

    /// How many pages of 2 MiB are set aside, without those in use that go when they are given back; `None` where the
    /// kernel has none of this size.
    #[must_use]
    pub fn set_aside(&self) -> Option<u64> {
        let surplus = read(&self.folder, SMALL, "surplus_hugepages").unwrap_or_default();
        read(&self.folder, SMALL, "nr_hugepages").map(|all| all.saturating_sub(surplus))
    }

    /// The file by which there come to be more of them.
    #[must_use]
    pub fn setting(&self) -> PathBuf {
        file(&self.folder, SMALL, "nr_hugepages")
    }
}

fn file(folder: &Path, kib: u32, name: &str) -> PathBuf {
    folder.join(format!("hugepages-{kib}kB")).join(name)
}

fn read(folder: &Path, kib: u32, name: &str) -> Option<u64> {
    fs::read_to_string(file(folder, kib, name)).ok()?.trim().parse().ok()
}

/// As [`check`], after a wait for pages that others may still give back: those of an AF_XDP socket whose process was killed
/// are the kernel's for a moment longer.
///
/// # Errors
/// As [`check`].
pub(super) fn check_soon(pool: &Pool, mib: u32, at_most: Duration) -> Result<(), Unmet> {
    let until = Instant::now() + at_most;
    let enough_if_free = pool.set_aside().is_some_and(|n| n * 2 >= u64::from(mib));
    loop {
        match check(pool, mib) {
            Err(_) if enough_if_free && Instant::now() < until => thread::sleep(LOOK),
            said => return said,
        }
    }
}

/// Whether `mib` are free.
///
/// # Errors
/// [`Unmet`], with the command that sets aside what is missing for both ends.
pub(super) fn check(pool: &Pool, mib: u32) -> Result<(), Unmet> {
    let free = pool.free_mib();
    if free >= u64::from(mib) {
        return Ok(());
    }
    let Some(there_are) = pool.set_aside() else {
        return Err(Unmet {
            needs: "huge pages of 2 MiB, which this kernel does not have".to_owned(),
            how: "a kernel with CONFIG_HUGETLBFS, on x86-64 or arm64".to_owned(),
        });
    };
    let each = u64::from(mib.div_ceil(2));
    let at = pool.node.map(|node| format!(" at the memory node {node}")).unwrap_or_default();
    Err(Unmet {
        needs: format!("{each} free huge pages of 2 MiB for each end{at}; there are {} for both", free / 2),
        how: format!(
            "echo {} > {} (as root; right after a restart memory is least fragmented)",
            there_are.saturating_sub(free / 2) + 2 * each,
            pool.setting().display()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, name: &str, n: u64) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{n}\n")).unwrap();
    }

    /// A host without memory nodes, with so many pages of 2 MiB.
    fn host(there_are: u64, free: u64) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &format!("{OF_HOST}/hugepages-2048kB/nr_hugepages"), there_are);
        write(root.path(), &format!("{OF_HOST}/hugepages-2048kB/free_hugepages"), free);
        root
    }

    /// The same with two nodes, core 0 at the first and core 1 at the second, and free pages at each.
    fn two_nodes(free: [u64; 2]) -> tempfile::TempDir {
        let root = host(free[0] + free[1], free[0] + free[1]);
        for (node, free) in free.into_iter().enumerate() {
            fs::create_dir_all(root.path().join(format!("{CORES}/cpu{node}/node{node}"))).unwrap();
            for name in ["nr_hugepages", "free_hugepages"] {
                write(root.path(), &format!("{NODES}/node{node}/hugepages/hugepages-2048kB/{name}"), free);
            }
        }
        root
    }

    fn checked(root: &tempfile::TempDir, core: u32) -> Result<(), Unmet> {
        check(&Pool::of_core(root.path(), core), 64)
    }

    #[test]
    fn enough_free_pages_are_enough() {
        assert_eq!(checked(&host(32, 32), 0), Ok(()));
    }

    #[test]
    fn pages_that_are_missing_come_with_the_command_that_reserves_them_beside_those_in_use() {
        let unmet = checked(&host(20, 5), 0).unwrap_err();
        assert!(unmet.needs.starts_with("32 free huge pages") && unmet.needs.contains("are 5"), "{unmet}");
        assert!(unmet.how.starts_with("echo 79 > "), "{unmet}");
    }

    #[test]
    fn only_the_pages_of_the_cores_own_node_count() {
        let root = two_nodes([64, 0]);
        assert_eq!(checked(&root, 0), Ok(()));
        let unmet = checked(&root, 1).unwrap_err();
        assert!(unmet.needs.contains("at the memory node 1; there are 0"), "{unmet}");
        assert!(
            unmet.how.starts_with("echo 64 > ") && unmet.how.contains("node1/hugepages/hugepages-2048kB/nr"),
            "{unmet}"
        );
        let nodes = [0, 1].map(|core| Pool::of_core(root.path(), core).node());
        assert_eq!(nodes, [Some(0), Some(1)]);
    }

    #[test]
    fn pages_that_go_when_they_are_given_back_are_not_set_aside() {
        let root = host(20, 5);
        write(root.path(), &format!("{OF_HOST}/hugepages-2048kB/surplus_hugepages"), 12);
        assert_eq!(Pool::of_core(root.path(), 0).set_aside(), Some(8));
    }

    #[test]
    fn pages_that_are_promised_to_somebody_are_not_free() {
        let root = two_nodes([40, 40]);
        assert_eq!(Pool::of_core(root.path(), 1).free_mib(), 80);
        write(root.path(), &format!("{OF_HOST}/hugepages-2048kB/resv_hugepages"), 10);
        assert_eq!(Pool::of_core(root.path(), 1).free_mib(), 60);
        assert!(checked(&root, 1).is_err());
    }

    #[test]
    fn pages_that_come_back_within_the_wait_are_enough_and_those_that_there_are_not_are_not_waited_for() {
        let root = host(32, 0);
        let pool = Pool::of_core(root.path(), 0);
        let forever = Duration::from_secs(600);
        thread::scope(|s| {
            let waiting = s.spawn(|| check_soon(&pool, 64, forever));
            write(root.path(), &format!("{OF_HOST}/hugepages-2048kB/free_hugepages"), 32);
            assert_eq!(waiting.join().unwrap(), Ok(()));
        });
        assert!(check_soon(&pool, 128, forever).is_err());
    }

    #[test]
    fn a_page_of_1_gib_serves_too() {
        let root = host(0, 0);
        write(root.path(), &format!("{OF_HOST}/hugepages-1048576kB/free_hugepages"), 1);
        assert_eq!(checked(&root, 0), Ok(()));
    }

    #[test]
    fn a_kernel_without_huge_pages_is_told_apart() {
        let unmet = checked(&tempfile::tempdir().unwrap(), 0).unwrap_err();
        assert!(unmet.how.contains("CONFIG_HUGETLBFS"), "{unmet}");
    }
}
