//! The certificate as JUnit XML, read back with the library that CI tools read it with.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use tickcert_results::{
    certificate::{Certificate, example},
    export::junit,
    verdict::Verdict,
};

fn parsed(certificate: &Certificate) -> Report {
    let xml = junit::to_xml(certificate).unwrap();
    Report::deserialize_from_str(&xml).unwrap_or_else(|e| panic!("{e}\n{xml}"))
}

#[test]
fn every_requirement_and_the_verdict_are_cases_of_the_one_suite() {
    let certificate = example::two_lanes();
    let report = parsed(&certificate);
    let [suite] = report.test_suites.as_slice() else { panic!("not one suite") };
    assert_eq!(suite.tests, 1 + certificate.requirements.len() + 1);
    assert_eq!((suite.failures, suite.errors, suite.skipped), (0, 0, 1));
    let optional = suite.test_cases.last().unwrap();
    assert_eq!(optional.name.as_str(), "runs [afxdp-zc]", "a lane that may be missing is none that passed");
    assert!(
        matches!(&optional.status, TestCaseStatus::Skipped { message: Some(why), .. } if why.contains("zero-copy"))
    );
    let property =
        |name: &str| suite.properties.iter().find(|p| p.name.as_str() == name).map(|p| p.value.as_str().to_owned());
    assert_eq!(property("sut_hash"), Some(certificate.sut.hash));
    assert_eq!(property("tape_sha256"), Some(certificate.tape.sha256));
    assert_eq!(property("evidence").as_deref(), Some("emulated"));
    assert!(suite.system_out.as_ref().unwrap().as_str().contains("onload"));
}

#[test]
fn the_four_verdicts_can_be_told_apart() {
    let mut certificate = example::two_lanes();
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::NotCertifiable, Verdict::NotRun];
    for (r, verdict) in certificate.requirements.iter_mut().zip(verdicts) {
        r.verdict = verdict;
        r.why = format!("because {verdict}");
    }
    let report = parsed(&certificate);
    let cases = &report.test_suites[0].test_cases[1..];
    assert!(matches!(cases[0].status, TestCaseStatus::Success { .. }));
    let (kind, why) = non_success(&cases[1].status);
    assert_eq!((kind, why.as_str()), (NonSuccessKind::Failure, "because fail"));
    let (kind, why) = non_success(&cases[2].status);
    assert_eq!((kind, why.as_str()), (NonSuccessKind::Error, "because not-certifiable"));
    let TestCaseStatus::Skipped { message: Some(why), ty: Some(ty), .. } = &cases[3].status else {
        panic!("{:?}", cases[3].status)
    };
    assert_eq!((why.as_str(), ty.as_str()), ("because not-run", "not-run"));
}

#[test]
fn requirements_that_all_pass_are_not_green_when_the_whole_does_not() {
    for (verdict, wanted) in [
        (Verdict::Fail, NonSuccessKind::Failure),
        (Verdict::NotCertifiable, NonSuccessKind::Error),
        (Verdict::NotRun, NonSuccessKind::Error),
    ] {
        let mut certificate = example::two_lanes();
        certificate.verdict = verdict;
        certificate.reasons = vec!["the clock drifted".to_owned()];
        let report = parsed(&certificate);
        let whole = &report.test_suites[0].test_cases[0];
        assert_eq!(whole.name.as_str(), "verdict");
        assert_eq!(non_success(&whole.status), (wanted, "the clock drifted".to_owned()));
    }
}

fn non_success(status: &TestCaseStatus) -> (NonSuccessKind, String) {
    match status {
        TestCaseStatus::NonSuccess { kind, message: Some(why), .. } => (*kind, why.as_str().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn text_that_tries_to_break_out_of_xml_stays_text() {
    let report = parsed(&example::hostile());
    let case = &report.test_suites[0].test_cases[1];
    assert!(case.name.as_str().contains("]]>"), "{case:?}");
}
