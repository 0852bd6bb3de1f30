//! How often the 95 % interval holds the truth, measured on repetitions whose true quantiles are known.
//!
//! Each simulated repetition has latencies of one lognormal body (5 % wide) and a tail of 2 % of the samples (three
//! times as long, 40 % wide), all of it scaled by a factor of the repetition's own (3 % spread); in the scenario of
//! `noisy` repetitions one in five also has ten times the tail. The truth is the quantile of the mixture over all
//! repetitions that could have been drawn.

#[cfg(test)]
mod fixture;

use fixture::{nanos, normal};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use tickcert_results::{
    hist::Histogram,
    stats::{bootstrap::PooledRepetitions, quantile::of_sorted},
};

const LEVELS: [f64; 2] = [0.5, 0.99];
const SAMPLES: usize = 1_000;

#[derive(Clone, Copy)]
struct Scenario {
    /// Share of the repetitions that have ten times the tail.
    noisy: f64,
}

fn repetition(scenario: Scenario, samples: usize, rng: &mut Pcg64) -> Vec<f64> {
    let factor = 8_000.0 * (0.03 * normal(rng)).exp();
    let tail = if rng.random::<f64>() < scenario.noisy { 0.2 } else { 0.02 };
    let sample = |rng: &mut Pcg64| match rng.random::<f64>() < tail {
        true => 3.0 * (0.4 * normal(rng)).exp(),
        false => (0.05 * normal(rng)).exp(),
    };
    (0..samples).map(|_| factor * sample(rng)).collect()
}

#[cfg(test)]
fn histogram(samples: &[f64]) -> Histogram {
    Histogram::of(samples.iter().map(|x| nanos(x.round()))).unwrap()
}

/// The quantiles of the mixture, from 50,000 repetitions of 40 samples each.
#[cfg(test)]
fn truth(scenario: Scenario) -> [f64; 2] {
    let mut rng = Pcg64::seed_from_u64(99);
    let mut all: Vec<f64> = (0..50_000).flat_map(|_| repetition(scenario, 40, &mut rng)).collect();
    all.sort_unstable_by(f64::total_cmp);
    LEVELS.map(|q| of_sorted(&all, q).unwrap())
}

/// Shares in which the interval held the truth: as given, and by plain percentiles; per level.
#[cfg(test)]
fn coverage(scenario: Scenario, truth: [f64; 2], repetitions: usize, trials: u32) -> [(f64, f64); 2] {
    let mut rng = Pcg64::seed_from_u64(repetitions as u64);
    let mut held = [(0, 0); 2];
    for trial in 0..trials {
        let h: Vec<_> = (0..repetitions).map(|_| histogram(&repetition(scenario, SAMPLES, &mut rng))).collect();
        let pool = PooledRepetitions::new(&h.iter().collect::<Vec<_>>());
        let spreads = pool.resample(&LEVELS, u64::from(trial));
        for (i, spread) in spreads.iter().enumerate() {
            let value = pool.quantile(&vec![1; repetitions], LEVELS[i]).unwrap();
            let holds = |ci: [f64; 2]| u32::from(ci[0] <= truth[i] && truth[i] <= ci[1]);
            held[i].0 += holds(spread.interval(value).unwrap());
            held[i].1 += holds(spread.percentile_interval().unwrap());
        }
    }
    held.map(|(t, p)| (f64::from(t) / f64::from(trials), f64::from(p) / f64::from(trials)))
}

#[test]
fn the_interval_holds_the_truth_about_as_often_as_it_claims() {
    let scenario = Scenario { noisy: 0.0 };
    let truth = truth(scenario);
    for repetitions in [5, 10, 20] {
        let [p50, p99] = coverage(scenario, truth, repetitions, 400);
        println!("n = {repetitions}: p50 {:.3} (percentile {:.3}), p99 {:.3} ({:.3})", p50.0, p50.1, p99.0, p99.1);
        for (ours, percentile) in [p50, p99] {
            // 400 trials: three standard errors of 95 % are 3.3 points.
            assert!(ours > 0.915, "n = {repetitions}: {ours}");
            assert!(ours >= percentile, "the plain percentile interval would be the better one");
        }
    }
}

#[test]
fn where_one_repetition_in_five_is_noisy_few_of_them_promise_too_much() {
    let scenario = Scenario { noisy: 0.2 };
    let truth = truth(scenario);
    for repetitions in [5, 20] {
        let [p50, p99] = coverage(scenario, truth, repetitions, 400);
        println!("noisy, n = {repetitions}: p50 {:.3} ({:.3}), p99 {:.3} ({:.3})", p50.0, p50.1, p99.0, p99.1);
        assert!(p50.0 > 0.915, "{}", p50.0);
    }
}
