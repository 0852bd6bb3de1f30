//! What is found of the NICs of other hosts, from trees of them.

#[cfg(test)]
#[path = "support/hosts.rs"]
mod hosts;
#[cfg(test)]
#[path = "support/tree.rs"]
mod tree;

#[cfg(test)]
mod tests {
    use std::fs;

    use tickcert_probes::audit::{Finding, Scope, findings};

    use crate::{
        hosts::{epyc, find, intel, scope, wrong, x2522},
        tree::tree,
    };

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
    fn an_interface_that_nobody_has_named_is_left_to_a_person() {
        let nobody = Scope { others: vec!["eth2".to_owned()], ..Scope::of_cores(&[2, 20]) };
        let found = findings(tree("intel-e810").path(), &nobody);
        let of_nic: Vec<&Finding> = found.iter().filter(|f| f.setting.name.starts_with("eth2/")).collect();
        assert!(of_nic.iter().any(|f| !f.setting.ok) && of_nic.iter().all(|f| f.steps.is_empty()), "{of_nic:?}");
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
        assert_eq!(coalescing.value, "rx-usecs 8, tx-usecs 8, rx-frames 128, tx-frames 128");
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
}
