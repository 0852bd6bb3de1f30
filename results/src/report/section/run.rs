//! The workload, and what did not run.

use maud::{Markup, html};

use crate::{certificate::Certificate, report::text};

pub(in crate::report) fn not_run(c: &Certificate) -> Markup {
    html! {
        section #not-run {
            h2 { "What did not run, and what it needs" }
            @if c.not_run.is_empty() {
                p { "Everything that was asked for ran." }
            } @else {
                table {
                    thead { tr { th { "What" } th { "Needs" } th { "How to get it" } } }
                    tbody {
                        @for n in &c.not_run {
                            tr {
                                td { span.dim { (n.kind.name()) @if n.optional { ", optional" } } br; span.id { (n.name) } }
                                td { (n.needs) }
                                td { (commands(&n.how)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What stands in back-quotes is set as code.
fn commands(how: &str) -> Markup {
    html! {
        @for (at, part) in how.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

pub(in crate::report) fn tape(c: &Certificate) -> Markup {
    let t = &c.tape;
    let mut passes: Vec<_> = c.cells.iter().map(|c| c.load.passes).collect();
    passes.sort_unstable();
    passes.dedup();
    let passes: Vec<_> = passes.iter().map(ToString::to_string).collect();
    html! {
        section #tape {
            h2 { "Tape" }
            dl.table {
                dt { "Source" } dd { (t.source) }
                dt { "One pass" }
                dd {
                    (text::count(t.packets)) " packets, " (text::count(t.messages)) " messages, "
                    (text::count(t.expected_orders)) " orders expected, " (text::duration(t.duration_ns)) " at tape speed"
                }
                @if !passes.is_empty() {
                    dt { "Played" } dd { (passes.join(" or ")) " times in each repetition" }
                }
                dt { "Strategy" } dd { (t.strategy) }
                dt { "SHA-256 of the tape" } dd.mono { (t.sha256) }
                dt { "SHA-256 of its orders" } dd.mono { (t.orders_sha256) }
                @if !t.notes.is_empty() {
                    dt { "Noticed" } dd { (t.notes.join("; ")) }
                }
            }
        }
    }
}
