//! The folder for a run's own files (the tape, samples on their way, what the endpoints print), which goes with the run.
//!
//! A run that is killed can't remove it. Its lock goes with the process, though, so the next run and `tickcert clean`
//! know such a folder from one that is in use, and remove it.

use std::{
    env,
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::unistd::geteuid;
use tempfile::TempDir;

const PREFIX: &str = "tickcert-run-";

/// The folder; removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    // Dropped in this order: gone before anybody could take it for left behind.
    dir: TempDir,
    _held: File,
}

impl Scratch {
    /// Makes one in the folder for temporary files, after removing what killed runs have left there.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new() -> Result<Self> {
        let parent = env::temp_dir();
        sweep(&parent);
        Self::new_in(&parent).with_context(|| {
            format!("can't make a folder for the run's own files in {} (TMPDIR names another place)", parent.display())
        })
    }

    fn new_in(parent: &Path) -> io::Result<Self> {
        loop {
            let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
            let held = open(dir.path())?;
            held.lock()?;
            // Between its making and its locking somebody may have swept it.
            if fs::metadata(dir.path()).is_ok_and(|now| held.metadata().is_ok_and(|then| now.ino() == then.ino())) {
                return Ok(Self { dir, _held: held });
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the folders of this user's killed runs from the folder for temporary files; returns which they were.
#[must_use]
pub fn sweep_left_behind() -> Vec<PathBuf> {
    sweep(&env::temp_dir())
}

fn sweep(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter(|e| e.file_name().to_string_lossy().starts_with(PREFIX)).map(|e| e.path());
    ours.filter(|path| is_left_behind(path) && fs::remove_dir_all(path).is_ok()).collect()
}

fn is_left_behind(path: &Path) -> bool {
    let is_own = |dir: &File| dir.metadata().is_ok_and(|m| m.is_dir() && m.uid() == geteuid().as_raw());
    open(path).is_ok_and(|dir| is_own(&dir) && dir.try_lock().is_ok())
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_DIRECTORY).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_stays_and_goes_with_its_run() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::new_in(parent.path()).unwrap();
        fs::write(scratch.path().join("tape"), "x").unwrap();
        assert!(sweep(parent.path()).is_empty());
        assert!(scratch.path().join("tape").exists());
        drop(scratch);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_a_killed_run_has_left_is_removed_with_what_is_in_it_and_nothing_else_is() {
        let parent = tempfile::tempdir().unwrap();
        let (left, other) = (parent.path().join("tickcert-run-abc"), parent.path().join("somebody-elses"));
        for dir in [&left, &other] {
            fs::create_dir(dir).unwrap();
            fs::write(dir.join("tape"), "x").unwrap();
        }
        std::os::unix::fs::symlink(&other, parent.path().join("tickcert-run-link")).unwrap();
        assert_eq!(sweep(parent.path()), std::slice::from_ref(&left));
        assert!(!left.exists());
        assert!(other.join("tape").exists());
    }
}
