//! The verdict: what passes, what fails, and above all what may never pass.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[cfg(test)]
mod fixture;

use fixture::{USUAL, cell, certificate, require};
use proptest::prelude::*;
use tickcert_results::{
    certificate::{Certificate, ExchangeHost, Handoff, NotRun, NotRunKind, RateLimit, RateSearch, SweepPoint},
    evidence::Evidence,
    judge::{Judgement, Requirement, judge},
    time::{Nanos, PerSecond},
    verdict::Verdict::{self, Fail, NotCertifiable, NotRun as DidNotRun, Pass},
};

/// Requirements that leave no piece of evidence unasked.
#[cfg(test)]
fn strict() -> Vec<Requirement> {
    [
        ("t2t_due.p50", "<= 10 us"),
        ("t2t_due.p99", "<= 20 us"),
        ("t2t_sent.p99_9", "<= 30 us"),
        ("trader.p90", "< 1 ms"),
        ("stage.decode.p99", "<= 1 us"),
        ("t2t_due.max", "<= 1 ms"),
        ("orders.lost", "== 0"),
        ("orders.wrong", "== 0"),
        ("orders.duplicate", "== 0"),
        ("orders.late", "== 0"),
        ("orders.unexpected", "== 0"),
        ("orders.digest", "== tape"),
        ("repetitions.valid", ">= 5"),
        ("samples.p99_9", "sufficient"),
        ("evidence", ">= software"),
        ("rate.achieved", "within 1 %"),
        ("schedule_error.p50", "<= 50 ns"),
        ("noise.largest_gap", "<= 10 us"),
        ("noise.gaps_per_second", "<= 10"),
        ("clock.drift", "<= 1 ppm"),
        ("host.virtualised", "== no"),
        ("hw_stamps.rx_coverage", ">= 99 %"),
        ("hw_stamps.tx_coverage", ">= 99 %"),
    ]
    .map(|(metric, limit)| require(metric, limit))
    .into()
}

#[cfg(test)]
fn whole() -> Certificate {
    certificate(vec![cell("kernel-udp", USUAL)])
}

#[cfg(test)]
fn verdict_on(metric: &str, limit: &str, certificate: &Certificate) -> (Verdict, String) {
    let j = judge(&[require("evidence", ">= simulated"), require(metric, limit)], certificate);
    let r = j.results.iter().find(|r| r.id.starts_with(metric)).unwrap();
    (r.verdict, r.why.clone())
}

#[test]
fn a_whole_certificate_passes_without_a_reason() {
    let j = judge(&strict(), &whole());
    assert_eq!(j.reasons, Vec::<String>::new());
    assert_eq!(j.verdict, Pass);
    assert_eq!(j.results.len(), strict().len());
    let p99 = &j.results[1];
    assert_eq!((p99.id.as_str(), p99.limit.as_str()), ("t2t_due.p99 [kernel-udp]", "<= 20 us"));
    let m = p99.measured.as_ref().unwrap();
    assert!(m.unit == "ns" && m.ci95.is_some() && m.n == 16_000 && p99.evidence == Some(Evidence::Software), "{p99:?}");
}

