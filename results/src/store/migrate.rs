//! The store's tables, by version (`PRAGMA user_version`). A step that was published is never changed.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::{BUSY, StoreError};

/// Step `i` leads from version `i` to `i + 1`.
const STEPS: &[&str] = &[
    // 1: runs with a copy of their certificate, and the few numbers that a history shows.
    "CREATE TABLE runs (
         run_id TEXT PRIMARY KEY NOT NULL,
         started_at TEXT NOT NULL,
         finished_at TEXT NOT NULL,
         interrupted INTEGER NOT NULL,
         verdict TEXT NOT NULL,
         sut_hash TEXT NOT NULL,
         sut_label TEXT NOT NULL,
         profile TEXT NOT NULL,
         profile_sha256 TEXT NOT NULL,
         tape_sha256 TEXT NOT NULL,
         dir TEXT NOT NULL,
         certificate TEXT NOT NULL,
         certificate_sha256 TEXT NOT NULL
     );
     CREATE INDEX runs_by_time ON runs (started_at);
     CREATE TABLE cells (
         run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE,
         idx INTEGER NOT NULL,
         lane TEXT NOT NULL,
         placement TEXT NOT NULL,
         load TEXT NOT NULL,
         evidence TEXT NOT NULL,
         n INTEGER NOT NULL,
         sent_p50 INTEGER, sent_p99 INTEGER,
         due_p50 INTEGER, due_p99 INTEGER, due_p99_9 INTEGER, due_max INTEGER,
         PRIMARY KEY (run_id, idx)
     );",
];

/// Brings the store to the newest version.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let fail = |e| StoreError::from_sqlite(path, e);
    db.execute_batch("PRAGMA foreign_keys = ON").map_err(fail)?;
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    let found = version(db).map_err(fail)?;
    if found > known {
        return Err(StoreError::TooNew { path: path.to_path_buf(), found, known });
    }
    use_wal(db).map_err(fail)?;
    if found == known {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    // Another run may have done it while this one waited for the lock.
    let from = version(&tx).map_err(fail)?;
    for step in STEPS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
        tx.execute_batch(step).map_err(fail)?;
    }
    tx.pragma_update(None, "user_version", known.max(from)).map_err(fail)?;
    tx.commit().map_err(fail)
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Readers then never wait for a writer. Where the file system can't do it the old mode stays, which is safe too.
///
/// SQLite does not use the busy timeout for this change, so it is waited for here.
fn use_wal(db: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY;
    loop {
        match db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(e) => return Err(e),
            Ok(_) => return Ok(()),
        }
    }
}
