//! JUnit XML: one suite for the certificate, one case for each requirement and one for the verdict on the whole, so that
//! CI shows them like tests.
//!
//! A failed requirement is a `failure`; one that is not certifiable is an `error` of type `not-certifiable`, because
//! nothing was shown to be slow: there is too little evidence; what did not run is `skipped`, with what it needs.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use thiserror::Error;

use crate::{
    certificate::{Certificate, NotRun},
    judge::RequirementResult,
    verdict::Verdict,
};

/// Why the XML could not be written.
#[derive(Debug, Error)]
#[error("JUnit XML could not be made: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// The certificate as JUnit XML.
///
/// # Errors
/// When the library refuses to serialise; text of any kind in the certificate is no reason for it.
pub fn to_xml(certificate: &Certificate) -> Result<String, JunitError> {
    let mut report = Report::new("tickcert");
    report.add_test_suite(suite(certificate));
    Ok(report.to_string()?)
}

fn suite(c: &Certificate) -> TestSuite {
    let mut suite = TestSuite::new(format!("tickcert {}", c.profile.name));
    let mut evidence: Vec<_> = c.cells.iter().map(|c| c.evidence).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let evidence: Vec<_> = evidence.into_iter().map(|e| e.name()).collect();
    let properties = [
        ("run_id", c.run_id.clone()),
        ("verdict", c.verdict.to_string()),
        ("interrupted", c.interrupted.to_string()),
        ("profile_sha256", c.profile.sha256.clone()),
        ("sut_hash", c.sut.hash.clone()),
        ("sut_label", c.sut.label.clone()),
        ("tape_sha256", c.tape.sha256.clone()),
        ("evidence", evidence.join(",")),
        ("tickcert_version", c.tool.version.clone()),
        ("tickcert_commit", c.tool.commit.clone()),
    ];
    suite.add_properties(properties.map(|(k, v)| Property::new(k, v)));
    suite.add_test_case(verdict(c));
    suite.add_test_cases(c.requirements.iter().map(|r| case(c, r)));
    suite.add_test_cases(c.not_run.iter().filter(|n| n.optional).map(|n| skipped(c, n)));
    if !c.not_run.is_empty() {
        let lines: Vec<_> = c
            .not_run
            .iter()
            .map(|n| format!("not run: {} {}: needs {} ({})", n.kind.name(), n.name, n.needs, n.how))
            .collect();
        suite.set_system_out(lines.join("\n"));
    }
    let times = (c.started_at.parse::<jiff::Timestamp>(), c.finished_at.parse::<jiff::Timestamp>());
    if let (Ok(from), Ok(to)) = times
        && let Ok(time) = to.duration_since(from).try_into()
    {
        suite.set_time(time);
    }
    suite
}

/// The whole: every requirement may pass and the run still certify nothing (a clock that drifted, a run broken off). That
/// nothing ran is no success here, as it is none by the exit status.
fn verdict(c: &Certificate) -> TestCase {
    let mut status = match c.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::NotCertifiable | Verdict::NotRun => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if c.verdict != Verdict::Pass {
        status.set_message(c.reasons.join("; ")).set_type(c.verdict.name());
    }
    let mut case = TestCase::new("verdict", status);
    case.set_classname(format!("tickcert.{}", c.profile.name));
    case
}

fn case(c: &Certificate, r: &RequirementResult) -> TestCase {
    let mut status = match r.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::NotCertifiable => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::NotRun => TestCaseStatus::skipped(),
    };
    if r.verdict != Verdict::Pass {
        status.set_message(r.why.clone()).set_type(r.verdict.name()).set_description(details(r));
    }
    let mut case = TestCase::new(r.id.clone(), status);
    case.set_classname(format!("tickcert.{}", c.profile.name));
    case.add_property(("verdict", r.verdict.name()));
    if let Some(evidence) = r.evidence {
        case.add_property(("evidence", evidence.name()));
    }
    if let Some(m) = &r.measured {
        case.add_property(("measured", format!("{} {}", m.value, m.unit).as_str()));
        case.add_property(("samples", m.n.to_string().as_str()));
    }
    case
}

/// What no requirement speaks of, since the profile can do without it.
fn skipped(c: &Certificate, n: &NotRun) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(format!("needs {} ({})", n.needs, n.how)).set_type(Verdict::NotRun.name());
    let mut case = TestCase::new(format!("runs [{}]", n.name), status);
    case.set_classname(format!("tickcert.{}", c.profile.name));
    case
}

fn details(r: &RequirementResult) -> String {
    let mut text = format!("{}\nlimit: {}", r.text, r.limit);
    if let Some(m) = &r.measured {
        text += &format!("\nmeasured: {} {} of {} samples", m.value, m.unit, m.n);
        if let Some([lo, hi]) = m.ci95 {
            text += &format!("\n95 % interval: {lo} to {hi} {}", m.unit);
        }
    }
    if let Some(evidence) = r.evidence {
        text += &format!("\nevidence: {evidence} ({})", evidence.meaning());
    }
    text += &format!("\nwhy: {}", r.why);
    text
}
