//! Disks that are full: small ones, in a mount namespace that goes with the command.

use std::{fs, path::Path, process::Command};

use crate::support::{Ended, Home, can_measure, has, names, profiles};

/// Mounts a disk of so many KiB at the folder `disk`, runs tickcert, and copies what is on the disk then to `copy`.
const SCRIPT: &str = r#"
mount -t tmpfs -o "size=$1k" tmpfs disk || exit 99
shift
"$@"
status=$?
cp -r disk copy
exit $status"#;

/// Certifies with a disk of `kib`; none where a disk can't be mounted.
fn on_a_disk_of(kib: u32, home: &Home, arguments: &[&str], environment: Option<(&str, &Path)>) -> Option<Ended> {
    if !can_measure() || !has("unshare") {
        return None;
    }
    home.write("once.toml", profiles::once());
    fs::create_dir(home.path("disk")).unwrap();
    let mut command = Command::new("unshare");
    home.dress(&mut command);
    command.args(["-rm", "sh", "-c", SCRIPT, "sh", &kib.to_string(), env!("CARGO_BIN_EXE_tickcert"), "certify"]);
    command.args(["--profile", "./once.toml"]).args(arguments).envs(environment);
    let ended = Ended::of(&mut command);
    if ended.status == Some(99) || ended.err.contains("unshare failed") {
        println!("SKIPPED: a tmpfs can't be mounted in a namespace of its own here");
        return None;
    }
    Some(ended)
}

#[test]
fn a_disk_too_small_for_the_samples_is_said_and_holds_no_part_of_a_file() {
    let home = Home::new();
    let Some(ended) = on_a_disk_of(8, &home, &["--out", "disk"], None) else { return };
    ended.refused(4, &["disk/samples/", "kernel-udp-constant-r1-a1.parquet: the disk is full", "df -h"]);
    assert_eq!(names(&home.path("copy")), ["samples"]);
    assert_eq!(names(&home.path("copy/samples")), Vec::<String>::new());
    assert_eq!(home.temporary_files(), Vec::<String>::new());
}

#[test]
fn a_disk_too_small_for_the_report_keeps_the_samples_whole_and_no_part_of_the_report() {
    let home = Home::new();
    let Some(ended) = on_a_disk_of(64, &home, &["--out", "disk"], None) else { return };
    ended.refused(4, &["the disk is full", "disk/certificate", "df -h"]);
    let written = names(&home.path("copy"));
    assert!(!written.iter().any(|name| name.contains("partial") || name.ends_with(".sig")), "{written:?}");
    let samples = names(&home.path("copy/samples"));
    assert!(!samples.is_empty());
    for name in samples {
        let bytes = fs::read(home.path("copy/samples").join(&name)).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{name}");
    }
}

#[test]
fn a_full_folder_for_temporary_files_is_said_with_its_path() {
    let home = Home::new();
    let disk = home.path("disk");
    let Some(ended) = on_a_disk_of(16, &home, &["--out", "out"], Some(("TMPDIR", &disk))) else { return };
    ended.refused(4, &["the disk is full", "disk/tickcert-run-"]);
    assert_eq!(names(&home.path("copy")), Vec::<String>::new());
    assert!(!home.path("out").exists());
}