#[test]
fn a_limit_below_the_interval_fails_and_one_within_it_needs_more_repetitions() {
    let c = whole();
    let [low, high] = c.cells[0].latency_ns.t2t_due.ci95["p50"];
    let limit = |ns: f64| format!("<= {} ns", ns.round());
    assert_eq!(verdict_on("t2t_due.p50", &limit(high + 5.0), &c).0, Pass);
    let (verdict, why) = verdict_on("t2t_due.p50", &limit(low - 5.0), &c);
    assert!(verdict == Fail && why.contains("beyond the limit"), "{why}");
    let (verdict, why) = verdict_on("t2t_due.p50", &limit(high - 20.0), &c);
    assert_eq!(verdict, NotCertifiable);
    let about: usize = why.split("about ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((9..=20).contains(&about), "{why}");
}

#[test]
fn a_limit_from_below_is_turned_around() {
    assert_eq!(verdict_on("t2t_due.p50", ">= 1 us", &whole()).0, Pass);
    assert_eq!(verdict_on("t2t_due.p50", ">= 1 ms", &whole()).0, Fail);
}

#[test]
fn emulated_evidence_passes_only_where_the_profile_allows_it() {
    let mut c = whole();
    c.cells[0].evidence = Evidence::Emulated;
    let p50 = require("t2t_due.p50", "<= 10 us");
    assert_eq!(judge(&[p50.clone(), require("evidence", ">= emulated")], &c).verdict, Pass);
    assert_eq!(judge(std::slice::from_ref(&p50), &c).verdict, NotCertifiable, "a profile that says nothing about it");
    let j = judge(&[p50, require("evidence", ">= nic")], &c);
    assert!(j.results.iter().all(|r| r.verdict == NotCertifiable), "{:?}", j.results);
    assert_eq!(j.reasons.len(), 1, "both have the same reason: {:?}", j.reasons);
    // A limit that is broken doesn't fail either: the evidence is not good enough to say so.
    assert_eq!(judge(&[require("t2t_due.p50", "<= 1 us"), require("evidence", ">= nic")], &c).verdict, NotCertifiable);
}

#[test]
fn lost_orders_fail_even_if_every_attempt_was_invalid() {
    let mut c = whole();
    for r in &mut c.cells[0].repetitions {
        r.valid = false;
        r.counts.lost = 2;
        r.counts.received_orders -= 2;
        r.counts.matched -= 2;
    }
    let (verdict, why) = verdict_on("orders.lost", "== 0", &c);
    assert_eq!((verdict, why.as_str()), (Fail, "2 of 2000 orders lost in repetition 13"));
}

#[test]
fn an_invalid_attempt_that_was_repeated_with_success_does_not_count() {
    let mut c = whole();
    let mut first = c.cells[0].repetitions[0].clone();
    first.valid = false;
    first.counts.lost = 5;
    first.orders_sha256 = "bb".into();
    c.cells[0].repetitions[0].attempt = 2;
    c.cells[0].repetitions.insert(0, first);
    assert_eq!(judge(&strict(), &c).verdict, Pass);
}

#[test]
fn other_bytes_than_the_tapes_fail() {
    let mut c = whole();
    c.cells[0].repetitions[3].orders_sha256 = "bb".into();
    assert_eq!(verdict_on("orders.digest", "== tape", &c).0, Fail);
}

#[test]
fn a_lane_that_did_not_run_is_not_run_with_its_need() {
    let mut c = whole();
    c.not_run.push(NotRun::new(NotRunKind::Lane, "onload", "a Solarflare NIC", "plug one in"));
    let mut named = require("orders.lost", "== 0");
    named.lanes = vec!["kernel-udp".into(), "onload".into()];
    let j = judge(&[named.clone()], &c);
    assert_eq!(j.results.iter().map(|r| r.verdict).collect::<Vec<_>>(), [Pass, DidNotRun]);
    assert_eq!(j.verdict, DidNotRun);
    assert_eq!(
        j.reasons,
        ["Not run orders.lost [onload]: the lane onload did not run: it needs a Solarflare NIC (plug one in)"]
    );
    assert_eq!(judge(&[require("orders.lost", "== 0")], &c).verdict, DidNotRun, "every lane means that one too");
    named.lanes.pop();
    assert_eq!(judge(&[named], &c).verdict, Pass, "a lane that no requirement is about spoils nothing");
}

#[test]
fn an_optional_lane_that_did_not_run_costs_nothing_unless_a_requirement_names_it_or_no_lane_ran() {
    let mut c = whole();
    let row = NotRun::new(NotRunKind::Lane, "onload", "a Solarflare NIC", "plug one in");
    c.not_run.push(NotRun { optional: true, ..row });
    let of_all = require("orders.lost", "== 0");
    let j = judge(std::slice::from_ref(&of_all), &c);
    assert_eq!((j.verdict, j.results.len()), (Pass, 1));
    let mut naming = of_all.clone();
    naming.lanes = vec!["onload".into()];
    assert_eq!(judge(&[of_all.clone(), naming], &c).verdict, DidNotRun);
    c.cells.clear();
    assert_eq!(judge(&[of_all], &c).verdict, DidNotRun);
}

#[test]
fn a_run_of_no_lane_is_not_run_whatever_the_host_is_like_and_says_so_first() {
    let mut c = whole();
    c.cells.clear();
    c.sut.host.virtualised = "kvm".into();
    c.not_run.push(NotRun::new(NotRunKind::Lane, "kernel-udp", "root, or user namespaces", "run as root"));
    let j = judge(&[require("host.virtualised", "== no"), require("orders.lost", "== 0")], &c);
    assert_eq!(j.verdict, DidNotRun);
    assert!(j.results.iter().any(|r| r.verdict == NotCertifiable), "{:?}", j.results);
    assert!(j.reasons[0].starts_with("Not run"), "{:?}", j.reasons);
    assert!(j.reasons.iter().any(|r| r.contains("it needs root, or user namespaces (run as root)")), "{:?}", j.reasons);
}

#[test]
fn an_empty_list_or_one_that_matches_nothing_is_no_pass() {
    assert_eq!(judge(&[], &whole()).verdict, DidNotRun);
    let mut r = require("orders.lost", "== 0");
    r.loads = vec!["poisson".into()];
    let j = judge(&[r], &whole());
    assert_eq!(j.verdict, DidNotRun);
    assert!(j.reasons.iter().any(|r| r.contains("poisson")), "{:?}", j.reasons);
    let host_only = judge(&[require("host.virtualised", "== no")], &whole());
    assert_eq!(host_only.verdict, DidNotRun, "the host alone says nothing about a lane");
}

#[test]
fn a_clock_that_disagrees_with_itself_invalidates_every_time() {
    let mut c = whole();
    c.probes.clocks.as_mut().unwrap().drift_ppm = Some(3.0);
    let j = judge(&strict(), &c);
    assert_eq!(j.verdict, NotCertifiable);
    assert!(j.reasons[0].contains("disagree by 3.00 ppm"), "{:?}", j.reasons);
    assert_eq!(verdict_on("orders.lost", "== 0", &c).0, Pass, "counting needs no clock");
}

#[test]
fn a_run_that_was_broken_off_says_so_first() {
    let mut c = whole();
    c.interrupted = true;
    let j = judge(&strict(), &c);
    assert_eq!(j.verdict, NotCertifiable);
    assert_eq!(j.reasons, ["Not certifiable: the run was broken off before its end"]);
    c.interrupted_because = Some("the disk is full".to_owned());
    let said = "Not certifiable: the run was broken off before its end: the disk is full";
    assert_eq!(judge(&strict(), &c).reasons, [said]);
}

#[test]
fn failures_come_before_weak_evidence_before_what_did_not_run() {
    let mut c = whole();
    c.interrupted = true;
    let mut unknown = require("orders.lost", "== 0");
    unknown.lanes = vec!["rdma-rc".into()];
    let j = judge(&[unknown, require("noise.largest_gap", "<= 1 us"), require("t2t_due.p50", "<= 1 us")], &c);
    let words: Vec<_> = j.reasons.iter().map(|r| r.split([':', ' ']).next().unwrap()).collect();
    assert_eq!(words, ["Failed", "Not", "Not", "Not"], "{:?}", j.reasons);
    assert!(j.reasons[1].contains("broken off") && j.reasons[3].starts_with("Not run"), "{:?}", j.reasons);
    assert_eq!(j.verdict, Fail);
}

#[test]
fn a_noisy_or_virtual_host_certifies_nothing_but_does_not_fail() {
    let mut c = whole();
    c.sut.host.virtualised = "kvm".into();
    assert_eq!(
        verdict_on("host.virtualised", "== no", &c),
        (NotCertifiable, "the host is a virtual machine (kvm)".into())
    );
    assert_eq!(verdict_on("noise.gaps_per_second", "<= 1", &c).0, NotCertifiable);
    c.probes.noise = None;
    assert_eq!(verdict_on("noise.gaps_per_second", "<= 10", &c).0, NotCertifiable);
}

#[test]
fn cells_of_one_lane_are_told_apart_by_their_load() {
    let mut c = certificate(vec![cell("kernel-udp", USUAL), cell("kernel-udp", USUAL)]);
    c.cells[1].load.text = "poisson 20000 packets/s".into();
    let j = judge(&[require("orders.lost", "== 0")], &c);
    let ids: Vec<_> = j.results.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(
        ids,
        ["orders.lost [kernel-udp, constant 20000 packets/s]", "orders.lost [kernel-udp, poisson 20000 packets/s]"]
    );
}

/// Every metric about cells, one profile for each, with a limit that the whole certificate meets.
#[cfg(test)]
fn one_requirement_profiles() -> Vec<Requirement> {
    let mut all = strict();
    all.push(require("trader.p99", "<= 1 ms"));
    all.retain(|r| r.metric.is_per_cell());
    all
}

#[cfg(test)]
fn never_valid(c: &mut Certificate, numbers: std::ops::RangeInclusive<u32>) {
    for r in c.cells[0].repetitions.iter_mut().filter(|r| numbers.contains(&r.repetition)) {
        r.valid = false;
        r.invalid_reasons = vec!["the rate was off by 3 %".into()];
    }
}

#[test]
fn nothing_passes_without_a_valid_repetition_whatever_the_one_requirement_is() {
    let (mut all_invalid, mut staged_only) = (whole(), whole());
    never_valid(&mut all_invalid, 1..=13);
    staged_only.cells[0].repetitions.retain(|r| r.staged);
    for r in one_requirement_profiles() {
        assert_eq!(judge(std::slice::from_ref(&r), &whole()).verdict, Pass, "{} as it is", r.id);
        for c in [&all_invalid, &staged_only] {
            let j = judge(std::slice::from_ref(&r), c);
            assert_eq!((j.verdict, j.results[0].verdict), (NotCertifiable, NotCertifiable), "{}", r.id);
        }
    }
    let (_, why) = verdict_on("orders.lost", "== 0", &all_invalid);
    assert!(why.starts_with("no valid repetition; repetition 1 never became valid (nor did 2, 3"), "{why}");
}

#[test]
fn five_of_ten_repetitions_that_never_became_valid_are_not_passed_over() {
    let mut c = certificate(vec![cell("kernel-udp", fixture::Kind { repetitions: 10, ..USUAL })]);
    let p50 = require("t2t_due.p50", "<= 10 us");
    assert_eq!(judge(std::slice::from_ref(&p50), &c).verdict, Pass);
    never_valid(&mut c, 6..=10);
    let j = judge(&[p50], &c);
    assert_eq!(j.verdict, NotCertifiable);
    assert_eq!(j.results[0].why, "repetition 6 never became valid (nor did 7, 8, 9, 10): the rate was off by 3 %");
    assert_eq!(verdict_on("t2t_due.p50", "<= 1 us", &c).0, Fail, "what the survivors show against it stands");
}

#[test]
fn one_repetition_that_never_became_valid_spoils_every_pass_about_its_cell_a_staged_one_too() {
    for number in [3, 11] {
        let mut c = whole();
        never_valid(&mut c, number..=number);
        for r in one_requirement_profiles().into_iter().filter(|r| !r.id.starts_with("stage.")) {
            let j = judge(std::slice::from_ref(&r), &c);
            let expected = format!("repetition {number} never became valid: the rate was off by 3 %");
            assert_eq!((j.verdict, j.results[0].why.as_str()), (NotCertifiable, expected.as_str()), "{}", r.id);
        }
    }
}

#[test]
fn a_valid_staged_repetition_of_the_same_number_does_not_stand_in_for_a_plain_one() {
    let mut c = whole();
    never_valid(&mut c, 3..=3);
    c.cells[0].repetitions[10].repetition = 3;
    assert_eq!(verdict_on("orders.lost", "== 0", &c).0, NotCertifiable);
}

#[test]
fn a_repetition_that_was_planned_and_never_attempted_keeps_everything_about_its_cell_from_passing() {
    for (taken, why) in [
        (2..4, "2 of 8 repetitions planned were never attempted"),
        (9..10, "1 of 5 staged repetitions planned were never attempted"),
        (
            7..9,
            "1 of 8 repetitions planned were never attempted, 1 of 5 staged repetitions planned were never attempted",
        ),
    ] {
        let mut c = whole();
        drop(c.cells[0].repetitions.drain(taken));
        for r in one_requirement_profiles().into_iter().filter(|r| !r.id.starts_with("stage.")) {
            let j = judge(std::slice::from_ref(&r), &c);
            assert_eq!((j.verdict, j.results[0].why.as_str()), (NotCertifiable, why), "{}", r.id);
        }
        assert_eq!(verdict_on("t2t_due.p50", "<= 1 us", &c).0, Fail, "what the others show against it stands");
    }
    let mut c = whole();
    c.cells[0].planned = None;
    let (verdict, why) = verdict_on("orders.lost", "== 0", &c);
    assert_eq!((verdict, why.as_str()), (NotCertifiable, "how many repetitions were planned is not recorded"));
}

#[test]
fn repeating_an_attempt_does_not_make_up_for_a_repetition_that_is_missing() {
    let mut c = whole();
    let mut again = c.cells[0].repetitions[0].clone();
    again.attempt = 2;
    c.cells[0].repetitions[1] = again;
    assert_eq!(verdict_on("orders.lost", "== 0", &c).0, NotCertifiable);
}

/// A certificate of two hosts, the exchange's being as the trader's.
fn two_hosts() -> Certificate {
    let mut c = whole();
    c.exchange_host = Some(ExchangeHost {
        hash: "h2".into(),
        host: c.sut.host.clone(),
        audit: Vec::new(),
        clocks: c.probes.clocks.clone().unwrap(),
        noise: c.probes.noise.clone(),
    });
    c
}

#[test]
fn of_two_hosts_the_worse_decides_whatever_the_condition_is_about() {
    let verdict = |metric: &str, limit: &str, spoil: &dyn Fn(&mut ExchangeHost)| {
        let mut c = two_hosts();
        spoil(c.exchange_host.as_mut().unwrap());
        verdict_on(metric, limit, &c)
    };
    let unspoilt = |metric: &str, limit: &str| assert_eq!(verdict(metric, limit, &|_| ()).0, Pass, "{metric}");
    unspoilt("host.virtualised", "== no");
    let (found, why) = verdict("host.virtualised", "== no", &|e| e.host.virtualised = "kvm".into());
    assert!(found == NotCertifiable && why.contains("kvm"), "{why}");
    unspoilt("clock.drift", "<= 1 ppm");
    let (found, why) = verdict("clock.drift", "<= 1 ppm", &|e| e.clocks.drift_ppm = Some(3.0));
    assert!(found == NotCertifiable && why.contains("3.00 ppm"), "{why}");
    let (found, why) = verdict("t2t_sent.p50", "< 1 s", &|e| e.clocks.drift_ppm = Some(3.0));
    assert!(found == NotCertifiable && why.contains("3.00 ppm"), "{why}");
    unspoilt("noise.largest_gap", "<= 10 s");
    let noisy = |e: &mut ExchangeHost| e.noise.as_mut().unwrap().cores[0].largest_ns = Nanos::SECOND * 9;
    let (found, why) = verdict("noise.largest_gap", "<= 8 s", &noisy);
    assert!(found == NotCertifiable && why.contains("of the exchange's host"), "{why}");
    assert_eq!(verdict("noise.largest_gap", "<= 10 s", &|e| e.noise = None).0, NotCertifiable);
}

#[test]
fn a_stage_from_one_hosts_clock_to_the_others_is_not_certifiable_for_want_of_synchronised_clocks() {
    let mut c = two_hosts();
    for r in c.cells.iter_mut().flat_map(|cell| &mut cell.repetitions) {
        r.staged = true;
    }
    c.cells.iter_mut().for_each(|cell| drop(cell.latency_ns.stages.remove("rx")));
    let (found, why) = verdict_on("stage.rx.p50", "< 1 s", &c);
    assert!(found == NotCertifiable && why.contains("synchronised clocks"), "{why}");
}

#[test]
fn a_clock_that_nobody_looked_at_again_blocks_even_what_needs_no_clock() {
    let lost = [require("orders.lost", "== 0")];
    let mut c = whole();
    c.probes.clocks.as_mut().unwrap().end = None;
    let j = judge(&lost, &c);
    assert_eq!(j.verdict, NotCertifiable);
    assert_eq!(j.reasons, ["Not certifiable: the clock was not calibrated again after the run"]);
    c.probes.clocks = None;
    assert_eq!(judge(&lost, &c).verdict, NotCertifiable);
}

#[test]
fn a_larger_allowance_written_beside_the_calibrations_allows_no_more() {
    let mut c = whole();
    let clocks = c.probes.clocks.as_mut().unwrap();
    (clocks.drift_ppm, clocks.drift_allowed_ppm) = (Some(3.0), Some(50.0));
    let j = judge(&[require("orders.lost", "== 0")], &c);
    assert_eq!(j.verdict, NotCertifiable);
    assert!(j.reasons[0].contains("3.00 ppm, 1.20 ppm are allowed"), "{:?}", j.reasons);
    let clocks = c.probes.clocks.as_mut().unwrap();
    (clocks.drift_ppm, clocks.drift_allowed_ppm) = (Some(0.9), Some(0.5));
    assert_eq!(judge(&strict(), &c).verdict, NotCertifiable, "nor does it count less than what was written");
    c.probes.clocks.as_mut().unwrap().drift_allowed_ppm = Some(f64::NAN);
    assert_eq!(judge(&strict(), &c).verdict, NotCertifiable);
}

#[test]
fn a_rate_that_is_no_positive_number_never_passes_however_wide_the_limit() {
    for (achieved, intended) in [
        (0.0, 20_000.0),
        (20_000.0, 0.0),
        (0.0, 0.0),
        (f64::NAN, 20_000.0),
        (20_000.0, f64::NAN),
        (f64::INFINITY, 20_000.0),
        (20_000.0, f64::INFINITY),
        (-20_000.0, -20_000.0),
    ] {
        let mut c = whole();
        let r = &mut c.cells[0].repetitions[2];
        (r.achieved_pps.0, r.intended_pps.0) = (achieved, intended);
        for limit in ["within 1 %", "within 100 %"] {
            let (verdict, why) = verdict_on("rate.achieved", limit, &c);
            assert_eq!(verdict, NotCertifiable, "{achieved} of {intended}, {limit}: {why}");
        }
    }
}

/// A way to take evidence away from a certificate: its name, and how.
type Damage = (&'static str, fn(&mut Certificate, usize));

/// Each takes a piece of evidence away, or turns it against the system.
#[cfg(test)]
const DAMAGE: [Damage; 36] = [
    ("no cell", |c, _| c.cells.clear()),
    ("broken off", |c, _| c.interrupted = true),
    ("no clock probe", |c, _| c.probes.clocks = None),
    ("no second calibration", |c, _| c.probes.clocks.as_mut().unwrap().end = None),
    ("variant TSC", |c, _| c.probes.clocks.as_mut().unwrap().invariant_tsc = false),
    ("drifting clock", |c, _| c.probes.clocks.as_mut().unwrap().end.as_mut().unwrap().hz *= 1.000_01),
    ("clock of no rate", |c, _| c.probes.clocks.as_mut().unwrap().start.hz = f64::NAN),
    ("no noise probe", |c, _| c.probes.noise = None),
    ("noise of no core", |c, _| c.probes.noise.as_mut().unwrap().cores.clear()),
    ("noise of one core only", |c, _| c.probes.noise.as_mut().unwrap().cores.truncate(1)),
    ("noise of other cores", |c, _| c.probes.noise.as_mut().unwrap().cores.iter_mut().for_each(|n| n.core += 100)),
    ("host unknown", |c, _| c.sut.host.virtualised.clear()),
    ("emulated", |c, _| c.cells[0].evidence = Evidence::Emulated),
    ("no repetition", |c, _| c.cells[0].repetitions.clear()),
    ("too few repetitions", |c, i| c.cells[0].repetitions.truncate(1 + i % 4)),
    ("invalid repetitions", |c, _| c.cells[0].repetitions.iter_mut().skip(4).for_each(|r| r.valid = false)),
    ("no staged repetition", |c, _| c.cells[0].repetitions.retain(|r| !r.staged)),
    ("no p50", |c, _| c.cells[0].latency_ns.t2t_due.p50 = None),
    ("no interval", |c, _| c.cells[0].latency_ns.t2t_due.ci95.clear()),
    ("interval of no numbers", |c, _| {
        c.cells[0].latency_ns.t2t_due.ci95.insert("p99".into(), [f64::NAN, f64::NAN]);
    }),
    ("interval beside the value", |c, _| {
        c.cells[0].latency_ns.t2t_due.ci95.insert("p99".into(), [1.0, 2.0]);
    }),
    ("no maximum", |c, _| c.cells[0].latency_ns.t2t_due.max = None),
    ("no stages", |c, _| c.cells[0].latency_ns.stages.clear()),
    ("too few samples", |c, i| c.cells[0].latency_ns.t2t_sent.n = i as u64 % 10_000),
    ("no order expected", |c, i| any(c, i).counts.expected_orders = 0),
    ("orders not accounted for", |c, i| any(c, i).counts.received_orders = 3),
    ("no digest", |c, i| any(c, i).orders_sha256.clear()),
    ("no intended rate", |c, i| any(c, i).intended_pps.0 = 0.0),
    ("rate of no number", |c, i| any(c, i).achieved_pps.0 = f64::NAN),
    ("packets skipped", |c, i| any(c, i).counts.skipped = 1),
    ("no stamps received", |c, i| any(c, i).hw_stamps.rx_coverage = None),
    ("no stamps sent", |c, i| any(c, i).hw_stamps.tx_coverage = None),
    ("a repetition that never became valid", |c, i| any(c, i).valid = false),
    ("a repetition that was never attempted", |c, i| {
        let n = c.cells[0].repetitions.len();
        drop(c.cells[0].repetitions.remove(i % n));
    }),
    ("a plan that nobody wrote down", |c, _| c.cells[0].planned = None),
    ("an order lost", |c, i| any(c, i).counts.lost = 1),
];

#[cfg(test)]
fn any(c: &mut Certificate, i: usize) -> &mut tickcert_results::certificate::Repetition {
    let n = c.cells[0].repetitions.len();
    &mut c.cells[0].repetitions[i % n]
}

#[cfg(test)]
fn never_better_than_it_may_be(j: &Judgement) -> Result<(), TestCaseError> {
    prop_assert_ne!(j.verdict, Pass);
    prop_assert!(!j.reasons.is_empty());
    prop_assert!(j.reasons.iter().all(|r| !r.contains('\n') && r.len() > 10));
    Ok(())
}

proptest! {
    #[test]
    fn nothing_with_a_piece_of_evidence_missing_ever_passes(which in 0..DAMAGE.len(), i in 0_usize..20_000) {
        thread_local!(static WHOLE: Certificate = whole());
        let mut c = WHOLE.with(Clone::clone);
        DAMAGE[which].1(&mut c, i);
        let j = judge(&strict(), &c);
        prop_assert_ne!(j.verdict, Pass, "{}", DAMAGE[which].0);
        never_better_than_it_may_be(&j)?;
    }

    #[test]
    fn damage_of_several_kinds_at_once_is_survived(
        damage in prop::collection::vec((10..DAMAGE.len(), 0_usize..20_000), 1..6),
    ) {
        thread_local!(static WHOLE: Certificate = whole());
        let mut c = WHOLE.with(Clone::clone);
        for (which, i) in damage {
            if !c.cells[0].repetitions.is_empty() {
                DAMAGE[which].1(&mut c, i);
            }
        }
        never_better_than_it_may_be(&judge(&strict(), &c))?;
    }
}

/// A search that found 100,000 packets/s to hold and 105,000 to fail.
#[cfg(test)]
fn searched(limited_by: RateLimit) -> Certificate {
    let mut c = whole();
    let cell = &c.cells[0];
    c.rates = vec![RateSearch {
        lane: cell.lane.clone(),
        variant: String::new(),
        order_channel: cell.order_channel,
        evidence: cell.evidence,
        evidence_why: String::new(),
        highest_pps: Some(PerSecond(100_000.0)),
        highest_mps: Some(PerSecond(240_000.0)),
        highest_within_pass_pps: Some(PerSecond(101_000.0)),
        fails_at_pps: Some(PerSecond(105_000.0)),
        resolution: 0.05,
        limited_by,
        why: "as the last trial said".into(),
        ratio_to_kernel_udp: Some(1.0),
        trial_ns: Nanos::SECOND,
        trials: vec![],
    }];
    c
}

#[test]
fn a_rate_passes_or_fails_only_if_what_held_and_what_failed_are_on_one_side_of_the_limit() {
    let c = searched(RateLimit::Trader);
    let on = |limit: &str| verdict_on("rate.highest", limit, &c);
    assert_eq!(on(">= 100000 packets/s").0, Pass);
    assert_eq!(on("> 99999 packets/s").0, Pass);
    let (verdict, why) = on(">= 102000 packets/s");
    assert!(verdict == NotCertifiable && why.contains("finer resolution"), "{why}");
    let (verdict, why) = on(">= 110000 packets/s");
    assert!(verdict == Fail && why.contains("100000 packets/s is the highest") && why.contains("as the last"), "{why}");
}

#[test]
fn a_lane_is_not_blamed_for_a_rate_that_the_exchange_could_not_send() {
    for limit in [RateLimit::Exchange, RateLimit::Both, RateLimit::Search, RateLimit::Fault] {
        assert_eq!(verdict_on("rate.highest", ">= 110000 packets/s", &searched(limit)).0, NotCertifiable, "{limit}");
        assert_eq!(verdict_on("rate.highest", ">= 100000 packets/s", &searched(limit)).0, Pass, "{limit}");
    }
    assert_eq!(verdict_on("rate.highest", ">= 110000 packets/s", &searched(RateLimit::Lane)).0, Fail);
}

#[test]
fn a_rate_needs_the_evidence_asked_for_and_a_search_that_is_missing_or_found_nothing_never_passes() {
    let mut weak = searched(RateLimit::Trader);
    weak.rates[0].evidence = Evidence::Emulated;
    let requirements = [require("evidence", ">= nic"), require("rate.highest", ">= 1 packets/s")];
    let j = judge(&requirements, &weak);
    let rate = j.results.iter().find(|r| r.id == "rate.highest [kernel-udp]").unwrap();
    assert_eq!((rate.verdict, rate.evidence), (NotCertifiable, Some(Evidence::Emulated)));
    for (load, verdict) in [("sweep", NotCertifiable), ("sweep 90 %", NotCertifiable), ("constant", Pass)] {
        let mut of_load = require("evidence", ">= nic");
        of_load.loads = vec![load.to_owned()];
        let mut software = searched(RateLimit::Trader);
        software.rates[0].evidence = Evidence::Software;
        let j = judge(&[of_load, requirements[1].clone()], &software);
        let rate = j.results.iter().find(|r| r.id == "rate.highest [kernel-udp]").unwrap();
        assert_eq!(rate.verdict, verdict, "{load}: {}", rate.why);
    }
    let mut none = searched(RateLimit::Trader);
    none.rates[0].highest_pps = None;
    assert_eq!(verdict_on("rate.highest", ">= 1 packets/s", &none).0, Fail);
    none.rates[0].limited_by = RateLimit::Fault;
    assert_eq!(verdict_on("rate.highest", ">= 1 packets/s", &none).0, NotCertifiable);
    none.rates.clear();
    assert_eq!(verdict_on("rate.highest", ">= 1 packets/s", &none).0, DidNotRun);
}

#[test]
fn a_sweep_that_did_not_run_keeps_the_whole_from_passing() {
    let mut c = whole();
    c.not_run.push(NotRun::new(NotRunKind::Load, "sweep of kernel-udp", "a rate at which nothing is lost", ""));
    let j = judge(&[require("evidence", ">= simulated"), require("orders.lost", "== 0")], &c);
    assert_eq!(j.verdict, DidNotRun);
    assert!(j.reasons[0].contains("sweep of kernel-udp"), "{:?}", j.reasons);
    let of = |lane: &str| Requirement::new("r", None, "orders.lost", "== 0", vec![lane.into()], vec![]).unwrap();
    assert_eq!(judge(&[of("kernel-udp")], &c).verdict, DidNotRun, "a requirement that names its lane means it too");
    c.not_run[0].name = "sweep of kernel-tcp".into();
    assert_eq!(judge(&[of("kernel-udp")], &c).verdict, Pass, "another lane's sweep is not what it asks about");
}

#[test]
fn a_placement_that_did_not_run_keeps_the_whole_from_passing_whether_requirements_name_lanes_or_not() {
    let mut c = whole();
    let of = |lane: &str| Requirement::new("r", None, "orders.lost", "== 0", vec![lane.into()], vec![]).unwrap();
    let row = |name: &str| NotRun::new(NotRunKind::Placement, name, "a second socket", "");
    c.not_run.push(row("other-socket"));
    assert_eq!(judge(&[require("orders.lost", "== 0")], &c).verdict, DidNotRun);
    assert_eq!(judge(&[of("kernel-udp")], &c).verdict, DidNotRun, "every lane was to have it");
    c.not_run[0] = row("other-socket of kernel-udp");
    assert_eq!(judge(&[of("kernel-udp")], &c).verdict, DidNotRun);
    c.not_run[0] = row("other-socket of kernel-tcp");
    assert_eq!(judge(&[of("kernel-udp")], &c).verdict, Pass, "another lane's is not what it asks about");
    let j = judge(&[of("kernel-tcp")], &c);
    assert!(j.results[0].why.contains("needs a second socket"), "of a lane without any cell: {:?}", j.results);
    c.not_run[0] = NotRun { optional: true, ..row("other-socket") };
    assert_eq!(judge(&[of("kernel-udp")], &c).verdict, Pass, "where it is wanted only if it can be had");
}

#[test]
fn a_queue_between_threads_that_did_not_run_keeps_from_passing_only_who_named_it() {
    let mut c = whole();
    let row = NotRun::new(NotRunKind::Queue, "rtrb between the trader's threads", "4 cores", "more cores");
    c.not_run.push(NotRun { optional: true, ..row.clone() });
    assert_eq!(judge(&[require("orders.lost", "== 0")], &c).verdict, Pass);
    c.not_run[0] = row;
    let j = judge(&[require("orders.lost", "== 0")], &c);
    assert_eq!(j.verdict, DidNotRun);
    assert!(
        j.reasons[0].contains("the queue rtrb between the trader's threads did not run: it needs 4 cores"),
        "{j:?}"
    );
    c.cells.clear();
    let j = judge(&[require("orders.lost", "== 0")], &c);
    assert!(j.results[0].why.contains("no lane ran: the queue rtrb"), "{:?}", j.results);
}

#[test]
fn a_requirement_that_names_a_lane_is_about_it_with_every_kind_of_trader() {
    let mut c = whole();
    let mut cell = c.cells[0].clone();
    cell.variant = "tcp".into();
    cell.handoff = Handoff::Queue {
        name: "rtrb".into(),
        capacity: Some(64),
        message_bytes: Some(64),
        decide_core: 2,
        send_core: 3,
    };
    c.cells.push(cell);
    let of = |lane: &str| {
        let r = Requirement::new("r", None, "orders.lost", "== 0", vec![lane.into()], vec![]).unwrap();
        judge(&[r], &c).results.into_iter().map(|r| r.id).collect::<Vec<_>>()
    };
    assert_eq!(of("kernel-udp/tcp"), ["r [kernel-udp/tcp, rtrb]"]);
    assert_eq!(of("kernel-udp").len(), 2);
}

#[test]
fn a_requirement_may_be_about_all_of_a_sweep_or_one_point_of_it() {
    let mut c = whole();
    for point in [SweepPoint::Share(0.9), SweepPoint::Idle] {
        let mut cell = c.cells[0].clone();
        cell.load.mode = "sweep".into();
        cell.load.text = format!("{point}: 90000 packets/s");
        cell.load.sweep = Some(point);
        c.cells.push(cell);
    }
    let covered = |load: &str| {
        let r = Requirement::new("r", None, "orders.lost", "== 0", vec![], vec![load.into()]).unwrap();
        judge(&[r], &c).results.into_iter().map(|r| r.id).collect::<Vec<_>>()
    };
    assert_eq!(covered("constant"), ["r [kernel-udp, constant 20000 packets/s]"]);
    assert_eq!(covered("sweep").len(), 2);
    assert_eq!(covered("sweep 90 %"), ["r [kernel-udp, sweep 90 %: 90000 packets/s]"]);
    assert_eq!(covered("sweep idle"), ["r [kernel-udp, sweep idle: 90000 packets/s]"]);
}
