//! Where the kernel can't be watched for why the tail is slow, a row says what is missing and how it is had, and the run goes on.

use std::{fs, process::Command};

use serde_json::Value;
use tickcert::bench::user_namespace::{self, Privilege};

use crate::support::{Ended, Home, can_measure, has, profiles};

const ROW: &str = "tail by cause";

/// A run that these words begin, as root; none where it can't be tried.
fn certify(within: &[&str]) -> Option<Value> {
    if user_namespace::present() != Some(Privilege::Host) {
        println!("SKIPPED: needs root, to take something away from a run");
        return None;
    }
    if !can_measure() || !within.first().is_none_or(|program| has(program)) {
        return None;
    }
    let home = Home::new();
    home.write("once.toml", profiles::once());
    let words = [env!("CARGO_BIN_EXE_tickcert"), "certify", "--profile", "./once.toml", "--out", "out"];
    let all = [within, &words].concat();
    let ended = Ended::of(home.dress(&mut Command::new(all[0])).args(&all[1..]));
    let refused = |line: &str| ["unshare: ", "setpriv: ", "mount: "].iter().any(|program| line.starts_with(program));
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

fn row(certificate: &Value) -> Option<&Value> {
    certificate["not_run"].as_array().unwrap().iter().find(|row| row["name"] == ROW)
}

/// That the kernel was not watched, and that the row names this need and this remedy.
fn is_unwatched(certificate: &Value, needs: &str, how: &str) {
    let row = row(certificate).unwrap_or_else(|| panic!("a row: {}", certificate["not_run"]));
    assert!(row["needs"].as_str().unwrap().contains(needs), "{row}");
    assert!(row["how"].as_str().unwrap().contains(how), "{row}");
    assert!(certificate["cells"][0]["tail"].is_null(), "{}", certificate["cells"][0]["tail"]);
}

#[test]
fn in_a_pid_namespace_of_its_own_whose_threads_the_kernel_knows_by_other_numbers() {
    let Some(certificate) = certify(&["unshare", "--pid", "--fork", "--mount-proc"]) else { return };
    is_unwatched(&certificate, "PID namespace", "--pid=host");
}

#[test]
fn without_the_right_to_load_programs() {
    let capabilities = "--bounding-set=-bpf,-perfmon,-sys_admin";
    let Some(certificate) = certify(&["setpriv", capabilities, "--inh-caps=-bpf,-perfmon,-sys_admin"]) else { return };
    is_unwatched(&certificate, "the right to load BPF programs", "CAP_BPF and CAP_PERFMON");
}

#[test]
fn without_the_type_information_of_the_kernel() {
    let script = "mount -t tmpfs none /sys/kernel/btf && exec \"$@\"";
    let Some(certificate) = certify(&["unshare", "--mount", "sh", "-c", script, "sh"]) else { return };
    is_unwatched(&certificate, "/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF");
}

/// What is watched is found by type information and not by tracefs, which many containers hide.
#[test]
fn tracefs_is_not_needed_for_it() {
    let script = "mount -t tmpfs none /sys/kernel/tracing && mount -t tmpfs none /sys/kernel/debug && exec \"$@\"";
    let Some(watched) = certify(&["env"]) else { return };
    let Some(certificate) = certify(&["unshare", "--mount", "sh", "-c", script, "sh"]) else { return };
    if watched["cells"][0]["tail"].is_null() {
        println!("SKIPPED: the kernel can't be watched here with tracefs either: {:?}", row(&watched));
        return;
    }
    assert_eq!((row(&certificate), certificate["cells"][0]["tail"].is_null()), (None, false), "watched all the same");
}
