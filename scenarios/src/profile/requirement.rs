//! Requirements. What a metric is and how its limit is written is known to `tickcert_results::judge`; here a fault is given
//! its place in the file, and a requirement that could never apply is refused.

use std::collections::HashSet;

use tickcert_results::judge::{Requirement, RequirementError};
use toml::Spanned;

use super::{
    LaneSelection, ProfileError, Run,
    check::Document,
    raw::{RawRequirement, Scalar},
    window::{LoadSpec, SweepSpec},
};

/// What the profile runs, and so what a requirement can be about.
pub(super) struct Runs<'p> {
    /// Lanes by name; `None` for all there are.
    lanes: Option<Vec<&'p str>>,
    /// Modes of load, and the points of the sweep.
    loads: Vec<String>,
    sweeps: bool,
}

impl<'p> Runs<'p> {
    pub(super) fn new(run: &'p Run, loads: &[LoadSpec], sweep: Option<&SweepSpec>) -> Self {
        let lanes = match &run.lanes {
            LaneSelection::All => None,
            LaneSelection::Named(named) => Some(named.iter().chain(&run.optional_lanes).map(String::as_str).collect()),
        };
        let mut loads: Vec<String> = loads.iter().map(|l| l.arrival.mode().to_owned()).collect();
        loads.dedup();
        if let Some(sweep) = sweep {
            loads.push("sweep".to_owned());
            loads.extend(sweep.points().map(|point| point.to_string()));
        }
        Self { lanes, loads, sweeps: sweep.is_some() }
    }
}

/// Checks each and all together.
pub(super) fn all(
    doc: &Document<'_>,
    raw: &[Spanned<RawRequirement>],
    runs: &Runs<'_>,
) -> Result<Vec<Requirement>, ProfileError> {
    if raw.is_empty() {
        let remedy = "add one: a line `[[requirement]]`, below it `id`, `metric` and `limit`";
        return Err(doc.at_end("no requirement: a certificate by this profile would say nothing", remedy));
    }
    let mut ids = HashSet::new();
    raw.iter()
        .map(|r| {
            let requirement = one(doc, r.get_ref(), runs)?;
            if !ids.insert(requirement.id.clone()) {
                let what = format!("a second requirement with the id `{}`", requirement.id);
                return Err(doc.error(&r.get_ref().id, what, "give each its own, since reports name them by it"));
            }
            Ok(requirement)
        })
        .collect()
}

fn one(doc: &Document<'_>, raw: &RawRequirement, runs: &Runs<'_>) -> Result<Requirement, ProfileError> {
    if let Some(named) = &runs.lanes {
        applies(doc, "lane", &raw.lanes, named)?;
    }
    let loads: Vec<&str> = runs.loads.iter().map(String::as_str).collect();
    applies(doc, "load", &raw.loads, &loads)?;
    let (Scalar::Text(limit) | Scalar::Number(limit)) = raw.limit.get_ref();
    let texts = |list: &[Spanned<String>]| list.iter().map(|s| s.get_ref().clone()).collect();
    let (lanes, loads) = (texts(&raw.lanes), texts(&raw.loads));
    let requirement = Requirement::new(raw.id.get_ref(), raw.text.clone(), raw.metric.get_ref(), limit, lanes, loads)
        .map_err(|e| placed(doc, raw, &e))?;
    about_a_rate(doc, raw, &requirement, runs)?;
    Ok(requirement)
}

/// Refuses a requirement on a lane's highest rate that nothing searches for, or that names loads.
fn about_a_rate(
    doc: &Document<'_>,
    raw: &RawRequirement,
    requirement: &Requirement,
    runs: &Runs<'_>,
) -> Result<(), ProfileError> {
    if !requirement.metric.is_per_lane() {
        return Ok(());
    }
    if !runs.sweeps {
        let what = format!("`{}` without a table `[sweep]`: nothing searches for it", requirement.metric);
        return Err(doc.error(&raw.metric, what, "add a line `[sweep]`; every key of it has a default"));
    }
    raw.loads.first().map_or(Ok(()), |load| {
        let what = format!("`{}` is about a lane, whatever the load", requirement.metric);
        Err(doc.error(load, what, "leave `loads` out"))
    })
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
