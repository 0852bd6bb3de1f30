//! What the profile's policy makes of coverage, and what stamping is shown to cost.

use tickcert_results::{
    certificate::{HwStamps, OrderChannel, StampCounts, example},
    hist::Histogram,
    stamp::StampClock,
};

use super::*;

const CLOCK: StampClock = StampClock::Phc(0);

fn spec(policy: StampPolicy) -> StampsSpec {
    StampsSpec { policy, coverage: 0.999, timeout: Nanos::SECOND, cost_repetitions: 5 }
}

fn stamping() -> Stamping {
    let end = EndStamping { clock: Some(CLOCK), transmit: true, receive: true };
    Stamping { exchange: end, trader: end }
}

/// Repetitions of which each end has that many of 1,000 stamps.
fn repetitions(exchange: u64, trader: u64) -> Vec<Repetition> {
    let end = |good| {
        let counts = StampCounts { asked: 1_000, good, missing: 1_000 - good, ..StampCounts::default() };
        Some(EndStamps {
            clock: Some(CLOCK),
            tx: counts,
            rx: StampCounts { asked: 1_000, good: 1_000, ..StampCounts::default() },
        })
    };
    let mut all = example::one_lane().cells.remove(0).repetitions;
    for r in &mut all {
        r.hw_stamps = HwStamps { exchange: end(1_000), trader: end(1_000), ..HwStamps::default() };
    }
    // One of them decides.
    all[2].hw_stamps = HwStamps { exchange: end(exchange), trader: end(trader), ..HwStamps::default() };
    all
}

fn judged(policy: StampPolicy, exchange: u64, trader: u64) -> Option<CellStamps> {
    let spec = spec(policy);
    let terms = Terms { spec: &spec, stamping: Some(stamping()), record: None, lane_why_not: None };
    terms.judge(&repetitions(exchange, trader), None)
}

fn caps(evidence: Evidence) -> Caps {
    Caps { orders: OrderChannel::Datagram, evidence, evidence_why: "its ground".to_owned(), own_wire: None }
}

#[test]
fn a_repetition_at_the_floor_reaches_it_and_one_below_does_not() {
    for policy in [StampPolicy::Require, StampPolicy::Prefer] {
        let at = judged(policy, 999, 999).unwrap();
        assert!(at.of_exchange() && at.of_trader() && at.not_certifiable.is_none() && at.fallback.is_none());
        let below = judged(policy, 999, 998).unwrap();
        assert!(below.of_exchange() && !below.of_trader());
        let why = below.trader_why_not.unwrap();
        assert!(
            why.starts_with("in repetition 3 99.80 % of the frames of the trader") && why.contains("99.9 %"),
            "{why}"
        );
        assert!(why.ends_with("(2 missing)"), "{why}");
    }
}

#[test]
fn below_the_floor_require_certifies_nothing_and_prefer_falls_back_and_says_so() {
    let required = judged(StampPolicy::Require, 1_000, 10).unwrap();
    assert!(
        required.not_certifiable.unwrap().starts_with("the profile requires hardware stamps: in repetition 3 1.00 %")
    );
    let preferred = judged(StampPolicy::Prefer, 10, 10).unwrap();
    assert!(preferred.not_certifiable.is_none() && preferred.fallback.is_some());
    let (class, why) = evidence(&caps(Evidence::Software), Some(&preferred));
    assert!(class == Evidence::Software && why.starts_with("its ground; hardware stamps could not be had: "), "{why}");
    assert_eq!(judged(StampPolicy::Off, 0, 0), None);
}

