//! Made-up cells with their repetitions.

use std::collections::BTreeMap;

use super::{
    samples::{Source, encode, fake_sha256, quantiles},
    tail::tail,
};
use crate::{
    certificate::{
        Cell, CounterValues, Counts, EndCounters, Handoff, Histograms, HwStamps, Independence, Latencies, Load,
        OrderChannel, Placement, Planned, Repetition, ScheduleError, TimeBucket, WarmUp,
    },
    evidence::Evidence,
    time::{Nanos, PerSecond},
};

const STAGES: [(&str, u64); 7] =
    [("rx", 620), ("decode", 24), ("book", 61), ("decide", 18), ("risk", 14), ("encode", 22), ("tx", 1_180)];

/// What a made-up lane should look like.
pub(super) struct LaneShape {
    lane: String,
    variant: String,
    evidence: Evidence,
    median: u64,
    invalid_attempt: bool,
}

impl LaneShape {
    pub(super) fn new(lane: &str, variant: &str, evidence: Evidence, median: u64) -> Self {
        Self { lane: lane.to_owned(), variant: variant.to_owned(), evidence, median, invalid_attempt: false }
    }

    pub(super) fn with_invalid_attempt(self) -> Self {
        Self { invalid_attempt: true, ..self }
    }
}

/// Samples of one repetition.
struct Samples {
    sent: Vec<u64>,
    due: Vec<u64>,
    trader: Vec<u64>,
}

pub(super) fn cell(shape: &LaneShape, at: usize, of: usize, repetitions: u32, n: usize) -> Cell {
    let mut source = Source::new(at as u64 + 1);
    let planned = u32::try_from(of).unwrap_or(u32::MAX) * (repetitions + 1);
    let (mut reps, mut kept) = (Vec::new(), Vec::new());
    for repetition in 1..=repetitions {
        let mut attempt = 1;
        let order = u32::try_from(at + 1 + of * (repetition as usize - 1)).unwrap_or(u32::MAX);
        if shape.invalid_attempt && repetition == 3 {
            let samples = draw(&mut source, shape.median, n);
            reps.push(invalid(repetition_of(shape, &samples, repetition, attempt, order)));
            attempt = 2;
        }
        // What has to be repeated is repeated after everything else.
        let order = if attempt > 1 { planned + 1 } else { order };
        let samples = draw(&mut source, shape.median, n);
        reps.push(repetition_of(shape, &samples, repetition, attempt, order));
        kept.push(samples);
    }
    let stages = stages(&mut source, n.min(5_000));
    if let Some(last) = reps.last().cloned() {
        let histograms = stages.iter().map(|(k, v)| (k.clone(), encode(v))).collect();
        reps.push(Repetition {
            staged: true,
            repetition: repetitions + 1,
            attempt: 1,
            position: planned - u32::try_from(of - at - 1).unwrap_or(0),
            histograms: Histograms { stages: histograms, ..last.histograms.clone() },
            samples: samples_path(shape, repetitions + 1, 1),
            ..last
        });
    }
    let all = |of: fn(&Samples) -> &[u64]| quantiles(&kept.iter().map(of).collect::<Vec<_>>());
    Cell {
        lane: shape.lane.clone(),
        variant: shape.variant.clone(),
        settings: BTreeMap::new(),
        order_channel: if shape.lane == "kernel-tcp" { OrderChannel::Tcp } else { OrderChannel::Datagram },
        evidence: shape.evidence,
        evidence_why: match shape.evidence {
            Evidence::Emulated => "both ends are on one host, joined by veth".to_owned(),
            _ => "hardware stamps on 100 % of triggers and orders".to_owned(),
        },
        placement: Placement {
            name: "2-3".to_owned(),
            exchange_core: 2,
            trader_core: 3,
            link: "veth".to_owned(),
            nodes: None,
            class: None,
            interrupts: Vec::new(),
            queues: Vec::new(),
        },
        handoff: Handoff::Inline,
        load: Load {
            mode: "constant".to_owned(),
            text: "constant 20000 packets/s".to_owned(),
            rate_pps: PerSecond(20_000.0),
            passes: 5,
            sweep: None,
        },
        planned: Some(Planned { repetitions, staged: 1, unstamped: 0 }),
        repetitions: reps,
        latency_ns: Latencies {
            t2t_sent: all(|s| &s.sent),
            t2t_due: all(|s| &s.due),
            trader: all(|s| &s.trader),
            stages: stages.iter().map(|(k, v)| (k.clone(), quantiles(&[v]))).collect(),
            wire: BTreeMap::new(),
        },
        stamps: None,
        tail: (shape.evidence == Evidence::Emulated)
            .then(|| tail(u64::from(repetitions) * n as u64, Nanos(shape.median))),
        stamp_cost_ns: Some(11.4),
        warnings: vec![
            "samples of repetition 2 are autocorrelated (lag 1: 0.21): intervals within it are too narrow".to_owned(),
        ],
    }
}

