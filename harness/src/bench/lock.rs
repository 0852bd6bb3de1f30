//! One measuring run at a time on a host: two would disturb each other's cores.
//!
//! The lock is the kernel's (`flock`), so it goes with its holder however that ends; no stale lock can be left.

use std::{
    fs::{self, File, Permissions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run measures.
    #[error("another run{} is measuring on this host; wait for it, or leave --no-wait away", of_process(*holder))]
    Held {
        /// Its process, where it can be told.
        holder: Option<u32>,
    },
    /// The file can't be opened or locked.
    #[error("the lock file {} can't be used", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// ` (process 123)`, or nothing where it isn't known.
fn of_process(holder: Option<u32>) -> String {
    holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// Whether a run waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfHeld {
    /// As long as it takes.
    Wait,
    /// Not at all.
    Fail,
}

/// Held for as long as this lives.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// The file that all users of the host share.
#[must_use]
pub fn default_path() -> PathBuf {
    let shared = Path::new("/run/lock");
    let dir = if shared.is_dir() { shared } else { Path::new("/tmp") };
    dir.join("tickcert.lock")
}

impl RunLock {
    /// Takes the lock at `path`. When another run holds it, calls `on_wait` with its process (where that can be told)
    /// and waits, or fails.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(path: &Path, if_held: IfHeld, on_wait: impl FnOnce(Option<u32>)) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { path: path.into(), source };
        let file = open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(e)) => return Err(unusable(e)),
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&file);
                if if_held == IfHeld::Fail {
                    return Err(LockError::Held { holder });
                }
                on_wait(holder);
                file.lock().map_err(unusable)?;
            }
        }
        Ok(Self { _file: file })
    }
}

/// Opens the file for reading, which is all that locking needs, so that it may belong to another user; makes it where
/// it isn't there. It is never written to and never removed: a removed one could be locked twice.
fn open(path: &Path) -> io::Result<File> {
    let no_links = |options: &mut fs::OpenOptions| options.custom_flags(libc::O_NOFOLLOW).open(path);
    match no_links(File::options().read(true)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match no_links(File::options().read(true).write(true).create_new(true)) {
        // Another run was faster.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => no_links(File::options().read(true)),
        Err(e) => Err(e),
        Ok(file) => {
            // The umask may have kept others from reading.
            file.set_permissions(Permissions::from_mode(0o644))?;
            Ok(file)
        }
    }
}

/// The process that holds a lock on `file`, from `/proc/locks`.
fn holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino();
    holder_in(&fs::read_to_string("/proc/locks").ok()?, inode)
}

/// Lines are `1: FLOCK  ADVISORY  WRITE 1234 fd:01:5678 0 EOF`; those of waiters have `->` after the number.
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, file, ..] = fields.as_slice() else { return None };
        (file.rsplit(':').next()?.parse() == Ok(inode)).then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use std::{process, sync::mpsc, thread};

    use super::*;

    #[test]
    fn a_second_run_that_must_not_wait_is_told_who_measures() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let _first = RunLock::take(&path, IfHeld::Fail, |_| {}).unwrap();
        let e = RunLock::take(&path, IfHeld::Fail, |_| {}).unwrap_err();
        assert!(matches!(e, LockError::Held { holder: Some(pid) } if pid == process::id()), "{e}");
    }

    #[test]
    fn a_second_run_waits_says_so_and_goes_on_when_the_first_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = RunLock::take(&path, IfHeld::Wait, |_| {}).unwrap();
        let (said, waiting) = mpsc::channel();
        thread::scope(|s| {
            let second = s.spawn(|| RunLock::take(&path, IfHeld::Wait, |holder| said.send(holder).unwrap()));
            assert_eq!(waiting.recv().unwrap(), Some(process::id()));
            drop(first);
            second.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_lock_that_was_let_go_can_be_taken_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        for _ in 0..3 {
            RunLock::take(&path, IfHeld::Fail, |_| {}).unwrap();
        }
    }

    #[test]
    fn the_holder_is_the_process_on_the_line_of_the_file_and_no_waiter() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 fd:01:42 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 8 fd:01:42 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 9 fd:01:42 0 EOF\n";
        assert_eq!(holder_in(locks, 42), Some(9));
        assert_eq!(holder_in(locks, 43), None);
    }
}
