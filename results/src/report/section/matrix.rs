//! The placements of each lane beside each other, and the one to choose.

use maud::{Markup, html};

use super::{banner, chip};
use crate::{
    certificate::{Certificate, Penalty, PlacementMatrix, PlacementRow, Recommendation},
    report::{chart, text},
};

pub(in crate::report) fn matrix(c: &Certificate) -> Markup {
    html! { @for matrix in &c.placements { (one(matrix)) } }
}

fn one(m: &PlacementMatrix) -> Markup {
    html! {
        section.placements {
            h2 { "Placements of " (m.lane) " " (chip(m.evidence)) }
            p.setting { (m.load) ". The same work in each placement, repetitions of all in turn." }
            (banner(m.evidence))
            figure.wide {
                figcaption {
                    strong { "Median over 99 % of t2t_due, by the cores of exchange and trader" }
                    " Darker is longer, each against the shortest of its kind; twice as long has the full shade."
                    @if m.rows.iter().any(|row| row.exchange_nic_remote) {
                        " " (chart::FAR_EXCHANGE) " The exchange's NIC is on another memory node than its core, which is part of the difference."
                    }
                    @if m.recommended.is_some() { " The frame is around the recommended one." }
                }
                (chart::heat(m))
            }
            table {
                caption {
                    (chip(m.evidence)) " Microseconds. The penalty is against the placement of the lowest median"
                    @if let Some(best) = &m.best { " (" b { (best) } ")" }
                    "; below it the interval by bootstrap over the repetitions of both. Those of every pair of placements hold together with 95 %, so also these, of one that was chosen by its figures. Repetitions are the valid ones of all attempts."
                }
                thead { tr {
                    th { "Placement" } th.num { "Cores" } th.num { "Repetitions" }
                    th.num { "p50" } th.num { "Penalty" } th.num { "p99" } th.num { "Penalty" }
                } }
                tbody { @for row in &m.rows { (self::row(row)) } }
            }
            @match &m.recommended {
                Some(recommended) => (recommendation(recommended, &m.why)),
                None => p.warning.verdictless { "None is recommended: " (m.why) "." },
            }
        }
    }
}

fn row(row: &PlacementRow) -> Markup {
    let value = |value: Option<_>| value.map_or("–".to_owned(), text::micros);
    html! {
        tr {
            th scope="row" {
                (row.placement)
                @if row.exchange_nic_remote { " " (chart::FAR_EXCHANGE) span.ci { "exchange's NIC remote" } }
            }
            td.num { (row.exchange_core) " → " (row.trader_core) }
            td.num { (row.repetitions) " of " (row.attempts) }
            td.num { (value(row.p50_ns)) }
            (penalty(row.p50_penalty))
            td.num { (value(row.p99_ns)) }
            (penalty(row.p99_penalty))
        }
    }
}

pub(super) fn penalty(penalty: Option<Penalty>) -> Markup {
    let more = |ratio: f64| format!("{:+.1}", (ratio - 1.0) * 100.0);
    html! {
        @match penalty {
            None => td.num { "–" },
            Some(p) => td.num {
                (more(p.ratio)) " %"
                span.ci {
                    @match p.ci95 {
                        Some([low, high]) => { (more(low)) " to " (more(high)) " %" }
                        None => "too few repetitions"
                    }
                }
            },
        }
    }
}

fn recommendation(r: &Recommendation, why: &str) -> Markup {
    html! {
        h3 { "Recommended: " (r.placement) }
        p { "Because " (why) "." }
        p.note { "To put a trader there (" code { "TRADER" } " is its own command):" }
        pre { (r.commands.join("\n")) }
        p.note { "To measure there, in a profile:" }
        pre { (r.profile.join("\n")) }
    }
}
