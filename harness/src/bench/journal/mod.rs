//! The undo journal: each change to the host (that is, outside the bench's own namespaces) is on disk before it is
//! made, so that it can be undone by `tickcert clean` after a crash or `kill -9`.
//!
//! One file per run, JSON lines: a head that names the owner, then a change a line. The owner holds a lock on the file
//! for as long as it lives, which the kernel releases however it ends: a journal whose lock can be had is an orphan.
//! Undoing is idempotent; what is undone already is fine.

mod change;
mod clean;
pub(super) mod stamping;
mod undo;

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

use serde::{Deserialize, Serialize};
use tickcert_probes::sysfs;

pub use change::{Change, InterfaceState};
pub use clean::{Cleaned, Outcome, clean};
pub use undo::UndoError;

use super::run_dir::{self, RunDirError};

/// Why a change could not be written down (and was therefore not made), or not undone.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No folder for it.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The file can't be written.
    #[error("the undo journal {} can't be written, so the host is left unchanged", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A value can't be read before it is set.
    #[error("{} can't be set", path.display())]
    Set {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Some changes are still there.
    #[error("{} of the changes to the host could not be undone and stay in {} for `tickcert clean`: {}", errors.len(), path.display(), list(errors))]
    NotUndone {
        /// The journal that holds them.
        path: PathBuf,
        /// One for each.
        errors: Vec<UndoError>,
    },
}

fn list(errors: &[UndoError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// First line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// 1
    version: u32,
    /// Process that made the changes.
    pid: u32,
    /// Its start, in clock ticks since boot (field 22 of `/proc/PID/stat`), since numbers of processes are used again.
    start_time: u64,
    /// `/proc/sys/kernel/random/boot_id`: a restart undoes everything by itself.
    boot_id: String,
    /// Inode of the network namespace that the changes were made in.
    network_namespace: u64,
}

impl Head {
    fn own() -> io::Result<Self> {
        Ok(Self {
            version: 1,
            pid: process::id(),
            start_time: start_time("self").unwrap_or(0),
            boot_id: boot_id(),
            network_namespace: own_network_namespace()?,
        })
    }
}

fn boot_id() -> String {
    sysfs::read(Path::new("/"), "proc/sys/kernel/random/boot_id").unwrap_or_default()
}

fn own_network_namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/thread-self/ns/net")?.ino())
}

/// Start of a process, in clock ticks since boot.
fn start_time(pid: &str) -> Option<u64> {
    let stat = sysfs::read(Path::new("/"), &format!("proc/{pid}/stat"))?;
    // The name in field 2 may hold blanks and parentheses; the last parenthesis ends it, and field 3 follows.
    stat.get(stat.rfind(')')? + 1..)?.split_whitespace().nth(19)?.parse().ok()
}

/// The changes of this run. The file comes into being with the first change: a bench that only uses namespaces of its
/// own never writes one.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    open: Option<(File, PathBuf)>,
    changes: Vec<Change>,
}

impl Journal {
    /// For changes of this run, in a folder that [`clean`] will look into.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.into(), open: None, changes: Vec::new() }
    }

    /// Writes down a change that is about to be made; on return it is on disk.
    ///
    /// # Errors
    /// [`JournalError`]; the change must not be made then.
    pub fn record(&mut self, change: Change) -> Result<(), JournalError> {
        if self.open.is_none() {
            self.open = Some(create(&self.dir)?);
        }
        if let Some((file, path)) = &mut self.open {
            let mut line = serde_json::to_vec(&change).unwrap_or_default();
            line.push(b'\n');
            file.write_all(&line)
                .and_then(|()| file.sync_data())
                .map_err(|source| JournalError::Write { path: path.clone(), source })?;
        }
        self.changes.push(change);
        Ok(())
    }

    /// For tests that look at what would be undone.
    #[cfg(test)]
    pub(in crate::bench) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether there is nothing to undo.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Sets a value in procfs or sysfs, to be set back at the end.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn set_value(&mut self, file: &Path, value: &str) -> Result<(), JournalError> {
        let failed = |source| JournalError::Set { path: file.into(), source };
        let before = fs::read_to_string(file).map_err(failed)?.trim().to_owned();
        self.replace_value(file, before, value)
    }

    /// The same, where what was set `before` isn't what the file says.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn replace_value(&mut self, file: &Path, before: String, value: &str) -> Result<(), JournalError> {
        self.record(Change::ValueSet { file: file.into(), before })?;
        fs::write(file, value).map_err(|source| JournalError::Set { path: file.into(), source })
    }

    /// Undoes all changes, the last first, in the network namespace of the calling thread. Those that can't be undone
    /// don't keep the others from it.
    ///
    /// # Errors
    /// [`JournalError::NotUndone`]; the journal then stays.
    pub fn undo(&mut self) -> Result<(), JournalError> {
        let errors = undo::undo_all(&self.changes, undo::Owner::Alive).errors;
        if !errors.is_empty() {
            let path = self.open.as_ref().map(|(_, path)| path.clone()).unwrap_or_default();
            return Err(JournalError::NotUndone { path, errors });
        }
        self.changes.clear();
        if let Some((_, path)) = self.open.take() {
            fs::remove_file(&path).or_else(ignore_missing).map_err(|source| JournalError::Write { path, source })?;
        }
        Ok(())
    }
}

/// What isn't there needs not be removed.
fn ignore_missing(e: io::Error) -> io::Result<()> {
    if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) }
}

/// Ends of names: of a journal, and of one that isn't locked yet and holds no change.
const COMPLETE: &str = ".jsonl";
const UNFINISHED: &str = ".new";

/// A journal with its head, locked. It gets its name only when it is, so that [`clean`] can't take it for an orphan.
fn create(dir: &Path) -> Result<(File, PathBuf), JournalError> {
    run_dir::prepare(dir)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| JournalError::Write { path, source }
    };
    let head = Head::own().map_err(failed(dir))?;
    // Two benches of one process have a journal each.
    for serial in 0_u32.. {
        let stem = dir.join(format!("journal-{}-{}-{serial}", head.pid, head.start_time));
        let (unfinished, complete) = (with_end(&stem, UNFINISHED), with_end(&stem, COMPLETE));
        if complete.exists() {
            continue;
        }
        let created = File::options().append(true).create_new(true).mode(0o600).open(&unfinished);
        let mut file = match created {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            created => created.map_err(failed(&unfinished))?,
        };
        file.lock().map_err(failed(&unfinished))?;
        let mut line = serde_json::to_vec(&head).unwrap_or_default();
        line.push(b'\n');
        file.write_all(&line).and_then(|()| file.sync_all()).map_err(failed(&unfinished))?;
        fs::rename(&unfinished, &complete).map_err(failed(&complete))?;
        File::open(dir).and_then(|d| d.sync_all()).map_err(failed(dir))?;
        return Ok((file, complete));
    }
    Err(failed(dir)(io::ErrorKind::AlreadyExists.into()))
}

fn with_end(stem: &Path, end: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(end);
    name.into()
}
