//! The store: every certificate ever issued on this machine, in one SQLite file.
//!
//! The certificate's own folder is written first and is the record; the store is an index to it that holds a copy. So a
//! store that is lost or damaged costs convenience, never a result.

mod error;
mod history;
mod migrate;

pub use error::StoreError;
pub use history::{Filter, HistoryRow};

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use crate::certificate::{Cell, Certificate};

/// How long one run waits while another one writes.
const BUSY: Duration = Duration::from_secs(20);

/// An open store.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the store at `path`, making it and its folder where there is none. Several runs may have it open.
    ///
    /// # Errors
    /// When it is damaged, of a newer tickcert, or can't be written; it is left as it was found.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: path.to_path_buf(), source })?;
        }
        let fail = |e| StoreError::from_sqlite(path, e);
        let mut db = Connection::open(path).map_err(fail)?;
        db.busy_timeout(BUSY).map_err(fail)?;
        migrate::migrate(&mut db, path)?;
        Ok(Self { db, path: path.to_path_buf() })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a certificate whose files lie in `dir`. One of the same run id is replaced, so that a folder may be added
    /// again.
    ///
    /// # Errors
    /// When the store is damaged, locked for too long, or the disk is full; then nothing of it was added.
    pub fn insert(&mut self, certificate: &Certificate, dir: &Path) -> Result<(), StoreError> {
        let json = serde_json::to_string(certificate)
            .map_err(|source| StoreError::Json { path: self.path.clone(), source })?;
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
        let path = &self.path;
        let fail = |e| StoreError::from_sqlite(path, e);
        let write = |tx: Transaction<'_>| {
            insert_run(&tx, certificate, &dir, &json)?;
            for (at, cell) in certificate.cells.iter().enumerate() {
                insert_cell(&tx, &certificate.run_id, at, cell)?;
            }
            tx.commit()
        };
        // Immediate: the lock is waited for here, not met half way.
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        write(tx).map_err(fail)
    }

    /// The certificate of a run: by its whole id, by the beginning of it, or `last` for the one started last.
    ///
    /// # Errors
    /// When there is none, when more than one begins so (they are named), or the store is damaged.
    pub fn get(&self, which: &str) -> Result<Certificate, StoreError> {
        let run_id = self.resolve(which)?;
        let fail = |e| StoreError::from_sqlite(&self.path, e);
        let (json, digest): (String, String) = self
            .db
            .query_row("SELECT certificate, certificate_sha256 FROM runs WHERE run_id = ?1", [&run_id], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(fail)?;
        // SQLite has no checksums of its own: a bit that flipped inside the text would go unnoticed.
        if format!("{:x}", Sha256::digest(json.as_bytes())) != digest {
            return Err(StoreError::Altered { path: self.path.clone(), run_id });
        }
        serde_json::from_str(&json).map_err(|source| StoreError::Json { path: self.path.clone(), source })
    }

    /// The folder in which the files of a run were written; `which` as for [`Store::get`].
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn folder(&self, which: &str) -> Result<PathBuf, StoreError> {
        let run_id = self.resolve(which)?;
        self.db
            .query_row("SELECT dir FROM runs WHERE run_id = ?1", [&run_id], |row| row.get::<_, String>(0))
            .map(PathBuf::from)
            .map_err(|e| StoreError::from_sqlite(&self.path, e))
    }

    /// The runs that `filter` lets through, newest first, a row for each cell (and one for a run without any).
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn history(&self, filter: &Filter) -> Result<Vec<HistoryRow>, StoreError> {
        history::query(&self.db, filter).map_err(|e| StoreError::from_sqlite(&self.path, e))
    }

    fn resolve(&self, which: &str) -> Result<String, StoreError> {
        let fail = |e| StoreError::from_sqlite(&self.path, e);
        if which == "last" {
            let newest = "SELECT run_id FROM runs ORDER BY started_at DESC, rowid DESC LIMIT 1";
            let found = self.db.query_row(newest, [], |row| row.get(0)).optional().map_err(fail)?;
            return found.ok_or_else(|| StoreError::Empty { path: self.path.clone() });
        }
        // No LIKE: what the user types may hold its wildcards.
        let mut query = self
            .db
            .prepare("SELECT run_id FROM runs WHERE substr(run_id, 1, length(?1)) = ?1 ORDER BY run_id LIMIT 11")
            .map_err(fail)?;
        let found: Result<Vec<String>, _> = query.query_map([which], |row| row.get(0)).map_err(fail)?.collect();
        let mut found = found.map_err(fail)?;
        let exact = found.iter().position(|f| f == which);
        let (path, which) = (self.path.clone(), which.to_owned());
        match (exact, found.len()) {
            (Some(at), _) => Ok(found.swap_remove(at)),
            (None, 1) => Ok(found.swap_remove(0)),
            (None, 0) => Err(StoreError::NoSuchRun { path, which }),
            (None, _) => Err(StoreError::Ambiguous { which, candidates: found.join(", ") }),
        }
    }
}

fn insert_run(tx: &Transaction<'_>, c: &Certificate, dir: &Path, json: &str) -> rusqlite::Result<usize> {
    tx.execute("DELETE FROM runs WHERE run_id = ?1", [&c.run_id])?;
    tx.execute(
        "INSERT INTO runs (run_id, started_at, finished_at, interrupted, verdict, sut_hash, sut_label, profile, \
         profile_sha256, tape_sha256, dir, certificate, certificate_sha256) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            c.run_id,
            c.started_at,
            c.finished_at,
            c.interrupted,
            c.verdict.name(),
            c.sut.hash,
            c.sut.label,
            c.profile.name,
            c.profile.sha256,
            c.tape.sha256,
            dir.display().to_string(),
            json,
            format!("{:x}", Sha256::digest(json.as_bytes())),
        ],
    )
}

fn insert_cell(tx: &Transaction<'_>, run_id: &str, at: usize, cell: &Cell) -> rusqlite::Result<usize> {
    // SQLite's integers are signed; 2^63 ns are 292 years.
    let ns = |n: Option<crate::time::Nanos>| n.and_then(|n| i64::try_from(n.get()).ok());
    let (sent, due) = (&cell.latency_ns.t2t_sent, &cell.latency_ns.t2t_due);
    tx.execute(
        "INSERT INTO cells (run_id, idx, lane, placement, load, evidence, n, sent_p50, sent_p99, due_p50, due_p99, \
         due_p99_9, due_max) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            run_id,
            i64::try_from(at).unwrap_or(i64::MAX),
            cell.title(),
            cell.placement.name,
            cell.load.text,
            cell.evidence.name(),
            i64::try_from(due.n).unwrap_or(i64::MAX),
            ns(sent.p50),
            ns(sent.p99),
            ns(due.p50),
            ns(due.p99),
            ns(due.p99_9),
            ns(due.max),
        ],
    )
}
