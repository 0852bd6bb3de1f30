//! Disks that are full: small ones, in a mount namespace that goes with the command.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::support::{Ended, Home, can_measure, has, names, profiles};

/// Mounts a disk of so many KiB at the folder `disk`, runs tickcert, and copies what is on the disk then to `copy`.
const ALL_ON_IT: &str = r#"
mount -t tmpfs -o "size=$1k" tmpfs disk || exit 99
shift
"$@"
status=$?
cp -r disk copy
exit $status"#;

/// The same, with the disk below the folder for the samples only: that folder is made before the noise is watched, seconds
/// before the first samples.
const SAMPLES_ON_IT: &str = r#"
size=$1
shift
"$@" &
until [ -d disk/samples ]; do kill -0 $! || exit 98; sleep 0.01; done
mount -t tmpfs -o "size=${size}k" tmpfs disk/samples || exit 99
wait $!
status=$?
cp -r disk copy
exit $status"#;

/// Certifies with a disk of `kib`; none where a disk can't be mounted.
fn on_a_disk_of(
    (kib, script): (u32, &str),
    profile: String,
    home: &Home,
    arguments: &[&str],
    environment: Option<(&str, &Path)>,
) -> Option<Ended> {
    if !can_measure() || !has("unshare") {
        return None;
    }
    home.write("mine.toml", profile);
    fs::create_dir(home.path("disk")).unwrap();
    let mut command = Command::new("unshare");
    home.dress(&mut command);
    command.args(["-rm", "sh", "-c", script, "sh", &kib.to_string(), env!("CARGO_BIN_EXE_tickcert"), "certify"]);
    command.args(["--profile", "./mine.toml"]).args(arguments).envs(environment);
    let ended = Ended::of(&mut command);
    if ended.status == Some(99) || ended.err.contains("unshare failed") {
        println!("SKIPPED: a tmpfs can't be mounted in a namespace of its own here");
        return None;
    }
    Some(ended)
}

/// Nine repetitions, the samples of each some 36 KiB.
fn nine() -> String {
    profiles::once().replace("repetitions = 1", "repetitions = 9")
}

/// What the store says of the run, when its certificate could not be written.
#[track_caller]
fn stored(home: &Home) -> Value {
    let history = home.run(&["history", "--json"]).expect(0).json();
    assert_eq!((&history[0]["interrupted"], &history[0]["verdict"]), (&true.into(), &"not-certifiable".into()));
    home.run(&["report", "last", "--out", "last.html"]).expect(0);
    assert!(fs::read_to_string(home.path("last.html")).unwrap().contains("the disk is full"));
    history
}

/// Those there are, each whole.
#[track_caller]
fn whole_samples(folder: &Path) -> usize {
    let samples = names(folder);
    for name in &samples {
        let bytes = fs::read(folder.join(name)).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{name}");
    }
    samples.len()
}

#[test]
fn a_disk_too_small_for_the_samples_is_said_and_holds_no_part_of_a_file() {
    let home = Home::new();
    let Some(ended) = on_a_disk_of((8, ALL_ON_IT), profiles::once(), &home, &["--out", "disk"], None) else { return };
    let ended = ended.refused(3, &["disk/samples/", "kernel-udp-constant-r1-a1.parquet: the disk is full", "df -h"]);
    assert!(ended.out.contains("not-certifiable: no certificate was written; the store has it"), "{}", ended.out);
    assert_eq!(names(&home.path("copy")), ["samples"]);
    assert_eq!(whole_samples(&home.path("copy/samples")), 0);
    assert_eq!(home.temporary_files(), Vec::<String>::new());
    stored(&home);
}

#[test]
fn a_disk_too_small_for_the_report_keeps_the_samples_whole_no_part_of_the_report_and_the_rest_in_the_store() {
    let home = Home::new();
    let Some(ended) = on_a_disk_of((64, ALL_ON_IT), profiles::once(), &home, &["--out", "disk"], None) else { return };
    let ended = ended.refused(3, &["the disk is full", "disk/certificate", "df -h"]);
    assert!(ended.out.contains("the certificate could not be written"), "{}", ended.out);
    assert_eq!(names(&home.path("copy")), ["samples"]);
    assert!(whole_samples(&home.path("copy/samples")) > 0);
    stored(&home);
}

#[test]
fn a_disk_that_fills_at_a_later_repetition_keeps_those_before_it_in_a_certificate_that_says_so() {
    let home = Home::new();
    // Room for some five attempts, so that one of them is valid also where the host stalls.
    let Some(ended) = on_a_disk_of((200, SAMPLES_ON_IT), nine(), &home, &["--out", "disk"], None) else { return };
    let ended = ended.expect(3);
    assert!(ended.err.contains("Broken off, the samples could not be kept: disk/samples/"), "{}", ended.err);
    assert!(ended.out.contains("not-certifiable: disk/certificate.html"), "{}", ended.out);
    let certificate: Value = serde_json::from_slice(&fs::read(home.path("copy/certificate.json")).unwrap()).unwrap();
    assert_eq!(certificate["interrupted"], true);
    assert!(certificate["interrupted_because"].to_string().contains("the disk is full"));
    assert!(certificate["reasons"].to_string().contains("broken off before its end: the samples could not be kept"));
    let kept = certificate["cells"][0]["repetitions"].as_array().unwrap();
    let (last, before) = kept.split_last().unwrap();
    assert_eq!((&last["valid"], &last["samples"]), (&false.into(), &"".into()));
    assert!(last["invalid_reasons"].to_string().contains("the disk is full"), "{last}");
    assert!(!before.is_empty() && before.iter().any(|r| r["valid"] == true), "{} attempts", kept.len());
    assert_eq!(whole_samples(&home.path("copy/samples")), before.len());
    home.run(&["verify", "copy"]).expect(0);
    stored(&home);
}

#[test]
fn a_disk_that_is_full_for_the_certificate_too_leaves_what_was_measured_in_the_store() {
    let home = Home::new();
    // What is left after the last that fits is less than a report takes.
    let Some(ended) = on_a_disk_of((200, ALL_ON_IT), nine(), &home, &["--out", "disk"], None) else { return };
    let ended =
        ended.refused(3, &["Broken off, the samples could not be kept", "disk/certificate.html: the disk is full"]);
    assert!(ended.out.contains("not-certifiable: no certificate was written; the store has it"), "{}", ended.out);
    assert_eq!(names(&home.path("copy")), ["samples"]);
    assert!(whole_samples(&home.path("copy/samples")) > 0);
    assert!(!stored(&home)[0]["due_p50"].is_null(), "what was measured is lost");
}

#[test]
fn a_full_folder_for_temporary_files_is_said_with_its_path() {
    let home = Home::new();
    let disk = home.path("disk");
    let Some(ended) =
        on_a_disk_of((16, ALL_ON_IT), profiles::once(), &home, &["--out", "out"], Some(("TMPDIR", &disk)))
    else {
        return;
    };
    ended.refused(4, &["the disk is full", "disk/tickcert-run-"]);
    assert_eq!(names(&home.path("copy")), Vec::<String>::new());
    assert!(!home.path("out").exists());
}