#[test]
fn stamps_of_the_trader_are_nic_evidence_those_of_the_exchange_wire_and_on_virtual_ground_neither() {
    for (exchange, trader, class) in [
        (0, 1_000, Evidence::Nic),
        (1_000, 0, Evidence::Wire),
        (1_000, 1_000, Evidence::Wire),
        (0, 0, Evidence::Software),
    ] {
        let stamps = judged(StampPolicy::Prefer, exchange, trader).unwrap();
        assert_eq!(evidence(&caps(Evidence::Software), Some(&stamps)).0, class);
        for ground in [Evidence::Emulated, Evidence::Simulated] {
            assert_eq!(evidence(&caps(ground), Some(&stamps)).0, ground);
        }
    }
    assert_eq!(evidence(&caps(Evidence::Software), None), (Evidence::Software, "its ground".to_owned()));
}

#[test]
fn stamps_that_a_jump_of_the_clock_spoilt_reach_no_floor() {
    let mut repetitions = repetitions(1_000, 1_000);
    repetitions[0].hw_stamps.unusable = Some("it was set".to_owned());
    let spec = spec(StampPolicy::Require);
    let terms = Terms { spec: &spec, stamping: Some(stamping()), record: None, lane_why_not: None };
    let found = terms.judge(&repetitions, None).unwrap();
    assert!(found.not_certifiable.unwrap().contains("can't be used: it was set"));
}

#[test]
fn hardware_that_was_not_seen_to_stamp_and_a_lane_that_takes_none_are_reasons() {
    let spec = spec(StampPolicy::Require);
    let said = |stamping, lane: Option<&str>| {
        let terms = Terms { spec: &spec, stamping, record: None, lane_why_not: lane.map(str::to_owned) };
        assert!(!terms.stamps() || stamping.is_some());
        terms.judge(&repetitions(1_000, 1_000), None).unwrap().not_certifiable.unwrap()
    };
    assert!(
        said(None, None)
            .ends_with("no hardware stamps frames at the exchange; no hardware stamps frames at the trader")
    );
    let deaf = Stamping { trader: EndStamping { receive: false, ..stamping().trader }, ..stamping() };
    assert!(said(Some(deaf), None).ends_with("no hardware stamps frames that arrive at the trader"));
    assert!(said(Some(stamping()), Some("the lane is memory")).ends_with("hardware stamps: the lane is memory"));
}

#[test]
fn what_rests_on_stamps_that_can_not_be_relied_on_is_taken_out() {
    let all = || {
        let wire = WireSpan::ALL.iter().map(|span| (span.name().to_owned(), Default::default())).collect();
        Latencies { wire, ..Latencies::default() }
    };
    let left = |exchange, trader| {
        let mut latencies = all();
        keep_reliable(&mut latencies, judged(StampPolicy::Prefer, exchange, trader).as_ref());
        latencies.wire.len()
    };
    assert_eq!((left(1_000, 1_000), left(1_000, 0), left(0, 1_000), left(0, 0)), (8, 3, 3, 0));
}

/// Repetitions around a median.
fn around(median: u64, n: u64) -> Vec<Distributions> {
    (0..n)
        .map(|i| {
            let mut d = Distributions::new().unwrap();
            d.t2t_due = Histogram::of((0..400).map(|k| Nanos(median + i * 3 + k % 7))).unwrap();
            d
        })
        .collect()
}

#[test]
fn the_cost_is_a_ratio_with_an_interval_or_says_how_many_repetitions_it_lacks() {
    let (with, without) = (around(11_000, 5), around(10_000, 5));
    let of = |n: usize| cost(&with.iter().collect::<Vec<_>>(), &without[..n].iter().collect::<Vec<_>>(), 1);
    let whole = &of(5)["p50"];
    let [low, high] = whole.ci95.unwrap();
    assert!(low <= 1.1 && 1.1 <= high && (whole.ratio.unwrap() - 1.1).abs() < 0.01, "{whole:?}");
    assert_eq!((whole.repetitions, whole.needs_more), ([5, 5], None));
    assert!(whole.with_ns > whole.without_ns);
    let few = &of(2)["p50"];
    assert_eq!((few.ci95, few.needs_more), (None, Some(2)), "{few:?}");
    assert!(of(0).is_empty());
}
