//! Runs from which something was taken away that root has on this host: they go on with the rest.

use std::{fs, process::Command};

use serde_json::Value;
use tickcert::bench::user_namespace::{self, Privilege};

use crate::support::{Ended, Home, can_measure, has};

/// The certificate of a command that measures a profile, which the words of `within` begin, as root; none where it can't be tried.
pub(crate) fn measure(within: &[&str], command: &[&str], profile: &str) -> Option<Value> {
    if user_namespace::present() != Some(Privilege::Host) {
        println!("SKIPPED: needs root, to take something away from a run");
        return None;
    }
    if !can_measure() || !within.first().is_none_or(|program| has(program)) {
        return None;
    }
    let home = Home::new();
    home.write("once.toml", profile);
    let words = ["--profile", "./once.toml", "--out", "out"];
    let all = [within, &[env!("CARGO_BIN_EXE_tickcert")], command, &words].concat();
    let ended = Ended::of(home.dress(&mut Command::new(all[0])).args(&all[1..]));
    let refused = |line: &str| {
        ["unshare: ", "setpriv: ", "mount: ", "umount: ", "sh: "].iter().any(|program| line.starts_with(program))
    };
    if ended.err.lines().any(refused) && !home.path("out").exists() {
        println!("SKIPPED: {within:?} can't be done here: {}", ended.err);
        return None;
    }
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
    let repetitions = certificate["cells"][0]["repetitions"].as_array().unwrap();
    assert!(repetitions.iter().any(|r| r["valid"] == true), "the rest goes on: {}", certificate["not_run"]);
    Some(certificate)
}
