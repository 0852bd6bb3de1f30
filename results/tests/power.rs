//! What the comparison promises, measured: of 100 comparisons of a host with itself at most 5 declare a difference, and
//! a true shift of 5 % of p50 is found in at least 90 of 100 with 20 repetitions a side that spread by 3 %.

#[cfg(test)]
mod fixture;

use fixture::{Kind, USUAL, cell, certificate, normal};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use tickcert_results::compare::{Outcome, Pairing, Rules, compare, compare_values};

/// Interleaved repetitions of two arms of one host, b slower by `shift`: a slow drift (a random walk that comes to about
/// 5 % over the run) is common to both; each repetition has 3 % of noise of its own and now and then, with the share
/// `stalls`, fell into a stall that adds 20 %.
#[cfg(test)]
fn arms(repetitions: usize, shift: f64, stalls: f64, rng: &mut Pcg64) -> (Vec<f64>, Vec<f64>) {
    let mut drift = 0.0;
    let mut next = |rng: &mut Pcg64| {
        drift += 0.008 * normal(rng);
        let stall = if rng.random::<f64>() < stalls { 0.2 } else { 0.0 };
        8_000.0 * (drift + 0.03 * normal(rng) + stall).exp()
    };
    let mut pair = || (next(rng), next(rng) * (1.0 + shift));
    (0..repetitions).map(|_| pair()).unzip()
}

/// How many of `runs` declare `wanted` or, for `None`, any difference.
#[cfg(test)]
fn declared(runs: u32, shift: f64, stalls: f64, pairing: Pairing, wanted: Option<Outcome>) -> u32 {
    let mut rng = Pcg64::seed_from_u64(4);
    let one = |rng: &mut Pcg64| {
        let (a, b) = arms(20, shift, stalls, rng);
        let outcome = compare_values(&a, &b, pairing).unwrap().outcome(Rules::default());
        wanted.map_or(outcome != Outcome::NoDifferenceShown, |w| outcome == w)
    };
    (0..runs).map(|_| u32::from(one(&mut rng))).sum()
}

#[test]
fn a_host_compared_with_itself_a_hundred_times_differs_at_most_five_times() {
    for pairing in [Pairing::Interleaved, Pairing::Independent] {
        for stalls in [0.0, 0.1] {
            let alarms = declared(1_000, 0.0, stalls, pairing, None);
            println!("A/A, {pairing:?}, stalls {stalls}: {alarms} of 1000");
            // At 2 % a hundred comparisons raise more than five alarms once in sixty times; at 1.5 % in two hundred.
            assert!(alarms <= 20, "{pairing:?}: {alarms} of 1000");
        }
    }
}

#[test]
fn a_shift_of_five_percent_is_found_in_ninety_of_a_hundred() {
    let found = |stalls, pairing| declared(300, 0.05, stalls, pairing, Some(Outcome::Slower)) / 3;
    for stalls in [0.0, 0.1] {
        let (paired, apart) = (found(stalls, Pairing::Interleaved), found(stalls, Pairing::Independent));
        println!("shift of 5 %, stalls {stalls}: {paired} of 100 as pairs, {apart} as independent arms");
        assert!(stalls > 0.0 || paired >= 95, "{paired} of 100");
        // Beyond what is promised: with one repetition in ten stalled the spread is twice as large.
        assert!(paired >= 45 && apart >= 60, "one repetition in ten stalled: {paired} and {apart} of 100");
    }
}

#[test]
fn whole_certificates_keep_both_promises() {
    // The seeds are fixed, so this doesn't change from run to run: 2 alarms and 96 found.
    const RUNS: u64 = 100;
    let kind = |seed, p50| Kind { p50, repetitions: 20, samples: 300, seed, ..USUAL };
    let (mut alarms, mut found) = (0, 0);
    for i in 0..RUNS {
        let a = certificate(vec![cell("kernel-udp", kind(3 * i, 8_000.0))]);
        let same = certificate(vec![cell("kernel-udp", kind(3 * i + 1, 8_000.0))]);
        let slower = certificate(vec![cell("kernel-udp", kind(3 * i + 2, 8_400.0))]);
        let rows = compare(&a, &same).unwrap().cells.remove(0).rows;
        assert_eq!(rows.len(), 9, "p50, p90 and p99 of three distributions");
        alarms += u32::from(rows.iter().any(|r| r.outcome != Outcome::NoDifferenceShown));
        let rows = compare(&a, &slower).unwrap().cells.remove(0).rows;
        let judged = rows.iter().find(|r| r.distribution == "t2t_due" && r.quantile.name() == "p50").unwrap();
        found += u32::from(judged.outcome == Outcome::Slower);
    }
    println!("certificates: {alarms} of {RUNS} A/A declared, {found} of {RUNS} shifts of 5 % found");
    assert!(u64::from(alarms) * 20 <= RUNS, "{alarms}");
    assert!(u64::from(found) * 100 >= RUNS * 90, "{found}");
}
