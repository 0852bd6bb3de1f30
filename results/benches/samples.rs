//! Ten million samples into Parquet: rows a second, and how large the file gets.
#![expect(clippy::expect_used, reason = "a bench that can not write has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tickcert_results::{
    evidence::Evidence,
    export::parquet::{SampleColumns, SampleMeta, write_samples},
};

const ROWS: u32 = 10_000_000;

fn samples(c: &mut Criterion) {
    let spread = |i: u32, width: u32| i64::from(i.wrapping_mul(2_654_435_761) % width);
    let all = || 0..ROWS;
    let index: Vec<u32> = all().map(|i| i % 50_000).collect();
    let pass: Vec<u32> = all().map(|i| i / 50_000).collect();
    let due: Vec<i64> = all().map(|i| i64::from(i) * 50_000).collect();
    let sent: Vec<i64> = all().map(|i| i64::from(i) * 50_000 + spread(i, 200)).collect();
    let arrival: Vec<i64> = sent.iter().zip(all()).map(|(s, i)| s + 8_000 + spread(i, 3_000)).collect();
    let t2t_sent: Vec<i64> = arrival.iter().zip(&sent).map(|(a, s)| a - s).collect();
    let t2t_due: Vec<i64> = arrival.iter().zip(&due).map(|(a, d)| a - d).collect();
    let warm_up: Vec<bool> = all().map(|i| i < 10_000).collect();
    let measured: Vec<bool> = warm_up.iter().map(|warm| !warm).collect();
    let columns = SampleColumns {
        order: &index,
        pass: &pass,
        packet: &index,
        due_ns: &due,
        sent_ns: &sent,
        arrival_ns: &arrival,
        t2t_sent_ns: &t2t_sent,
        t2t_due_ns: &t2t_due,
        trader_ns: &t2t_sent,
        warm_up: &warm_up,
        measured: &measured,
        stages: vec![],
        stamps: vec![],
    };
    let meta = SampleMeta {
        lane: "kernel-udp".to_owned(),
        repetition: 1,
        attempt: 1,
        evidence: Evidence::Emulated,
        tape_sha256: "ab".repeat(32),
        stages: vec![],
        stamps: None,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("samples.parquet");
    let mut group = c.benchmark_group("parquet");
    group.sample_size(10).throughput(Throughput::Elements(ROWS.into()));
    group.bench_function("ten million rows, forced to disk", |b| {
        b.iter(|| write_samples(black_box(&path), &meta, &columns).expect("written"));
    });
    group.finish();
}

criterion_group!(benches, samples);
criterion_main!(benches);
