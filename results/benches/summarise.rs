//! How long it takes to make a cell's numbers of ten million samples: 20 repetitions of 500,000, each through warm-up,
//! the tests of independence, three histograms and their encoding, and all of them together through quantiles with their
//! intervals.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use tickcert_results::{
    hist::HistogramError,
    stats::{
        independence::independence,
        summarise::{Distributions, summarise},
        warm_up::{self, WarmUpRule},
    },
    time::Nanos,
};

const REPETITIONS: u64 = 20;
const SAMPLES: u64 = 500_000;

struct Sample {
    latency: Nanos,
    at: Nanos,
}

/// A body of 6 to 10 us and a tail of one in a hundred up to 300 us.
fn samples(rng: &mut Pcg64) -> Vec<Sample> {
    let mut one = || {
        let body = rng.random_range(6_000..10_000_u64);
        let tail = if rng.random_range(0..100) == 0 { rng.random_range(0..300_000_u64) } else { 0 };
        Nanos(body + tail)
    };
    (0..SAMPLES).map(|i| Sample { latency: one(), at: Nanos(i * 50_000) }).collect()
}

fn repetition(all: &[Sample]) -> Result<Distributions, HistogramError> {
    let warm_up = warm_up::find(all, |s| s.latency, |s| s.at, WarmUpRule::default());
    let kept: Vec<Nanos> = all[warm_up.first_kept..].iter().map(|s| s.latency).collect();
    black_box(independence(&kept));
    let mut d = Distributions::new()?;
    for sample in &kept {
        // None of them is beyond a minute.
        let _ = d.t2t_sent.record(*sample);
        let _ = d.t2t_due.record(*sample + Nanos(50));
        let _ = d.trader.record(Nanos(sample.0 / 4));
    }
    black_box(d.to_record()?);
    Ok(d)
}

fn ten_million(criterion: &mut Criterion) {
    let mut rng = Pcg64::seed_from_u64(1);
    let all: Vec<Vec<Sample>> = (0..REPETITIONS).map(|_| samples(&mut rng)).collect();
    let mut group = criterion.benchmark_group("summarise");
    group.sample_size(10);
    group.bench_function("ten_million_samples", |bencher| {
        bencher.iter(|| {
            let d: Result<Vec<_>, _> = all.iter().map(|x| repetition(x)).collect();
            d.and_then(|d| summarise(&d.iter().collect::<Vec<_>>(), &[], 1))
        });
    });
    group.finish();
}

criterion_group!(benches, ten_million);
criterion_main!(benches);
