//! A disk that really is full: a small tmpfs in a mount namespace of its own, where that is allowed.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests fail like tests")]

use std::{fs, path::Path, process::Command};

use tickcert_results::{
    atomic_file::{self, WriteError},
    evidence::Evidence,
    export::parquet::{SampleColumns, SampleError, SampleMeta, write_samples},
};

const INSIDE: &str = "TICKCERT_TEST_FULL_DISK";

/// Runs this very test again in a mount namespace where `/mnt` is a tmpfs of 64 KiB.
#[test]
fn on_a_full_disk_files_appear_whole_or_not_at_all() {
    if std::env::var_os(INSIDE).is_some() {
        return check(Path::new("/mnt"));
    }
    let mount = "mount -t tmpfs -o size=64k tmpfs /mnt";
    let allowed = Command::new("unshare").args(["-rm", "sh", "-c", mount]).output();
    if !allowed.is_ok_and(|o| o.status.success()) {
        println!("SKIPPED: a tmpfs can't be mounted in a namespace of its own here");
        return;
    }
    let test = "on_a_full_disk_files_appear_whole_or_not_at_all";
    let out = Command::new("unshare")
        .args(["-rm", "sh", "-c", &format!("{mount} && exec \"$0\" --exact {test} --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}");
    assert!(text.contains("checked on a full disk"), "{text}");
}

fn check(disk: &Path) {
    let path = disk.join("certificate.json");
    atomic_file::write(&path, b"old").unwrap();
    let error = atomic_file::write(&path, &vec![b'x'; 200_000]).unwrap_err();
    let WriteError::DiskFull { written, wanted, .. } = &error else { panic!("{error}") };
    assert_eq!(written + wanted, 200_000, "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"old");

    // Numbers that don't pack.
    let spans: Vec<i64> = (0..100_000_i64).map(|i| i.wrapping_mul(i).wrapping_mul(0x5851_f42d_4c95_7f2d)).collect();
    let (index, flags) = (vec![7_u32; spans.len()], vec![false; spans.len()]);
    let columns = SampleColumns {
        order: &index,
        pass: &index,
        packet: &index,
        due_ns: &spans,
        sent_ns: &spans,
        arrival_ns: &spans,
        t2t_sent_ns: &spans,
        t2t_due_ns: &spans,
        trader_ns: &spans,
        warm_up: &flags,
        measured: &flags,
        stages: vec![],
        stamps: vec![],
    };
    let meta = SampleMeta {
        lane: "kernel-udp".to_owned(),
        repetition: 1,
        attempt: 1,
        evidence: Evidence::Emulated,
        tape_sha256: String::new(),
        stages: vec![],
        stamps: None,
    };
    let error = write_samples(&disk.join("samples.parquet"), &meta, &columns).unwrap_err();
    assert!(matches!(error, SampleError::Write(WriteError::DiskFull { .. })), "{error:?}");
    let left: Vec<_> = fs::read_dir(disk).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["certificate.json"]);
    println!("checked on a full disk");
}
