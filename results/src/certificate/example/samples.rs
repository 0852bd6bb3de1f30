//! Seeded samples with a log-normal body and a few stalls, and what a distribution of them looks like in a certificate.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};

use crate::{certificate::Quantiles, hist::Histogram, time::Nanos};

/// Looks like a digest.
pub(super) fn fake_sha256(of: &str) -> String {
    format!("{:x}", Sha256::digest(of.as_bytes()))
}

#[expect(clippy::cast_precision_loss, reason = "made-up numbers")]
pub(super) fn float(n: u64) -> f64 {
    n as f64
}

/// One stream of made-up latencies.
pub(super) struct Source {
    random: Pcg64Mcg,
}

impl Source {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// Log-normal around `median`; about one in 4,000 is a stall of many times that.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made-up numbers, all positive")]
    pub(super) fn latency(&mut self, median: u64, sigma: f64) -> u64 {
        let (u, v): (f64, f64) = (self.random.random(), self.random.random());
        let normal = (-2.0 * u.max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        let stall = if self.random.random_bool(1.0 / 4_000.0) { 8.0 + 40.0 * u } else { 1.0 };
        (float(median) * (sigma * normal).exp() * stall).round().max(1.0) as u64
    }
}

/// A histogram as certificates hold it.
pub(super) fn encode(samples: &[u64]) -> String {
    let histogram = Histogram::of(samples.iter().copied().map(Nanos));
    histogram.and_then(|h| h.to_base64()).unwrap_or_default()
}

/// Exact quantiles of all samples; the intervals are the range over repetitions, which is good enough for a picture.
pub(super) fn quantiles(repetitions: &[&[u64]]) -> Quantiles {
    let sorted = |mut v: Vec<u64>| {
        v.sort_unstable();
        v
    };
    let each: Vec<_> = repetitions.iter().map(|r| sorted(r.to_vec())).collect();
    let all = sorted(each.concat());
    let n = all.len() as u64;
    let (mut ci95, mut needs_more) = (BTreeMap::new(), BTreeMap::new());
    let mut value = |name: &str, q: f64, needed: u64| {
        if n < needed {
            needs_more.insert(name.to_owned(), needed - n);
            return None;
        }
        let range: Vec<u64> = each.iter().filter_map(|r| pick(r, q)).collect();
        if let (Some(lo), Some(hi)) = (range.iter().min(), range.iter().max()) {
            ci95.insert(name.to_owned(), [float(*lo), float(*hi)]);
        }
        pick(&all, q).map(Nanos)
    };
    let (p50, p90, p99) = (value("p50", 0.5, 20), value("p90", 0.9, 100), value("p99", 0.99, 1_000));
    let (p99_9, p99_99) = (value("p99_9", 0.999, 10_000), value("p99_99", 0.999_9, 100_000));
    let (min, max) = (all.first().copied().map(Nanos), all.last().copied().map(Nanos));
    Quantiles { n, min, p50, p90, p99, p99_9, p99_99, max, ci95, needs_more, cautions: vec![] }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index of made-up numbers"
)]
fn pick(sorted: &[u64], q: f64) -> Option<u64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}
