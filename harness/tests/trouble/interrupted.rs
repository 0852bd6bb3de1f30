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
