//! `tickcert clean`: undoes what dead runs have left.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{COMPLETE, Change, Head, UNFINISHED, UndoError, boot_id, ignore_missing, own_network_namespace, undo};
use crate::bench::run_dir::{self, RunDirError};

/// What became of one journal.
#[derive(Debug)]
pub struct Cleaned {
    /// Its file.
    pub journal: PathBuf,
    /// The process that wrote it; none where it can't be read.
    pub owner: Option<u32>,
    /// What was done.
    pub outcome: Outcome,
    /// What was left alone, since somebody else has changed it after the run, in words.
    pub left: Vec<String>,
}

/// What was done about a journal.
#[derive(Debug)]
pub enum Outcome {
    /// Its run is dead; this many changes were undone.
    Undone(usize),
    /// Its run lives and was left alone.
    Alive,
    /// The host was restarted since, which undid everything.
    Restarted,
    /// Its changes were made in another network namespace; `tickcert clean` has to be run there.
    Elsewhere,
    /// Some changes could not be undone; the journal stays.
    Failed(Vec<UndoError>),
    /// It can't be read; it stays.
    Unreadable(io::Error),
}

impl Cleaned {
    /// Whether something stays that should not.
    #[must_use]
    pub const fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_) | Outcome::Unreadable(_))
    }
}

/// As `tickcert clean` prints it.
impl fmt::Display for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            Some(pid) => write!(f, "run of process {pid}: ")?,
            None => write!(f, "{}: ", self.journal.display())?,
        }
        match &self.outcome {
            Outcome::Undone(changes) => {
                write!(f, "{changes} changes undone")?;
                self.left.iter().try_for_each(|what| write!(f, "; {what}"))
            }
            Outcome::Alive => f.write_str("still alive, left alone"),
            Outcome::Restarted => f.write_str("the host was restarted since, nothing to undo"),
            Outcome::Elsewhere => {
                f.write_str("made in another network namespace, left alone; run `tickcert clean` there")
            }
            Outcome::Failed(errors) => {
                write!(f, "not all undone, {} stays", self.journal.display())?;
                errors.iter().try_for_each(|e| write!(f, "; {e}"))
            }
            Outcome::Unreadable(e) => write!(f, "{} can't be read, left alone: {e}", self.journal.display()),
        }
    }
}

/// Undoes the changes of runs that are dead, in the network namespace of the calling thread. A folder that isn't there
/// holds none.
///
/// # Errors
/// When the folder can't be read, or when somebody else could have written what would be done.
pub fn clean(dir: &Path) -> Result<Vec<Cleaned>, RunDirError> {
    let unusable = |source| RunDirError::Unusable { path: dir.into(), source };
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unusable)?,
    };
    run_dir::check(dir)?;
    let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>().map_err(unusable)?;
    paths.sort();
    Ok(paths.iter().filter_map(|path| clean_one(path)).collect())
}

/// None for files that are no journals, and for journals that went in the meantime.
fn clean_one(path: &Path) -> Option<Cleaned> {
    let name = path.file_name()?.to_string_lossy();
    let unfinished = name.ends_with(UNFINISHED);
    if !name.starts_with("journal-") || !(unfinished || name.ends_with(COMPLETE)) {
        return None;
    }
    let cleaned = |owner, outcome| Some(Cleaned { journal: path.into(), owner, outcome, left: Vec::new() });
    let mut file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        Err(e) => return cleaned(None, Outcome::Unreadable(e)),
        Ok(file) => file,
    };
    let alive = match file.try_lock() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(e)) => return cleaned(None, Outcome::Unreadable(e)),
    };
    if unfinished {
        // No change was made yet by whoever died while writing the head.
        return (!alive).then(|| fs::remove_file(path)).and(None);
    }
    let (head, changes) = match read(&mut file) {
        Err(e) => return cleaned(None, Outcome::Unreadable(e)),
        Ok(read) => read,
    };
    let mut left = Vec::new();
    let outcome = if alive { Outcome::Alive } else { undo_orphan(path, &head, &changes, &mut left) };
    Some(Cleaned { left, ..cleaned(Some(head.pid), outcome)? })
}

fn undo_orphan(path: &Path, head: &Head, changes: &[Change], left: &mut Vec<String>) -> Outcome {
    let outcome = if head.boot_id != boot_id() {
        Outcome::Restarted
    } else if own_network_namespace().is_ok_and(|here| here != head.network_namespace) {
        return Outcome::Elsewhere;
    } else {
        let undone = undo::undo_all(changes, undo::Owner::Dead);
        if !undone.errors.is_empty() {
            return Outcome::Failed(undone.errors);
        }
        *left = undone.left;
        // What came of a change is none by itself.
        Outcome::Undone(changes.iter().filter(|change| !matches!(change, Change::StampingCame { .. })).count())
    };
    match fs::remove_file(path).or_else(ignore_missing) {
        Ok(()) => outcome,
        Err(e) => Outcome::Unreadable(e),
    }
}

/// Bytes: a journal has a line for each change, and runs make some dozens.
const LONGEST: u64 = 16 << 20;

/// The head and the changes. A last line without its end was being written when the run died, so its change was never
/// made.
fn read(file: &mut File) -> io::Result<(Head, Vec<Change>)> {
    let mut text = String::new();
    if file.take(LONGEST).read_to_string(&mut text)? as u64 == LONGEST {
        return Err(io::Error::other(format!("a journal of more than {LONGEST} bytes is none")));
    }
    let complete = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let mut lines = complete.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap_or_default())?;
    if head.version != 1 {
        return Err(io::Error::other(format!("version {} of the journal is not known to this build", head.version)));
    }
    let changes = lines.map(serde_json::from_str).collect::<Result<Vec<Change>, _>>()?;
    // What follows is done as root: a journal of which one line is damaged is left to a human as a whole.
    match changes.iter().find_map(|change| change.check().err()) {
        Some(what) => Err(io::Error::other(what)),
        None => Ok((head, changes)),
    }
}
