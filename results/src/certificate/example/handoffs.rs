//! A made-up comparison of hand-offs.

use std::collections::BTreeMap;

use crate::{
    certificate::{
        CounterOffset, HandoffCell, HandoffComparison, HandoffRepetition, HeldUp, Load, Preemption, Quantiles,
    },
    compare::{Pairing, compare_values},
    evidence::Evidence,
    time::{Nanos, PerSecond},
};

/// Two queues without a lock and one behind one, of which a repetition found it full.
pub(super) fn some() -> HandoffComparison {
    HandoffComparison {
        evidence: Evidence::Emulated,
        evidence_why: "the host is a virtual machine (kvm)".to_owned(),
        decode_core: 2,
        decide_core: 3,
        counter_offset: Some(CounterOffset { cores: [2, 3], at_least_ns: -12.0, at_most_ns: 9.0, round_trips: 20_000 }),
        load: Load {
            mode: "constant".to_owned(),
            text: "constant 100000 packets/s".to_owned(),
            rate_pps: PerSecond(100_000.0),
            passes: 2,
            sweep: None,
        },
        capacity: 1_024,
        message_bytes: 64,
        producers: 1,
        shared_cores: false,
        preemption: Some(Preemption { length_ns: Nanos::MILLI, every_ns: Nanos::MILLI * 20 }),
        reference: Some("rtrb".to_owned()),
        cells: vec![
            cell("inline", HeldUp::Nobody, 20),
            cell("rtrb", HeldUp::Nobody, 210),
            cell("mpsc", HeldUp::Taker, 260),
            cell("mutex", HeldUp::Everybody, 480),
        ],
    }
}

fn cell(name: &str, held_up: HeldUp, median: u64) -> HandoffCell {
    let hand_off = quantiles(median, 500_000);
    let ratio = compare_values(&[210.0, 212.0, 209.0, 208.0, 214.0], &values(median), Pairing::Independent);
    let mut repetitions: Vec<_> = (1..=5).map(|number| repetition(number, median)).collect();
    if held_up == HeldUp::Everybody
        && let Some(last) = repetitions.last_mut()
    {
        last.valid = false;
        last.full = 12;
        last.invalid_reasons = vec!["12 messages found the queue full and were dropped".to_owned()];
    }
    HandoffCell {
        name: name.to_owned(),
        summary: "made up; its taker spins".to_owned(),
        held_up,
        allocates: false,
        bounded: true,
        taken_due_ns: quantiles(median + 90, 500_000),
        order_due_ns: quantiles(median + 300, 20_000),
        order_sent_ns: quantiles(median + 280, 20_000),
        push_ns: if name == "inline" { Quantiles::default() } else { quantiles(median / 4, 500_000) },
        schedule_error_ns: quantiles(15, 150_000),
        stages: [("decode", 80), ("hand-off", median), ("decide", 200)]
            .map(|(stage, median)| (stage.to_owned(), quantiles(median, 20_000)))
            .into(),
        ratios: if name == "rtrb" {
            BTreeMap::new()
        } else {
            ratio.map_or_else(|_| BTreeMap::new(), |r| [("taken_due.p50".to_owned(), r)].into())
        },
        hand_off_ns: hand_off,
        repetitions,
    }
}

#[expect(clippy::cast_precision_loss, reason = "made up and small")]
fn values(median: u64) -> [f64; 5] {
    [0.0, 3.0, -2.0, 1.0, 4.0].map(|off| median as f64 + off)
}

fn quantiles(median: u64, n: u64) -> Quantiles {
    let at = |times: u64| Some(Nanos(median * times));
    #[expect(clippy::cast_precision_loss, reason = "made up and small")]
    let around = |times: u64| [median as f64 * times as f64 * 0.95, median as f64 * times as f64 * 1.06];
    Quantiles {
        n,
        min: Some(Nanos(median / 2)),
        p50: at(1),
        p90: at(2),
        p99: at(5),
        p99_9: at(40),
        p99_99: (n >= 100_000).then(|| Nanos(median * 900)),
        max: at(4_000),
        ci95: [("p50", around(1)), ("p99", around(5)), ("p99_9", around(40))].map(|(q, i)| (q.to_owned(), i)).into(),
        needs_more: if n < 100_000 { [("p99_99".to_owned(), 100_000 - n)].into() } else { BTreeMap::new() },
        cautions: Vec::new(),
    }
}

fn repetition(number: u32, median: u64) -> HandoffRepetition {
    HandoffRepetition {
        repetition: number,
        position: number,
        valid: true,
        invalid_reasons: Vec::new(),
        messages: 150_000,
        full: 0,
        orders: 6_500,
        orders_sha256: "5f".repeat(32),
        expected_sha256: "5f".repeat(32),
        of_others: Vec::new(),
        preemptions: 50,
        stalled_pushes: 3,
        involuntary_switches: 52,
        allocator_calls: 0,
        warm_up_orders: 2_000,
        taken_due_ns: quantiles(median + 90, 100_000),
        order_due_ns: quantiles(median + 300, 4_000),
        hand_off_ns: quantiles(median, 100_000),
    }
}
