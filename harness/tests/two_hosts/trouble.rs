//! Runs that are broken off: by a kill, a channel that is cut, a full disk.

use std::fs;

use nix::sys::signal::{Signal, kill};
use serde_json::Value;

use crate::{
    hosts::{Hosts, descendant, descendants},
    support::{Running, pid, profiles, wait_until},
};

fn agent(run: &Running) -> u32 {
    descendant(run.id(), &["endpoint", "--agent"]).unwrap()
}

/// The trader's process, when it has traded for a while.
fn trader_at_work(run: &Running) -> u32 {
    let agent = agent(run);
    let mut found = None;
    wait_until("a trader at work", || {
        found = descendants(agent).into_iter().skip(1).find(|id| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let of =
                |n: usize| stat.rsplit_once(')').and_then(|(_, s)| s.split_whitespace().nth(n)?.parse::<u64>().ok());
            of(11).unwrap_or(0) + of(12).unwrap_or(0) > 20
        });
        found.is_some()
    });
    found.unwrap()
}

/// Attempts of which none counts, and why.
fn reasons(certificate: &Value) -> String {
    let repetitions =
        certificate["cells"].as_array().unwrap().iter().flat_map(|c| c["repetitions"].as_array().unwrap());
    repetitions.map(|r| r["invalid_reasons"].to_string()).collect()
}

#[test]
fn a_trader_that_is_killed_costs_its_attempt_and_the_next_one_is_valid() {
    let Some(hosts) = Hosts::new() else { return };
    let run = hosts.certifying(&profiles::seconds());
    kill(pid(trader_at_work(&run)), Signal::SIGKILL).unwrap();
    run.end().expect(0);
    let certificate = hosts.certificate();
    assert!(
        reasons(&certificate).contains("the Trader endpoint ended in the middle (killed by signal 9)"),
        "{certificate}"
    );
    assert_eq!((&certificate["verdict"], &certificate["interrupted"]), (&"pass".into(), &false.into()));
    hosts.assert_nothing_is_left();
}

#[test]
fn an_agent_that_is_killed_ends_the_run_with_what_there_is_and_clean_gives_its_interface_back() {
    let Some(hosts) = Hosts::new() else { return };
    let run = hosts.certifying(&profiles::long());
    trader_at_work(&run);
    let agent = agent(&run);
    let trader = descendants(agent);
    kill(pid(agent), Signal::SIGKILL).unwrap();
    let ended = run.end().expect(3);
    assert!(ended.err.contains("Broken off, the session with other is over"), "{}", ended.err);
    let certificate = hosts.certificate();
    assert_eq!(certificate["interrupted"], true);
    assert!(certificate["interrupted_because"].as_str().unwrap().contains("`tickcert clean` there"));
    assert!(reasons(&certificate).contains("the session with other is over"), "{certificate}");
    wait_until("the trader is gone with its agent", || {
        trader.iter().all(|id| {
            !fs::exists(format!("/proc/{id}/exe")).unwrap_or(false) || fs::read_link(format!("/proc/{id}/exe")).is_err()
        })
    });
    assert!(hosts.are_as_before()[0], "the exchange's interface is given back");
    hosts.clean(&hosts.trader).expect(0);
    hosts.assert_nothing_is_left();
}

#[test]
fn a_run_that_is_killed_leaves_nothing_on_the_other_host() {
    let Some(hosts) = Hosts::new() else { return };
    let run = hosts.certifying(&profiles::long());
    trader_at_work(&run);
    run.signal(Signal::SIGKILL);
    run.end();
    wait_until("the trader's interface is given back", || hosts.are_as_before()[1]);
    hosts.clean(&hosts.exchange).expect(0);
    wait_until("the agent has removed its files", || hosts.home.temporary_files().is_empty());
    hosts.assert_nothing_is_left();
}

#[test]
fn a_channel_that_is_cut_ends_both_sides_and_each_gives_its_interface_back() {
    let Some(hosts) = Hosts::new() else { return };
    hosts.ssh_is("#!/bin/sh\nfor last; do :; done\ncat | nsenter --net=NETNS sh -c \"$last\" | cat\n");
    let run = hosts.certifying(&profiles::long());
    trader_at_work(&run);
    for id in descendants(run.id()) {
        if fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name == "cat\n") {
            kill(pid(id), Signal::SIGKILL).unwrap();
        }
    }
    let ended = run.end().expect(3);
    assert!(ended.err.contains("the session with other is over"), "{}", ended.err);
    assert!(reasons(&hosts.certificate()).contains("the session with other is over"));
    wait_until("the agent has given back everything", || {
        hosts.are_as_before()[1] && hosts.home.temporary_files().is_empty()
    });
    hosts.assert_nothing_is_left();
}

#[test]
fn ctrl_c_ends_the_run_in_good_order_on_both_hosts() {
    let Some(hosts) = Hosts::new() else { return };
    let run = hosts.certifying(&profiles::long());
    trader_at_work(&run);
    run.signal(Signal::SIGINT);
    run.end().expect(3);
    let certificate = hosts.certificate();
    assert_eq!((&certificate["interrupted"], &certificate["interrupted_because"]), (&true.into(), &Value::Null));
    hosts.assert_nothing_is_left();
}

#[test]
fn an_agent_that_is_asked_to_end_gives_everything_back_by_itself() {
    let Some(hosts) = Hosts::new() else { return };
    let run = hosts.certifying(&profiles::long());
    trader_at_work(&run);
    kill(pid(agent(&run)), Signal::SIGTERM).unwrap();
    run.end().expect(3);
    hosts.assert_nothing_is_left();
}

#[test]
fn a_disk_that_is_full_there_is_said_with_what_did_not_fit() {
    let Some(hosts) = Hosts::new() else { return };
    fs::create_dir(hosts.home.path("disk")).unwrap();
    let disk = hosts.home.path("disk").display().to_string();
    let on_a_disk = |kib: u32| {
        format!(
            "#!/bin/sh\nfor last; do :; done\nexec nsenter --net=NETNS unshare -m sh -c 'mount -t tmpfs -o size={kib}k tmpfs {disk} && TMPDIR={disk} && export TMPDIR && exec sh -c \"$1\"' sh \"$last\"\n"
        )
    };
    hosts.ssh_is(&on_a_disk(16));
    hosts.certify(&profiles::once()).expect(4);
    let row = hosts.certificate()["not_run"][0].to_string();
    assert!(row.contains("the tape can't be written to") && row.contains("is the disk full?"), "{row}");
    hosts.assert_nothing_is_left();
}