fn draw(source: &mut Source, median: u64, n: usize) -> Samples {
    // Repetitions differ a little from each other, as they do in life.
    let median = source.latency(median, 0.02).min(median * 2);
    let sent: Vec<u64> = (0..n).map(|_| source.latency(median, 0.22)).collect();
    let due = sent.iter().map(|s| s + source.latency(45, 0.3)).collect();
    let trader = (0..n).map(|_| source.latency(median / 4, 0.15)).collect();
    Samples { sent, due, trader }
}

fn stages(source: &mut Source, n: usize) -> BTreeMap<String, Vec<u64>> {
    STAGES
        .iter()
        .map(|(name, median)| ((*name).to_owned(), (0..n).map(|_| source.latency(*median, 0.2)).collect()))
        .collect()
}

fn samples_path(shape: &LaneShape, repetition: u32, attempt: u32) -> String {
    let variant = if shape.variant.is_empty() { String::new() } else { format!("-{}", shape.variant) };
    format!("samples/{}{variant}-r{repetition}-a{attempt}.parquet", shape.lane)
}

/// As in a virtual machine, which has none of the processor's.
fn counters(orders: u64) -> EndCounters {
    let kernels = |context_switches| CounterValues {
        context_switches: Some(context_switches),
        page_faults: Some(orders % 7),
        migrations: Some(0),
        ..CounterValues::default()
    };
    EndCounters { exchange: kernels(3), trader: kernels(1) }
}

fn repetition_of(shape: &LaneShape, s: &Samples, repetition: u32, attempt: u32, position: u32) -> Repetition {
    let orders = s.sent.len() as u64;
    let hardware = (shape.evidence >= Evidence::Nic).then_some(1.0);
    Repetition {
        repetition,
        attempt,
        position,
        started_at: format!("2026-11-23T07:30:{:02}Z", position.min(59)),
        valid: true,
        invalid_reasons: vec![],
        staged: false,
        unstamped: false,
        counts: Counts {
            sent: 306_020,
            expected_orders: orders,
            received_orders: orders,
            matched: orders,
            ..Counts::default()
        },
        orders_sha256: fake_sha256("all orders"),
        expected_sha256: fake_sha256("all orders"),
        achieved_pps: PerSecond(19_998.7),
        intended_pps: PerSecond(20_000.0),
        schedule_error_ns: ScheduleError {
            p50: Nanos(31),
            p99: Nanos(140),
            max: Nanos(41_200),
            waiting_p50: Nanos(28),
            queued_ppm: 420,
        },
        hw_stamps: HwStamps { tx_coverage: hardware, rx_coverage: hardware, ..HwStamps::default() },
        warm_up: WarmUp { orders: 1_000, duration_ns: Nanos(500_000_000), share: 0.05, stationary: true },
        independence: Independence { lag1: 0.02, autocorrelation_p: 0.31, drift_p: 0.44, drift_share: 0.001 },
        histograms: Histograms {
            t2t_sent: encode(&s.sent),
            t2t_due: encode(&s.due),
            trader: encode(&s.trader),
            stages: BTreeMap::new(),
            wire: BTreeMap::new(),
        },
        over_time: over_time(&s.due),
        samples: samples_path(shape, repetition, attempt),
        counters: Some(counters(orders)),
        message_bytes: None,
        notes: BTreeMap::from([
            ("exchange/involuntary switches".to_owned(), "3".to_owned()),
            ("trader/receive buffer".to_owned(), "33554432 bytes".to_owned()),
        ]),
    }
}

/// Two orders short.
fn invalid(r: Repetition) -> Repetition {
    Repetition {
        valid: false,
        invalid_reasons: vec!["2 orders were lost of 20000".to_owned(), "the digest of the orders differs".to_owned()],
        counts: Counts {
            received_orders: r.counts.received_orders.saturating_sub(2),
            matched: r.counts.matched.saturating_sub(2),
            lost: 2,
            ..r.counts
        },
        orders_sha256: fake_sha256("two short"),
        ..r
    }
}

fn over_time(due: &[u64]) -> Vec<TimeBucket> {
    const SLICES: usize = 40;
    let size = (due.len() / SLICES).max(1);
    due.chunks(size)
        .enumerate()
        .map(|(at, slice)| {
            let mut sorted = slice.to_vec();
            sorted.sort_unstable();
            let pick = |part: usize| sorted.get(sorted.len() * part / 100).copied().map_or(Nanos::ZERO, Nanos);
            TimeBucket {
                at_ns: Nanos(at as u64 * 50_000_000),
                n: slice.len() as u64,
                p50_ns: pick(50),
                p99_ns: pick(99),
                max_ns: sorted.last().copied().map_or(Nanos::ZERO, Nanos),
            }
        })
        .collect()
}
