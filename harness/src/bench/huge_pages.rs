//! Memory in huge pages for the lanes that want it: set aside before the trials, given back afterwards, and by
//! `tickcert clean` after a `kill -9`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tickcert_transports::dpdk::HugePagePool;

use super::journal::{Journal, JournalError};

/// Why there are too few.
#[derive(Debug, thiserror::Error)]
pub enum HugePagesError {
    /// The setting can't be written down or set.
    #[error("huge pages can't be set aside (it takes root on the host): {0}")]
    Set(#[from] JournalError),
    /// The setting can't be read.
    #[error("{} can't be read (a kernel without huge pages has none)", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
    },
    /// The kernel finds no memory in one piece.
    #[error(
        "the kernel has set aside {got} huge pages of 2 MiB of the {wanted} wanted in {}: memory is fragmented or short (restart, or `hugepages={wanted}` on the kernel's command line)", file.display()
    )]
    TooFew {
        /// By which file.
        file: PathBuf,
        /// How many there are.
        got: u64,
        /// How many it was asked for.
        wanted: u64,
    },
}

/// Pages set aside. Dropping it gives them back.
#[derive(Debug)]
pub struct HugePages(Journal);

impl HugePages {
    /// Sees to it that half of `mib` is free in huge pages at the memory node of each of the two cores; those that are free
    /// already stay as they are. The kernel is looked at below `root`; `run_dir` is the folder of the undo journal.
    ///
    /// # Errors
    /// [`HugePagesError`]; the setting is then as before.
    pub fn reserve(root: &Path, run_dir: &Path, cores: (u32, u32), mib: u64) -> Result<Self, HugePagesError> {
        let mut wanted = BTreeMap::<PathBuf, (HugePagePool, u64)>::new();
        for core in [cores.0, cores.1] {
            let pool = HugePagePool::of_core(root, core);
            // Whole pages for each end, since none is shared.
            wanted.entry(pool.setting()).or_insert((pool, 0)).1 += mib.div_ceil(2).next_multiple_of(2);
        }
        let mut pages = Self(Journal::new(run_dir));
        for (file, (pool, mib)) in wanted {
            let missing = mib.saturating_sub(pool.free_mib()).div_ceil(2);
            if missing == 0 {
                continue;
            }
            let set_aside = || pool.set_aside().ok_or_else(|| HugePagesError::Read { path: file.clone() });
            let before = set_aside()?;
            pages.0.replace_value(&file, before.to_string(), &(before + missing).to_string())?;
            match (set_aside()?, before + missing) {
                (got, wanted) if got < wanted => return Err(HugePagesError::TooFew { file, got, wanted }),
                _ => {}
            }
        }
        Ok(pages)
    }

    /// Gives them back, and says what could not be.
    ///
    /// # Errors
    /// [`JournalError`]; what is left is then for `tickcert clean`.
    pub fn give_back(mut self) -> Result<(), JournalError> {
        self.0.undo()
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        // Nobody can be told here; the journal stays where something could not be undone.
        let _ = self.0.undo();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::bench::journal::{Outcome, clean};

    const OF_HOST: &str = "sys/kernel/mm/hugepages/hugepages-2048kB";

    /// Pages set aside and free, below a folder of the kernel's.
    fn pool(root: &Path, folder: &str, reserved: u64, free: u64) {
        fs::create_dir_all(root.join(folder)).unwrap();
        fs::write(root.join(folder).join("free_hugepages"), free.to_string()).unwrap();
        fs::write(root.join(folder).join("nr_hugepages"), format!("{reserved}\n")).unwrap();
    }

    /// A kernel with that many pages set aside, of which that many are free, and a folder for journals.
    fn host(reserved: u64, free: u64) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        pool(root.path(), OF_HOST, reserved, free);
        let run_dir = root.path().join("run");
        (root, run_dir)
    }

