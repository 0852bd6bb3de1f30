//! `tickcert certify` from a profile to a certificate, and what is done with certificates afterwards.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::PermissionsExt,
        path::{Path, PathBuf},
        process::{Command, Stdio},
        sync::OnceLock,
    };

    use quick_junit::Report;
    use serde_json::Value;
    use tempfile::TempDir;

    use crate::support::{Ended, Home, can_measure, has, names, profiles};

    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/schema/tickcert-1.schema.json");
    const LANES: [&str; 2] = ["kernel-udp", "kernel-tcp"];

    /// Two runs of one profile, made once for all tests.
    struct Runs {
        home: Home,
        first: Ended,
    }

    impl Runs {
        fn get() -> Option<&'static Self> {
            static RUNS: OnceLock<Option<Runs>> = OnceLock::new();
            RUNS.get_or_init(|| can_measure().then(Self::make)).as_ref()
        }

        fn make() -> Self {
            let home = Home::new();
            home.write("tiny.toml", profiles::tiny());
            let run = |out| home.run(&["certify", "--profile", "./tiny.toml", "--out", out, "--label", "a test"]);
            let first = run("one");
            run("two").expect(0);
            Self { home, first }
        }

        fn certificate(&self) -> Value {
            serde_json::from_slice(&fs::read(self.home.path("one/certificate.json")).unwrap()).unwrap()
        }

        fn run_id(&self) -> String {
            self.certificate()["run_id"].as_str().unwrap().to_owned()
        }

        /// A copy of the first certificate's folder, to be spoilt.
        fn copy(&self) -> TempDir {
            let copy = tempfile::tempdir().unwrap();
            for name in files(&self.home.path("one")) {
                let to = copy.path().join(&name);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(self.home.path("one").join(&name), to).unwrap();
            }
            copy
        }

        fn verify(&self, dir: &Path) -> Ended {
            self.home.run(&["verify", dir.to_str().unwrap()])
        }
    }

    /// All files of a certificate's folder.
    fn files(dir: &Path) -> Vec<PathBuf> {
        let samples = names(&dir.join("samples")).into_iter().map(|n| Path::new("samples").join(n));
        let top = names(dir).into_iter().filter(|n| n != "samples").map(PathBuf::from);
        top.chain(samples).collect()
    }

    fn change_one_byte(file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    }

    fn repetitions<'c>(certificate: &'c Value, lane: &str) -> &'c Vec<Value> {
        let cells = certificate["cells"].as_array().unwrap();
        cells.iter().find(|c| c["lane"] == lane).unwrap()["repetitions"].as_array().unwrap()
    }

    #[test]
    fn a_run_that_meets_its_profile_passes_and_says_where_the_certificate_and_the_key_are() {
        let Some(runs) = Runs::get() else { return };
        assert_eq!(runs.first.status, Some(0), "{}", runs.first.err);
        let out = &runs.first.out;
        assert!(out.ends_with("pass: one/certificate.html\n"), "{out}");
        let key = runs.home.data().join("signing-key");
        assert!(out.contains(&format!("A signing key was made: {}", key.display())), "{out}");
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(runs.home.temporary_files(), Vec::<String>::new());
        let expected = [
            "allowed_signers",
            "certificate.html",
            "certificate.json",
            "certificate.json.sig",
            "junit.xml",
            "profile.toml",
        ];
        assert_eq!(names(&runs.home.path("one")), [&expected[..], &["samples"]].concat());
    }

    #[test]
    fn the_certificate_is_valid_by_the_committed_schema() {
        let Some(runs) = Runs::get() else { return };
        let schema: Value = serde_json::from_slice(&fs::read(SCHEMA).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let certificate = runs.certificate();
        let errors: Vec<String> = validator.iter_errors(&certificate).map(|e| e.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!((&certificate["verdict"], &certificate["interrupted"]), (&"pass".into(), &false.into()));
        assert_eq!(certificate["sut"]["label"], "a test");
    }

    #[test]
    fn in_every_valid_repetition_of_every_lane_the_orders_received_have_the_digest_of_the_tape() {
        let Some(runs) = Runs::get() else { return };
        let certificate = runs.certificate();
        let mut digests = Vec::new();
        for lane in LANES {
            let valid: Vec<&Value> = repetitions(&certificate, lane).iter().filter(|r| r["valid"] == true).collect();
            assert_eq!(valid.len(), 5, "{lane}");
            for r in valid {
                assert_eq!(r["orders_sha256"], r["expected_sha256"], "{lane}");
                assert_eq!(r["matched"], r["expected_orders"], "{lane}");
                assert!(r["matched"].as_u64().unwrap() > 100, "{lane}");
                digests.push(r["orders_sha256"].clone());
            }
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "both lanes carry the same orders: {digests:?}");
    }

    #[test]
    fn the_tools_own_overhead_over_the_floor_lane_stands_in_every_certificate() {
        let Some(runs) = Runs::get() else { return };
        let certificate = runs.certificate();
        let floor = &certificate["probes"]["floor"];
        let missing: Vec<_> = certificate["not_run"].as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(floor["lane"], "shm", "{missing:?}");
        assert!(floor["service_time_ns"]["p50"].as_u64() > Some(0), "{floor}");
        // A stall of the host may cost both of its attempts, and then says so.
        let named = missing.iter().any(|row| row.contains("floor lane (shm): tick-to-trade"));
        assert!(floor["t2t_sent"]["p50"].as_u64() > Some(0) || named, "{floor}");
    }

    #[test]
    fn what_lies_between_the_two_cores_stands_in_every_certificate() {
        let Some(runs) = Runs::get() else { return };
        let certificate = runs.certificate();
        let probes = &certificate["probes"];
        let (line, offset) = (&probes["core_to_core"], &probes["counter_offset"]);
        assert_eq!(line["cores"], offset["cores"]);
        assert!(line["one_way_ns"].as_f64().unwrap() > 0.0, "{line}");
        assert!(offset["round_trips"].as_u64().unwrap() > 0 && offset["at_most_ns"].is_f64(), "{offset}");
    }

    #[test]
    fn what_the_host_is_made_of_and_what_lies_between_its_parts_stands_in_every_certificate() {
        let Some(runs) = Runs::get() else { return };
        let certificate = runs.certificate();
        let machine = &certificate["probes"]["machine"];
        let cores = |of: &Value| of.as_array().unwrap().iter().map(|core| core.as_u64().unwrap()).collect::<Vec<_>>();
        let known: Vec<u64> = machine["topology"]["cores"]
            .as_array()
            .unwrap()
            .iter()
            .map(|core| core["number"].as_u64().unwrap())
            .collect();
        let matrix = &machine["core_to_core"];
        let measured = cores(&matrix["cores"]);
        let pair = cores(&certificate["probes"]["core_to_core"]["cores"]);
        assert!(pair.iter().all(|core| measured.contains(core)), "{measured:?} has the run's own {pair:?}");
        assert!(measured.iter().all(|core| known.contains(core)), "{measured:?} of {known:?}");
        // A pair that could not be measured is a row.
        let rows = certificate["not_run"].as_array().unwrap().iter();
        let failed = rows.filter(|row| row["name"].as_str().unwrap().starts_with("core-to-core of ")).count();
        assert_eq!(matrix["pairs"].as_array().unwrap().len() + failed, measured.len() * (measured.len() - 1) / 2);
        let memory = machine["memory"].as_array().unwrap();
        assert!(
            memory.iter().any(|view| view["pages"] == "small" && view["loads"].as_array().unwrap().len() > 5),
            "{memory:?}"
        );
        // Huge pages may be lacking, and are a row then.
        let missing = certificate["not_run"].to_string();
        assert!(memory.iter().any(|view| view["pages"] == "huge") || missing.contains("pages of 2 MiB"), "{missing}");
        assert!(machine["read_costs"].as_array().unwrap().iter().any(|cost| cost["clock"] == "rdtsc"), "{machine}");
    }

    #[test]
    fn every_attempt_has_its_samples_in_a_parquet_file() {
        let Some(runs) = Runs::get() else { return };
        let certificate = runs.certificate();
        for r in LANES.iter().flat_map(|lane| repetitions(&certificate, lane)) {
            let name = r["samples"].as_str().unwrap();
            let bytes = fs::read(runs.home.path("one").join(name)).unwrap();
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1") && bytes.len() > 1000, "{name}");
        }
    }

    #[test]
    fn the_junit_file_has_a_case_for_each_requirement_and_the_verdict() {
        let Some(runs) = Runs::get() else { return };
        let xml = fs::read_to_string(runs.home.path("one/junit.xml")).unwrap();
        let report = Report::deserialize_from_str(&xml).unwrap();
        let suite = &report.test_suites[0];
        let certificate = runs.certificate();
        let rows = certificate["not_run"].as_array().unwrap().iter();
        // What this host can't have and nobody insists on is a case that was skipped.
        let optional = rows.filter(|row| row["optional"] == true).count();
        assert_eq!(suite.test_cases.len(), 1 + certificate["requirements"].as_array().unwrap().len() + optional);
        assert_eq!((suite.failures, suite.errors, suite.skipped), (0, 0, optional));
        assert!(suite.properties.iter().any(|p| p.name.as_str() == "verdict" && p.value.as_str() == "pass"));
    }

    #[test]
    fn the_html_names_the_verdict_and_every_lane_and_needs_no_network() {
        let Some(runs) = Runs::get() else { return };
        let html = fs::read_to_string(runs.home.path("one/certificate.html")).unwrap();
        assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"));
        for text in LANES.iter().chain(&["pass", "t2t_due", "t2t_sent", &runs.run_id()]) {
            assert!(html.contains(text), "{text}");
        }
        for loads in ["src=\"http", "href=\"http", "url(", "@import", "<script src", "<link"] {
            assert!(!html.contains(loads), "{loads}");
        }
    }

    #[test]
    fn a_certificate_is_verified_and_refused_when_one_byte_of_any_of_its_files_changed() {
        let Some(runs) = Runs::get() else { return };
        let sound = runs.verify(&runs.home.path("one")).expect(0);
        assert!(sound.out.contains(&runs.run_id()), "{}", sound.out);
        // The list of keys is for others' convenience; it is not what is signed.
        for name in files(&runs.home.path("one")).iter().filter(|n| *n != Path::new("allowed_signers")) {
            let copy = runs.copy();
            change_one_byte(&copy.path().join(name));
            let refused = runs.verify(copy.path());
            assert_eq!(refused.status, Some(1), "{}: {}{}", name.display(), refused.out, refused.err);
            assert!(!refused.err.contains("panicked"), "{}", refused.err);
        }
        let copy = runs.copy();
        let gone = &files(copy.path()).pop().unwrap();
        fs::remove_file(copy.path().join(gone)).unwrap();
        let refused = runs.verify(copy.path());
        assert_eq!(refused.status, Some(1));
        assert!((refused.out + &refused.err).contains(gone.to_str().unwrap()), "the missing file is named");
    }

    #[test]
    fn a_certificate_signed_by_a_key_that_is_not_trusted_is_refused() {
        let Some(runs) = Runs::get() else { return };
        let own = runs.home.path("one/allowed_signers");
        runs.home.run(&["verify", "one", "--signers", own.to_str().unwrap()]).expect(0);
        let other = "tickcert namespaces=\"tickcert\" ssh-ed25519 \
                     AAAAC3NzaC1lZDI1NTE5AAAAIGPf0s1tTC0FBD1YvnTVh8CnVSxXPUUlLUxYwR8X7Rdz someone\n";
        runs.home.write("others", other);
        let refused = runs.home.run(&["verify", "one", "--signers", "others"]);
        assert_eq!(refused.status, Some(1), "{}{}", refused.out, refused.err);
    }

    #[test]
    fn stock_ssh_keygen_accepts_the_signature_and_refuses_it_when_one_byte_changed() {
        let Some(runs) = Runs::get() else { return };
        if !has("ssh-keygen") {
            return;
        }
        let verify = |dir: &Path| {
            Command::new("ssh-keygen")
                .args(["-Y", "verify", "-f", "allowed_signers", "-I", "tickcert", "-n", "tickcert"])
                .args(["-s", "certificate.json.sig"])
                .current_dir(dir)
                .stdin(File::open(dir.join("certificate.json")).unwrap())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        };
        assert!(verify(&runs.home.path("one")));
        for name in ["certificate.json", "certificate.json.sig"] {
            let copy = runs.copy();
            change_one_byte(&copy.path().join(name));
            assert!(!verify(copy.path()), "{name}");
        }
    }

    #[test]
    fn both_runs_are_in_the_history() {
        let Some(runs) = Runs::get() else { return };
        let rows = runs.home.run(&["history", "--json"]).expect(0).json();
        assert_eq!(rows.as_array().unwrap().len(), 4, "two runs of two lanes");
        let udp = runs.home.run(&["history", "--json", "--lane", "kernel-udp", "--profile", "tiny"]).expect(0).json();
        assert_eq!(udp.as_array().unwrap().len(), 2);
        let table = runs.home.run(&["history"]).expect(0);
        assert!(table.out.contains(&runs.run_id()) && table.out.contains("kernel-tcp"), "{}", table.out);
    }

    #[test]
    fn two_runs_of_one_profile_are_compared_lane_by_lane() {
        let Some(runs) = Runs::get() else { return };
        for (a, b) in [("one", "two"), (runs.run_id().as_str(), "last")] {
            let comparison = runs.home.run(&["compare", a, b, "--json"]).expect(0).json();
            let cells = comparison["cells"].as_array().unwrap();
            assert_eq!(cells.len(), 2, "{comparison}");
        }
        let words = runs.home.run(&["compare", "one", "two"]).expect(0);
        assert!(words.out.contains("kernel-udp") && words.out.contains("kernel-tcp"), "{}", words.out);
    }

    #[test]
    fn runs_of_different_tapes_are_not_compared_and_the_difference_is_named() {
        let Some(runs) = Runs::get() else { return };
        let mut other = runs.certificate();
        other["tape"]["sha256"] = "0".repeat(64).into();
        let other = runs.home.write("other.json", other.to_string());
        runs.home.run(&["compare", "one", other.to_str().unwrap()]).refused(2, &["tape"]);
    }

    #[test]
    fn the_report_of_an_earlier_run_is_written_again_from_folder_or_store() {
        let Some(runs) = Runs::get() else { return };
        let id = runs.run_id();
        for which in ["one", id.as_str()] {
            let html = runs.home.run(&["report", which]).expect(0).out;
            assert!(html.starts_with("<!DOCTYPE html>") && html.contains(&id), "{which}");
        }
        runs.home.run(&["report", "last", "--out", "last.html"]).expect(0);
        assert!(fs::read_to_string(runs.home.path("last.html")).unwrap().starts_with("<!DOCTYPE html>"));
        runs.home.run(&["report", "20010101"]).refused(2, &["20010101", "tickcert history"]);
    }

    #[test]
    fn a_sweep_searches_for_the_highest_rate_and_measures_at_shares_of_it_and_near_idle() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        // One whose device refuses it only when it opens; the profile can do without.
        let lanes = "lanes = [\"kernel-udp\"]";
        assert!(profiles::sweeping().contains(lanes), "{}", profiles::sweeping());
        let profile = profiles::sweeping().replace(lanes, &format!("{lanes}\noptional_lanes = [\"afxdp-zc\"]"));
        home.write("sweeping.toml", &profile);
        home.run(&["certify", "--profile", "./sweeping.toml", "--out", "out"]).expect(0);
        let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
        let schema: Value = serde_json::from_slice(&fs::read(SCHEMA).unwrap()).unwrap();
        assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&certificate));
        let rows = certificate["not_run"].as_array().unwrap().iter();
        // The host may lack counters of its processor, which is no lane's lack.
        let lanes: Vec<&Value> = rows.filter(|row| row["kind"] != "probe").collect();
        let [row] = lanes.as_slice() else { panic!("{lanes:?}") };
        assert_eq!((&row["kind"], &row["name"], &row["optional"]), (&"lane".into(), &"afxdp-zc".into(), &true.into()));
        let highest = certificate["rates"][0]["highest_within_pass_pps"].as_f64().unwrap();
        let cells = certificate["cells"].as_array().unwrap();
        let text = |cell: &Value| cell["load"]["text"].as_str().unwrap().to_owned();
        let mut loads: Vec<String> = cells.iter().map(text).collect();
        assert_eq!(loads[0], "constant 5000 packets/s");
        let points: Vec<String> = loads.split_off(1);
        for (point, name) in points.iter().zip(["sweep 10 %: ", "sweep 40 %: ", "sweep idle: "]) {
            assert!(point.starts_with(name), "{points:?}");
        }
        for (cell, share) in cells[1..].iter().zip([0.1, 0.4]) {
            let rate = cell["load"]["rate_pps"].as_f64().unwrap();
            // Within a pass it is that share; the passes are short, and the silences between them lower it.
            assert!(rate > 0.3 * share * highest && rate < 1.01 * share * highest, "{rate} of {highest}");
        }
        let ids: Vec<&str> =
            certificate["requirements"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert!(ids.contains(&"rate-highest [kernel-udp]"), "{ids:?}");
        assert!(ids.iter().any(|id| id.starts_with("orders-lost [kernel-udp, sweep 40 %: ")), "{ids:?}");
        let html = fs::read_to_string(home.path("out/certificate.html")).unwrap();
        assert!(html.contains("Highest rate without loss") && html.contains(&points[0]));
        let compared = home.run(&["compare", "out", "out"]).expect(0);
        assert!(compared.out.contains("highest rate without loss of kernel-udp"), "{}", compared.out);
    }

    /// What stands in the place of a requirement on what is not searched for.
    const HELD: &str = "metric = \"orders.lost\"\nlimit = \"== 0\"";

    /// The built-in profile, strict as it is, with so little work that it takes seconds.
    fn colo_shortened() -> String {
        let mut text = include_str!("../../scenarios/profiles/colo.toml").to_owned();
        for (from, to) in [
            ("repetitions = 10 ", "repetitions = 1 "),
            ("retries = 0 ", "retries = 3 "),
            ("staged_repetitions = 1", "staged_repetitions = 0"),
            ("orders_late_after = \"10 ms\"", "orders_late_after = \"5 s\""),
            ("orders = 11000 ", "orders = 20 "),
            ("max_duration = \"120 s\"", "max_duration = \"1 s\""),
            ("messages = 1000000", "messages = 20000"),
            ("duration = \"10 s\" ", "duration = \"100 ms\" "),
            ("orders = 200\nmax_duration = \"60 s\"", "orders = 5\nmax_duration = \"1 s\""),
        ] {
            assert!(text.contains(from), "the profile has no `{from}` any more");
            text = text.replacen(from, to, 1);
        }
        // The strict loads go as fast as a host can; this one shares its cores.
        let (before, sweep) = text.split_once("[sweep]").unwrap();
        let (_, after) = sweep.split_once("# What is it worth?").unwrap();
        let text =
            format!("{before}{after}").replace("metric = \"rate.highest\"\nlimit = \">= 100000 packets/s\"", HELD);
        text.replace("rate = \"50000 packets/s\"", "rate = \"5000 packets/s\"")
    }

    #[test]
    fn colo_on_emulated_evidence_is_not_certifiable_and_says_why_with_status_3() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        home.write("colo.toml", colo_shortened());
        let lanes = ["--lanes", "kernel-udp"];
        let ended =
            home.run(&[&["certify", "--profile", "./colo.toml", "--out", "out"][..], &lanes].concat()).expect(3);
        assert!(ended.out.contains("not-certifiable: out/certificate.html"), "{}", ended.out);
        let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
        assert_eq!(certificate["verdict"], "not-certifiable");
        let reasons = certificate["reasons"].to_string();
        assert!(reasons.contains("emulated") && reasons.contains("nic"), "{reasons}");
        if certificate["sut"]["host"]["virtualised"] != "none" {
            assert!(reasons.contains("virtual machine"), "{reasons}");
        }
        home.run(&["verify", "out"]).expect(0);
    }
}
