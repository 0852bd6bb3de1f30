//! Hardware stamps of NICs that do not exist.

use std::collections::BTreeMap;

use super::samples::{Source, quantiles};
use crate::{
    certificate::{
        CellStamps, Certificate, ClockReading, ClockRecord, Conversion, EndStamps, HwStamps, OneWay, ReadMethod,
        SeenStamps, SignedQuantiles, StampClaims, StampConfig, StampCounts, StampingCost, StampingEnd, StampingRecord,
        Timescale, TrialClock,
    },
    evidence::Evidence,
    stamp::{ClockOffset, Lock, StampClock, StampPolicy},
    time::Nanos,
    wire::{LinkSpeed, WireSpan},
};

const EXCHANGE: StampClock = StampClock::Phc(0);
const TRADER: StampClock = StampClock::Phc(1);
const TAI: i64 = 37_000_000_000;

/// The first lane has stamps at both ends, the second falls back.
pub(super) fn put_into(c: &mut Certificate) {
    c.probes.stamping = Some(record());
    let [first, second, ..] = c.cells.as_mut_slice() else { return };
    first.evidence = Evidence::Wire;
    first.evidence_why =
        "the NICs of both ends stamped at least 99.9 % of the ticks that trigger and of the orders".to_owned();
    for r in &mut first.repetitions {
        r.hw_stamps = hw_stamps(r.counts.expected_orders);
    }
    first.latency_ns.wire = spans();
    first.stamps = Some(CellStamps { cost: cost(), ..reached() });
    let why = "in repetition 2 71.20 % of the frames of the trader have a usable stamp of /dev/ptp1, 99.9 % are asked for (5 760 missing)";
    second.stamps = Some(CellStamps {
        exchange_why_not: Some("the lane is held up: no stamps came".to_owned()),
        trader_why_not: Some(why.to_owned()),
        fallback: Some(why.to_owned()),
        conversion: Some(Conversion {
            why_not: Some("the speed of the trader's link is not known".to_owned()),
            ..Conversion::default()
        }),
        one_way: Some(OneWay {
            error_ns: None,
            why_not: Some("/dev/ptp1 is not known to follow a reference".to_owned()),
        }),
        ..reached()
    });
}

fn reached() -> CellStamps {
    CellStamps {
        floor: 0.999,
        conversion: Some(Conversion {
            exchange_mbps: LinkSpeed::from_mbps(25_000),
            trader_mbps: LinkSpeed::from_mbps(25_000),
            headers: Some(42),
            why_not: None,
        }),
        one_way: Some(OneWay { error_ns: Some(Nanos(31)), why_not: None }),
        ..CellStamps::default()
    }
}

fn spans() -> BTreeMap<String, SignedQuantiles> {
    let medians = [7_900, 7_840, 7_810, 2_900, 2_840, 2_810, 2_350, 2_480];
    WireSpan::ALL
        .into_iter()
        .zip(medians)
        .enumerate()
        .map(|(n, (span, median))| {
            let mut source = Source::new(n as u64 + 90);
            let repetitions: Vec<Vec<u64>> =
                (0..5).map(|_| (0..4_000).map(|_| 1_000 + source.latency(median, 0.1)).collect()).collect();
            let all: Vec<&[u64]> = repetitions.iter().map(Vec::as_slice).collect();
            // As if the fastest had been answered before the frame's end.
            let shift = if span.name().ends_with("eof") { 1_000 + median } else { 1_000 };
            (span.name().to_owned(), SignedQuantiles::from_shifted(quantiles(&all), Nanos(shift)))
        })
        .collect()
}

fn cost() -> BTreeMap<String, StampingCost> {
    let row = |with, without, ratio, ci95: Option<[f64; 2]>| StampingCost {
        with_ns: Some(Nanos(with)),
        without_ns: Some(Nanos(without)),
        repetitions: [5, 3],
        ratio: Some(ratio),
        ci95,
        needs_more: ci95.is_none().then_some(1),
    };
    BTreeMap::from([
        ("p50".to_owned(), row(8_950, 8_610, 1.039, Some([1.021, 1.058]))),
        ("p99".to_owned(), row(16_200, 15_700, 1.032, None)),
    ])
}

fn hw_stamps(orders: u64) -> HwStamps {
    let counts = |missing, kernel| StampCounts {
        asked: orders,
        good: orders - missing,
        missing,
        duplicate: 1,
        kernel,
        ..StampCounts::default()
    };
    let end = |clock| EndStamps { clock: Some(clock), tx: counts(3, orders), rx: counts(0, 0) };
    let clock = |clock, ahead| TrialClock {
        clock,
        before_ns: ClockOffset(TAI + ahead),
        after_ns: ClockOffset(TAI + ahead + 9),
        error_ns: Nanos(140),
        drift_ppb: 4.5,
        lock: [Lock::Locked; 2],
        troubles: vec![],
    };
    HwStamps {
        tx_coverage: Some(0.99985),
        rx_coverage: Some(1.0),
        exchange: Some(end(EXCHANGE)),
        trader: Some(end(TRADER)),
        negative: 0,
        clocks: vec![clock(EXCHANGE, -12), clock(TRADER, 19)],
        one_way: Some(OneWay { error_ns: Some(Nanos(31)), why_not: None }),
        unusable: None,
    }
}

fn record() -> StampingRecord {
    let config =
        |transmit: &str, receive: &str| StampConfig { transmit: transmit.to_owned(), receive: receive.to_owned() };
    let end = |interface: &str, clock| StampingEnd {
        interface: interface.to_owned(),
        driver: "mlx5_core".to_owned(),
        speed_mbps: LinkSpeed::from_mbps(25_000),
        clock: Some(clock),
        claimed: StampClaims { transmit: true, receive: true, words: vec!["hardware-transmit".to_owned()] },
        seen: SeenStamps { transmit: true, receive: true, frames: 5 },
        why_not: vec![],
        before: Some(config("off", "none")),
        set: Some(config("on", "all")),
        after: Some(config("on", "all")),
        undone: Some("set back".to_owned()),
    };
    let clock = |clock, interface: &str, ahead| ClockRecord {
        clock,
        name: "mlx5_ptp".to_owned(),
        interfaces: vec![interface.to_owned()],
        timescale: Timescale::Tai,
        kernel_tai_utc_s: 37,
        readings: (0..6)
            .map(|n| ClockReading {
                at_ns: Nanos(n * 2_000_000_000),
                offset_ns: ClockOffset(TAI + ahead),
                width_ns: Nanos(140),
                method: ReadMethod::Extended,
                lock: Lock::Locked,
                from_reference_ns: Some(ClockOffset(ahead)),
            })
            .collect(),
        drift_ppb: Some(4.5),
        lock: Lock::Locked,
        source: "ptp4l: slave of b8cef6.fffe.1a2b3c".to_owned(),
        reference: Some("b8cef6.fffe.1a2b3c".to_owned()),
        largest_offset_ns: Some(Nanos(ahead.unsigned_abs())),
        troubles: vec![],
    };
    StampingRecord {
        policy: StampPolicy::Prefer,
        exchange: Some(end("ens1f0", EXCHANGE)),
        trader: Some(end("ens1f1", TRADER)),
        clocks: vec![clock(EXCHANGE, "ens1f0", -12), clock(TRADER, "ens1f1", 19)],
        ..StampingRecord::default()
    }
}
