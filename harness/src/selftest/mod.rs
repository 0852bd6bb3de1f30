//! `tickcert selftest`: known truths are put into the endpoints, and the method has to find them. What it can't show on
//! a host this noisy it calls inconclusive, never shown.

mod busy;
mod comparisons;
mod faults;
mod ground;
mod interval;
mod paper;
mod stall;

use anyhow::Context;
use serde::Serialize;

use crate::{
    cli::{Failure, Outcome, SelftestArgs, out, start},
    run::progress::Progress,
};
use ground::{Ground, TooBusy};

/// The parts, in order, by the names of `--only`.
const PARTS: [(&str, Part); 5] = [
    ("busy", busy::run),
    ("stall", stall::run),
    ("faults", faults::run),
    ("generator", faults::generator),
    ("comparisons", comparisons::run),
];

type Part = fn(&mut Ground<'_>, Length, &Progress) -> anyhow::Result<Vec<Finding>>;

/// How thorough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Full,
    Short,
}

/// What was shown of one truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Shown {
    /// The method found it.
    Yes,
    /// The method found something else.
    No,
    /// The host is too noisy to tell.
    Inconclusive,
}

impl Shown {
    /// Of both: contradicted if either is, shown only if both are.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Inconclusive,
        }
    }
}

/// One truth, and what the method made of it.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    /// What was put in.
    truth: String,
    /// What came out.
    found: String,
    /// Whether that is the same.
    shown: Shown,
}

impl Finding {
    fn new(truth: impl Into<String>, found: impl Into<String>, shown: bool) -> Self {
        Self { truth: truth.into(), found: found.into(), shown: if shown { Shown::Yes } else { Shown::No } }
    }
}

/// Runs the parts asked for. Exit status 0 when all was shown, 1 when something was contradicted, 3 when something could
/// not be told.
pub(crate) fn main(args: &SelftestArgs) -> Result<Outcome, Failure> {
    let parts = parts(args)?;
    let length = if args.short { Length::Short } else { Length::Full };
    let progress = Progress::new(start::voice(&args.common));
    let cores = start::cores(None)?;
    start::privilege()?;
    let _lock = start::lock(&args.common, &progress)?;
    start::listen()?;
    let site = ground::Site::set_up(cores).map_err(Failure::cannot_run)?;
    let mut ground = Ground::new(&site).map_err(Failure::cannot_run)?;
    let mut findings = Vec::new();
    for (name, part) in parts {
        progress.say(&format!("Part {name}"));
        let found = part(&mut ground, length, &progress).or_else(|e| too_busy(name, e));
        for finding in found.with_context(|| format!("in part {name}")).map_err(Failure::cannot_run)? {
            progress.say(&line(&finding));
            findings.push(finding);
        }
    }
    conclude(&findings, args.common.json)
}

fn parts(args: &SelftestArgs) -> Result<Vec<(&'static str, Part)>, Failure> {
    let known = PARTS.map(|(name, _)| name);
    if let Some(unknown) = args.only.iter().find(|only| !known.contains(&only.as_str())) {
        return Err(Failure::usage(anyhow::anyhow!(
            "the self-test has no part `{unknown}`; it has {}",
            known.join(", ")
        )));
    }
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    Ok(PARTS.into_iter().filter(|(name, _)| wanted(name)).collect())
}

/// What a part found on a host on which it could not even be run: nothing, and that is said.
fn too_busy(part: &str, error: anyhow::Error) -> anyhow::Result<Vec<Finding>> {
    let error = error.downcast::<TooBusy>()?;
    Ok(vec![Finding { truth: format!("part {part}"), found: error.to_string(), shown: Shown::Inconclusive }])
}

fn line(finding: &Finding) -> String {
    let mark = match finding.shown {
        Shown::Yes => "shown",
        Shown::No => "NOT SHOWN",
        Shown::Inconclusive => "inconclusive",
    };
    format!("  {mark:<13}{}: {}", finding.truth, finding.found)
}

fn conclude(findings: &[Finding], json: bool) -> Result<Outcome, Failure> {
    let count = |shown| findings.iter().filter(|f| f.shown == shown).count();
    if json {
        out::json(&findings)?;
    } else {
        let (yes, no, unclear) = (count(Shown::Yes), count(Shown::No), count(Shown::Inconclusive));
        let of = findings.len();
        out::line(format_args!("Of {of} truths put in, {yes} were found, {no} were not, {unclear} could not be told"))?;
    }
    Ok(match (count(Shown::No), count(Shown::Inconclusive)) {
        (0, 0) => Outcome::OK,
        (0, _) => Outcome(3),
        _ => Outcome(1),
    })
}
