//! A comparison as text, for a terminal.

use std::fmt;

use jiff::Timestamp;

use super::{CellComparison, Comparison, Row, Side};

/// Plain text, at most 100 columns, no colours.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "A: {}", side(&self.a))?;
        writeln!(f, "B: {}", side(&self.b))?;
        writeln!(
            f,
            "The runs began {} apart: what changed or drifted on a host between them counts as a difference too.",
            apart(&self.a, &self.b)
        )?;
        for note in &self.notes {
            writeln!(f, "Note: {note}.")?;
        }
        for cell in &self.cells {
            write_cell(f, cell)?;
        }
        for (side, cells) in [("A", &self.only_in_a), ("B", &self.only_in_b)] {
            for cell in cells {
                writeln!(f, "Only in {side}: {cell}")?;
            }
        }
        writeln!(
            f,
            "\nB/A is the median over all pairs of repetitions, and need not be the quotient of A and B, which are over all\n\
             repetitions pooled; below 1: B is faster. A difference is declared where p, corrected by Holm for {} rows\n\
             (half of the level for t2t_due.p50), is at most {} and the ratio is at least {} % away from 1, with its whole\n\
             95 % interval on that side.",
            self.family,
            self.rules.significance,
            self.rules.smallest * 100.0
        )
    }
}

/// How long after one of them the other began.
fn apart(a: &Side, b: &Side) -> String {
    let times = (a.started_at.parse::<Timestamp>(), b.started_at.parse::<Timestamp>());
    let (Ok(a), Ok(b)) = times else { return "an unknown time".to_owned() };
    let minutes = a.duration_until(b).unsigned_abs().as_secs().div_ceil(60);
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

fn side(s: &Side) -> String {
    let hash: String = s.sut_hash.chars().take(12).collect();
    format!("{} (system {hash}), run {}, {}", s.sut_label, s.run_id, s.started_at)
}

fn write_cell(f: &mut fmt::Formatter<'_>, cell: &CellComparison) -> fmt::Result {
    let [a, b] = cell.repetitions;
    writeln!(f, "\n{} [evidence: {}; repetitions: {a} and {b}]", cell.name, cell.evidence)?;
    if !cell.rows.is_empty() {
        writeln!(
            f,
            "  {:<16} {:>10} {:>10} {:>7}  {:<16} {:>8} {:>7}  ",
            "", "A", "B", "B/A", "95 % interval", "p", "effect"
        )?;
    }
    for row in &cell.rows {
        write_row(f, row)?;
    }
    for first in [true, false] {
        let needed = cell.rows.iter().filter(|r| r.is_first() == first).find_map(|r| r.needs_repetitions);
        let Some(needed) = needed else { continue };
        let rows = if first { "t2t_due.p50 needs" } else { "the other rows need" };
        writeln!(
            f,
            "  cannot be told: {rows} {needed} repetitions a side; with {a} and {b} no difference, however\n  \
             large, could be significant among so many rows"
        )?;
    }
    for missing in &cell.missing {
        writeln!(f, "  not compared: {missing}")?;
    }
    Ok(())
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    writeln!(
        f,
        "  {:<16} {:>10} {:>10} {:>7.3}  {:<16} {:>8} {:>+7.2}  {}",
        format!("{}.{}", row.distribution, row.quantile),
        row.a_ns.to_string(),
        row.b_ns.to_string(),
        row.ratio,
        format!("{:.3} to {:.3}", row.ci95[0], row.ci95[1]),
        if row.p_corrected < 0.0001 { "< 0.0001".to_owned() } else { format!("{:.4}", row.p_corrected) },
        row.effect,
        row.outcome.name()
    )
}
