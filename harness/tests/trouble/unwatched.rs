//! Where the kernel can't be watched for why the tail is slow, a row says what is missing and how it is had, and the run goes on.

use std::fs;

use serde_json::Value;

use crate::{support::profiles, taken_away::measure};

const ROW: &str = "tail by cause";

fn certify(within: &[&str]) -> Option<Value> {
    measure(within, &["certify"], &profiles::once())
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
    uncounted(&certificate);
}

/// Without it the kernel counts for nobody, where it is set up so.
fn uncounted(certificate: &Value) {
    let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    if paranoid.trim().parse().is_ok_and(|level: i32| level < 2) {
        return println!(
            "SKIPPED: counters that are refused: kernel.perf_event_paranoid lets anybody count in the kernel"
        );
    }
    let rows = certificate["not_run"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "the kernel's counters");
    let row = row.unwrap_or_else(|| panic!("a row: {rows:?}"));
    let (needs, how) = (row["needs"].as_str().unwrap(), row["how"].as_str().unwrap());
    assert!(
        needs.contains("context switches, page faults, migrations of perf_event_open(2): Permission denied"),
        "{row}"
    );
    assert!(how.contains("CAP_PERFMON") && how.contains("kernel.perf_event_paranoid"), "{row}");
    let repetitions = certificate["cells"][0]["repetitions"].as_array().unwrap();
    let counted =
        repetitions.iter().flat_map(|r| ["exchange", "trader"].map(|side| &r["counters"][side]["page_faults"]));
    assert!(counted.clone().count() > 0 && counted.clone().all(Value::is_null), "none is made up: {repetitions:?}");
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
