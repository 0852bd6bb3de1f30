//! Ctrl-C.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Home, can_measure, names, profiles};

/// Breaks a run off after its first trial.
fn broken_off_by(signal: Signal) {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    home.write("long.toml", profiles::long());
    let mut run = home.start(&["certify", "--profile", "./long.toml", "--out", "out"]);
    run.wait_for("repetition 1:");
    run.signal(signal);
    let ended = run.end().expect(3);
    assert!(ended.err.contains("Interrupted: what there is by now goes into the certificate"), "{}", ended.err);
    assert!(ended.out.contains("not-certifiable: out/certificate.html"), "{}", ended.out);

    let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
    assert_eq!((&certificate["interrupted"], &certificate["verdict"]), (&true.into(), &"not-certifiable".into()));
    assert!(certificate["reasons"].to_string().contains("broken off"), "{}", certificate["reasons"]);
    let kept = certificate["cells"][0]["repetitions"].as_array().unwrap();
    assert!(kept.iter().any(|r| r["valid"] == true) && kept.len() < 20, "{} attempts", kept.len());
    assert_eq!(names(&home.path("out/samples")).len(), kept.len());
    assert!(fs::read_to_string(home.path("out/certificate.html")).unwrap().contains("interrupted"));
    home.run(&["verify", "out"]).expect(0);
    let history = home.run(&["history", "--json"]).expect(0).json();
    assert_eq!(history[0]["interrupted"], true);
    assert_eq!(home.temporary_files(), Vec::<String>::new());
}

#[test]
fn on_ctrl_c_the_results_so_far_are_kept_and_marked() {
    broken_off_by(Signal::SIGINT);
}

#[test]
fn on_a_request_to_terminate_too() {
    broken_off_by(Signal::SIGTERM);
}

/// Trials so long that a search is never at its end before the signal.
const SLOW: &[&str] = &["run", "rate", "--trial", "2s", "--resolution", "1 %"];

#[test]
fn a_search_that_is_broken_off_keeps_the_trials_it_has_made() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    let mut run = home.start(&[SLOW, &["--json"]].concat());
    run.wait_for(" packets/s: held");
    run.signal(Signal::SIGINT);
    let ended = run.end().expect(4);
    let found = ended.json();
    assert_eq!((&found["interrupted"], &found["not_run"]), (&true.into(), &serde_json::json!([])));
    is_broken_off(&found["rates"]);
    let mut run = home.start(SLOW);
    run.wait_for(" packets/s: held");
    run.signal(Signal::SIGINT);
    let ended = run.end().expect(4);
    for part in ["broken off by the user", "Interrupted: the last search is not at its end"] {
        assert!(ended.out.contains(part), "`{part}` is missing in:\n{}", ended.out);
    }
}

#[test]
fn a_run_that_is_broken_off_in_its_search_keeps_the_search_so_far_and_is_marked() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    home.write("sweep.toml", format!("{}\n[sweep]\ntrial = \"2 s\"\nresolution = \"1 %\"\n", profiles::long()));
    let mut run = home.start(&["certify", "--profile", "./sweep.toml", "--out", "out"]);
    run.wait_for(" packets/s: held");
    run.signal(Signal::SIGINT);
    let ended = run.end().expect(3);
    assert!(ended.err.contains("Interrupted: what the search found by now"), "{}", ended.err);
    let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
    assert_eq!((&certificate["interrupted"], &certificate["verdict"]), (&true.into(), &"not-certifiable".into()));
    is_broken_off(&certificate["rates"]);
    let rows = certificate["not_run"].as_array().unwrap();
    assert!(
        rows.iter().all(|row| row["kind"] == "probe"),
        "a search that was broken off found no lane to fail: {rows:?}"
    );
    home.run(&["verify", "out"]).expect(0);
}

/// One search, of some trials and no conclusion.
#[track_caller]
fn is_broken_off(rates: &Value) {
    let [search] = rates.as_array().unwrap().as_slice() else { panic!("{rates}") };
    assert!(!search["trials"].as_array().unwrap().is_empty(), "{search}");
    assert_eq!((&search["limited_by"], &search["why"]), (&"search".into(), &"broken off by the user".into()));
}
