//! DPDK: what it refuses, and that its end is not the run's.

use serde_json::{Map, Value, json};
use tickcert::{
    bench::{
        fitting::Fittings,
        netlink::{Connection, Interface},
        netns::Namespace,
        user_namespace::{self, Privilege},
    },
    endpoint::control::{Command, Injection, Report, TrialSpec},
};
use tickcert_results::time::Nanos;
use tickcert_transports::{
    Lane,
    api::{DROPPED, Role},
};

use crate::{
    killed,
    peer_gone::MANY,
    support::{
        Home, can_measure,
        endpoints::{Endpoint, Site},
        pages::{self, Pages},
        profiles,
    },
};

/// Memory for two ends, given back at the end, when the next test may have its own; says that the test was skipped where it
/// can't be had, or the build has no DPDK.
fn ground() -> Option<Pages> {
    if !cfg!(feature = "dpdk") {
        println!("SKIPPED: DPDK needs a build with the feature `dpdk`");
        return None;
    }
    if user_namespace::present() != Some(Privilege::Host) || !can_measure() {
        println!("SKIPPED: DPDK needs root on the host");
        return None;
    }
    pages::reserve().inspect_err(|e| println!("SKIPPED: DPDK needs 128 MiB in huge pages: {e}")).ok()
}

/// The wire's interface of one end, as it is now.
fn interface(site: &Site, role: Role) -> Interface {
    let link = &site.bench.link;
    let name = if role == Role::Exchange { &link.exchange_interface } else { &link.trader_interface };
    let look = || Connection::open().unwrap().interface(name).unwrap();
    Namespace::open(site.netns(role)).unwrap().run(look).unwrap()
}

/// Both ends, open; says that the test was skipped where this host has not what the lane needs.
fn both(site: &Site, lane: &str, wanted: &Value) -> Option<[Endpoint; 2]> {
    both_with(site, lane, wanted, Injection::default())
}

/// The same, with something that goes wrong on purpose.
fn both_with(site: &Site, lane: &str, wanted: &Value, injection: Injection) -> Option<[Endpoint; 2]> {
    let mut ends = [Role::Exchange, Role::Trader].map(|role| {
        let mut end = Endpoint::start(site.netns(role), &[]);
        end.tell(&Command::Open(Box::new(TrialSpec { injection, ..spec(site, lane, role, wanted) })));
        end
    });
    for end in &mut ends {
        match end.hear() {
            Some(Report::Ready) => {}
            Some(Report::Unmet(unmet)) => {
                println!("SKIPPED: {lane}: {unmet}");
                return None;
            }
            other => panic!("{other:?}"),
        }
    }
    Some(ends)
}

fn open(site: &Site, lane: &str, role: Role, wanted: &Value) -> Command {
    Command::Open(Box::new(spec(site, lane, role, wanted)))
}

fn spec(site: &Site, lane: &str, role: Role, wanted: &Value) -> TrialSpec {
    let wanted: Map<String, Value> = wanted.as_object().unwrap().clone();
    let mut spec = site.spec(lane, role, 4000);
    spec.settings = Lane::by_name(lane).unwrap().settings(&wanted).unwrap();
    site.dir.path().clone_into(&mut spec.link.meeting);
    spec
}

/// What the exchange's end answers to a command to open.
fn answer(lane: &str, wanted: &Value) -> Option<Report> {
    let site = Site::new();
    let mut endpoint = Endpoint::start(site.netns(Role::Exchange), &[]);
    endpoint.tell(&open(&site, lane, Role::Exchange, wanted));
    endpoint.hear()
}

