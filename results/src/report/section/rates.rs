//! The highest rate without loss of each lane, and the steps of the search for it.

use maud::{Markup, html};

use super::{banner, chip};
use crate::{
    certificate::{Certificate, RateSearch, RateTrial},
    evidence::Evidence,
    report::text,
};

pub(in crate::report) fn rates(c: &Certificate) -> Markup {
    let mut classes: Vec<Evidence> = c.rates.iter().map(|s| s.evidence).collect();
    classes.sort_unstable_by(|a, b| b.cmp(a));
    classes.dedup();
    html! { @for class in classes { (of_class(c, class)) } }
}

fn of_class(c: &Certificate, class: Evidence) -> Markup {
    let searches: Vec<&RateSearch> = c.rates.iter().filter(|s| s.evidence == class).collect();
    let lasts = searches.first().map(|s| text::duration(s.trial_ns)).unwrap_or_default();
    html! {
        section.rates {
            h2 { "Highest rate without loss " (chip(class)) }
            (banner(class))
            table {
                caption {
                    (chip(class)) " Found by search, trials of " (lasts) " each (8 million packets at most, 100 orders at least); "
                    "a rate holds or fails by two of at most three. "
                    "Ticks at an even rate, every order compared."
                }
                thead { tr {
                    th { "Lane" } th.num { "Packets/s" } th.num { "Messages/s" } th.num { "Next that failed" }
                    th.num { "Of kernel-udp" } th.num { "Trials" } th.num { "Packets sent" } th { "Limited by" }
                } }
                tbody { @for search in &searches { (row(search)) } }
            }
            h3 { "Every trial of the search" }
            @for search in &searches {
                p.note { strong { (search.title()) } ": " (steps(&search.trials)) }
            }
        }
    }
}

fn row(s: &RateSearch) -> Markup {
    let rate = |rate: Option<_>| rate.map_or("–".to_owned(), text::rate);
    html! {
        tr {
            th scope="row" { (s.title()) }
            td.num { @if s.highest_pps.is_some() { (rate(s.highest_pps)) } @else { "none" } }
            td.num { (rate(s.highest_mps)) }
            td.num { (rate(s.fails_at_pps)) span.ci { "sought within " (text::percent(s.resolution)) } }
            td.num { (s.ratio_to_kernel_udp.map_or("–".to_owned(), |r| format!("{r:.2}"))) }
            td.num { (s.trials.len()) }
            td.num { (text::count(s.trials.iter().map(|t| t.packets_sent).fold(0, u64::saturating_add))) }
            td { (s.limited_by) br; span.dim { (s.why) } }
        }
    }
}

/// Rates in the order in which they were tried, each with a mark for every trial.
fn steps(trials: &[RateTrial]) -> String {
    let steps = trials.chunk_by(|a, b| (a.intended_pps.0 / b.intended_pps.0 - 1.0).abs() < 1e-3).map(|step| {
        let marks: String = step.iter().map(|t| if t.held { '✓' } else { '✕' }).collect();
        format!("{} {marks}", step.first().map(|t| text::rate(t.intended_pps)).unwrap_or_default())
    });
    steps.collect::<Vec<_>>().join(" · ")
}
