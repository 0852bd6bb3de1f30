//! `kill -9` in the middle of a run.

use std::{fs, path::Path};

use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use tickcert::run::certify::choose_cores;

use crate::support::{Home, Running, can_measure, names, pid, profiles, wait_until};

/// The two endpoints of a run, by the cores that they are pinned to: exchange and trader.
struct Endpoints {
    exchange: u32,
    trader: u32,
}

impl Endpoints {
    /// Waits until both have traded for a while.
    fn at_work(run: &Running) -> Self {
        let (exchange_core, trader_core) = choose_cores().unwrap();
        let (mut exchange, mut trader) = (None, None);
        wait_until("two endpoints at work", || {
            let busy: Vec<u32> = children(run.id()).into_iter().filter(|id| cpu_ticks(*id) > 20).collect();
            let on = |core| busy.iter().copied().find(|id| pinned_to(*id, core));
            (exchange, trader) = (on(exchange_core), on(trader_core));
            exchange.is_some() && trader.is_some()
        });
        Self { exchange: exchange.unwrap(), trader: trader.unwrap() }
    }
}

/// The fields of `/proc/ID/stat` after the name: state, parent, …
fn stat(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn children(parent: u32) -> Vec<u32> {
    let processes = names(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok());
    processes.filter(|id| stat(*id).is_some_and(|s| s[1] == parent.to_string())).collect()
}

fn cpu_ticks(id: u32) -> u64 {
    stat(id).map_or(0, |s| s[11].parse::<u64>().unwrap() + s[12].parse::<u64>().unwrap())
}

fn pinned_to(id: u32, core: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.lines().any(|l| l == format!("Cpus_allowed_list:\t{core}"))
}

/// Gone, or dead and only not collected yet by whoever adopted it.
fn is_gone(id: u32) -> bool {
    stat(id).is_none_or(|s| s[0] == "Z")
}

fn started(home: &Home, profile: &str) -> Running {
    home.write("p.toml", profile);
    let mut run = home.start(&["certify", "--profile", "./p.toml", "--out", "out"]);
    run.wait_for("trials, about");
    run
}

#[test]
fn with_a_killed_run_its_endpoints_go_and_clean_removes_what_it_could_not() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    let run = started(&home, &profiles::long());
    let endpoints = Endpoints::at_work(&run);
    run.signal(Signal::SIGKILL);
    assert_eq!(run.end().status, None);
    for id in [endpoints.exchange, endpoints.trader] {
        wait_until("the endpoint is gone", || is_gone(id));
    }
    // What stands there is no certificate that could be taken for one.
    assert_eq!(names(&home.path("out")), ["samples"]);
    let left = home.temporary_files();
    assert_eq!(left.len(), 1, "{left:?}");
    let cleaned = home.run(&["clean"]).expect(0);
    assert!(cleaned.out.contains(&left[0]), "{}", cleaned.out);
    assert_eq!(home.temporary_files(), Vec::<String>::new());
    assert!(!home.run(&["clean"]).expect(0).out.contains("Removed"));
}

#[test]
fn the_next_run_after_a_killed_one_works_and_leaves_nothing_of_either() {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    let run = started(&home, &profiles::long());
    Endpoints::at_work(&run);
    run.signal(Signal::SIGKILL);
    run.end();
    home.write("once.toml", profiles::once());
    home.run(&["certify", "--profile", "./once.toml", "--out", "next", "--quiet"]).expect(0);
    assert_eq!(home.temporary_files(), Vec::<String>::new());
    home.run(&["verify", "next"]).expect(0);
}

/// The attempts at the only repetition of the only lane, whose trader is killed in the first.
pub(crate) fn attempts_around_a_killed_trader(profile: &str) -> Value {
    let home = Home::new();
    let run = started(&home, profile);
    kill(pid(Endpoints::at_work(&run).trader), Signal::SIGKILL).unwrap();
    run.end();
    let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
    certificate["cells"][0]["repetitions"].clone()
}

/// Kills one endpoint in its first attempt: that attempt is lost, and shown; the run is not.
fn survives(which: fn(&Endpoints) -> u32, name: &str) {
    if !can_measure() {
        return;
    }
    let home = Home::new();
    let run = started(&home, &profiles::seconds());
    kill(pid(which(&Endpoints::at_work(&run))), Signal::SIGKILL).unwrap();
    let ended = run.end().expect(0);
    let said = format!("the {name} endpoint ended in the middle (killed by signal 9)");
    assert!(ended.err.contains(&said), "{}", ended.err);
    let certificate: Value = serde_json::from_slice(&fs::read(home.path("out/certificate.json")).unwrap()).unwrap();
    assert_eq!(certificate["verdict"], "pass");
    let cells = certificate["cells"].as_array().unwrap();
    let hit: Vec<&Value> = cells.iter().flat_map(|c| c["repetitions"].as_array().unwrap()).collect();
    let lost: Vec<&&Value> = hit.iter().filter(|r| r["invalid_reasons"].to_string().contains(&said)).collect();
    assert!(lost.len() == 1 && lost[0]["attempt"] == 1 && lost[0]["valid"] == false, "{lost:?}");
    assert_eq!(hit.iter().filter(|r| r["valid"] == true).count(), 2, "each lane has its repetition all the same");
    assert_eq!(home.temporary_files(), Vec::<String>::new());
}

#[test]
fn a_killed_trader_costs_its_attempt_which_is_shown_and_repeated() {
    survives(|e| e.trader, "Trader");
}

#[test]
fn a_killed_exchange_costs_its_attempt_which_is_shown_and_repeated() {
    survives(|e| e.exchange, "Exchange");
}