#[track_caller]
fn says(report: &Option<Report>, parts: &[&str]) {
    let text = match report {
        Some(Report::Failed { error }) => error.clone(),
        Some(Report::Unmet(unmet)) => unmet.to_string(),
        other => panic!("it should say what is wrong, and says {other:?}"),
    };
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn more_memory_than_huge_pages_is_a_need_with_the_command_that_reserves_them() {
    if let Some(_pages) = ground() {
        let report = answer("dpdk-memif", &json!({ "memory_mib": 65536 }));
        assert!(matches!(report, Some(Report::Unmet(_))), "{report:?}");
        says(&report, &["32768 free huge pages", "echo ", "nr_hugepages"]);
    }
}

#[test]
fn arguments_that_dpdk_refuses_are_shown_and_what_it_prints_stays_off_the_control_channel() {
    if let Some(_pages) = ground() {
        let report = answer("dpdk-memif", &json!({ "eal_arguments": ["--no-such-argument"] }));
        says(&report, &["--no-such-argument", "eal_arguments"]);
    }
}

#[test]
fn arguments_that_a_driver_refuses_are_shown() {
    if let Some(_pages) = ground() {
        let report = answer("dpdk-memif", &json!({ "device_arguments": "colour=red" }));
        says(&report, &["net_memif", "colour=red"]);
    }
}

#[test]
fn a_nic_that_is_not_there_and_none_at_all_are_needs() {
    if let Some(_pages) = ground() {
        says(&answer("dpdk-pci", &json!({})), &["two NICs", "exchange_pci"]);
        let nowhere = json!({ "exchange_pci": "ffff:ff:1f.6", "trader_pci": "ffff:ff:1f.7" });
        says(&answer("dpdk-pci", &nowhere), &["ffff:ff:1f.6", "lspci"]);
    }
}

#[test]
fn a_trader_that_is_killed_in_the_middle_ends_the_trial_with_the_reason() {
    let Some(_pages) = ground() else { return };
    let site = Site::new();
    let [mut exchange, mut trader] = [Role::Exchange, Role::Trader].map(|role| {
        let mut end = Endpoint::start(site.netns(role), &[]);
        end.tell(&Command::Open(Box::new(site.spec("dpdk-memif", role, MANY))));
        end
    });
    for end in [&mut exchange, &mut trader] {
        let report = end.hear();
        assert!(matches!(report, Some(Report::Ready)), "{report:?}");
    }
    for end in [&mut trader, &mut exchange] {
        end.tell(&Command::Go);
        let report = end.hear();
        assert!(matches!(report, Some(Report::Running)), "{report:?}");
    }
    trader.child.kill().unwrap();
    let report = exchange.hear();
    let Some(Report::Exchanged(exchanged)) = report else { panic!("{report:?}") };
    assert!(exchanged.broken.as_ref().is_some_and(|why| why.contains("other end is gone")), "{exchanged:?}");
}

#[test]
fn dpdk_that_ends_its_process_costs_the_trial_and_not_the_run() {
    let Some(_pages) = ground() else { return };
    let home = Home::new();
    // It prints what it could be told, and exits: much as it does when it panics.
    let profile = profiles::once().replace(r#"lanes = ["kernel-udp"]"#, r#"lanes = ["dpdk-memif", "kernel-udp"]"#)
        + "[transport.dpdk]\neal_arguments = [\"--help\"]\n";
    let profile = home.write("profile.toml", profile);
    let ended = home.run(&["certify", "--profile", profile.to_str().unwrap(), "--json"]);
    let cells = ended.json()["cells"].clone();
    let cell = |lane: &str| cells.as_array().unwrap().iter().find(|c| c["lane"] == lane).unwrap().clone();
    let attempts = cell("dpdk-memif")["repetitions"].clone();
    let reasons = attempts[0]["invalid_reasons"].to_string();
    assert!(attempts[0]["valid"] == false && reasons.contains("ended in the middle"), "{attempts}");
    assert!(cell("kernel-udp")["repetitions"].as_array().unwrap().iter().any(|r| r["valid"] == true));
}

#[test]
fn a_killed_end_of_afxdp_leaves_its_program_which_is_refused_until_it_is_taken_off() {
    let Some(pages) = ground() else { return };
    let site = Site::new();
    let link = &site.bench.link;
    let ends = [
        (Some(site.netns(Role::Exchange)), link.exchange_interface.as_str()),
        (Some(site.netns(Role::Trader)), link.trader_interface.as_str()),
    ];
    let before = Fittings::read(ends).unwrap();
    let Some(opened) = both(&site, "dpdk-afxdp", &json!({})) else { return };
    assert!(
        !interface(&site, Role::Trader).promiscuous,
        "frames are for its own address and a group that it has joined"
    );
    for mut end in opened {
        end.child.kill().unwrap();
        end.child.wait().unwrap();
    }
    assert!(interface(&site, Role::Trader).xdp.is_some(), "DPDK's driver holds its program by no link");
    pages.wait_until_free();
    let mut again = Endpoint::start(site.netns(Role::Trader), &[]);
    again.tell(&open(&site, "dpdk-afxdp", Role::Trader, &json!({})));
    let report = again.hear();
    assert!(matches!(report, Some(Report::Unmet(_))), "{report:?}");
    says(&report, &[&link.trader_interface, "another one", "xdp off"]);

    drop(again);
    before.restore().unwrap();
    for role in [Role::Exchange, Role::Trader] {
        assert_eq!(interface(&site, role).xdp, None);
    }
    pages.wait_until_free();
    assert!(both(&site, "dpdk-afxdp", &json!({})).is_some());
}

#[test]
fn an_end_of_afxdp_that_ends_in_good_order_leaves_no_program() {
    let Some(_pages) = ground() else { return };
    let site = Site::new();
    let Some(opened) = both(&site, "dpdk-afxdp", &json!({})) else { return };
    for end in opened {
        end.end();
    }
    assert_eq!([Role::Exchange, Role::Trader].map(|role| interface(&site, role).xdp), [None; 2]);
}

#[test]
fn a_burst_of_one_frame_is_taken_by_dpdk() {
    let Some(_pages) = ground() else { return };
    let site = Site::new();
    let Some(_opened) = both(&site, "dpdk-memif", &json!({ "burst": 1 })) else { return };
}

#[test]
fn frames_that_a_ring_has_no_room_for_are_counted_and_the_setting_is_named() {
    let Some(_pages) = ground() else { return };
    let site = Site::new();
    let wanted = json!({ "descriptors": 64 });
    // Much more comes meanwhile than the ring holds.
    let stall = Injection { stall: Nanos::MILLI * 300, stall_every: Nanos::MILLI * 500, ..Injection::default() };
    let Some([mut exchange, mut trader]) = both_with(&site, "dpdk-afxdp", &wanted, stall) else { return };
    for end in [&mut trader, &mut exchange] {
        end.tell(&Command::Go);
        let report = end.hear();
        assert!(matches!(report, Some(Report::Running)), "{report:?}");
    }
    let Some(Report::Traded(traded)) = trader.hear() else { panic!("the trader has no report") };
    assert!(traded.gaps > 0, "{traded:?}");
    let dropped = traded.facts.get(DROPPED).unwrap_or_else(|| panic!("{:?}", traded.facts));
    assert!(dropped.contains("`descriptors`"), "{dropped}");
    assert!(traded.facts.contains_key("descriptors_short_of_stall"), "{:?}", traded.facts);
}

#[test]
fn a_killed_trader_of_afxdp_costs_its_attempt_and_the_next_one_opens() {
    let Some(_pages) = ground() else { return };
    let (both, this) = (r#"lanes = ["kernel-udp", "kernel-tcp"]"#, r#"lanes = ["dpdk-afxdp"]"#);
    let attempts = killed::attempts_around_a_killed_trader(&profiles::seconds().replace(both, this));
    assert!(attempts[0]["invalid_reasons"].to_string().contains("killed by signal 9"), "{}", attempts[0]);
    // Whatever a stall of the host makes of it, it has opened and has samples.
    assert!(attempts[1]["sent"].as_u64().is_some_and(|sent| sent > 0), "{}", attempts[1]["invalid_reasons"]);
}
