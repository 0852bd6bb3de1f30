//! Wrong use, and what is said about it; help and completions.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::{BufRead, BufReader},
        path::Path,
        process::{Command, Stdio},
    };

    use tickcert_scenarios::profile::{BUILTIN_NAMES, Profile};
    use tickcert_transports::Lane;

    use crate::support::{Ended, Home, can_measure, has, profiles};

    const COMMANDS: [&[&str]; 18] = [
        &["certify"],
        &["run"],
        &["run", "service-time"],
        &["run", "rate"],
        &["matrix"],
        &["run", "hand-off"],
        &["lanes"],
        &["handoffs"],
        &["doctor"],
        &["probe"],
        &["selftest"],
        &["compare"],
        &["history"],
        &["report"],
        &["verify"],
        &["clean"],
        &["completions"],
        &[],
    ];

    #[test]
    fn help_of_every_command_has_examples_and_that_of_the_whole_has_the_exit_statuses() {
        let home = Home::new();
        for command in COMMANDS {
            let help = home.run(&[command, &["--help"]].concat()).expect(0);
            let wanted = if command.is_empty() { "Exit status: 0 pass, 1 fail, 2 " } else { "Examples:\n  tickcert " };
            assert!(help.out.contains(wanted), "{command:?}:\n{}", help.out);
            assert_eq!(help.err, "");
        }
    }

    #[test]
    fn the_built_in_profiles_name_lanes_that_there_are_and_ci_has_them_all_but_variants_to_tune() {
        for name in BUILTIN_NAMES {
            Profile::load(name).unwrap().check_lanes(&Lane::names()).unwrap();
        }
        let named = Profile::load("ci").unwrap().check_lanes(&Lane::names()).unwrap();
        for lane in Lane::names() {
            let tuned = lane.split_once('/').is_some_and(|(_, variant)| variant != "tcp");
            assert!(tuned || named.iter().any(|l| l == lane), "{lane}");
        }
    }

    #[test]
    fn examples_in_help_are_commands_that_exist() {
        let home = Home::new();
        let names: Vec<&str> = COMMANDS.iter().filter_map(|c| c.first().copied()).collect();
        for command in COMMANDS.iter().filter(|c| !c.is_empty()) {
            let help = home.run(&[command, &["--help"][..]].concat()).expect(0).out;
            let examples = help.lines().skip_while(|l| *l != "Examples:").filter_map(|l| l.strip_prefix("  tickcert "));
            for example in examples {
                let name = example.split_whitespace().next().unwrap();
                assert!(names.contains(&name), "{example}");
            }
        }
    }

    #[test]
    fn the_version_is_told() {
        let version = Home::new().run(&["--version"]).expect(0);
        assert!(version.out.starts_with(concat!("tickcert ", env!("CARGO_PKG_VERSION"))), "{}", version.out);
    }

    #[test]
    fn no_command_and_a_misspelt_one_are_wrong_use() {
        let home = Home::new();
        let none = home.run(&[]).expect(2);
        assert!(none.err.contains("Usage: tickcert"), "{}", none.err);
        home.run(&["certfy"]).refused(2, &["certfy", "'certify'"]);
        home.run(&["certify", "--repetition", "3"]).refused(2, &["--repetitions"]);
    }

    #[test]
    fn completions_are_scripts_that_know_the_commands() {
        let home = Home::new();
        for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
            let script = home.run(&["completions", shell]).expect(0).out;
            for word in ["certify", "service-time", "exchange-core", "doctor", "fix-script"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
        home.run(&["completions", "tcsh"]).refused(2, &["bash", "zsh"]);
    }

    #[test]
    fn bash_completes_a_command_by_the_script() {
        if !has("bash") {
            return;
        }
        let home = Home::new();
        home.write("completions", home.run(&["completions", "bash"]).expect(0).out);
        let script = "source completions; COMP_WORDS=(tickcert cert); COMP_CWORD=1; _tickcert tickcert cert tickcert; \
                      echo \"${COMPREPLY[@]}\"";
        let completed = Ended::of(home.dress(&mut Command::new("bash")).args(["-c", script])).expect(0);
        assert_eq!(completed.out.trim(), "certify", "{}", completed.err);
    }

    /// A run with a profile in which `from` is replaced must be refused before anything is measured.
    #[track_caller]
    fn profile_refused(from: &str, to: &str, parts: &[&str]) {
        let home = Home::new();
        let text = profiles::tiny();
        assert!(text.contains(from));
        home.write("mine.toml", text.replacen(from, to, 1));
        let ended = home.run(&["certify", "--profile", "./mine.toml", "--out", "out"]).refused(2, parts);
        assert!(!ended.err.contains("Checking the clock"), "{}", ended.err);
        assert!(!home.path("out").exists());
    }

    #[test]
    fn an_unknown_key_in_a_profile_is_named_with_its_line_and_the_nearest_known_one() {
        profile_refused("repetitions = 5", "repititions = 5", &["mine.toml:6:1", "repititions", "`repetitions`"]);
    }

    #[test]
    fn a_limit_without_unit_is_refused_with_an_example_of_one() {
        let limit = "metric = \"t2t_due.p99\"\nlimit = \"<= 50\"";
        profile_refused(
            "metric = \"orders.lost\"\nlimit = \"== 0\"",
            limit,
            &["mine.toml:32:9", "no unit", "write: limit = \"<= 50 us\""],
        );
    }

    #[test]
    fn a_duration_without_unit_is_refused() {
        profile_refused("\"200 ms\"", "\"200\"", &["mine.toml:11:", "200", "unit"]);
    }

    #[test]
    fn an_unknown_lane_is_named_with_the_nearest_and_all_that_there_are() {
        profile_refused(
            "\"kernel-udp\"",
            "\"kernel-upd\"",
            &["kernel-upd", "did you mean `kernel-udp`?", "kernel-tcp"],
        );
        let given = ["certify", "--lanes", "kernel-tpc"];
        Home::new().run(&given).refused(2, &["kernel-tpc", "did you mean `kernel-tcp`?", "kernel-udp"]);
        for scenario in ["service-time", "rate"] {
            let given = ["run", scenario, "--lanes", "kernel-tpc"];
            Home::new().run(&given).refused(2, &["kernel-tpc", "did you mean `kernel-tcp`?"]);
        }
    }

    #[test]
    fn a_setting_that_the_name_of_a_lane_decides_is_answered_with_its_line_and_the_lane_to_name() {
        for (transport, setting, lane) in [
            ("kernel-udp", "busy_poll = true", "kernel-udp-busypoll"),
            ("kernel-tcp", "busy_poll = true", "kernel-tcp-busypoll"),
            ("io-uring", "zero_copy = true", "io-uring/zc"),
            ("afxdp", "copy = \"zero-copy\"", "afxdp-zc"),
            ("afxdp", "orders = \"tcp\"", "afxdp-copy/tcp"),
            ("dpdk", "device = \"pci\"", "dpdk-pci"),
        ] {
            let table = format!("[transport.{transport}]\n{setting}\n[window]");
            let line = profiles::tiny().lines().position(|l| l == "[window]").unwrap() + 2;
            let key = setting.split(' ').next().unwrap();
            profile_refused("[window]", &table, &[&format!("mine.toml:{line}:"), setting, &format!("`{key}`"), lane]);
        }
    }

    #[test]
    fn a_number_that_a_lane_can_not_be_opened_with_is_refused_before_anything_is_measured() {
        for (transport, setting, said) in [
            ("afxdp", "vlan = 5000", "from 1 to 4094"),
            ("afxdp", "send_ring = 500", "no power of two from 64"),
            ("io-uring", "buffers = 1000", "no power of two from 1 to 32768"),
            ("dpdk", "burst = 33", "from 1 to 32"),
            ("shm", "ring_bytes = 1", "not between"),
        ] {
            let table = format!("[transport.{transport}]\n{setting}\n[window]");
            profile_refused("[window]", &table, &["mine.toml:", setting, said]);
        }
    }

    #[test]
    fn a_profile_that_is_no_toml_is_refused_with_the_place() {
        profile_refused("name = \"tiny\"", "name = tiny", &["mine.toml:2:"]);
    }

    #[test]
    fn an_unknown_profile_is_named_with_the_nearest_and_the_built_in_ones() {
        let home = Home::new();
        home.run(&["certify", "--profile", "colp"]).refused(2, &["`colp`", "did you mean `colo`?", "ci, colo"]);
        home.run(&["certify", "--profile", "./none.toml"]).refused(2, &["./none.toml", "No such file"]);
    }

    #[test]
    fn cores_that_do_not_exist_or_are_the_same_are_refused_with_those_that_there_are() {
        let home = Home::new();
        let cores = |command: &[&str], exchange: &str, trader: &str| {
            home.run(&[command, &["--exchange-core", exchange, "--trader-core", trader]].concat())
        };
        for command in [&["certify"][..], &["run", "service-time"], &["run", "rate"], &["run", "hand-off"]] {
            cores(command, "0", "4000").refused(2, &["core 4000 doesn't exist", "cores on line are 0"]);
            cores(command, "4000", "0").refused(2, &["core 4000 doesn't exist"]);
            cores(command, "0", "0").refused(2, &["both ends are placed on core 0"]);
        }
        home.run(&["certify", "--trader-core", "1"]).refused(2, &["--exchange-core"]);
        assert!(!home.path("tickcert-out").exists());
    }

    #[test]
    fn values_out_of_range_and_files_that_are_not_there_are_refused() {
        let home = Home::new();
        home.run(&["certify", "--repetitions", "0"]).refused(2, &["--repetitions", "1..=1000"]);
        home.run(&["certify", "--ticks", "none.itch"]).refused(2, &["--ticks none.itch", "no such file"]);
        home.run(&["certify", "--ticks", "."]).refused(2, &["--ticks ."]);
        home.run(&["run", "service-time", "--frame-bytes", "9000"]).refused(2, &["--frame-bytes", "1472"]);
        home.run(&["run", "service-time", "--duration", "2"]).refused(2, &["--duration", "unit"]);
        home.run(&["run", "rate", "--trial", "2"]).refused(2, &["--trial", "unit"]);
        home.run(&["run", "rate", "--trial", "2ms"]).refused(2, &["--trial", "too short", "50 ms"]);
        home.run(&["run", "rate", "--resolution", "5"]).refused(2, &["--resolution", "1 % to 50 %"]);
        home.run(&["run", "rate", "--ticks", "none.itch"]).refused(2, &["--ticks none.itch", "no such file"]);
        home.run(&["run", "hand-off", "--queues", "rtbr"]).refused(
            2,
            &["unknown hand-off `rtbr`", "did you mean `rtrb`?", "inline, rtrb, rtrb-blocking", "ticket-lock"],
        );
        home.run(&["run", "hand-off", "--capacity", "1000"]).refused(2, &["--capacity", "power of two"]);
        home.run(&["run", "hand-off", "--message-bytes", "65"]).refused(2, &["--message-bytes", "64, 256 or 1024"]);
        home.run(&["run", "hand-off", "--preempt", "2s"]).refused(2, &["--preempt", "too long", "100.00 ms"]);
        home.run(&["run", "hand-off", "--preempt-every", "2ms"]).refused(2, &["--preempt <TIME>"]);
        home.run(&["run", "hand-off", "--producers", "0"]).refused(2, &["--producers", "1..=64"]);
        home.run(&["certify", "--handoffs", "rtbr"]).refused(2, &["unknown hand-off `rtbr`", "did you mean `rtrb`?"]);
        home.run(&["certify", "--handoffs", "rtrb", "--decide-core", "2"]).refused(2, &["--send-core"]);
        let on_one_core = ["--handoffs", "rtrb", "--decide-core", "2", "--send-core", "2"];
        home.run(&[&["certify"][..], &on_one_core].concat()).refused(2, &["cores 2 and 2", "each of the four its own"]);
        home.run(&["certify", "--queue-capacity", "100"]).refused(2, &["--queue-capacity", "power of two"]);
        home.run(&["certify", "--queue-message-bytes", "128"])
            .refused(2, &["--queue-message-bytes", "64, 256 or 1024"]);
        let gibibyte = ["--handoffs", "rtrb", "--queue-capacity", "1048576", "--queue-message-bytes", "1024"];
        home.run(&[&["certify"][..], &gibibyte].concat()).refused(2, &["too large", "262144"]);
        let placed = ["--placements", "all", "--queue-capacity", "64"];
        home.run(&[&["certify"][..], &placed].concat()).refused(2, &["--queue-capacity", "leave --placements out"]);
        for size in ["--queue-capacity", "--queue-message-bytes"] {
            home.run(&["certify", size, "256"]).refused(2, &[size, "a trader in three threads", "--handoffs"]);
        }
        home.run(&["certify", "--handoffs", "rtrb", "--placements", "all"]).refused(2, &["several placements"]);
        home.run(&["selftest", "--only", "bussy"]).refused(2, &["bussy", "busy, stall"]);
    }

    #[test]
    fn a_folder_that_is_in_use_is_refused_and_left_alone() {
        let home = Home::new();
        home.write("mine.txt", "precious");
        home.run(&["certify", "--out", "."]).refused(2, &["not empty", "--out"]);
        assert_eq!(std::fs::read_to_string(home.path("mine.txt")).unwrap(), "precious");
    }

    #[test]
    fn what_is_no_certificate_is_refused_with_what_to_give_instead() {
        let home = Home::new();
        home.write("certificate.json", "{}");
        home.run(&["verify", "nowhere"]).refused(2, &["nowhere", "certify --out"]);
        home.run(&["report", "certificate.json"]).refused(2, &["certificate.json", "not a certificate"]);
        home.run(&["compare", ".", "."]).refused(2, &["certificate.json", "not a certificate"]);
        std::fs::create_dir(home.path("empty")).unwrap();
        home.run(&["report", "empty"]).refused(2, &["no certificate.json", "--out"]);
    }

    #[test]
    fn without_a_store_history_says_how_one_comes_about() {
        let home = Home::new();
        home.run(&["history"]).refused(2, &["results.sqlite", "tickcert certify"]);
        home.run(&["report", "last"]).refused(2, &["last is no file or folder", "results.sqlite"]);
        assert!(!home.data().exists(), "asking makes no store");
    }

    #[test]
    fn lanes_are_listed_with_what_they_need() {
        let home = Home::new();
        let lanes = home.run(&["lanes", "--json"]).expect(0).json();
        let names: Vec<&str> = lanes.as_array().unwrap().iter().map(|l| l["lane"].as_str().unwrap()).collect();
        assert!(names.contains(&"kernel-udp") && names.contains(&"kernel-tcp"), "{names:?}");
        let table = home.run(&["lanes"]).expect(0).out;
        assert!(names.iter().all(|name| table.contains(name)), "{table}");
    }

    #[test]
    fn lanes_are_listed_with_the_evidence_that_a_run_on_this_host_would_give() {
        let home = Home::new();
        let lanes = home.run(&["lanes", "--json"]).expect(0).json();
        let of = |name: &str| lanes.as_array().unwrap().iter().find(|l| l["lane"] == name).unwrap().clone();
        let bare_metal = tickcert_probes::host::hypervisor(Path::new("/")) == "none";
        let on_nics = if bare_metal { "software" } else { "emulated" };
        let udp = of("kernel-udp");
        assert_eq!((udp["runs"].as_bool(), udp["evidence"].as_str()), (Some(true), Some("emulated")), "{udp}");
        assert!(udp["evidence_why"].as_str().unwrap().contains("veth"), "{udp}");
        assert_eq!(udp["evidence_on_real_nics"], on_nics, "{udp}");
        assert!(of("shm")["evidence_on_real_nics"].is_null(), "no NIC is asked for");
        let zero_copy = of("afxdp-zc");
        let known = zero_copy["needs"].is_object();
        assert_eq!(zero_copy["runs"].as_bool(), known.then_some(false), "{zero_copy}");
        assert_eq!(zero_copy["only_opening_tells"].is_null(), known, "{zero_copy}");
        let table = home.run(&["lanes"]).expect(0).out;
        let line = format!("evidence: emulated (the wire is a veth pair: no NIC took part); {on_nics} over two NICs");
        assert!(table.contains(&line), "{table}");
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error() {
        let home = Home::new();
        let mut child = home.command(&["completions", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        // Dropped with the reader, the pipe is closed while most of the script is still to come.
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(first.contains("_tickcert"), "{first}");
    }

    #[test]
    fn a_result_that_could_not_be_written_is_an_error() {
        let home = Home::new();
        for command in [&["completions", "bash"][..], &["lanes"], &["lanes", "--json"]] {
            let mut command = home.command(command);
            let output = command.stdout(File::options().write(true).open("/dev/full").unwrap()).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(4), "{said}");
            assert!(said.contains("can't write the result to standard output"), "{said}");
            assert!(said.contains("No space left on device"), "{said}");
        }
    }

    #[test]
    fn service_time_prints_one_cell_for_each_lane_and_nothing_else_on_standard_output() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let lanes = ["--lanes", "kernel-udp,kernel-tcp", "--duration", "200ms", "--json"];
        let times = home.run(&[&["run", "service-time"][..], &lanes].concat()).expect(0).json();
        let cells = times["cells"].as_array().unwrap();
        assert_eq!(cells.len(), 2, "{times}");
        for cell in cells {
            let rtt = |q: &str| cell["rtt_ns"][q].as_u64().unwrap();
            assert!(0 < rtt("min") && rtt("min") <= rtt("p50") && rtt("p50") <= rtt("max"), "{cell}");
            assert!(cell["round_trips"].as_u64() >= cell["rtt_ns"]["n"].as_u64(), "{cell}");
            for end in ["exchange", "trader"] {
                assert_eq!(cell[end]["allocator_calls"].as_u64(), Some(0), "{cell}");
                let has_facts = cell[end]["facts"]["orders_receive_buffer"].is_string();
                assert_eq!(has_facts, cell["lane"] == "kernel-udp", "{cell}");
            }
        }
        assert_eq!(home.temporary_files(), Vec::<String>::new());
    }

    #[test]
    fn service_time_takes_the_settings_interfaces_and_cores_of_a_profile() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let run = |lines: &str, json: &[&str]| {
            home.write("p.toml", profiles::once().replacen("[window]", &format!("{lines}\n[window]"), 1));
            let command = ["run", "service-time", "--lanes", "shm", "--duration", "100ms", "--profile", "./p.toml"];
            home.run(&[&command[..], json].concat())
        };
        let settings = "[transport.shm]\nring_bytes = 131072";
        let times = run(settings, &["--json"]).expect(0).json();
        assert_eq!(times["cells"][0]["settings"]["ring_bytes"], 131_072, "{times}");
        let said = run(settings, &[]).expect(0).out;
        assert!(said.contains("with ring_bytes = 131072"), "{said}");
        run("[transport.shm]\nring_bytes = 1", &[]).refused(2, &["p.toml:", "ring_bytes = 1 is not between"]);
        run("placement = { exchange_core = 0, trader_core = 9999 }", &[]).refused(2, &["9999"]);
        let interfaces = "[bench]\nexchange_interface = \"nosuch0\"\ntrader_interface = \"nosuch1\"";
        run(interfaces, &[]).refused(4, &["the interface nosuch0, which the profile names"]);
    }

    #[test]
    fn service_time_is_measured_with_the_cores_kept_out_of_deep_sleep_or_says_why_not() {
        const FILE: &str = "/dev/cpu_dma_latency";
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let mut run = home.start(&["run", "service-time", "--duration", "3s", "--json"]);
        run.wait_for("Service time of");
        let open = fs::read_dir(format!("/proc/{}/fd", run.id())).unwrap();
        let held = open.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|file| file == Path::new(FILE)));
        let said = run.end().expect(0).json()["cpu_dma_latency"].as_str().unwrap().to_owned();
        let can_be = File::options().write(true).open(FILE).is_ok();
        assert_eq!((held, said.contains("not held")), (can_be, !can_be), "{said}");
        if !can_be {
            println!("SKIPPED: holding {FILE}, which needs root and a kernel that has it");
        }
    }

    #[test]
    fn quiet_says_nothing_but_the_result() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        home.write("once.toml", profiles::once());
        let ended = home.run(&["certify", "--profile", "./once.toml", "--out", "out", "--quiet"]).expect(0);
        assert_eq!((ended.out.as_str(), ended.err.as_str()), ("pass: out/certificate.html\n", ""));
        let json = home.run(&["certify", "--profile", "./once.toml", "--out", "json", "--quiet", "--json"]).expect(0);
        assert_eq!(json.json()["verdict"], "pass");
    }

    #[test]
    fn a_requirement_that_is_not_met_is_a_failure_with_status_1() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        // No host answers in a nanosecond.
        let limit = "metric = \"t2t_due.p50\"\nlimit = \"<= 1 ns\"";
        let text = profiles::once().replace("repetitions = 1", "repetitions = 5");
        home.write("strict.toml", text.replacen("metric = \"orders.lost\"\nlimit = \"== 0\"", limit, 1));
        let ended = home.run(&["certify", "--profile", "./strict.toml", "--out", "out", "-q"]).expect(1);
        assert_eq!(ended.out, "fail: out/certificate.html\n");
    }
}
