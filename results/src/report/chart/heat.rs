//! A heat map of placements: a row for each relation of the cores, a column for what else is near or far. In each field the
//! median stands over the 99 %, each with a shade of its own scale, and in words what it is against the best.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::frame::{n, svg};
use crate::{
    certificate::{CoreRelation, InterruptSite, Nearness, PlacementMatrix, PlacementRow},
    report::text,
    time::Nanos,
};

const WIDTH: f64 = 940.0;
const LEFT: f64 = 118.0;
/// Height of the heads of columns, of a field, and between fields.
const TOP: f64 = 34.0;
const FIELD: f64 = 62.0;
const GAP: f64 = 3.0;
/// Columns are no wider than this.
const WIDEST: f64 = 200.0;
/// What is twice as long as the best has the full shade.
const FULL: f64 = 2.0;

/// The mark of a placement in which the exchange is far from its interface.
pub(in crate::report) const FAR_EXCHANGE: &str = "\u{2020}";

/// What a column has in common: all of a class but for the cores.
type Column = (Option<Nearness>, Option<Nearness>, Option<InterruptSite>);

pub(in crate::report) fn heat(matrix: &PlacementMatrix) -> Markup {
    let rows: BTreeSet<CoreRelation> = matrix.rows.iter().map(|row| row.class.cores).collect();
    let columns: BTreeSet<Column> = matrix.rows.iter().map(column).collect();
    let width = ((WIDTH - LEFT) / columns.len().max(1) as f64).min(WIDEST);
    let best = [least(matrix, |row| row.p50_ns), least(matrix, |row| row.p99_ns)];
    let place = |row: &PlacementRow| {
        let x = columns.iter().position(|c| *c == column(row)).unwrap_or_default();
        let y = rows.iter().position(|r| *r == row.class.cores).unwrap_or_default();
        (LEFT + width * x as f64, TOP + FIELD * y as f64)
    };
    let body = html! {
        @for (at, column) in columns.iter().enumerate() {
            @if let Some(row) = matrix.rows.iter().find(|row| self::column(row) == *column) {
                (head(row, LEFT + width * (at as f64 + 0.5)))
            }
        }
        @for (at, cores) in rows.iter().enumerate() {
            text.end x=(n(LEFT - 10.0)) y=(n(TOP + FIELD * (at as f64 + 0.5) + 3.0)) { (cores.name()) }
        }
        @for row in &matrix.rows {
            @let recommended = matrix.recommended.as_ref().is_some_and(|r| r.placement == row.placement);
            (field(row, best, place(row), width - GAP, recommended))
        }
    };
    let title = format!("Placements of {}: median and 99 % of t2t_due", matrix.lane);
    svg(WIDTH, TOP + FIELD * rows.len() as f64, &title, &body)
}

const fn column(row: &PlacementRow) -> Column {
    (row.class.nic, row.class.memory, row.class.interrupts)
}

fn least(matrix: &PlacementMatrix, of: fn(&PlacementRow) -> Option<Nanos>) -> Option<Nanos> {
    matrix.rows.iter().filter_map(of).min()
}

/// Two words a line; a host with one node and a virtual wire has nothing to say there.
fn head(row: &PlacementRow, x: f64) -> Markup {
    let words: Vec<&str> = row.class.words().into_iter().skip(1).collect();
    let lines: Vec<String> = words.chunks(2).map(|words| words.join(" ")).collect();
    let first = TOP - 8.0 - 11.0 * (lines.len().saturating_sub(1)) as f64;
    html! {
        @for (at, line) in lines.iter().enumerate() {
            text.middle.dim.small x=(n(x)) y=(n(first + 11.0 * at as f64)) { (line) }
        }
    }
}

fn field(
    row: &PlacementRow,
    [p50, p99]: [Option<Nanos>; 2],
    (x, y): (f64, f64),
    width: f64,
    recommended: bool,
) -> Markup {
    let height = (FIELD - GAP) / 2.0;
    html! {
        g {
            title {
                (row.placement) ": cores " (row.exchange_core) " → " (row.trader_core)
                @if row.exchange_nic_remote { ", exchange's NIC remote" }
            }
            (half("p50", row.p50_ns, p50, (x, y), [width, height]))
            (half("p99", row.p99_ns, p99, (x, y + height), [width, height]))
            @if row.exchange_nic_remote {
                text.end.dim x=(n(x + width - 5.0)) y=(n(y + 12.0)) { (FAR_EXCHANGE) }
            }
            @if recommended {
                rect.chosen x=(n(x)) y=(n(y)) width=(n(width)) height=(n(height * 2.0)) {}
            }
        }
    }
}

fn half(
    name: &str,
    value: Option<Nanos>,
    best: Option<Nanos>,
    (x, y): (f64, f64),
    [width, height]: [f64; 2],
) -> Markup {
    let middle = (x + width / 2.0, y + height / 2.0 + 3.5);
    let ratio = value.zip(best).map(|(value, best)| value.get().max(1) as f64 / best.get().max(1) as f64);
    let shade = ratio.map_or(0.0, |ratio| (ratio - 1.0) / (FULL - 1.0)).clamp(0.0, 1.0);
    // A sign of its own beside the shade, so that it can be told without it.
    let more =
        ratio.filter(|ratio| *ratio > 1.0).map_or(" least".to_owned(), |r| format!(" +{:.0} %", (r - 1.0) * 100.0));
    html! {
        rect.heat x=(n(x)) y=(n(y)) width=(n(width)) height=(n(height)) fill-opacity=(format!("{:.2}", 0.05 + shade * 0.65)) {}
        @match value {
            Some(value) => text.middle x=(n(middle.0)) y=(n(middle.1)) {
                tspan.dim { (name) " " } (text::duration(value)) tspan.dim { (more) }
            },
            None => text.middle.dim x=(n(middle.0)) y=(n(middle.1)) { (name) " –" },
        }
    }
}
