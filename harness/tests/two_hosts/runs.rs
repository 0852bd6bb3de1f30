//! Runs that go well.

use std::process::Command;

use serde_json::Value;

use crate::{
    hosts::{Hosts, OTHER},
    support::{Ended, profiles},
};

/// One repetition with stages too, of both kernel lanes and one that can't be.
fn profile() -> String {
    profiles::tiny()
        .replace(
            r#"lanes = ["kernel-udp", "kernel-tcp"]"#,
            r#"lanes = ["kernel-udp", "kernel-tcp"]
optional_lanes = ["shm"]"#,
        )
        .replace("kind = \"first-byte\"", "kind = \"threshold\"\nsymbol = \"all\"\nthreshold = \"0.01\"")
        .replace("repetitions = 5\n", "repetitions = 1\n")
        .replace("staged_repetitions = 0", "staged_repetitions = 1")
}

#[test]
fn a_certificate_over_two_hosts_has_what_one_clock_carries_says_why_the_rest_is_missing_and_leaves_nothing_behind() {
    let Some(hosts) = Hosts::new() else { return };
    hosts.certify(&profile()).expect(0);
    let certificate = hosts.certificate();
    let cells = certificate["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2);
    for cell in cells {
        assert_eq!(
            (&cell["placement"]["link"], &cell["evidence"]),
            (&"left0-right0 (two hosts)".into(), &"emulated".into())
        );
        let stages: Vec<&String> = cell["latency_ns"]["stages"].as_object().unwrap().keys().collect();
        assert_eq!(stages, ["book", "decide", "decode", "encode", "risk"]);
        for figure in ["t2t_sent", "t2t_due", "trader"] {
            assert!(cell["latency_ns"][figure]["n"].as_u64() > Some(0), "{figure}");
        }
        let valid = cell["repetitions"].as_array().unwrap().iter().find(|r| r["valid"] == true).unwrap();
        assert_eq!(
            (&valid["matched"], &valid["orders_sha256"]),
            (&valid["expected_orders"], &valid["expected_sha256"])
        );
        assert_eq!(valid["notes"]["counters_in_step"], Value::Null);
    }
    let missing = |name: &str| {
        let rows = certificate["not_run"].as_array().unwrap();
        rows.iter().find(|row| row["name"].as_str().unwrap().contains(name)).unwrap()["needs"].to_string()
    };
    assert!(missing("stages rx and tx").contains("synchronised clocks"));
    assert!(missing("shm").contains("both ends on one host"));
    let exchange = &certificate["exchange_host"];
    assert_ne!(exchange["hash"], certificate["sut"]["hash"]);
    for clock in [&exchange["clocks"], &certificate["probes"]["clocks"]] {
        assert!(clock["end"]["hz"].as_f64() > Some(0.0), "{clock}");
    }
    for noise in [&exchange["noise"], &certificate["probes"]["noise"]] {
        assert_eq!(noise["cores"].as_array().unwrap().len(), 1);
    }
    hosts.home.run(&["verify", "out"]).expect(0);
    hosts.assert_nothing_is_left();
}

#[test]
fn the_profile_may_name_the_host_and_what_it_is_reached_with() {
    let Some(hosts) = Hosts::new() else { return };
    let arguments = hosts.arguments();
    let bench = format!(
        "[bench]\ntrader_host = \"{OTHER}\"\ntrader_program = \"{}\"\nssh_options = [\"Port=2222\"]\nexchange_interface = \"left0\"\ntrader_interface = \"right0\"\n[window]",
        env!("CARGO_BIN_EXE_tickcert")
    );
    hosts.home.write("p.toml", profiles::once().replace("[window]", &bench));
    let mut command = hosts.command(&["certify", "--profile", "./p.toml", "--out", "out"], false);
    command.args(&arguments[4..6]);
    let ended = hosts.exchange.run(|| crate::support::Ended::of(&mut command)).unwrap().expect(0);
    assert!(ended.err.contains("Starting the trader's agent on other"), "{}", ended.err);
    hosts.assert_nothing_is_left();
}

#[test]
fn service_time_and_the_highest_rate_are_measured_over_two_hosts_too() {
    let Some(hosts) = Hosts::new() else { return };
    let times = hosts.run(&["run", "service-time", "--json", "--duration", "50 ms"]).expect(0).json();
    assert_eq!(
        (&times["cells"][0]["lane"], &times["cells"][0]["evidence"]),
        (&"kernel-udp".into(), &"emulated".into())
    );
    hosts.assert_nothing_is_left();
    let rates = hosts.run(&["run", "rate", "--json", "--resolution", "50 %", "--trial", "100 ms"]);
    assert!(matches!(rates.status, Some(0 | 4)), "{rates:?}");
    assert!(
        rates.json()["rates"][0]["trials"].as_array().unwrap().iter().any(|t| t["packets_sent"].as_u64() > Some(0))
    );
    hosts.assert_nothing_is_left();
}

/// The doctor on the exchange's host. It reads `/sys`, which shows the interfaces of the namespace that mounted it: each host of
/// the test mounts its own.
fn doctor(hosts: &Hosts, more: &str) -> Ended {
    let script = format!("mount -t sysfs sysfs /sys && exec \"$0\" doctor {more} \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_tickcert")]).args(hosts.arguments());
    hosts.exchange.run(|| Ended::of(hosts.home.dress(&mut command))).unwrap()
}

#[test]
fn the_doctor_looks_at_the_traders_host_too_and_says_what_is_wrong_there() {
    let Some(hosts) = Hosts::new() else { return };
    hosts.ssh_is(
        "#!/bin/sh\nfor last; do :; done\n\
         exec nsenter --net=NETNS unshare --mount sh -c \"mount -t sysfs sysfs /sys && $last\"\n",
    );
    let report = doctor(&hosts, "--json").expect(1).json();
    let names = |findings: &Value| -> Vec<String> {
        findings.as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect()
    };
    let (here, there) = (names(&report["findings"]), names(&report["trader_host"]["findings"]));
    let has = |names: &[String], interface: &str| names.iter().any(|name| name.starts_with(interface));
    assert!(has(&here, "left0/") && !has(&here, "right0/"), "{here:?}");
    assert!(has(&there, "right0/") && !has(&there, "left0/"), "{there:?}");
    assert_eq!((report["ends"].as_array().unwrap().len(), &report["trader_host"]["host"]), (1, &OTHER.into()));
    let shown = doctor(&hosts, "--quiet").expect(1).out;
    assert!(shown.contains(&format!("The trader's host, {OTHER}:")), "{shown}");
}

#[test]
fn a_traders_host_that_can_not_be_reached_is_said_and_this_one_is_looked_at_all_the_same() {
    let Some(hosts) = Hosts::new() else { return };
    hosts.ssh_is("#!/bin/sh\necho 'ssh: connect to host other port 22: Connection refused' >&2\nexit 255\n");
    let shown = doctor(&hosts, "").expect(4).out;
    assert!(shown.contains("left0/") && shown.contains("was not looked at: other can't be reached"), "{shown}");
}
