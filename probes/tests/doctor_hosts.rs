//! What is found on other hosts, from trees of them.

#[cfg(test)]
#[path = "support/tree.rs"]
mod tree;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;
    use tickcert_probes::audit::{
        End, Finding, Scope, findings,
        script::{WrittenFor, script},
    };
    use tickcert_results::certificate::{Setting, Topic};

    use crate::tree::{Entry, entries, grown, tree};

    fn scope(exchange: (u32, &str), trader: (u32, &str)) -> Scope {
        let end = |name: &str, (core, interface): (u32, &str)| End {
            name: name.to_owned(),
            core,
            interface: Some(interface.to_owned()),
            memory: None,
        };
        Scope { ends: vec![end("exchange", exchange), end("trader", trader)], ..Scope::default() }
    }

    fn find<'a>(found: &'a [Finding], name: &str) -> &'a Setting {
        let named = found.iter().find(|f| f.setting.name == name);
        &named.unwrap_or_else(|| panic!("no {name} among {:?}", wrong(found))).setting
    }

    fn wrong(found: &[Finding]) -> Vec<&str> {
        found.iter().filter(|f| !f.setting.ok).map(|f| f.setting.name.as_str()).collect()
    }

    fn intel() -> Vec<Finding> {
        findings(tree("intel-e810").path(), &scope((2, "eth2"), (20, "eth3")))
    }

    fn epyc() -> Vec<Finding> {
        let (exchange, trader) = ((8, "enp193s0f0np0"), (9, "enp193s0f1np0"));
        findings(tree("epyc-connectx").path(), &scope(exchange, trader))
    }

    fn x2522() -> Vec<Finding> {
        findings(tree("x2522").path(), &scope((6, "eth4"), (7, "eth5")))
    }

    #[test]
    fn an_untuned_server_has_its_cores_wrong_in_every_respect() {
        let found = intel();
        for what in
            ["governor", "energy-preference", "idle-states", "smt-sibling", "isolcpus", "nohz_full", "rcu_nocbs"]
        {
            for core in ["cpu2", "cpu20"] {
                assert!(!find(&found, &format!("{core}/{what}")).ok, "{core}/{what}");
            }
        }
        assert_eq!(find(&found, "cpu2/idle-states").value, "C1E (4 us), C6 (170 us)");
        assert_eq!(find(&found, "cpu2/smt-sibling").value, "34");
        assert_eq!(find(&found, "cpu2/isolcpus").fix.split(',').next(), Some("boot with isolcpus=2"));
    }

    #[test]
    fn an_untuned_server_has_its_kernel_wrong_in_every_respect() {
        let found = intel();
        let all = ["mitigations", "swap", "transparent_hugepage", "numa_balancing", "nmi_watchdog", "rt_throttling"];
        for name in all.into_iter().chain(["irqbalance", "timer_slack", "turbo", "tuned", "uncore/package_01_die_00"]) {
            assert!(!find(&found, name).ok, "{name}");
        }
    }

    #[test]
    fn an_e810_in_half_a_slot_is_told_by_width_and_speed() {
        let found = intel();
        let (width, speed) = (find(&found, "eth2/pcie-width"), find(&found, "eth2/pcie-speed"));
        assert_eq!((width.ok, width.value.as_str(), width.wanted.as_str()), (false, "x8", "x16"));
        assert_eq!((speed.ok, speed.value.as_str(), speed.wanted.as_str()), (false, "8.0 GT/s", "16.0 GT/s"));
        assert!(width.fix.contains("slot"), "{}", width.fix);
        assert_eq!(find(&found, "eth2/pcie-link-states").value, "l1_aspm");
    }

    #[test]
    fn the_trader_on_the_other_socket_is_told_the_cores_near_its_nic() {
        let found = intel();
        let trader = find(&found, "trader/nic-node");
        assert!(!trader.ok && find(&found, "exchange/nic-node").ok);
        assert_eq!(trader.value, "eth3 at node 0, core 20 at node 1 (distance 20)");
        assert!(trader.fix.contains("--trader-core with one of 0-15,32-47"), "{}", trader.fix);
    }

    #[test]
    fn an_interrupt_on_a_measured_core_goes_to_others_of_the_same_node() {
        let found = intel();
        let irqs = find(&found, "cpu2/irqs");
        assert_eq!(irqs.value, "130 ice-eth2-TxRx-2");
        assert_eq!(irqs.fix, "for i in 130; do echo 0-1,3-15,32-33,35-47 > /proc/irq/$i/smp_affinity_list; done");
        assert!(find(&found, "cpu20/irqs").ok);
    }

    #[test]
    fn interrupts_are_not_sent_to_cores_that_are_kept_free_for_somebody_else() {
        let tree = tree("intel-e810");
        fs::write(tree.path().join("sys/devices/system/cpu/isolated"), "4-15\n").unwrap();
        let found = findings(tree.path(), &scope((2, "eth2"), (20, "eth3")));
        let fix = &find(&found, "cpu2/irqs").fix;
        assert!(fix.contains("echo 0-1,3,32-33,35-47 >"), "{fix}");
    }

    #[test]
    fn cores_that_are_kept_free_already_stay_in_the_list() {
        let tree = tree("intel-e810");
        let line = "root=/dev/sda2 isolcpus=managed_irq,domain,8-9,12 nohz_full=8-9\n";
        fs::write(tree.path().join("proc/cmdline"), line).unwrap();
        let found = findings(tree.path(), &scope((2, "eth2"), (20, "eth3")));
        let boots = |name: &str| found.iter().find(|f| f.setting.name == name).unwrap().boot.clone();
        assert_eq!(boots("cpu2/isolcpus"), "isolcpus=2,8-9,12,20");
        assert_eq!(boots("cpu2/nohz_full"), "nohz_full=2,8-9,20");
        assert_eq!(boots("cpu2/rcu_nocbs"), "rcu_nocbs=2,20");
    }

    #[test]
    fn an_interface_that_nobody_has_named_is_left_to_a_person() {
        let nobody = Scope { others: vec!["eth2".to_owned()], ..Scope::of_cores(&[2, 20]) };
        let found = findings(tree("intel-e810").path(), &nobody);
        let of_nic: Vec<&Finding> = found.iter().filter(|f| f.setting.name.starts_with("eth2/")).collect();
        assert!(of_nic.iter().any(|f| !f.setting.ok) && of_nic.iter().all(|f| f.steps.is_empty()), "{of_nic:?}");
    }

    #[test]
    fn huge_pages_are_asked_of_the_nodes_of_both_cores() {
        let found = intel();
        for node in ["node0", "node1"] {
            let pages = find(&found, &format!("{node}/huge-pages"));
            assert!(!pages.ok && pages.fix.starts_with("echo 32 > /sys/devices/system/node/"), "{}", pages.fix);
        }
        assert!(find(&epyc(), "node1/huge-pages").ok);
    }

    #[test]
    fn a_host_whose_cores_are_tuned_and_whose_nic_is_not_has_just_the_nic_wrong() {
        let of_nic = |what: &str| [format!("enp193s0f0np0/{what}"), format!("enp193s0f1np0/{what}")];
        let whats = ["runtime-power", "adaptive-coalescing", "coalescing", "gro", "lro", "pause-frames"];
        let mut expected: Vec<String> = whats.into_iter().flat_map(of_nic).collect();
        expected.extend(of_nic("napi_defer_hard_irqs, gro_flush_timeout"));
        expected.extend(["turbo", "busy_poll", "busy_read", "exchange/nic-node", "trader/nic-node"].map(str::to_owned));
        expected.sort();
        let found = epyc();
        let mut names = wrong(&found);
        names.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_connectx_is_told_both_features_that_join_frames_in_one_command() {
        let found = epyc();
        assert_eq!(find(&found, "enp193s0f0np0/gro").fix, "ethtool -K enp193s0f0np0 gro off rx-gro-hw off");
        assert_eq!(
            find(&found, "enp193s0f0np0/driver").value,
            "mlx5_core 6.1.0-27-amd64, firmware 22.39.2048 (MT_0000000359)"
        );
    }

    #[test]
    fn a_connectx_that_gathers_frames_by_number_is_told_to_wait_for_one() {
        let found = epyc();
        let coalescing = find(&found, "enp193s0f0np0/coalescing");
        assert_eq!(coalescing.value, "rx-usecs 8, tx-usecs 8, rx-frames 128");
        assert_eq!(coalescing.fix, "ethtool -C enp193s0f0np0 rx-usecs 0 tx-usecs 0 rx-frames 1");
    }

    #[test]
    fn a_feature_that_its_driver_fixes_is_named_and_nobody_is_told_to_set_it() {
        let tree = tree("epyc-connectx");
        let features = "generic-receive-offload: on\nrx-gro-hw: on [fixed]\nlarge-receive-offload: on [fixed]\n";
        fs::write(tree.path().join("ethtool/enp193s0f0np0/features"), features).unwrap();
        let found = findings(tree.path(), &scope((8, "enp193s0f0np0"), (9, "enp193s0f1np0")));
        let (gro, lro) = (find(&found, "enp193s0f0np0/gro"), find(&found, "enp193s0f0np0/lro"));
        assert_eq!(
            (gro.value.as_str(), gro.fix.as_str()),
            ("gro on, rx-gro-hw on [fixed]", "ethtool -K enp193s0f0np0 gro off")
        );
        assert!(!lro.ok && lro.value == "on [fixed]" && !lro.fix.contains("ethtool"), "{lro:?}");
    }

    #[test]
    fn what_makes_a_nics_setting_last_goes_by_its_address_and_not_by_the_name_before_it_is_renamed() {
        let found = intel();
        let lasting = &find(&found, "eth2/coalescing").lasting;
        assert!(lasting.contains("ATTR{address}==\"b4:96:91:00:00:02\"") && !lasting.contains("KERNEL"), "{lasting}");
        assert!(lasting.contains("/usr/sbin/ethtool -C $name rx-usecs 0"), "{lasting}");
    }

    #[test]
    fn cores_of_an_isolated_cpuset_partition_count_as_isolated() {
        let tree = tree("intel-e810");
        fs::create_dir_all(tree.path().join("sys/fs/cgroup")).unwrap();
        fs::write(tree.path().join("sys/fs/cgroup/cpuset.cpus.isolated"), "2,20\n").unwrap();
        let found = findings(tree.path(), &scope((2, "eth2"), (20, "eth3")));
        assert_eq!(find(&found, "cpu2/isolcpus").value, "yes (a cpuset partition)");
        assert!(find(&found, "cpu2/isolcpus").ok);
    }

    #[test]
    fn a_clock_source_that_is_offered_lasts_by_asking_for_it_and_not_by_trusting_the_counter() {
        let tree = tree("epyc-connectx");
        let dir = tree.path().join("sys/devices/system/clocksource/clocksource0");
        fs::write(dir.join("current_clocksource"), "hpet\n").unwrap();
        let found = findings(tree.path(), &scope((8, "enp193s0f0np0"), (9, "enp193s0f1np0")));
        let clock = find(&found, "clocksource");
        assert_eq!(clock.lasting, "clocksource=tsc on the kernel's command line");
        assert!(!clock.fix.contains("tsc=reliable"), "{}", clock.fix);
    }

    #[test]
    fn pauses_that_both_ends_negotiate_are_taken_from_them_before_they_are_switched_off() {
        let tree = tree("intel-e810");
        let text = "Pause parameters for eth2:\nAutonegotiate:\ton\nRX:\t\ton\nTX:\t\toff\n";
        fs::write(tree.path().join("ethtool/eth2/pause"), text).unwrap();
        let found = findings(tree.path(), &scope((2, "eth2"), (20, "eth3")));
        assert_eq!(find(&found, "eth2/pause-frames").fix, "ethtool -A eth2 autoneg off rx off");
    }

    #[test]
    fn interrupts_that_the_run_itself_puts_off_are_no_finding() {
        let of_run = Scope { defers: true, ..scope((8, "enp193s0f0np0"), (9, "enp193s0f1np0")) };
        let found = findings(tree("epyc-connectx").path(), &of_run);
        assert!(find(&found, "enp193s0f0np0/napi_defer_hard_irqs, gro_flush_timeout").ok);
    }

    #[test]
    fn an_x2522_is_not_told_to_set_what_its_driver_does_not_know() {
        let found = x2522();
        assert_eq!(find(&found, "eth4/adaptive-coalescing").fix, "ethtool -C eth4 adaptive-rx off");
        assert_eq!(find(&found, "eth4/coalescing").fix, "ethtool -C eth4 rx-usecs 0 tx-usecs 0");
        assert!(find(&found, "eth4/gro").ok && !find(&found, "eth4/lro").ok);
        let per_nic = |nic: &str| ["adaptive-coalescing", "coalescing", "lro"].map(|what| format!("{nic}/{what}"));
        let mut expected: Vec<String> = per_nic("eth4").into_iter().chain(per_nic("eth5")).collect();
        expected.push("clocksource".to_owned());
        expected.sort();
        let mut names = wrong(&found);
        names.sort_unstable();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_time_stamp_counter_that_the_kernel_has_dropped_takes_a_new_start() {
        let found = x2522();
        let clock = find(&found, "clocksource");
        assert!(clock.fix.starts_with("boot with tsc=reliable"), "{}", clock.fix);
        assert_eq!(clock.survives_reboot, Some(true));
    }

    #[test]
    fn every_finding_says_who_decides_why_what_sets_it_and_whether_that_lasts() {
        for found in [intel(), epyc(), x2522()] {
            for Finding { setting, .. } in found.iter().filter(|f| !f.setting.ok) {
                assert!(setting.topic.is_some() && setting.survives_reboot.is_some(), "{setting:?}");
                assert!(
                    !setting.why.is_empty() && !setting.wanted.is_empty() && !setting.fix.is_empty(),
                    "{setting:?}"
                );
                assert_eq!(setting.lasting.is_empty(), setting.survives_reboot == Some(true), "{setting:?}");
            }
        }
    }

    #[test]
    fn in_a_container_without_sys_that_is_the_first_to_be_said_and_the_rest_goes_on() {
        let mut of_proc = entries("intel-e810");
        of_proc.retain(|entry| match entry {
            Entry::File(path, _) | Entry::Link(path, _) | Entry::Folder(path) => !path.starts_with("sys/"),
        });
        let found = findings(grown(&of_proc).path(), &scope((2, "eth2"), (20, "eth3")));
        let sysfs = find(&found, "sysfs");
        assert!(!sysfs.ok && sysfs.fix.contains("mount -t sysfs"), "{sysfs:?}");
        assert!(find(&found, "procfs").ok && !find(&found, "swap").ok);
        assert_eq!(found.first().map(|f| f.setting.name.as_str()), Some("sysfs"));
    }

    #[test]
    fn this_host_is_read_without_a_failure() {
        let found = findings(Path::new("/"), &Scope::of_cores(&[0]));
        for topic in [Topic::Hardware, Topic::OperatingSystem, Topic::Application] {
            assert!(found.iter().any(|f| f.setting.topic == Some(topic)), "{topic:?}");
        }
    }

    /// Values that no kernel writes, and some that are nearly right.
    fn nonsense() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "-?[0-9]{1,25}",
            "[0-9]{1,6}-[0-9]{1,6}(,[0-9]{1,6})?",
            "\\[?[a-z]{1,8}\\]?( \\[[a-z]{0,8}\\])?",
            "[0-9]{1,3}\\.[0-9] GT/s PCIe",
            Just(String::new()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn values_that_make_no_sense_cause_no_panic_and_no_second_line(
            values in prop::collection::vec((any::<prop::sample::Index>(), nonsense()), 1..40),
        ) {
            // Of the cores only two, so that each case is quick.
            let mut all = entries("intel-e810");
            all.retain(|entry| match entry {
                Entry::File(path, _) => !path.contains("/cpu/cpu") || path.contains("/cpu2/") || path.contains("/cpu20/"),
                _ => true,
            });
            for (index, text) in values {
                let index = index.index(all.len());
                if let Entry::File(_, contents) = &mut all[index] {
                    *contents = text;
                }
            }
            let found = findings(grown(&all).path(), &scope((2, "eth2"), (20, "eth3")));
            for Finding { setting, .. } in &found {
                for text in [&setting.name, &setting.value, &setting.fix, &setting.lasting] {
                    prop_assert!(!text.contains(char::is_control), "{text:?}");
                }
            }
            let text = script(&found, &WrittenFor { host: "a\nhost".to_owned(), ..WrittenFor::default() });
            prop_assert!(text.starts_with("#!/bin/bash\n# Sets what `tickcert doctor` found wrong on a host."));
        }
    }
}
