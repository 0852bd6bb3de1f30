//! Requirements, and the verdict on each.
//!
//! Two kinds of requirement are told apart. What is asked of the system (latencies, orders) can *fail*. What is asked of
//! the measurement (evidence, repetitions, samples, rate, schedule, noise, clock, stamps, a host that is no virtual
//! machine) cannot: where it isn't met, the system has not been shown to be bad, it has not been shown at all, and the
//! verdict is `not-certifiable`.

mod conditions;
mod finding;
mod ground;
mod latency;
mod limit;
mod metric;
mod orders;
mod rate;
mod reasons;
mod requirement;
mod rests;
mod scope;
mod slots;

pub use limit::{Bound, Limit, Relation};
pub use metric::{Dimension, Direction, Distribution, Metric, OrderFault, ScheduleStatistic, UnknownMetric};
pub use requirement::{Requirement, RequirementError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{finding::Finding, ground::Ground};
use crate::{
    certificate::{Cell, Certificate},
    evidence::Evidence,
    verdict::Verdict,
};

/// The verdict on a certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Each requirement, once for each cell that it is about.
    pub results: Vec<RequirementResult>,
    /// The verdict on the whole.
    pub verdict: Verdict,
    /// Why, most important first, a line each; empty for a pass only.
    pub reasons: Vec<String>,
}

/// Judges `certificate` by `requirements`. What stands in its fields `verdict`, `reasons` and `requirements` is not looked
/// at.
#[must_use]
pub fn judge(requirements: &[Requirement], certificate: &Certificate) -> Judgement {
    let ground = Ground::new(requirements, certificate);
    let results: Vec<RequirementResult> = requirements
        .iter()
        .flat_map(|r| {
            if r.metric.is_per_lane() {
                return rate::results(r, &ground);
            }
            scope::results(r, certificate, |cell| finding(r, cell, &ground))
        })
        .chain(scope::not_run(requirements, certificate))
        .collect();
    let blockers = ground.blockers(requirements);
    let verdicts = results.iter().map(|r| r.verdict).chain(blockers.iter().map(|b| b.verdict));
    // Weak evidence about a host on which nothing ran is no finding about a run.
    let nothing_ran = certificate.cells.is_empty();
    let verdict = if nothing_ran { Verdict::NotRun } else { Verdict::of_all(verdicts) };
    let reasons = reasons::of(&blockers, &results, nothing_ran);
    Judgement { results, verdict, reasons }
}

/// What `requirement` comes to; `cell` is there whenever its metric is about cells.
fn finding(requirement: &Requirement, cell: Option<&Cell>, ground: &Ground<'_>) -> Finding {
    let found = stamps_permitting(cell, alone(requirement, cell, ground), &requirement.metric);
    match cell.and_then(slots::gap) {
        Some(why) if found.verdict == Verdict::Pass => Finding { verdict: Verdict::NotCertifiable, why, ..found },
        _ => found,
    }
}

/// Where the profile requires hardware stamps that the cell hasn't, nothing about it passes, and no latency fails either: it
/// was not measured as was asked for. Orders that were lost are lost all the same.
fn stamps_permitting(cell: Option<&Cell>, found: Finding, metric: &Metric) -> Finding {
    let why = cell.and_then(|cell| cell.stamps.as_ref()?.not_certifiable.clone());
    let about_time = matches!(metric, Metric::Latency(..));
    match (why, found.verdict) {
        (Some(why), Verdict::Pass) => Finding { verdict: Verdict::NotCertifiable, why, ..found },
        (Some(why), Verdict::Fail) if about_time => Finding { verdict: Verdict::NotCertifiable, why, ..found },
        _ => found,
    }
}

/// The same, whether or not every repetition became valid, and stamps could be had.
fn alone(requirement: &Requirement, cell: Option<&Cell>, ground: &Ground<'_>) -> Finding {
    let bound = requirement.limit.bound;
    match (&requirement.metric, cell) {
        (Metric::Latency(of, q), Some(cell)) => latency::finding(cell, of, *q, &requirement.limit, ground),
        (Metric::Orders(fault), Some(cell)) => orders::fault(cell, *fault, bound, ground),
        (Metric::OrdersDigest, Some(cell)) => orders::digest(cell, ground),
        (metric, Some(cell)) => conditions::of_cell(metric, cell, bound, ground),
        (metric, None) => conditions::of_host(metric, bound, ground.certificate),
    }
}

/// A requirement with what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    /// The profile's name for it, with the cell where it is about one: `t2t-p99 [kernel-udp]`.
    pub id: String,
    /// In words.
    pub text: String,
    /// Verdict on this requirement.
    pub verdict: Verdict,
    /// What was measured, where it is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The limit, as the profile writes it.
    pub limit: String,
    /// What the number rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Why this verdict.
    pub why: String,
}

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// Value.
    pub value: f64,
    /// `ns`, `packets/s`, `count`, `ratio`.
    pub unit: String,
    /// 95 % interval, where there is one.
    pub ci95: Option<[f64; 2]>,
    /// Samples behind it.
    pub n: u64,
}

/// Why no time in `certificate` can be trusted, where the evidence is against its clock.
pub(crate) fn invalid_clock(certificate: &Certificate) -> Option<String> {
    match ground::clocks(certificate) {
        Err(ground::ClockFault::Invalid(why)) => Some(why),
        _ => None,
    }
}
