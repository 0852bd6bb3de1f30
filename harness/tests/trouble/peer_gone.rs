//! `kill -9` of one end in the middle of a trial, whichever lane it is on: the other ends by itself, and says what it knows.

use serde_json::Map;
use tickcert::{
    bench::user_namespace::{self, Privilege},
    endpoint::control::{Command, ExchangeReport, Report, TraderReport, TrialSpec},
};
use tickcert_results::time::Nanos;
use tickcert_transports::{Lane, api::Role};

use crate::support::{
    can_measure,
    endpoints::{Endpoint, Site},
    pages,
};

/// Half a second: for an exchange that plays to the end.
const FEW: u32 = 1_000;
/// Two minutes, of which an end that notices plays a moment: however long this test is held, it kills in the middle.
pub(crate) const MANY: u32 = 240_000;
/// Of the end that lives, as `broken`; `None` where it can't know.
type Said = fn(&str) -> bool;

/// A trial of `packets` packets on the lane, of which `dies` is killed; what the other end reports. `None` where the lane
/// can't run.
fn report(lane: &str, dies: Role, packets: u32) -> Option<Report> {
    let root = user_namespace::present() == Some(Privilege::Host);
    if !root && (lane.starts_with("afxdp") || lane.starts_with("dpdk")) {
        println!("SKIPPED: {lane}: needs root on the host");
        return None;
    }
    if !can_measure() {
        return None;
    }
    // Where they can't be had, the lane says so.
    let _pages = lane.starts_with("dpdk").then(pages::reserve);
    let site = Site::new();
    let settings = Lane::by_name(lane).unwrap().settings(&Map::new()).unwrap();
    let mut ends = [Role::Exchange, Role::Trader].map(|role| {
        let mut end = Endpoint::start(site.netns(role), &[]);
        let spec = TrialSpec {
            late_after: Nanos::MILLI * 100,
            silence: Nanos::MILLI * 500,
            settings: settings.clone(),
            ..site.spec(lane, role, packets)
        };
        end.tell(&Command::Open(Box::new(spec)));
        end
    });
    for end in &mut ends {
        match end.hear() {
            Some(Report::Ready) => {}
            Some(Report::Unmet(unmet)) => {
                println!("SKIPPED: {lane}: {unmet}");
                return None;
            }
            other => panic!("{lane}: {other:?}"),
        }
    }
    let [exchange, trader] = &mut ends;
    for end in [&mut *trader, &mut *exchange] {
        end.tell(&Command::Go);
        let report = end.hear();
        assert!(matches!(report, Some(Report::Running)), "{lane}: {report:?}");
    }
    let (dead, lives) = match dies {
        Role::Exchange => (exchange, trader),
        Role::Trader => (trader, exchange),
    };
    dead.child.kill().unwrap();
    lives.hear()
}

#[track_caller]
fn check_killed_exchange(lane: &str) {
    let Some(report) = report(lane, Role::Exchange, MANY) else { return };
    let Report::Traded(report) = report else { panic!("{lane}: {report:?}") };
    let TraderReport { broken: Some(why), .. } = *report else { panic!("{lane}: {report:?}") };
    let known = ["no tick for 500.00 ms", "other end is gone", "order session", "receiving ticks"];
    assert!(known.iter().any(|part| why.contains(part)), "{lane}: {why}");
}

/// Over a wire the exchange can't tell a trader that is gone from one that is silent: it plays to the end.
#[track_caller]
fn check_killed_trader(lane: &str, said: Option<Said>) {
    let packets = if said.is_some() { MANY } else { FEW };
    let Some(report) = report(lane, Role::Trader, packets) else { return };
    let Report::Exchanged(report) = report else { panic!("{lane}: {report:?}") };
    let ExchangeReport { broken, .. } = &*report;
    match said {
        Some(said) => assert!(broken.as_deref().is_some_and(said), "{lane}: {report:?}"),
        None => assert_eq!((broken, report.skipped), (&None, 0), "{lane}: {report:?}"),
    }
}

#[test]
fn a_trader_whose_exchange_is_killed_gives_up_and_says_why() {
    for lane in ["io-uring", "io-uring/tcp", "io-uring/zc", "afxdp-copy", "afxdp-copy/tcp", "shm", "dpdk-memif"] {
        check_killed_exchange(lane);
    }
}

#[test]
fn an_exchange_whose_trader_is_killed_plays_to_the_end_where_it_cannot_know() {
    for lane in ["io-uring", "io-uring/zc", "afxdp-copy", "afxdp-copy/skb"] {
        check_killed_trader(lane, None);
    }
}

#[test]
fn an_exchange_whose_session_with_a_killed_trader_breaks_says_so() {
    check_killed_trader("io-uring/tcp", Some(|why| why.contains("orders") || why.contains("session")));
}

#[test]
fn an_exchange_whose_ring_nobody_empties_any_more_ends_all_the_same() {
    let Some(Report::Exchanged(report)) = report("shm", Role::Trader, FEW) else { return };
    assert_eq!(report.broken, None, "{report:?}");
}
