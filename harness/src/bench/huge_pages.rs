//! Memory in huge pages for the lanes that want it: set aside before the trials, given back afterwards, and by
//! `tickcert clean` after a `kill -9`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::journal::{Journal, JournalError};

const RESERVED: &str = "proc/sys/vm/nr_hugepages";
const POOLS: &str = "sys/kernel/mm/hugepages";

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
        /// Why.
        source: io::Error,
    },
    /// The kernel finds no memory in one piece.
    #[error(
        "the kernel has set aside {got} huge pages of 2 MiB of the {wanted} wanted: memory is fragmented or short (restart, or `hugepages={wanted}` on the kernel's command line)"
    )]
    TooFew {
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
    /// Sees to it that `mib` are free in huge pages; those that are free already stay as they are. The kernel is looked
    /// at below `root`; `run_dir` is the folder of the undo journal.
    ///
    /// # Errors
    /// [`HugePagesError`]; the setting is then as before.
    pub fn reserve(root: &Path, run_dir: &Path, mib: u64) -> Result<Self, HugePagesError> {
        let mut pages = Self(Journal::new(run_dir));
        let free = |size: &str| {
            let path = root.join(POOLS).join(format!("hugepages-{size}kB/free_hugepages"));
            fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or_default()
        };
        let missing = mib.saturating_sub(free("2048") * 2 + free("1048576") * 1024).div_ceil(2);
        if missing == 0 {
            return Ok(pages);
        }
        let file = root.join(RESERVED);
        let wanted = reserved(&file)? + missing;
        pages.0.set_value(&file, &wanted.to_string())?;
        match reserved(&file)? {
            got if got < wanted => Err(HugePagesError::TooFew { got, wanted }),
            _ => Ok(pages),
        }
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

fn reserved(file: &Path) -> Result<u64, HugePagesError> {
    let failed = |source| HugePagesError::Read { path: file.to_owned(), source };
    let text = fs::read_to_string(file).map_err(failed)?;
    text.trim().parse().map_err(|e| failed(io::Error::new(io::ErrorKind::InvalidData, e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::journal::{Outcome, clean};

    /// A kernel with that many pages set aside, of which that many are free, and a folder for journals.
    fn host(reserved: u64, free: u64) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let pool = root.path().join(POOLS).join("hugepages-2048kB");
        fs::create_dir_all(&pool).unwrap();
        fs::create_dir_all(root.path().join("proc/sys/vm")).unwrap();
        fs::write(pool.join("free_hugepages"), free.to_string()).unwrap();
        fs::write(root.path().join(RESERVED), format!("{reserved}\n")).unwrap();
        let run_dir = root.path().join("run");
        (root, run_dir)
    }

    fn set(root: &tempfile::TempDir) -> String {
        fs::read_to_string(root.path().join(RESERVED)).unwrap().trim().to_owned()
    }

    #[test]
    fn what_is_missing_is_set_aside_beside_what_others_use_and_given_back() {
        let (root, run_dir) = host(20, 4);
        let pages = HugePages::reserve(root.path(), &run_dir, 128).unwrap();
        assert_eq!(set(&root), "80", "64 pages are wanted and 4 are free: 60 more");
        pages.give_back().unwrap();
        assert_eq!(set(&root), "20");
        assert_eq!(fs::read_dir(&run_dir).unwrap().count(), 0, "no journal stays");
    }

    #[test]
    fn enough_free_pages_are_left_as_they_are() {
        let (root, run_dir) = host(64, 64);
        let _pages = HugePages::reserve(root.path(), &run_dir, 128).unwrap();
        assert_eq!(set(&root), "64");
        assert!(!run_dir.exists(), "nothing to undo, no journal");
    }

    #[test]
    fn after_a_kill_they_are_given_back_by_clean() {
        let (root, run_dir) = host(0, 0);
        let pages = HugePages::reserve(root.path(), &run_dir, 4).unwrap();
        let journal = fs::read_dir(&run_dir).unwrap().next().unwrap().unwrap().path();
        let text = fs::read(&journal).unwrap();
        pages.give_back().unwrap();
        // As the run would have left it: the journal, unlocked, and the setting.
        fs::write(&journal, text).unwrap();
        fs::write(root.path().join(RESERVED), "2").unwrap();
        let cleaned = clean(&run_dir).unwrap();
        assert!(matches!(cleaned[0].outcome, Outcome::Undone(1)), "{cleaned:?}");
        assert_eq!(set(&root), "0");
    }

    #[test]
    fn a_kernel_without_them_is_an_error_that_names_the_file() {
        let root = tempfile::tempdir().unwrap();
        let text = HugePages::reserve(root.path(), &root.path().join("run"), 2).unwrap_err().to_string();
        assert!(text.contains("nr_hugepages"), "{text}");
    }
}
