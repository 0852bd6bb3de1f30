//! The placements of a lane in a table for a terminal.

use std::fmt::Write;

use super::{clean, clip, line, short, wrap};
use crate::{
    certificate::{Penalty, PlacementMatrix},
    time::Nanos,
};

/// Columns of a value, and of a penalty with its interval.
const VALUE: usize = 10;
const PENALTY: usize = 8;

pub(super) fn render(out: &mut String, m: &PlacementMatrix, width: usize) {
    out.push('\n');
    wrap(out, "", &format!("placements of {} ({}), {}: t2t_due", m.lane, m.evidence, m.load), width);
    let name = width.saturating_sub(9 + 2 * (VALUE + PENALTY)).min(44);
    let head = format!(
        "{:<name$}{:<9}{:>VALUE$}{:>PENALTY$}{:>VALUE$}{:>PENALTY$}",
        "placement", "cores", "p50", "", "p99", ""
    );
    line(out, &head);
    for row in &m.rows {
        let mark = if m.best.as_deref() == Some(row.placement.as_str()) { "*" } else { "" };
        let far = if row.exchange_nic_remote { " (exchange's NIC remote)" } else { "" };
        let title = clip(&clean(&format!("{}{mark}{far}", row.placement)), name - 1);
        let cores = format!("{}-{}", row.exchange_core, row.trader_core);
        let mut text = format!("{title:<name$}{cores:<9}");
        for (value, penalty) in [(row.p50_ns, row.p50_penalty), (row.p99_ns, row.p99_penalty)] {
            let _ = write!(text, "{:>VALUE$}{:>PENALTY$}", shown(value), more(penalty));
        }
        line(out, &text);
    }
    if let Some(r) = &m.recommended {
        wrap(out, "  ", &format!("recommended: {}, since {}", r.placement, m.why), width);
        r.commands.iter().for_each(|command| wrap(out, "    ", command, width));
    } else {
        wrap(out, "  ", &format!("none is recommended: {}", m.why), width);
    }
}

fn shown(value: Option<Nanos>) -> String {
    value.map_or_else(|| "-".to_owned(), short)
}

/// With a question mark where the interval reaches 1 or isn't there.
fn more(penalty: Option<Penalty>) -> String {
    penalty.map_or_else(String::new, |p| {
        let told = if p.is_longer() || p.is_shorter() { "" } else { "?" };
        format!("{:+.0}%{told}", (p.ratio - 1.0) * 100.0)
    })
}
