//! One side of a comparison between cells of one certificate.

use crate::{
    certificate::{Cell, Penalty},
    hist::{Histogram, count_f64},
    stats::{
        bootstrap::{PooledRepetitions, Spread},
        ratio::ratio_interval,
    },
    time::Nanos,
};

/// The quantiles of `t2t_due` that are compared.
pub(crate) const LEVELS: [f64; 2] = [0.5, 0.99];

/// A cell, and how its quantiles spread over its repetitions.
pub(crate) struct Arm<'a> {
    /// The cell.
    pub(crate) cell: &'a Cell,
    /// By level, how that quantile spreads.
    pub(crate) spreads: Vec<Spread>,
    /// Repetitions that count.
    pub(crate) repetitions: usize,
}

impl<'a> Arm<'a> {
    /// Resampling is by `seed`.
    pub(crate) fn new(cell: &'a Cell, seed: u64) -> Self {
        let read = |text: &String| Histogram::from_base64(text).ok();
        let all: Vec<Histogram> = cell.valid().filter_map(|r| read(&r.histograms.t2t_due)).collect();
        let spreads = PooledRepetitions::new(&all.iter().collect::<Vec<_>>()).resample(&LEVELS, seed);
        Self { cell, spreads, repetitions: all.len() }
    }

    /// Its quantiles at [`LEVELS`].
    pub(crate) const fn values(&self) -> [Option<Nanos>; 2] {
        let due = &self.cell.latency_ns.t2t_due;
        [due.p50, due.p99]
    }

    /// Against the best, one of so many.
    pub(crate) fn penalty(&self, best: &Self, which: usize, comparisons: usize) -> Option<Penalty> {
        let of = |arm: &Self| arm.values().get(which).copied().flatten().map(|v| count_f64(v.0.max(1)));
        let ratio = of(self)? / of(best)?;
        let spreads = self.spreads.get(which).zip(best.spreads.get(which));
        let ci95 = spreads.and_then(|(own, other)| ratio_interval(ratio.ln(), [own, other], comparisons));
        Some(Penalty { ratio, ci95 })
    }
}
