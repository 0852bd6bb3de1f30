//! Why, in lines that can be read aloud, most important first.

use super::{RequirementResult, finding::Finding};
use crate::verdict::Verdict;

/// So many requirements are named in one line.
const NAMED: usize = 3;

/// The reasons of all `results` that did not pass, after what stands against the run as a whole; failures before weak
/// evidence before what did not run, unless nothing ran. Requirements with the same reason share a line.
pub(super) fn of(blockers: &[Finding], results: &[RequirementResult], nothing_ran: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut order = [Verdict::Fail, Verdict::NotCertifiable, Verdict::NotRun];
    if nothing_ran {
        order.rotate_right(1);
    }
    for verdict in order {
        let of_run: Vec<&Finding> = blockers.iter().filter(|b| b.verdict == verdict).collect();
        lines.extend(of_run.iter().map(|b| line(verdict, &[], &b.why)));
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for r in results.iter().filter(|r| r.verdict == verdict) {
            match groups.iter_mut().find(|(why, _)| *why == r.why) {
                Some((_, ids)) => ids.push(&r.id),
                None => groups.push((&r.why, vec![&r.id])),
            }
        }
        let said = |why: &str| of_run.iter().any(|b| b.why == why);
        lines.extend(groups.iter().filter(|(why, _)| !said(why)).map(|(why, ids)| line(verdict, ids, why)));
    }
    lines
}

fn line(verdict: Verdict, ids: &[&str], why: &str) -> String {
    let word = match verdict {
        Verdict::Pass => "Passed",
        Verdict::Fail => "Failed",
        Verdict::NotCertifiable => "Not certifiable",
        Verdict::NotRun => "Not run",
    };
    let named = ids[..ids.len().min(NAMED)].join(", ");
    let which = match ids.len() {
        0 => String::new(),
        n if n > NAMED => format!(" {named} and {} more", n - NAMED),
        _ => format!(" {named}"),
    };
    format!("{word}{which}: {}", why.replace(['\r', '\n'], " "))
}
