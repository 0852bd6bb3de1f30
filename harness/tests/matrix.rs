//! `tickcert matrix`: real runs in every placement of this host.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use serde_json::Value;

    use crate::support::{Ended, Home, Running, can_measure, cpuset::Cpuset, profiles};

    fn rows(certificate: &Value) -> Vec<&str> {
        let rows = certificate["not_run"].as_array().unwrap();
        rows.iter().filter(|row| row["kind"] == "placement").map(|row| row["name"].as_str().unwrap()).collect()
    }

    fn certificate(home: &Home, folder: &str) -> Value {
        serde_json::from_slice(&fs::read(home.path(folder).join("certificate.json")).unwrap()).unwrap()
    }

    #[test]
    fn every_distinct_placement_of_this_host_is_measured_once_for_each_lane_and_what_it_lacks_is_a_row() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        home.write("p.toml", profiles::once());
        let asked = ["matrix", "--profile", "./p.toml", "--lanes", "kernel-udp,shm", "--out", "out"];
        let ended = home.run(&asked).expect(0);
        let found = certificate(&home, "out");
        assert!(found["profile"]["description"].as_str().unwrap().contains("placements = all"), "{}", found["profile"]);
        let cells = found["cells"].as_array().unwrap();
        let placed = |cell: &Value| (cell["lane"].to_string(), cell["placement"]["class"].to_string());
        let distinct: BTreeSet<_> = cells.iter().map(placed).collect();
        assert_eq!(distinct.len(), cells.len(), "0-1 and 1-0 are one placement, and stand here once");
        let lanes: BTreeSet<_> = cells.iter().map(|cell| cell["lane"].as_str().unwrap()).collect();
        assert_eq!(lanes, BTreeSet::from(["kernel-udp", "shm"]));
        for cell in cells {
            assert!(cell["placement"]["class"]["cores"].is_string(), "{}", cell["placement"]);
            let digests = |r: &Value| r["valid"] == false || r["orders_sha256"] == r["expected_sha256"];
            assert!(cell["repetitions"].as_array().unwrap().iter().all(digests), "the same work in each");
        }
        let matrices = found["placements"].as_array().unwrap();
        assert_eq!(matrices.len(), 2, "{matrices:?}");
        for matrix in matrices {
            let rows = matrix["rows"].as_array().unwrap();
            assert!(rows.iter().all(|row| row["p50_ns"].as_u64().unwrap() > 0), "{rows:?}");
            assert!(rows.iter().any(|row| row["placement"] == matrix["best"]), "{matrix}");
            assert!(!matrix["why"].as_str().unwrap().is_empty());
        }
        // A virtual wire has no interrupts, on whatever host.
        for word in ["nic-remote", "irq-same", "irq-other"] {
            assert!(rows(&found).contains(&word), "{word} is missing in {:?}", rows(&found));
        }
        assert!(ended.out.contains("placements of kernel-udp (emulated)"), "{}", ended.out);
        let page = fs::read_to_string(home.path("out/certificate.html")).unwrap();
        assert!(page.contains("Placements of kernel-udp") && page.contains("class=\"heat\""));
        assert_eq!(home.temporary_files(), Vec::<String>::new());
    }

    #[test]
    fn two_matrices_of_a_host_are_compared_placement_by_placement() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        home.write("p.toml", profiles::once());
        for out in ["a", "b"] {
            home.run(&["matrix", "--profile", "./p.toml", "--lanes", "shm", "--out", out]).expect(0);
        }
        let compared = home.run(&["compare", "a", "b", "--json"]).expect(0).json();
        let name = certificate(&home, "a")["cells"][0]["placement"]["name"].as_str().unwrap().to_owned();
        let compared = &compared["cells"][0]["name"];
        assert!(compared.as_str().unwrap().ends_with(&format!(", {name}")), "{compared}");
    }

    #[test]
    fn placements_by_name_are_those_measured_and_one_that_is_not_there_is_not_run() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        home.write(
            "p.toml",
            profiles::once().replacen("[window]", "placements = [\"other-socket+smt-sibling\"]\n[window]", 1),
        );
        let ended = home.run(&["certify", "--profile", "./p.toml", "--out", "out"]).expect(4);
        assert!(ended.out.contains("other-socket+smt-sibling"), "{}", ended.out);
        assert_eq!(certificate(&home, "out")["cells"], serde_json::json!([]));
        home.run(&["matrix", "--placements", "same-l4"]).refused(2, &["`same-l4`", "did you mean `same-l3`?"]);
        home.run(&["certify", "--placements", "all", "--exchange-core", "0", "--trader-core", "1"])
            .refused(2, &["--placements"]);
        home.write("s.toml", profiles::sweeping());
        home.run(&["matrix", "--profile", "./s.toml"]).refused(2, &["[sweep]", "one placement"]);
    }

    #[test]
    fn a_cpuset_with_one_core_only_is_what_a_matrix_lacks_with_the_remedy() {
        if !can_measure() {
            return;
        }
        let Some(set) = Cpuset::make("one-core", "0") else { return };
        let home = Home::new();
        let ended = Ended::of(&mut set.around(&home.command(&["matrix", "--lanes", "shm"])));
        ended.refused(4, &["only core [0] may be used here", "a wider cpuset"]);
    }

    #[test]
    fn a_core_that_is_taken_away_in_the_middle_ends_its_placement_as_not_run_and_not_the_run() {
        if !can_measure() {
            return;
        }
        let Some(set) = Cpuset::make("taken-away", "0-1") else { return };
        let home = Home::new();
        home.write("p.toml", profiles::long());
        let asked = ["matrix", "--profile", "./p.toml", "--lanes", "shm", "--out", "out", "--verbose"];
        let mut running = Running::start(&mut set.around(&home.command(&asked)));
        running.wait_for("repetition 1:");
        assert!(set.narrow("0"), "the set of a running process can be narrowed");
        let ended = running.end();
        let found = certificate(&home, "out");
        let row =
            found["not_run"].as_array().unwrap().iter().find(|row| row["name"].as_str().unwrap().ends_with(" of shm"));
        let row = row.unwrap_or_else(|| panic!("{:?}\n{}", found["not_run"], ended.err));
        assert!(row["needs"].as_str().unwrap().contains("core 1 may not be used by this process"), "{row}");
        assert!(row["how"].as_str().unwrap().contains("--cpuset-cpus"), "{row}");
        assert!(found["verdict"] != "pass", "what was planned was not measured");
    }
}
