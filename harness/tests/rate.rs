//! `tickcert run rate`: real searches on a wire of its own.

#[cfg(test)]
mod support;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use serde_json::Value;
    use tickcert::{
        bench::{
            huge_pages::HugePages,
            run_dir,
            user_namespace::{self, Privilege},
        },
        run::certify::choose_cores,
    };

    use crate::support::{Home, can_measure, profiles};

    fn rate(v: &Value, key: &str) -> f64 {
        v[key].as_f64().unwrap_or_else(|| panic!("no {key}: {v}"))
    }

    /// That what the search says follows from its own trials.
    fn is_sound(search: &Value) {
        let highest = rate(search, "highest_pps");
        assert!(highest > 0.0 && rate(search, "highest_mps") >= highest, "a packet holds a message or more: {search}");
        let trials = search["trials"].as_array().unwrap();
        let held: Vec<&Value> = trials.iter().filter(|t| t["held"] == true).collect();
        assert!(held.iter().any(|t| rate(t, "achieved_pps") == highest), "{search}");
        assert!(held.iter().all(|t| t["why"].as_array().unwrap().is_empty() && t["limited_by"].is_null()), "{search}");
        for failed in trials.iter().filter(|t| t["held"] == false) {
            assert!(!failed["why"].as_array().unwrap().is_empty() && failed["limited_by"].is_string(), "{failed}");
        }
        for t in &held {
            let off = rate(t, "achieved_pps") / rate(t, "intended_pps") - 1.0;
            assert!(off.abs() <= 0.01, "a rate that held was kept: {t}");
            assert!(t["lag_growth_ns"].is_i64(), "{t}");
            // The rate is that between the first packet and the last, so the trial says how long it was.
            assert!(t["packets_sent"].as_u64().unwrap() >= 100, "100 orders take as many packets or more: {t}");
        }
        if let Some(fails_at) = search["fails_at_pps"].as_f64() {
            let at_edge = |t: &&Value| (rate(t, "intended_pps") / fails_at - 1.0).abs() < 1e-9;
            assert!(
                trials.iter().filter(at_edge).filter(|t| t["held"] == false).count() >= 2,
                "two of three: {search}"
            );
        }
        assert!(search["limited_by"].is_string() && !search["why"].as_str().unwrap().is_empty());
    }

    #[test]
    fn a_rate_is_found_for_each_lane_with_every_trial_and_the_ratio_to_kernel_udp() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let short = ["--lanes", "kernel-udp,kernel-tcp", "--trial", "100ms", "--resolution", "50 %", "--json"];
        let ended = home.run(&[&["run", "rate"][..], &short].concat()).expect(0);
        let found = ended.json();
        assert_eq!(found["not_run"], serde_json::json!([]), "{}", ended.err);
        let rates = found["rates"].as_array().unwrap();
        assert_eq!(rates.iter().map(|s| s["lane"].as_str().unwrap()).collect::<Vec<_>>(), ["kernel-udp", "kernel-tcp"]);
        rates.iter().for_each(is_sound);
        assert!(found["cpu_dma_latency"].is_string() && found["warnings"].is_array(), "{found}");
        assert_eq!(rate(&rates[0], "ratio_to_kernel_udp"), 1.0);
        let ratio = rate(&rates[1], "highest_pps") / rate(&rates[0], "highest_pps");
        assert_eq!(rate(&rates[1], "ratio_to_kernel_udp"), ratio);
        assert!(ended.err.contains("kernel-tcp 50000 packets/s: "), "each trial is told: {}", ended.err);
        assert_eq!(home.temporary_files(), Vec::<String>::new());
    }

    #[test]
    fn what_the_profile_says_of_transports_cores_and_interfaces_counts() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let refused = |before: &str, lines: &str, status: i32, parts: &[&str]| {
            home.write("p.toml", profiles::once().replacen(before, &format!("{lines}\n{before}"), 1));
            home.run(&["run", "rate", "--profile", "./p.toml"]).refused(status, parts);
        };
        refused("[window]", "[transport.kernel-upd]\nbusy_poll = \"50 us\"", 2, &["unknown transport `kernel-upd`"]);
        refused("[window]", "placement = { exchange_core = 0, trader_core = 9999 }", 2, &["9999"]);
        let interfaces = "[bench]\nexchange_interface = \"nosuch0\"\ntrader_interface = \"nosuch1\"";
        refused("[window]", interfaces, 4, &["the interface nosuch0, which the profile names"]);
    }

    #[test]
    fn huge_pages_that_a_lane_wants_are_set_aside_for_the_search_and_given_back() {
        if !cfg!(feature = "dpdk") || user_namespace::present() != Some(Privilege::Host) || !can_measure() {
            println!("SKIPPED: huge pages for a search: needs root on the host, and a build with the feature `dpdk`");
            return;
        }
        let pool = |file: &str| {
            let text = fs::read_to_string(format!("/sys/kernel/mm/hugepages/hugepages-2048kB/{file}")).unwrap();
            text.trim().parse::<u64>().unwrap()
        };
        // Without those that were given back while a process had them: they go with it, whenever that is.
        let setting = || pool("nr_hugepages").saturating_sub(pool("surplus_hugepages"));
        let before = setting();
        // Of the 2 MiB pages that it takes for both ends, some are missing.
        let each = (pool("free_hugepages") + 8).max(64);
        let cores = choose_cores().unwrap();
        let possible =
            HugePages::reserve(Path::new("/"), &run_dir::default_path(), cores, each * 2).map(HugePages::give_back);
        if let Err(e) = possible {
            println!("SKIPPED: huge pages for a search: {e}");
            return;
        }
        let home = Home::new();
        home.write("p.toml", format!("{}[transport.dpdk]\nmemory_mib = {each}\n", profiles::once()));
        let asked = ["--lanes", "dpdk-memif", "--trial", "50ms", "--resolution", "50 %", "--json"];
        let ended = home.run(&[&["run", "rate", "--profile", "./p.toml"][..], &asked].concat()).expect(0);
        let found = ended.json();
        assert_eq!(found["not_run"], serde_json::json!([]), "{}", ended.err);
        assert_eq!(setting(), before);
    }

    #[test]
    fn in_words_it_says_rate_resolution_and_limit() {
        if !can_measure() {
            return;
        }
        let home = Home::new();
        let said = home.run(&["run", "rate", "--trial", "50ms", "--resolution", "50 %", "--quiet"]).expect(0);
        assert_eq!(said.err, "");
        for part in ["kernel-udp", " packets/s, ", " messages/s", "sought within 50 %", "limited by: ", " trials"] {
            assert!(said.out.contains(part), "`{part}` is missing in:\n{}", said.out);
        }
    }
}
