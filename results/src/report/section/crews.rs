//! Traders in one thread and in several, beside each other.

use maud::{Markup, html};

use super::{banner, chip, matrix::penalty};
use crate::{
    certificate::{Certificate, CrewComparison, CrewRow, Handoff},
    report::text,
    time::Nanos,
};

pub(in crate::report) fn crews(c: &Certificate) -> Markup {
    html! { @for comparison in &c.crews { (section(comparison)) } }
}

fn section(c: &CrewComparison) -> Markup {
    html! {
        section.crews {
            h2 { "One thread or three: " (c.lane) span.dim { " · " (c.load) } " " (chip(c.evidence)) }
            (banner(c.evidence))
            p.note {
                "The same ticks and orders over the same lane. In three threads one receives and decodes, one keeps the book and decides, "
                "one writes orders and sends them, with a queue of the kind named between each two; each crossing is a stage of its own "
                "among the lane's stages (hand-off, hand-over)."
            }
            table.quantiles {
                caption {
                    "t2t_due in microseconds; ratios against the first row, with intervals that hold together with 95 %."
                }
                thead { tr {
                    th { "Between the threads" } th.num { "Cores" } th.num { "Repetitions" }
                    th.num { "p50" } th.num { "against the first" } th.num { "p99" } th.num { "against the first" }
                } }
                @for row in &c.rows { (line(row)) }
            }
        }
    }
}

fn line(row: &CrewRow) -> Markup {
    let value = |v: Option<Nanos>| v.map_or_else(|| "–".to_owned(), text::micros);
    let (what, cores) = match &row.handoff {
        Handoff::Inline => ("one thread".to_owned(), row.trader_core.to_string()),
        Handoff::Queue { decide_core, send_core, .. } => (
            text::queue(&row.handoff, &row.message_bytes),
            format!("{} → {decide_core} → {send_core}", row.trader_core),
        ),
    };
    html! {
        tr {
            th scope="row" { (what) }
            td.num { (cores) }
            td.num { (row.repetitions) }
            td.num { (value(row.p50_ns)) }
            (penalty(row.p50_ratio))
            td.num { (value(row.p99_ns)) }
            (penalty(row.p99_ratio))
        }
    }
}
