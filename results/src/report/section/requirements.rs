//! Each requirement with what was measured.

use maud::{Markup, html};

use super::{badge, chip};
use crate::{
    certificate::Certificate,
    judge::{Measured, RequirementResult},
    report::text,
};

pub(in crate::report) fn requirements(c: &Certificate) -> Markup {
    html! {
        section #requirements {
            h2 { "Requirements" }
            @if c.requirements.is_empty() {
                p { "Nothing could be judged." }
            } @else {
                table.requirements {
                    thead { tr {
                        th { "Verdict" } th { "Requirement" } th.num { "Measured" } th { "Limit" } th { "Evidence" } th { "Why" }
                    } }
                    tbody { @for r in &c.requirements { (row(r)) } }
                }
            }
        }
    }
}

fn row(r: &RequirementResult) -> Markup {
    html! {
        tr {
            td { (badge(r.verdict)) }
            td { span.id { (r.id) } br; span.dim { (r.text) } }
            td.num { @match &r.measured { Some(m) => (measured(m)), None => "–" } }
            td { (r.limit) }
            td { @match r.evidence { Some(e) => (chip(e)), None => "–" } }
            td { (r.why) }
        }
    }
}

fn measured(m: &Measured) -> Markup {
    html! {
        (text::measured(m.value, &m.unit))
        @if let Some([lo, hi]) = m.ci95 {
            br; span.ci title="95 % interval" { (text::measured(lo, &m.unit)) " – " (text::measured(hi, &m.unit)) }
        }
        br; span.ci { "n " (text::count(m.n)) }
    }
}
