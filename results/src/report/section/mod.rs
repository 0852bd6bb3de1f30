//! The sections of the page, one file each.

mod audit;
mod cell;
mod crews;
mod glossary;
mod handoff;
mod host;
mod lanes;
mod machine;
mod matrix;
mod noise;
mod rates;
mod repetitions;
mod requirements;
mod run;
mod stamps;
mod tail;
mod verdict;
mod verification;

pub(super) use cell::cell;
pub(super) use crews::crews;
pub(super) use glossary::glossary;
pub(super) use handoff::handoff;
pub(super) use host::host;
pub(super) use lanes::lanes;
pub(super) use matrix::matrix;
pub(super) use rates::rates;
pub(super) use repetitions::repetitions;
pub(super) use requirements::requirements;
pub(super) use run::{not_run, tape};
pub(super) use stamps::stamps;
pub(super) use verdict::verdict;
pub(super) use verification::verification;

use maud::{Markup, html};

use crate::{evidence::Evidence, verdict::Verdict};

/// The class of evidence across the head of a section with numbers.
fn banner(evidence: Evidence) -> Markup {
    html! {
        p.banner.(evidence.name()) {
            strong { (evidence.name()) }
            " " (evidence.meaning()) "."
        }
    }
}

/// The class of evidence in a word.
fn chip(evidence: Evidence) -> Markup {
    html! { span.chip.(evidence.name()) title=(evidence.meaning()) { (evidence.name()) } }
}

/// A verdict by sign, word and colour, so that none of them is needed.
fn badge(verdict: Verdict) -> Markup {
    html! { span.badge.(verdict.name()) { span.sign aria-hidden="true" { (sign(verdict)) } (verdict.name()) } }
}

const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✕",
        Verdict::NotCertifiable => "!",
        Verdict::NotRun => "–",
    }
}
