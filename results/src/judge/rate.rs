//! Requirements on the highest rate without loss: one result for each lane.
//!
//! The truth lies between the highest rate that held and the lowest that failed, and both must be on one side of the
//! limit. Where it was the exchange that could send no faster, or the search that ended, the lane has not been shown to
//! be bad: it has not been shown.

use super::{
    Bound, Requirement, RequirementResult,
    finding::Finding,
    ground::Ground,
    rests,
    scope::{result, why_not_run},
};
use crate::{
    certificate::{RateLimit, RateSearch},
    evidence::Evidence,
    verdict::Verdict,
};

pub(super) fn results(requirement: &Requirement, ground: &Ground<'_>) -> Vec<RequirementResult> {
    let certificate = ground.certificate;
    let covered = certificate.rates.iter().filter(|s| requirement.names_lane(&s.lane, &s.title()));
    let row = |name: &str, evidence: Option<Evidence>, finding: Finding| {
        result(requirement, format!("{} [{name}]", requirement.id), evidence, finding)
    };
    let mut results: Vec<_> =
        covered.map(|s| row(&s.title(), Some(evidence(requirement, s)), of_search(requirement, s, ground))).collect();
    for lane in &requirement.lanes {
        if !certificate.rates.iter().any(|s| s.lane == *lane || s.title() == *lane) {
            results.push(row(lane, None, Finding::new(Verdict::NotRun, no_search(lane, ground))));
        }
    }
    if results.is_empty() {
        let finding = Finding::new(Verdict::NotRun, "no lane's rate was searched for");
        results.push(result(requirement, requirement.id.clone(), None, finding));
    }
    results
}

fn no_search(lane: &str, ground: &Ground<'_>) -> String {
    let ran = ground.certificate.cells.iter().any(|c| c.lane == lane || c.whole_lane() == lane);
    if ran { format!("the rate of {lane} was not searched for") } else { why_not_run(lane, ground.certificate) }
}

/// A rate is counted by the processor's clock.
fn evidence(requirement: &Requirement, search: &RateSearch) -> Evidence {
    rests::on(&requirement.metric, search.evidence)
}

fn of_search(requirement: &Requirement, search: &RateSearch, ground: &Ground<'_>) -> Finding {
    if let Err(fault) = &ground.clock {
        return Finding::not_certifiable(fault.why());
    }
    let asked = ground.evidence_asked_of_lane(|r| r.names_lane(&search.lane, &search.title()));
    let rests = evidence(requirement, search);
    if rests < asked {
        return Finding::not_certifiable(format!(
            "the evidence is {rests} ({}), but {asked} or better is asked for",
            search.evidence_why
        ));
    }
    let Bound::Number(relation, limit) = requirement.limit.bound else {
        return Finding::not_certifiable("the limit is not one for a rate");
    };
    let finite = |rate: f64| rate.is_finite() && rate > 0.0;
    let Some(highest) = search.highest_pps.map(|r| r.0).filter(|r| finite(*r)) else {
        return against_none(search);
    };
    let trials = u64::try_from(search.trials.len()).unwrap_or(u64::MAX);
    let fails_at = search.fails_at_pps.map(|r| r.0).filter(|r| finite(*r));
    let finding = if relation.holds(highest, limit) {
        Finding::new(Verdict::Pass, format!("{highest:.0} packets/s held"))
    } else if !blames_system(search.limited_by) {
        let why = format!("{highest:.0} packets/s held; whether more would is not known: {}", search.why);
        Finding::not_certifiable(why)
    } else if let Some(fails_at) = fails_at.filter(|f| relation.holds(*f, limit)) {
        Finding::not_certifiable(format!(
            "{highest:.0} packets/s held and {fails_at:.0} failed, with the limit between: search with a finer resolution"
        ))
    } else {
        Finding::new(Verdict::Fail, format!("{highest:.0} packets/s is the highest that held: {}", search.why))
    };
    finding.with(highest, "packets/s", trials)
}

/// No rate held at all.
fn against_none(search: &RateSearch) -> Finding {
    let verdict = if blames_system(search.limited_by) { Verdict::Fail } else { Verdict::NotCertifiable };
    Finding::new(verdict, format!("no rate held: {}", search.why))
}

const fn blames_system(limit: RateLimit) -> bool {
    matches!(limit, RateLimit::Trader | RateLimit::Lane)
}
