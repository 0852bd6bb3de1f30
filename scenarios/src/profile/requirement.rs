//! Requirements. What a metric is and how its limit is written is known to `tickcert_results::judge`; here a fault is given
//! its place in the file, and a requirement that could never apply is refused.

use std::collections::HashSet;

use tickcert_results::judge::{Requirement, RequirementError};
use toml::Spanned;

use super::{
    LaneSelection, ProfileError, Run,
    check::Document,
    raw::{RawRequirement, Scalar},
    window::LoadSpec,
};

/// Checks each and all together.
pub(super) fn all(
    doc: &Document<'_>,
    raw: &[Spanned<RawRequirement>],
    run: &Run,
    loads: &[LoadSpec],
) -> Result<Vec<Requirement>, ProfileError> {
    if raw.is_empty() {
        let remedy = "add one: a line `[[requirement]]`, below it `id`, `metric` and `limit`";
        return Err(doc.at_end("no requirement: a certificate by this profile would say nothing", remedy));
    }
    let mut ids = HashSet::new();
    raw.iter()
        .map(|r| {
            let requirement = one(doc, r.get_ref(), run, loads)?;
            if !ids.insert(requirement.id.clone()) {
                let what = format!("a second requirement with the id `{}`", requirement.id);
                return Err(doc.error(&r.get_ref().id, what, "give each its own, since reports name them by it"));
            }
            Ok(requirement)
        })
        .collect()
}

fn one(doc: &Document<'_>, raw: &RawRequirement, run: &Run, loads: &[LoadSpec]) -> Result<Requirement, ProfileError> {
    if let LaneSelection::Named(named) = &run.lanes {
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        applies(doc, "lane", &raw.lanes, &named)?;
    }
    let mut modes: Vec<&str> = loads.iter().map(|l| l.arrival.mode()).collect();
    modes.dedup();
    applies(doc, "load", &raw.loads, &modes)?;
    let (Scalar::Text(limit) | Scalar::Number(limit)) = raw.limit.get_ref();
    let texts = |list: &[Spanned<String>]| list.iter().map(|s| s.get_ref().clone()).collect();
    let (lanes, loads) = (texts(&raw.lanes), texts(&raw.loads));
    Requirement::new(raw.id.get_ref(), raw.text.clone(), raw.metric.get_ref(), limit, lanes, loads)
        .map_err(|e| placed(doc, raw, &e))
}

/// Refuses a requirement about something that the profile doesn't run.
fn applies(doc: &Document<'_>, kind: &str, wanted: &[Spanned<String>], run: &[&str]) -> Result<(), ProfileError> {
    match wanted.iter().find(|w| !run.contains(&w.get_ref().as_str())) {
        None => Ok(()),
        Some(stray) => {
            let what = format!("a requirement about {kind} `{}`, which this profile doesn't run", stray.get_ref());
            Err(doc.error(stray, what, format!("{kind}s that it runs: {}", run.join(", "))))
        }
    }
}

/// The judge's complaint, at the place of the value that it is about.
fn placed(doc: &Document<'_>, raw: &RawRequirement, e: &RequirementError) -> ProfileError {
    match e {
        RequirementError::NoId => {
            doc.error(&raw.id, "a requirement without a name", "write for example: id = \"t2t-p99\"")
        }
        RequirementError::Metric { source, .. } => {
            doc.error(&raw.metric, format!("unknown metric `{}`", source.metric), source.remedy())
        }
        RequirementError::NoUnit { limit, corrected, .. } => {
            doc.error(&raw.limit, format!("the limit `{limit}` has no unit"), format!("write: limit = \"{corrected}\""))
        }
        RequirementError::Limit { limit, metric, example, .. } => {
            let what = format!("`{limit}` is no limit for `{metric}`");
            doc.error(&raw.limit, what, format!("write for example: limit = \"{example}\""))
        }
    }
}
