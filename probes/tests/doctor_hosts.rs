//! What is found on other hosts, from trees of them.

#[cfg(test)]
#[path = "support/hosts.rs"]
mod hosts;
#[cfg(test)]
#[path = "support/tree.rs"]
mod tree;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::prelude::*;
    use tempfile::TempDir;
    use tickcert_probes::audit::{
        Finding, Scope, findings,
        script::{WrittenFor, script},
    };
    use tickcert_results::certificate::Topic;

    use crate::{
        hosts::{epyc, find, intel, scope, wrong, x2522},
        tree::{Entry, entries, grown, tree},
    };

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

    /// A tree without what is below these folders.
    fn without(name: &str, hidden: &[&str]) -> TempDir {
        let mut all = entries(name);
        all.retain(|entry| {
            let (Entry::File(path, _) | Entry::Link(path, _) | Entry::Folder(path)) = entry;
            !hidden.iter().any(|folder| path.starts_with(folder))
        });
        grown(&all)
    }

    #[test]
    fn hiding_sys_or_proc_makes_nothing_right_and_a_script_sets_nothing_of_it() {
        let hosts = [
            ("intel-e810", scope((2, "eth2"), (20, "eth3"))),
            ("epyc-connectx", scope((8, "enp193s0f0np0"), (9, "enp193s0f1np0"))),
            ("x2522", scope((6, "eth4"), (7, "eth5"))),
        ];
        for (name, scope) in hosts {
            let all = findings(tree(name).path(), &scope);
            for hidden in [&["sys/"][..], &["proc/"], &["sys/", "proc/"]] {
                for Finding { setting, steps, .. } in findings(without(name, hidden).path(), &scope) {
                    let before = all.iter().find(|f| f.setting.name == setting.name).map(|f| &f.setting);
                    let as_before = before.is_some_and(|before| before.ok && before.value == setting.value);
                    assert!(!setting.ok || as_before, "{name} without {hidden:?}: {setting:?}");
                    assert!(
                        setting.value != "can't be told" || steps.is_empty(),
                        "{name} without {hidden:?}: {steps:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn with_sys_and_proc_hidden_only_what_ethtool_says_is_right() {
        let mut all = entries("epyc-connectx");
        all.retain(|entry| matches!(entry, Entry::File(path, _) if path.starts_with("ethtool/")));
        let by_ethtool = ["driver", "adaptive-coalescing", "coalescing", "gro", "lro", "pause-frames"];
        for found in findings(grown(&all).path(), &scope((8, "enp193s0f0np0"), (9, "enp193s0f1np0"))) {
            let Finding { setting, .. } = found;
            let told = setting.name.split_once('/').is_some_and(|(_, what)| by_ethtool.contains(&what));
            assert!(!setting.ok || told, "{setting:?}");
        }
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
