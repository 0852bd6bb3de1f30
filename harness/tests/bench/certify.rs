//! `tickcert certify` and `run service-time` on a wire of interfaces, with veths in a namespace of the test's standing
//! for the host's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tickcert_probes::affinity;

use crate::common::{cable, configured_cable, interface_names, on_a_host_of_its_own, state_of};

/// Half a second of warm-up and hardly more.
const PROFILE: &str = r#"profile = 1
name = "short"
description = "As short as can be"
[run]
lanes = ["kernel-udp"]
repetitions = 1
staged_repetitions = 0
machine = false
retries = 3
orders_late_after = "1 s"
[window]
orders = 20
[tape]
symbols = 5
messages = 20000
[strategy]
symbol = "all"
[noise]
duration = "50 ms"
[[load]]
mode = "constant"
rate = "5000 packets/s"
[[requirement]]
id = "evidence"
metric = "evidence"
limit = ">= emulated"
[[requirement]]
id = "lost"
metric = "orders.lost"
limit = "== 0"
"#;

/// `tickcert certify` with all its files in `dir`, in the network namespace of the calling thread.
fn certify(dir: &Path, profile: &str, arguments: &[&str]) -> Output {
    let file = dir.join("short.toml");
    fs::write(&file, profile).unwrap();
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_tickcert")));
    command.args(["certify", "--quiet", "--profile"]).arg(file);
    for (flag, name) in [("--out", "out"), ("--store", "store.sqlite"), ("--key", "key")] {
        command.arg(flag).arg(dir.join(name));
    }
    command.args(arguments).output().unwrap()
}

fn certificate(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("out/certificate.json")).unwrap()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn has_two_cores() -> bool {
    let has = affinity::allowed().unwrap().len() >= 2;
    if !has {
        println!("SKIPPED: needs two cores");
    }
    has
}

const INTERFACES: [&str; 4] = ["--exchange-interface", "left0", "--trader-interface", "right0"];

#[test]
fn a_certificate_over_two_interfaces_names_them_and_calls_veths_emulated() {
    on_a_host_of_its_own(|dir| {
        if !has_two_cores() {
            return;
        }
        let before = configured_cable("left0", "right0");
        let output = certify(dir, PROFILE, &INTERFACES);
        let certificate = certificate(dir);
        let cell = &certificate["cells"][0];
        assert_eq!(cell["placement"]["link"], "left0-right0");
        assert_eq!(cell["evidence"], "emulated");
        let why = cell["evidence_why"].as_str().unwrap_or_default();
        let [kind, stamps] =
            ["left0 is of the kind veth: software, not a NIC", "left0: veth stamps no frames that leave"];
        assert!(why.starts_with(kind) && why.contains(stamps), "{why}");
        let not_run = certificate["not_run"].as_array().unwrap();
        // A processor without counters is the host's lack, and none of the bench's.
        assert!(not_run.iter().all(|row| row["kind"] == "probe"), "{not_run:?}");
        assert!(cell["repetitions"][0]["matched"].as_u64() > Some(0), "{}", stderr(&output));
        assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
        assert_eq!(state_of("left0"), before);
        assert!(interface_names().iter().any(|n| n == "right0"));
    });
}

#[test]
fn the_profile_may_name_the_interfaces_and_one_that_this_host_lacks_is_not_run_with_the_remedy() {
    on_a_host_of_its_own(|dir| {
        if !has_two_cores() {
            return;
        }
        cable("left0", "right0");
        let bench = "[bench]\nexchange_interface = \"left0\"\ntrader_interface = \"nosuch0\"\n[window]";
        let output = certify(dir, &PROFILE.replace("[window]", bench), &[]);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        let certificate = certificate(dir);
        assert_eq!((&certificate["verdict"], &certificate["cells"]), (&"not-run".into(), &Value::Array(Vec::new())));
        let row = &certificate["not_run"][0];
        assert_eq!((&row["name"], row["needs"].as_str().unwrap().contains("nosuch0")), (&"kernel-udp".into(), true));
        assert!(row["how"].as_str().unwrap().contains("there are: "), "{row}");
        for file in ["certificate.html", "junit.xml", "certificate.json.sig", "allowed_signers"] {
            assert!(dir.join("out").join(file).exists(), "{file}");
        }
        assert!(interface_names().iter().any(|n| n == "left0"));
    });
}

#[test]
fn interfaces_that_are_not_cabled_to_each_other_give_a_certificate_that_says_so() {
    on_a_host_of_its_own(|dir| {
        if !has_two_cores() {
            return;
        }
        cable("left0", "elsewhere0");
        cable("right0", "elsewhere1");
        let output = certify(dir, PROFILE, &INTERFACES);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        let row = &certificate(dir)["not_run"][0];
        assert!(row["how"].as_str().unwrap().contains("cabled to each other"), "{row}");
        assert!(interface_names().iter().any(|n| n == "left0"));
    });
}

#[test]
fn a_wrong_interface_on_the_command_line_is_wrong_use_and_the_right_ones_are_named() {
    on_a_host_of_its_own(|dir| {
        if !has_two_cores() {
            return;
        }
        cable("left0", "right0");
        for (arguments, text) in [
            (["--exchange-interface", "left0", "--trader-interface", "right1"], "there are: "),
            (["--exchange-interface", "left0", "--trader-interface", "left0"], "can't be both ends"),
            (["--exchange-interface", "lo", "--trader-interface", "left0"], "loopback"),
        ] {
            let output = certify(dir, PROFILE, &arguments);
            assert_eq!((output.status.code(), stderr(&output).contains(text)), (Some(2), true), "{}", stderr(&output));
            let run = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_tickcert")))
                .args(["run", "service-time"])
                .args(arguments)
                .output()
                .unwrap();
            assert_eq!((run.status.code(), stderr(&run).contains(text)), (Some(2), true), "{}", stderr(&run));
        }
        assert!(stderr(&certify(dir, PROFILE, &["--force-interfaces"])).contains("no interface is named"));
        assert_eq!(certify(dir, PROFILE, &["--exchange-interface", "left0"]).status.code(), Some(2));
        assert!(!dir.join("out").exists());
    });
}

#[test]
fn service_time_runs_over_two_interfaces() {
    on_a_host_of_its_own(|_| {
        if !has_two_cores() {
            return;
        }
        cable("left0", "right0");
        let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_tickcert")));
        command.args(["run", "service-time", "--json", "--duration", "50 ms"]).args(INTERFACES);
        let output = command.output().unwrap();
        let times: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stderr(&output)));
        assert_eq!(times["cells"][0]["evidence"], "emulated");
        assert!(interface_names().iter().any(|n| n == "left0"));
    });
}