    fn set(root: &tempfile::TempDir, folder: &str) -> String {
        fs::read_to_string(root.path().join(folder).join("nr_hugepages")).unwrap().trim().to_owned()
    }

    #[test]
    fn what_is_missing_is_set_aside_beside_what_others_use_and_given_back() {
        let (root, run_dir) = host(20, 4);
        let pages = HugePages::reserve(root.path(), &run_dir, (0, 1), 128).unwrap();
        assert_eq!(set(&root, OF_HOST), "80", "64 pages are wanted and 4 are free: 60 more");
        pages.give_back().unwrap();
        assert_eq!(set(&root, OF_HOST), "20");
        assert_eq!(fs::read_dir(&run_dir).unwrap().count(), 0, "no journal stays");
    }

    #[test]
    fn each_end_has_its_memory_at_its_cores_own_node() {
        let (root, run_dir) = host(40, 40);
        let node = |node| format!("sys/devices/system/node/node{node}/hugepages/hugepages-2048kB");
        for core in 0..4 {
            fs::create_dir_all(root.path().join(format!("sys/devices/system/cpu/cpu{core}/node{}", core / 2))).unwrap();
        }
        pool(root.path(), &node(0), 40, 40);
        pool(root.path(), &node(1), 0, 0);
        let reserved = |cores| HugePages::reserve(root.path(), &run_dir, cores, 128).unwrap();
        let now = || [set(&root, &node(0)), set(&root, &node(1)), set(&root, OF_HOST)];
        let pages = reserved((0, 2));
        assert_eq!(now(), ["40", "32", "40"], "the first has room, the second has none");
        pages.give_back().unwrap();
        let pages = reserved((2, 3));
        assert_eq!(now(), ["40", "64", "40"], "both are at the second");
        pages.give_back().unwrap();
        assert_eq!(now(), ["40", "0", "40"]);
    }

    #[test]
    fn what_goes_by_itself_is_not_set_back() {
        let (root, run_dir) = host(20, 0);
        fs::write(root.path().join(OF_HOST).join("surplus_hugepages"), "20").unwrap();
        // These files are no kernel that turns them into pages set aside: too few.
        let too_few = HugePages::reserve(root.path(), &run_dir, (0, 1), 128);
        assert!(matches!(too_few, Err(HugePagesError::TooFew { wanted: 64, .. })), "{too_few:?}");
        assert_eq!(set(&root, OF_HOST), "0");
    }

    #[test]
    fn enough_free_pages_are_left_as_they_are() {
        let (root, run_dir) = host(64, 64);
        let _pages = HugePages::reserve(root.path(), &run_dir, (0, 1), 128).unwrap();
        assert_eq!(set(&root, OF_HOST), "64");
        assert!(!run_dir.exists(), "nothing to undo, no journal");
    }

    #[test]
    fn after_a_kill_they_are_given_back_by_clean() {
        let (root, run_dir) = host(0, 0);
        let pages = HugePages::reserve(root.path(), &run_dir, (0, 1), 4).unwrap();
        let journal = fs::read_dir(&run_dir).unwrap().next().unwrap().unwrap().path();
        let text = fs::read(&journal).unwrap();
        pages.give_back().unwrap();
        // As the run would have left it: the journal, unlocked, and the setting.
        fs::write(&journal, text).unwrap();
        pool(root.path(), OF_HOST, 2, 0);
        let cleaned = clean(&run_dir).unwrap();
        assert!(matches!(cleaned[0].outcome, Outcome::Undone(1)), "{cleaned:?}");
        assert_eq!(set(&root, OF_HOST), "0");
    }

    #[test]
    fn a_kernel_without_them_is_an_error_that_names_the_file() {
        let root = tempfile::tempdir().unwrap();
        let text = HugePages::reserve(root.path(), &root.path().join("run"), (0, 1), 2).unwrap_err().to_string();
        assert!(text.contains("nr_hugepages"), "{text}");
    }
}
