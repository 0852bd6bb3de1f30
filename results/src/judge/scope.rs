//! Which cells a requirement is about, and what is said where there is none.

use super::{Requirement, RequirementResult, finding::Finding, rests};
use crate::{
    certificate::{Cell, Certificate, NotRun, NotRunKind},
    evidence::Evidence,
    verdict::Verdict,
};

/// The results of `requirement`: one for each cell that it covers, one for each lane that it names and that did not run,
/// or one for the host.
pub(super) fn results(
    requirement: &Requirement,
    certificate: &Certificate,
    judge: impl Fn(Option<&Cell>) -> Finding,
) -> Vec<RequirementResult> {
    if !requirement.metric.is_per_cell() {
        return vec![result(requirement, requirement.id.clone(), None, judge(None))];
    }
    let covered = certificate.cells.iter().filter(|c| requirement.covers(c));
    let mut results: Vec<_> = covered
        .map(|cell| {
            let id = format!("{} [{}]", requirement.id, label(cell, &certificate.cells));
            result(requirement, id, Some(rests::on(&requirement.metric, cell.evidence)), judge(Some(cell)))
        })
        .collect();
    for lane in &requirement.lanes {
        let covers = |c: &Cell| requirement.covers(c) && (c.lane == *lane || c.whole_lane() == *lane);
        if !certificate.cells.iter().any(covers) {
            let finding = Finding::new(Verdict::NotRun, why_not_run(lane, certificate));
            results.push(result(requirement, format!("{} [{lane}]", requirement.id), None, finding));
        }
    }
    if results.is_empty() {
        let loads = if requirement.loads.is_empty() { String::new() } else { loads(requirement) };
        let queue = certificate.not_run.iter().find(|row| row.kind == NotRunKind::Queue);
        let why = queue.map(|row| format!(": {}", need(row))).unwrap_or_default();
        let finding = Finding::new(Verdict::NotRun, format!("no lane ran{loads}{why}"));
        results.push(result(requirement, requirement.id.clone(), None, finding));
    }
    results
}

fn loads(requirement: &Requirement) -> String {
    format!(" with the load {}", requirement.loads.join(" or "))
}

/// A lane, a load or a placement that was asked for and did not run, or not all of it, while a requirement is about its lane: it was
/// meant too, unless the profile wants it only where it can be had.
pub(super) fn not_run(requirements: &[Requirement], certificate: &Certificate) -> Vec<RequirementResult> {
    let meant = |row: &&NotRun| {
        let of_lanes = requirements.iter().filter(|r| !r.metric.is_about_host());
        // Of a lane that it names and that has no cell at all, the requirement itself says that it did not run.
        let in_part = |lane: &String| certificate.cells.iter().any(|c| c.lane == *lane || c.whole_lane() == *lane);
        let names = |r: &Requirement| r.lanes.iter().any(|lane| row.is_of_lane(lane) && in_part(lane));
        of_lanes.into_iter().any(|r| r.lanes.is_empty() || row.is_of_all_lanes() || names(r))
    };
    let rows = certificate
        .not_run
        .iter()
        .filter(|n| matches!(n.kind, NotRunKind::Lane | NotRunKind::Load | NotRunKind::Placement | NotRunKind::Queue));
    rows.filter(|row| !row.optional)
        .filter(meant)
        .map(|row| RequirementResult {
            id: format!("runs [{}]", row.name),
            text: format!("The {} {} runs", row.kind.name(), row.name),
            verdict: Verdict::NotRun,
            measured: None,
            limit: "runs".to_owned(),
            evidence: None,
            why: need(row),
        })
        .collect()
}

pub(super) fn why_not_run(lane: &str, certificate: &Certificate) -> String {
    let rows = || certificate.not_run.iter();
    let placement = || rows().find(|n| n.kind == NotRunKind::Placement && n.is_of_lane(lane));
    let queue = || rows().find(|n| n.kind == NotRunKind::Queue && (n.is_of_all_lanes() || n.is_of_lane(lane)));
    let row = rows().find(|n| n.is_lane(lane));
    match row.or_else(|| placement().or_else(queue).filter(|_| !certificate.cells.iter().any(|c| c.lane == lane))) {
        Some(row) => need(row),
        None if certificate.cells.iter().any(|c| c.lane == lane) => {
            format!("the lane {lane} did not run with the load asked for")
        }
        None => format!("the lane {lane} is not part of this run: add it to the profile's lanes"),
    }
}

fn need(row: &NotRun) -> String {
    let how = if row.how.is_empty() { String::new() } else { format!(" ({})", row.how) };
    format!("the {} {} did not run: it needs {}{how}", row.kind.name(), row.name, row.needs)
}

pub(super) fn result(
    requirement: &Requirement,
    id: String,
    evidence: Option<Evidence>,
    finding: Finding,
) -> RequirementResult {
    RequirementResult {
        id,
        text: requirement.text.clone(),
        verdict: finding.verdict,
        measured: finding.measured,
        limit: requirement.limit.text.clone(),
        evidence,
        why: finding.why,
    }
}

/// The shortest name that tells `cell` from all others: its lane, then its load, then its placement.
fn label(cell: &Cell, all: &[Cell]) -> String {
    let shorter: [fn(&Cell) -> String; 3] = [
        Cell::title,
        |c| format!("{}, {}", c.title(), c.load.text),
        |c| format!("{}, {}, {}", c.title(), c.load.text, placement(c)),
    ];
    let unique = |name: &&fn(&Cell) -> String| all.iter().filter(|c| name(c) == name(cell)).count() <= 1;
    shorter.iter().find(unique).map_or_else(
        || format!("{}, {}, {}, {:?}", cell.title(), cell.load.text, placement(cell), cell.order_channel),
        |name| name(cell),
    )
}

/// `cores 0-1`, or the class of a matrix's placement.
fn placement(cell: &Cell) -> String {
    let name = &cell.placement.name;
    if cell.placement.class.is_some() { name.clone() } else { format!("cores {name}") }
}
