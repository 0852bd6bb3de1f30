//! What can be wrong with a store, and what to do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why the store did not answer. Certificates themselves lie in their own folders and are not touched by any of this.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Not a database, or pages of it are broken.
    #[error(
        "{}: the store is damaged ({source}). Certificates are safe in their own folders. \
         Move it away, and the next run begins a new one: `mv {} {}.damaged`",
        path.display(), path.display(), path.display()
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The copy of a certificate is not the one that was put in.
    #[error(
        "{}: the store is damaged: its copy of run {run_id} was altered. Take the certificate from its own folder; \
         to begin a new store: `mv {} {}.damaged`",
        path.display(), path.display(), path.display()
    )]
    Altered {
        /// The store.
        path: PathBuf,
        /// The run.
        run_id: String,
    },
    /// A later tickcert made it.
    #[error(
        "{}: this store has version {found}, made by a newer tickcert (this one knows up to {known}). \
         Use that one, or another store with `--store FILE`",
        path.display()
    )]
    TooNew {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// Another run held the lock for too long.
    #[error(
        "{}: another run kept the store locked ({source}). Nothing was added; the certificate lies in its own folder. \
         See who has it: `fuser {}`",
        path.display(), path.display()
    )]
    Busy {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// No room.
    #[error(
        "{}: the disk is full ({source}). Nothing was added; the certificate lies in its own folder. \
         Free some space or name another store with `--store FILE`",
        path.display()
    )]
    DiskFull {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Its folder could not be made.
    #[error("{}: the store's folder can't be made ({source}). Name another place with `--store FILE`", path.display())]
    Folder {
        /// The store.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Anything else that SQLite reports.
    #[error("{}: the store can't be used ({source}). Check its rights (`ls -l {}`) or name another with `--store FILE`", path.display(), path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A certificate that can't be turned into JSON or back.
    #[error("{}: a certificate in the store can't be read ({source})", path.display())]
    Json {
        /// The store.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// No run of that name.
    #[error("{}: no run begins with `{which}`; see `tickcert history`", path.display())]
    NoSuchRun {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        which: String,
    },
    /// Several of them.
    #[error("more than one run begins with `{which}`: {candidates}")]
    Ambiguous {
        /// What was asked for.
        which: String,
        /// Those that begin so, up to eleven.
        candidates: String,
    },
    /// `last` of nothing.
    #[error("{}: the store holds no run yet; `tickcert certify` adds one", path.display())]
    Empty {
        /// The store.
        path: PathBuf,
    },
}

impl StoreError {
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path, source },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, source },
            _ => Self::Sqlite { path, source },
        }
    }
}
