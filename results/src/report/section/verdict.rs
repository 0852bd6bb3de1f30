//! The head of the page: the verdict, its reasons, and what it is about.

use maud::{Markup, html};

use super::{banner, sign};
use crate::{certificate::Certificate, report::text, time::Nanos, verdict::Verdict};

pub(in crate::report) fn verdict(c: &Certificate, signer: Option<&str>) -> Markup {
    html! {
        header {
            div.title {
                p.kind { "Tick-to-trade certificate" }
                h1 { (c.sut.label) }
                p.lead { "judged by profile " strong { (c.profile.name) } ": " (c.profile.description) }
            }
            div.verdict.(c.verdict.name()) {
                span.sign aria-hidden="true" { (sign(c.verdict)) }
                span.word { (c.verdict.name().replace('-', " ")) }
            }
        }
        @if c.interrupted {
            p.banner.interrupted {
                strong { "interrupted" } " The run was broken off: what stands here is what there was by then."
                @if let Some(why) = &c.interrupted_because { " The reason: " (why) }
            }
        }
        (classes(c))
        (reasons(c))
        (facts(c, signer))
    }
}

/// What the numbers rest on, before any number is read.
fn classes(c: &Certificate) -> Markup {
    let mut all: Vec<_> = c.cells.iter().map(|c| c.evidence).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    html! {
        @for evidence in all { (banner(evidence)) }
        @if c.cells.is_empty() {
            p.banner.interrupted { strong { "no evidence" } " No lane ran: this certificate holds no latency." }
        }
    }
}

fn reasons(c: &Certificate) -> Markup {
    let met = c.requirements.iter().filter(|r| r.verdict == Verdict::Pass).count();
    let of = c.requirements.len();
    html! {
        section.reasons {
            h2 { "Why" }
            @if c.reasons.is_empty() {
                p { "Every requirement of the profile is met (" (met) " of " (of) ")." }
            } @else {
                ol { @for reason in &c.reasons { li { (reason) } } }
                @if of > 0 {
                    p.note { (met) " of " (text::plural(of, "requirement", "requirements")) " met." }
                }
            }
            (not_run(c))
        }
    }
}

/// What is missing, beside a pass too: lanes that the profile can do without are named, lest they seem to have passed.
fn not_run(c: &Certificate) -> Markup {
    let (optional, wanted): (Vec<_>, Vec<_>) = c.not_run.iter().partition(|n| n.optional);
    let names: Vec<&str> = optional.iter().map(|n| n.name.as_str()).collect();
    html! {
        @if !wanted.is_empty() {
            p.note {
                (text::plural(wanted.len(), "thing that was asked for", "things that were asked for"))
                " did not run: " a href="#not-run" { "what, and what they need" } "."
            }
        }
        @if !names.is_empty() {
            p.note {
                "This says nothing about " strong { (names.join(", ")) } ", which the profile takes where it can be had: "
                a href="#not-run" { "what it needs" } "."
            }
        }
    }
}

fn facts(c: &Certificate, signer: Option<&str>) -> Markup {
    html! {
        dl.facts {
            div { dt { "Host" } dd { (c.sut.host.hostname) ", " (c.sut.host.cpu.model) } }
            div { dt { "Run" } dd.mono { (c.run_id) } }
            div { dt { "Started" } dd { (moment(&c.started_at)) @if let Some(d) = lasted(c) { ", took " (d) } } }
            div { dt { "SUT hash" } dd.mono title=(c.sut.hash) { (short(&c.sut.hash)) } }
            div { dt { "Tape" } dd.mono title=(c.tape.sha256) { (short(&c.tape.sha256)) } }
            div {
                dt { "Signed by" }
                @match signer {
                    Some(signer) => dd.mono { (signer) },
                    None => dd { "not signed" },
                }
            }
        }
    }
}

/// RFC 3339 for reading: `2026-11-23 07:30:00 UTC`; left as it is when it is not what it should be.
fn moment(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => text.to_owned(),
    }
}

fn lasted(c: &Certificate) -> Option<String> {
    let from: jiff::Timestamp = c.started_at.parse().ok()?;
    let to: jiff::Timestamp = c.finished_at.parse().ok()?;
    let nanos = to.as_nanosecond().checked_sub(from.as_nanosecond())?;
    let seconds = u64::try_from(nanos).ok()? / Nanos::SECOND.get();
    Some(match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    })
}

/// The beginning of a digest.
fn short(digest: &str) -> String {
    digest.chars().take(16).collect()
}
