//! The list of runs.

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use crate::time::Nanos;

/// Which runs to list; what is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The machine: its label, or the beginning of its hash.
    pub sut: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// The lane's title: `kernel-udp`, `afxdp/skb`.
    pub lane: Option<String>,
    /// The verdict's word.
    pub verdict: Option<String>,
    /// Started at or after this (RFC 3339, or the beginning of it: `2026-11`).
    pub since: Option<String>,
    /// At most so many runs, the newest ones.
    pub runs: Option<u32>,
}

/// One cell of one run; a run without cells has one row without a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRow {
    /// The run.
    pub run_id: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// The verdict's word.
    pub verdict: String,
    /// Broken off.
    pub interrupted: bool,
    /// The user's name for the machine.
    pub sut_label: String,
    /// What makes two results comparable.
    pub sut_hash: String,
    /// The profile's name.
    pub profile: String,
    /// Folder of its files.
    pub dir: String,
    /// Title of the lane.
    pub lane: Option<String>,
    /// What the numbers rest on.
    pub evidence: Option<String>,
    /// Load in words.
    pub load: Option<String>,
    /// The placement: `0-1`, or of a matrix `same-l3`.
    pub placement: Option<String>,
    /// Samples of t2t_due.
    pub n: u64,
    /// Median of t2t_due.
    pub due_p50: Option<Nanos>,
    /// 99 % of t2t_due.
    pub due_p99: Option<Nanos>,
}

const QUERY: &str = "
    SELECT r.run_id, r.started_at, r.verdict, r.interrupted, r.sut_label, r.sut_hash, r.profile, r.dir,
           c.lane, c.evidence, c.load, c.n, c.due_p50, c.due_p99, c.placement
    FROM (
        SELECT rowid AS at, * FROM runs
        WHERE (?1 IS NULL OR sut_label = ?1 OR substr(sut_hash, 1, length(?1)) = ?1)
          AND (?2 IS NULL OR profile = ?2)
          AND (?3 IS NULL OR EXISTS (SELECT 1 FROM cells WHERE cells.run_id = runs.run_id AND lane = ?3))
          AND (?4 IS NULL OR verdict = ?4)
          AND (?5 IS NULL OR started_at >= ?5)
        ORDER BY started_at DESC, at DESC LIMIT ?6
    ) AS r LEFT JOIN cells AS c ON c.run_id = r.run_id AND (?3 IS NULL OR c.lane = ?3)
    ORDER BY r.started_at DESC, r.at DESC, c.idx";

pub(super) fn query(db: &Connection, filter: &Filter) -> rusqlite::Result<Vec<HistoryRow>> {
    let mut query = db.prepare(QUERY)?;
    // In SQLite a negative limit is none.
    let limit = filter.runs.map_or(-1, i64::from);
    let values = params![filter.sut, filter.profile, filter.lane, filter.verdict, filter.since, limit];
    query.query_map(values, row)?.collect()
}

fn row(r: &Row<'_>) -> rusqlite::Result<HistoryRow> {
    let count = |at: usize| -> rusqlite::Result<Option<u64>> {
        Ok(r.get::<_, Option<i64>>(at)?.and_then(|n| u64::try_from(n).ok()))
    };
    Ok(HistoryRow {
        run_id: r.get(0)?,
        started_at: r.get(1)?,
        verdict: r.get(2)?,
        interrupted: r.get(3)?,
        sut_label: r.get(4)?,
        sut_hash: r.get(5)?,
        profile: r.get(6)?,
        dir: r.get(7)?,
        lane: r.get(8)?,
        evidence: r.get(9)?,
        load: r.get(10)?,
        n: count(11)?.unwrap_or(0),
        due_p50: count(12)?.map(Nanos),
        due_p99: count(13)?.map(Nanos),
        placement: r.get(14)?,
    })
}
