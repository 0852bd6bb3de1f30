//! Requirements: what is measured, and what it must be. Here it is only checked that a requirement can be judged at all;
//! the judging is done in `tickcert_results::judge`.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    LaneSelection, ProfileError, Run,
    check::Document,
    metric::{self, LimitForm},
    raw::{RawRequirement, Scalar},
    suggest,
    window::ProfileLoad,
};

/// What must hold for the system to pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// Its name, unique in the profile.
    pub id: String,
    /// In words.
    pub text: String,
    /// What is measured.
    pub metric: String,
    /// What it must be.
    pub limit: String,
    /// The lanes it is about; all when empty.
    pub lanes: Vec<String>,
    /// The modes of load it is about; all when empty.
    pub loads: Vec<String>,
}

/// Checks each and all together.
pub(super) fn all(
    doc: &Document<'_>,
    raw: &[Spanned<RawRequirement>],
    run: &Run,
    loads: &[ProfileLoad],
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

fn one(
    doc: &Document<'_>,
    raw: &RawRequirement,
    run: &Run,
    loads: &[ProfileLoad],
) -> Result<Requirement, ProfileError> {
    let metric = raw.metric.get_ref();
    let Some(form) = metric::limit_form(metric) else {
        let names = metric::names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = format!("no metric `{metric}`{}", suggest::did_you_mean(metric, &names));
        return Err(doc.error(&raw.metric, what, "docs/PROFILES.md lists every metric"));
    };
    let limit = limit(doc, &raw.limit, form)?;
    for lane in &raw.lanes {
        if let LaneSelection::Named(named) = &run.lanes
            && !named.contains(lane.get_ref())
        {
            let what = format!("a requirement about lane `{}`, which this profile doesn't run", lane.get_ref());
            return Err(doc.error(lane, what, format!("lanes that it runs: {}", named.join(", "))));
        }
    }
    let modes: Vec<&str> = loads.iter().map(|l| l.load.mode()).collect();
    for load in &raw.loads {
        if !modes.contains(&load.get_ref().as_str()) {
            let what = format!("a requirement about load `{}`, which this profile doesn't have", load.get_ref());
            return Err(doc.error(load, what, format!("modes of its loads: {}", modes.join(", "))));
        }
    }
    Ok(Requirement {
        id: raw.id.get_ref().clone(),
        text: raw.text.clone().unwrap_or_else(|| format!("{metric} {limit}")),
        metric: metric.clone(),
        limit,
        lanes: raw.lanes.iter().map(|l| l.get_ref().clone()).collect(),
        loads: raw.loads.iter().map(|l| l.get_ref().clone()).collect(),
    })
}

fn limit(doc: &Document<'_>, value: &Spanned<Scalar>, form: LimitForm) -> Result<String, ProfileError> {
    let text = match value.get_ref() {
        Scalar::Text(text) | Scalar::Number(text) => text,
    };
    if matches!(value.get_ref(), Scalar::Text(_)) && form.accepts(text) {
        return Ok(text.clone());
    }
    let what = match value.get_ref() {
        Scalar::Number(number) => {
            format!("a limit of `{number}` says neither which side of it is good nor in what unit")
        }
        Scalar::Text(text) if form.lacks_only_a_unit(text) => {
            format!("the limit `{text}` has no unit")
        }
        Scalar::Text(text) => format!("`{text}` is no limit for this metric"),
    };
    Err(doc.error(value, what, format!("write for example: limit = \"{}\"", form.corrected(text))))
}
