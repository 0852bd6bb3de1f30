//! What the doctor says and writes, on this host and on trees of others.

#[cfg(test)]
mod support;
#[cfg(test)]
#[path = "../../probes/tests/support/tree.rs"]
mod tree;

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        process::Command,
        time::{Duration, Instant},
    };

    use serde_json::Value;
    use tickcert_transports::Lane;

    use crate::{
        support::{Ended, Home, has},
        tree::tree,
    };

    const X2522: [&str; 8] =
        ["--exchange-core", "6", "--trader-core", "7", "--exchange-interface", "eth4", "--trader-interface", "eth5"];

    fn doctor(home: &Home, root: &Path, more: &[&str]) -> Ended {
        home.run(&[&["doctor", "--root", root.to_str().unwrap()], more].concat())
    }

    fn write(root: &Path, file: &str, text: &str) {
        fs::write(root.join(file), text).unwrap();
    }

    /// The host with the X2522, set as it should be.
    fn mended() -> tempfile::TempDir {
        let host = tree("x2522");
        write(host.path(), "sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
        for nic in ["eth4", "eth5"] {
            let quiet = "Adaptive RX: off  TX: n/a\nrx-usecs: 0\ntx-usecs: 0\n";
            write(host.path(), &format!("ethtool/{nic}/coalesce"), quiet);
            let features = "generic-receive-offload: off\nlarge-receive-offload: off\n";
            write(host.path(), &format!("ethtool/{nic}/features"), features);
        }
        host
    }

    #[test]
    fn a_host_with_nothing_wrong_is_status_0_and_one_wrong_setting_is_status_1() {
        let (home, host) = (Home::new(), mended());
        let well = doctor(&home, host.path(), &X2522).expect(0);
        assert!(well.out.contains("\n0 of ") && !well.out.contains("WRONG"), "{}", well.out);
        assert_eq!(doctor(&home, host.path(), &[&X2522[..], &["--quiet"]].concat()).expect(0).out.lines().count(), 2);
        write(host.path(), "proc/sys/kernel/nmi_watchdog", "1\n");
        let ill = doctor(&home, host.path(), &X2522).expect(1);
        let said = "  WRONG  nmi_watchdog: 1; wanted: 0
           why:   it interrupts every core regularly and occupies a hardware counter
           set:   sysctl -w kernel.nmi_watchdog=0
           lasts: until the host starts again; to keep it: `kernel.nmi_watchdog = 0` in /etc/sysctl.d/90-tickcert.conf
";
        assert!(ill.out.contains(said), "{}", ill.out);
    }

    #[test]
    fn hardware_comes_before_the_operating_system_and_in_each_the_wrong_before_the_right() {
        let (home, host) = (Home::new(), tree("intel-e810"));
        let out = doctor(&home, host.path(), &[]).expect(1).out;
        let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("no `{text}` in:\n{out}"));
        assert!(at("\nHardware: ") < at("\nOperating system: ") && at("\nOperating system: ") < at("\nApplication: "));
        for part in out.split("\n\n") {
            let last_wrong = part.rfind("  WRONG  ").unwrap_or_default();
            assert!(part.find("  ok     ").is_none_or(|first_right| last_wrong < first_right), "{part}");
        }
    }

    #[test]
    fn what_is_wrong_of_several_cores_and_nics_is_said_once() {
        let (home, host) = (Home::new(), tree("intel-e810"));
        let cores = ["--exchange-core", "2", "--trader-core", "3"];
        let out = doctor(&home, host.path(), &cores).expect(1).out;
        assert_eq!(out.matches("boot with isolcpus=2-3").count(), 1, "{out}");
        assert!(out.contains("  WRONG  cpu2,cpu3/isolcpus: no; wanted: yes\n"), "{out}");
        assert!(out.contains("  WRONG  eth2,eth3/pcie-width: x8; wanted: x16\n"), "{out}");
    }

    #[test]
    fn json_has_all_of_each_finding_and_nothing_else_is_printed() {
        let (home, host) = (Home::new(), tree("epyc-connectx"));
        let report = doctor(&home, host.path(), &["--json"]).expect(1).json();
        assert_eq!((report["host"].as_str(), report["profile"].as_str()), (Some("epyc-connectx"), Some("ci")));
        let findings = report["findings"].as_array().unwrap();
        let wrong = findings.iter().filter(|f| f["ok"] == false).count();
        assert_eq!(report["wrong"], wrong);
        for finding in findings {
            let keys = ["name", "value", "wanted", "why", "fix", "topic"];
            assert!(keys.iter().all(|key| finding[key].is_string()), "{finding}");
            assert!(finding["ok"] == true || finding["survives_reboot"].is_boolean(), "{finding}");
        }
    }

    #[test]
    fn the_fix_script_is_written_and_nothing_of_the_host_is_changed() {
        if !has("bash") {
            return;
        }
        let (home, host) = (Home::new(), tree("intel-e810"));
        let governor = host.path().join("sys/devices/system/cpu/cpu63/cpufreq/scaling_governor");
        let out = doctor(&home, host.path(), &["--fix-script", "fix.sh"]).expect(1).out;
        assert!(out.contains("bash fix.sh apply"), "{out}");
        assert_eq!(fs::read_to_string(&governor).unwrap(), "powersave\n");
        let run = |what: &str| {
            let mut command = Command::new("bash");
            command.args(["fix.sh", what]).env("ROOT", host.path());
            Ended::of(home.dress(&mut command)).expect(0)
        };
        run("apply");
        assert_eq!(fs::read_to_string(&governor).unwrap(), "performance\n");
        run("undo");
        assert_eq!(fs::read_to_string(&governor).unwrap(), "powersave\n");
    }

    #[test]
    fn on_this_host_every_lane_is_listed_with_what_the_profile_wants_of_it() {
        let home = Home::new();
        let began = Instant::now();
        let report = home.run(&["doctor", "--json"]);
        // Ten times what it may take, for a host that is busy with other tests.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert!(matches!(report.status, Some(0 | 1)), "{}", report.err);
        let report = report.json();
        let lanes = report["lanes"].as_array().unwrap();
        assert_eq!(lanes.len(), Lane::all().len());
        let wish = |name: &str| lanes.iter().find(|l| l["lane"] == name).map(|l| l["profile"].clone());
        assert_eq!(wish("kernel-udp"), Some(Value::from("wanted")));
        assert_eq!(wish("shm"), Some(Value::from("optional")));
        assert_eq!(wish("io-uring/zc"), Some(Value::from("no")));
        let table = home.run(&["doctor"]).out;
        assert!(Lane::names().iter().all(|name| table.contains(name)), "{table}");
    }

    #[test]
    fn wrong_use_is_named_with_what_there_is() {
        let (home, host) = (Home::new(), tree("x2522"));
        let at = |more: &[&str]| doctor(&home, host.path(), more);
        let nic = |name| ["--exchange-interface", name, "--trader-interface", "eth4"];
        at(&nic("eth9")).refused(2, &["no interface eth9", "eth4, eth5"]);
        at(&["--exchange-core", "6", "--trader-core", "8"]).refused(2, &["core 8 doesn't exist", "0-7"]);
        at(&["--exchange-core", "6"]).refused(2, &["--trader-core"]);
        at(&["--profile", "colp"]).refused(2, &["did you mean `colo`?"]);
        at(&["--fix-script", "no/such/folder/fix.sh"]).refused(2, &["no/such/folder/fix.sh"]);
        doctor(&home, Path::new("/no/such/tree"), &[]).refused(2, &["/no/such/tree is no folder"]);
        home.run(&["doctor", "--exchange-core", "0", "--trader-core", "4000"]).refused(2, &["core 4000 doesn't exist"]);
    }

    #[test]
    fn a_host_with_one_core_is_told_so_and_looked_at_all_the_same() {
        let (home, host) = (Home::new(), tree("x2522"));
        write(host.path(), "sys/devices/system/cpu/online", "6\n");
        let report = doctor(&home, host.path(), &["--json"]).expect(1).json();
        let findings = report["findings"].as_array().unwrap();
        let of = |name: &str| findings.iter().find(|f| f["name"] == name).unwrap();
        assert_eq!((of("cores")["value"].as_str(), of("cores")["ok"].as_bool()), (Some("only 6"), Some(false)));
        assert_eq!(of("cpu6/governor")["ok"], true);
    }

    /// What the doctor says of this host with some of it hidden, by these commands in namespaces of its own.
    fn hidden(hide: &str, flags: &[&str]) -> Option<Value> {
        let may = Command::new("unshare").args(flags).arg("true").output().is_ok_and(|ended| ended.status.success());
        if !may {
            println!("SKIPPED: a host with parts hidden needs unshare, and the right to mount (root)");
            return None;
        }
        let script = format!("{hide} && exec \"$0\" doctor --json");
        let mut command = Command::new("unshare");
        command.args(flags).args(["sh", "-c", &script, env!("CARGO_BIN_EXE_tickcert")]);
        Some(Ended::of(Home::new().dress(&mut command)).expect(1).json())
    }

    fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
        let all = report["findings"].as_array().unwrap();
        all.iter().find(|f| f["name"].as_str().unwrap().ends_with(name)).unwrap_or_else(|| panic!("no {name}: {all:?}"))
    }

    #[test]
    fn in_a_pid_namespace_who_balances_interrupts_can_not_be_told() {
        let Some(report) = hidden("true", &["--mount", "--pid", "--fork", "--mount-proc"]) else { return };
        let balancer = finding(&report, "irqbalance");
        assert_eq!((&balancer["value"], &balancer["ok"]), (&"can't be told".into(), &false.into()));
        assert!(balancer["fix"].as_str().unwrap().contains("outside"), "{balancer}");
    }

    #[test]
    fn without_sys_and_without_interrupts_the_rest_is_looked_at_and_nothing_hidden_is_called_right() {
        let hide = "mount -t tmpfs none /sys && mount -t tmpfs none /proc/irq";
        let Some(report) = hidden(hide, &["--mount"]) else { return };
        for name in ["sysfs", "/irqs", "/idle-states", "/isolcpus", "/governor"] {
            assert_eq!(finding(&report, name)["ok"], false, "{name}");
        }
        assert_eq!(finding(&report, "/irqs")["value"], "can't be told");
        assert_eq!(finding(&report, "procfs")["ok"], true);
        assert!(finding(&report, "swap")["value"].is_string());
    }

    #[test]
    fn lanes_are_asked_with_what_the_profile_sets_of_them() {
        let home = Home::new();
        let profile = crate::support::profiles::tiny();
        home.write("set.toml", format!("{profile}\n[transport.shm]\nring_bytes = 65536\n"));
        let settings = |arguments: &[&str]| {
            let report = home.run(&[&["doctor", "--json"], arguments].concat()).json();
            let lanes = report["lanes"].as_array().unwrap().clone();
            lanes.into_iter().find(|lane| lane["lane"] == "shm").unwrap()["settings"].clone()
        };
        assert_ne!(settings(&["--profile", "./set.toml"]), settings(&[]));
    }

    #[test]
    fn isolated_cores_are_looked_at_when_nobody_has_named_others() {
        let (home, host) = (Home::new(), tree("epyc-connectx"));
        let cores = || {
            let report = doctor(&home, host.path(), &["--json"]).json();
            report["ends"].as_array().unwrap().iter().map(|end| end["core"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(cores(), [14, 15]);
        write(host.path(), "sys/devices/system/cpu/isolated", "\n");
        assert_eq!(cores(), [30, 31]);
    }
}
