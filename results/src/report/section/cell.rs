//! One lane in pictures.

use maud::{Markup, html};

use super::{banner, chip, lanes::setting, tail::tail};
use crate::report::{chart, data::CellView, hidden, text};

pub(in crate::report) fn cell(view: &CellView<'_>) -> Markup {
    let cell = view.cell;
    html! {
        section.cell id=(format!("cell-{}", view.at)) {
            h2 { (cell.title()) " " (chip(cell.evidence)) }
            p.setting {
                (setting(cell)) ". Evidence: " (cell.evidence_why) "."
                @if !cell.settings.is_empty() { " Settings of the transport: " (settings(cell)) "." }
            }
            (banner(cell.evidence))
            @if view.unreadable > 0 {
                p.warning { (text::plural(view.unreadable, "histogram", "histograms")) " could not be read: the curves are without." }
            }
            @if view.due.is_none() && view.sent.is_none() {
                p { "No valid repetition: there is nothing to draw." }
            }
            div.charts {
                (figure("Latency by percentile", "Curves end where fewer than ten samples lie beyond.", chart::percentiles(view)))
                (figure("Share of orders above a latency", "Every sample, to the largest.", chart::ccdf(view)))
                (figure("Repetitions", "Filled: t2t_due, hollow: t2t_sent. Bands: 95 % intervals of p50 and p99.", chart::spread(view)))
                (figure("Over time", "t2t_due in equal slices of each measured window.", chart::over_time(view)))
            }
            @if let Some(hidden) = hidden(cell) { p.hidden { (hidden.text) } }
            (stages(view))
            (tail(view.cell))
            (warnings(view))
        }
    }
}

fn figure(name: &str, about: &str, picture: Option<Markup>) -> Markup {
    html! {
        @if let Some(picture) = picture {
            figure { figcaption { strong { (name) } " " (about) } (picture) }
        }
    }
}

fn stages(view: &CellView<'_>) -> Markup {
    let staged: u64 = view.cell.latency_ns.stages.values().map(|q| q.n).max().unwrap_or(0);
    html! {
        @if let Some(picture) = chart::waterfall(view.cell) {
            figure.wide {
                figcaption {
                    strong { "Stages from the tick to its order" }
                    " From repetitions stamped in this detail and used for nothing else (n " (text::count(staged)) "). "
                    "Medians of stages do not add up to the median of the whole. "
                    @match view.cell.stamp_cost_ns {
                        Some(cost) => { "One stamp costs " (text::duration_ns(cost)) "; it is in each stage and is not subtracted." }
                        None => { "The cost of a stamp was not measured." }
                    }
                }
                (picture)
            }
        }
    }
}

/// What a reader should know before trusting the numbers.
fn warnings(view: &CellView<'_>) -> Markup {
    let l = &view.cell.latency_ns;
    let of = |name: &'static str, list: &'_ [String]| -> Vec<String> {
        list.iter().map(|c| format!("{name}: {c}")).collect()
    };
    let mut all = view.cell.warnings.clone();
    all.extend(of("t2t_due", &l.t2t_due.cautions));
    all.extend(of("t2t_sent", &l.t2t_sent.cautions));
    all.extend(of("trader", &l.trader.cautions));
    html! {
        @if !all.is_empty() {
            div.warnings {
                h3 { "Before you trust these numbers" }
                ul { @for warning in all { li { (warning) } } }
            }
        }
    }
}

fn settings(cell: &crate::certificate::Cell) -> String {
    cell.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}
