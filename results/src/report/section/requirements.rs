//! Each requirement with what was measured. Cells of which a requirement says the very same share a row.

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
                    tbody { @for group in groups(&c.requirements) { (row(&group)) } }
                }
            }
        }
    }
}

/// Results that differ only in the cell that they are about.
struct Group<'c> {
    first: &'c RequirementResult,
    /// The requirement's own name.
    id: &'c str,
    cells: Vec<&'c str>,
}

fn groups(results: &[RequirementResult]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for result in results {
        let (id, cell) = named(result);
        match groups.iter_mut().find(|g| g.id == id && says_the_same(g.first, result)) {
            Some(group) => group.cells.extend(cell),
            None => groups.push(Group { first: result, id, cells: cell.into_iter().collect() }),
        }
    }
    groups
}

/// The requirement's name, and the cell behind it: `orders-lost [kernel-udp]`.
fn named(result: &RequirementResult) -> (&str, Option<&str>) {
    match result.id.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [")) {
        Some((id, cell)) => (id, Some(cell)),
        None => (&result.id, None),
    }
}

fn says_the_same(a: &RequirementResult, b: &RequirementResult) -> bool {
    let RequirementResult { id: _, text, verdict, measured, limit, evidence, why } = a;
    (text, verdict, measured, limit, evidence, why) == (&b.text, &b.verdict, &b.measured, &b.limit, &b.evidence, &b.why)
}

fn row(group: &Group<'_>) -> Markup {
    let r = group.first;
    html! {
        tr {
            td { (badge(r.verdict)) }
            td {
                span.id { (group.id) } br; span.dim { (r.text) }
                @if !group.cells.is_empty() { br; span.cells { (group.cells.join(", ")) } }
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{certificate::example, verdict::Verdict};

    #[test]
    fn cells_share_a_row_only_where_nothing_but_their_name_differs() {
        let mut row = example::two_lanes().requirements.remove(0);
        let mut named = |cell: &str| {
            row.id = format!("orders-lost [{cell}]");
            row.clone()
        };
        let (first, second, third) = (named("kernel-udp"), named("kernel-tcp"), named("shm"));
        let failed = RequirementResult { verdict: Verdict::Fail, ..second };
        let alone = RequirementResult { id: "clock".to_owned(), ..third.clone() };
        let all = [first, failed, third, alone];
        let shown: Vec<_> = groups(&all).into_iter().map(|g| (g.id, g.first.verdict, g.cells)).collect();
        let verdict = all[0].verdict;
        assert_eq!(
            shown,
            [
                ("orders-lost", verdict, vec!["kernel-udp", "shm"]),
                ("orders-lost", Verdict::Fail, vec!["kernel-tcp"]),
                ("clock", verdict, vec![])
            ]
        );
    }
}
