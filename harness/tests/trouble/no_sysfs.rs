//! A container without `/sys`: what is read there is rows with the remedy, and what can be measured is.

use std::process::Command;

use serde_json::Value;
use tickcert::bench::user_namespace::{self, Privilege};
use tickcert_probes::affinity;

use crate::{
    support::{Ended, Home, has, profiles},
    taken_away::measure,
};

/// The kernel's files, hidden as by a container that mounts something else there, and not mounted at all.
const WAYS: [&str; 2] = ["mount -t tmpfs none /sys && exec \"$@\"", "umount -l /sys && exec \"$@\""];

fn without_sysfs(way: &str, command: &[&str]) -> Option<Value> {
    // With the host's parts, which are what `/sys` tells of.
    let profile = profiles::once().replacen("machine = false\n", "", 1);
    measure(&["unshare", "--mount", "sh", "-c", way, "sh"], command, &profile)
}

/// That there is a row of this name which says that sysfs is missing, and how it is had.
fn says(certificate: &Value, name: &str) {
    let rows = certificate["not_run"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("a row: {rows:?}"));
    assert!(row["needs"].as_str().unwrap().contains("sysfs is not mounted, or hidden"), "{row}");
    assert!(row["how"].as_str().unwrap().contains("mount -t sysfs sysfs /sys"), "{row}");
}

#[test]
fn a_certificate_says_that_nothing_tells_of_the_host_and_has_what_was_measured() {
    for way in WAYS {
        let Some(certificate) = without_sysfs(way, &["certify"]) else { return };
        says(&certificate, "topology");
        assert_eq!(certificate["verdict"], "pass", "of what the profile asks for nothing is missing");
        assert!(certificate["probes"]["machine"]["topology"].is_null(), "no host is made up");
        let noise = certificate["probes"]["noise"]["cores"].as_array().unwrap();
        assert!(noise.len() == 2 && noise.iter().all(|core| core["largest_ns"].as_u64().is_some()), "{noise:?}");
    }
}

/// What the mask leaves out is not said to be no core where nothing tells which there are.
#[test]
fn a_core_that_the_mask_leaves_out_is_measured_all_the_same() {
    let cores = affinity::allowed().unwrap();
    let (Some(first), Some(last)) = (cores.first(), cores.last().filter(|last| cores.first() != Some(last))) else {
        return println!("SKIPPED: needs two cores");
    };
    if user_namespace::present() != Some(Privilege::Host) || !has("taskset") {
        return println!("SKIPPED: needs root, and taskset, to take something away from a run");
    }
    let home = Home::new();
    let (mask, both) = (first.to_string(), format!("{first},{last}"));
    let words = ["--mount", "sh", "-c", WAYS[1], "sh", "taskset", "-c", &mask, env!("CARGO_BIN_EXE_tickcert")];
    let asked = ["probe", "core-to-core", "--cores", &both, "--json"];
    let ended = Ended::of(home.dress(&mut Command::new("unshare")).args(words).args(asked));
    if ended.err.lines().any(|line| line.starts_with("unshare: ") || line.starts_with("umount: ")) {
        return println!("SKIPPED: /sys can't be taken away here: {}", ended.err);
    }
    let found = ended.expect(0).json();
    assert_eq!(found["core_to_core"]["pairs"].as_array().unwrap().len(), 1, "{found}");
}

#[test]
fn a_matrix_has_one_placement_that_it_knows_nothing_of_and_certifies_none() {
    for way in WAYS {
        let Some(certificate) = without_sysfs(way, &["matrix"]) else { return };
        says(&certificate, "placements");
        assert_eq!(certificate["verdict"], "not-run", "{}", certificate["not_run"]);
        for cell in certificate["cells"].as_array().unwrap() {
            assert!(cell["placement"]["class"].is_null(), "where its cores lie is not known: {}", cell["placement"]);
        }
    }
}
