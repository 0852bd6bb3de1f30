//! `tickcert probe`: what it finds on this host, and that what can't be had is a row and no end.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
        process::Command,
        time::{Duration, Instant},
    };

    use serde_json::Value;
    use tickcert_probes::affinity;

    use crate::support::{Ended, Home, has};

    /// What the command prints as JSON with these arguments.
    fn probe(home: &Home, arguments: &[&str]) -> Value {
        let ended = home.run(&[&["probe", "--json", "--quiet"], arguments].concat()).expect(0);
        assert_eq!(ended.err, "");
        serde_json::from_str(&ended.out).unwrap()
    }

    fn allowed() -> Vec<u32> {
        affinity::allowed().unwrap().into_iter().collect()
    }

    /// The row of this name.
    fn row<'a>(found: &'a Value, name: &str) -> Option<&'a Value> {
        found["not_run"].as_array().unwrap().iter().find(|row| row["name"] == name)
    }

    #[test]
    fn topology_clocks_and_latencies_between_cores_come_in_one_go() {
        let cores = allowed();
        if cores.len() < 2 {
            println!("SKIPPED: probes between cores: need two cores that this process may use");
            return;
        }
        let two = format!("{},{}", cores[0], cores[1]);
        let began = Instant::now();
        let found = probe(&Home::new(), &["topology", "clocks", "core-to-core", "--cores", &two]);
        // Ten times what it may take, for a host that is busy with other tests.
        assert!(began.elapsed() < Duration::from_secs(150), "{:?}", began.elapsed());
        let matrix = found["core_to_core"]["one_way_ns"].as_array().unwrap();
        assert!(matrix[0][0].is_null() && matrix[1][1].is_null());
        assert_eq!(matrix[0][1], matrix[1][0]);
        assert!(matrix[0][1].as_f64().unwrap() > 0.0);
        let offset = &found["clocks"]["offsets"][0];
        assert_eq!(offset["cores"], serde_json::json!([cores[0], cores[1]]));
        assert!(offset["round_trips"].as_u64().unwrap() > 0);
        assert!(found["clocks"]["read_costs"].as_array().unwrap().len() > 3);
        let known = found["topology"]["cores"].as_array().unwrap();
        assert!(known.iter().any(|core| core["number"] == cores[0] && core["usable"] == true));
        assert!(found.get("noise").is_none() && found.get("memory").is_none());
    }

    #[test]
    fn memory_and_noise_are_tables_and_kinds_of_pages_that_are_not_there_are_rows() {
        let core = allowed()[0].to_string();
        let home = Home::new();
        let found = probe(&home, &["memory", "noise", "--cores", &core]);
        let views = found["memory"].as_array().unwrap();
        assert!(views.iter().any(|view| view["pages"] == "small"));
        let huge = views.iter().any(|view| view["pages"] == "huge");
        let rows = found["not_run"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"].as_str().unwrap().ends_with("pages of 2 MiB"));
        assert!(huge || row.is_some_and(|row| row["how"].as_str().unwrap().contains("nr_hugepages")), "{rows:?}");
        assert_eq!(found["noise"]["cores"].as_array().unwrap().len(), 1);
        let shown = home.run(&["probe", "memory", "--cores", &core]).expect(0);
        assert!(shown.out.contains("working set") && shown.out.contains("GB/s"), "{}", shown.out);
    }

    #[test]
    fn a_core_that_is_not_there_is_a_row_with_its_remedy_and_the_rest_goes_on() {
        let core = allowed()[0];
        let found = probe(&Home::new(), &["clocks", "--cores", &format!("{core},60000")]);
        let row = row(&found, "core 60000").unwrap();
        assert!(row["needs"].as_str().unwrap().contains("cores on line are"), "{row}");
        assert!(row["how"].as_str().unwrap().contains("cpu60000/online"), "{row}");
        assert!(found["clocks"]["read_costs"][0]["median_ns"].as_f64().unwrap() > 0.0);
    }

    #[test]
    fn with_one_core_allowed_latency_between_cores_is_not_run_and_the_status_says_that_nothing_was() {
        if !has("taskset") {
            return;
        }
        let home = Home::new();
        let core = allowed()[0].to_string();
        let mut alone = Command::new("taskset");
        home.dress(&mut alone).args(["-c", &core, env!("CARGO_BIN_EXE_tickcert"), "probe", "--json", "core-to-core"]);
        let ended = Ended::of(&mut alone).expect(4);
        let found: Value = serde_json::from_str(&ended.out).unwrap();
        let row = row(&found, "between cores").unwrap();
        assert!(row["how"].as_str().unwrap().contains("--cpuset-cpus"), "{row}");
    }

    #[test]
    fn a_list_that_is_none_is_wrong_use_and_so_is_a_probe_that_is_not_known() {
        let home = Home::new();
        for list in ["two", "0,two", "", "5-2"] {
            home.run(&["probe", "--cores", list]).refused(2, &[&format!("--cores {list}"), "0,2-5"]);
        }
        home.run(&["probe", "weather"]).refused(2, &["weather", "core-to-core"]);
    }

    /// What the command finds with some of the host hidden from it.
    fn hidden(hide: &str, arguments: &str) -> Option<Value> {
        let may = Command::new("unshare").args(["--mount", "true"]).output().is_ok_and(|ended| ended.status.success());
        if !may {
            println!("SKIPPED: a host with parts hidden needs unshare, and the right to mount (root)");
            return None;
        }
        let script = format!("{hide} && exec \"$0\" probe --json --quiet {arguments}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, env!("CARGO_BIN_EXE_tickcert")]);
        Some(Ended::of(Home::new().dress(&mut command)).expect(0).json())
    }

    #[test]
    fn without_sys_the_topology_is_a_row_and_what_is_measured_goes_on() {
        let Some(found) = hidden("mount -t tmpfs none /sys", "topology clocks core-to-core") else { return };
        assert!(row(&found, "topology").unwrap()["how"].as_str().unwrap().contains("sys"), "{found}");
        assert!(found["clocks"]["read_costs"][0]["median_ns"].as_f64().unwrap() > 0.0);
        assert!(row(&found, "PTP hardware clocks").is_some(), "{found}");
        assert!(allowed().len() < 2 || found["core_to_core"]["pairs"][0]["one_way_ns"].as_f64().unwrap() > 0.0);
    }

    #[test]
    fn without_the_kernels_counts_of_interrupts_the_gaps_are_seen_and_a_row_says_what_is_missing() {
        let hide = "mount --bind /dev/null /proc/interrupts";
        let Some(found) = hidden(hide, "noise --noise-duration 20ms") else { return };
        let core = &found["noise"]["cores"][0];
        assert!(core["gaps"].is_u64() && core.get("without_event_at_least").is_none(), "{core}");
        let row = row(&found, "interrupts of the cores watched").unwrap();
        assert!(row["how"].as_str().unwrap().contains("/proc"), "{row}");
    }

    #[test]
    fn noise_says_what_the_kernel_counted_by_layers_and_how_smis_were_counted_or_why_not() {
        let core = allowed()[0].to_string();
        let arguments = ["probe", "noise", "--cores", &core, "--noise-duration", "20ms", "--noise-threshold", "5us"];
        let shown = Home::new().run(&arguments).expect(0).out;
        let at = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no `{text}` in:\n{shown}"));
        assert!(shown.contains("gaps above 5.00 us in 20.00 ms"), "{shown}");
        assert!(at("  hardware") < at("  operating system") && at("  operating system") < at("  application"));
        assert!(at("SMIs: ") < at("  operating system"));
        assert!(
            at("switched out for another task") > at("  application") || shown.contains("core 0: nothing"),
            "{shown}"
        );
    }

    /// A control group of one core, under cpusets of either version; taken away again when dropped.
    struct Cpuset {
        group: PathBuf,
        /// The file by which a process joins it.
        joins: PathBuf,
        /// Where the controller had to be switched on.
        switched: Option<PathBuf>,
    }

    impl Cpuset {
        /// `None` where it can't be made.
        fn of(core: u32) -> Option<Self> {
            let root = Path::new("/sys/fs/cgroup");
            let name = format!("tickcert-probe-{}", std::process::id());
            let has = |file: &str, word: &str| {
                fs::read_to_string(root.join(file)).is_ok_and(|words| words.split_whitespace().any(|w| w == word))
            };
            let unified = has("cgroup.controllers", "cpuset");
            let (group, joins) =
                if unified { (root.join(name), "cgroup.procs") } else { (root.join("cpuset").join(name), "tasks") };
            let switch = root.join("cgroup.subtree_control");
            let to_switch = unified && !has("cgroup.subtree_control", "cpuset");
            let switched = (to_switch && fs::write(&switch, "+cpuset").is_ok()).then_some(switch);
            fs::create_dir(&group).ok()?;
            let made = Self { joins: group.join(joins), group, switched };
            let set = |file: &str, text: &str| fs::write(made.group.join(file), text).is_ok();
            (set("cpuset.cpus", &core.to_string()) && set("cpuset.mems", "0")).then_some(made)
        }
    }

    impl Drop for Cpuset {
        fn drop(&mut self) {
            let _ = fs::remove_dir(&self.group);
            let _ = self.switched.as_ref().map(|switch| fs::write(switch, "-cpuset"));
        }
    }

    #[test]
    fn cores_that_a_control_group_forbids_are_a_row_with_the_remedy() {
        let cores = allowed();
        let Some(cpuset) = (cores.len() > 1).then(|| Cpuset::of(cores[0])).flatten() else {
            println!(
                "SKIPPED: a cpuset that forbids a core needs two cores, and a cpuset hierarchy that may be written"
            );
            return;
        };
        let script =
            format!("echo $$ > {} && exec \"$0\" probe --json --quiet topology clocks", cpuset.joins.display());
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_tickcert")]);
        let ended = Ended::of(Home::new().dress(&mut command));
        drop(cpuset);
        let found = ended.expect(0).json();
        let rows = found["not_run"].as_array().unwrap();
        let row = rows.iter().find(|row| row["how"].as_str().unwrap().contains("--cpuset-cpus")).unwrap();
        assert!(row["needs"].as_str().unwrap().contains("may use") || row["name"] == "between cores", "{row}");
        assert!(found["clocks"]["read_costs"][0]["median_ns"].as_f64().unwrap() > 0.0);
    }
}
