//! Comparisons of the host with itself must show no difference, and a true shift of 5 % of p50 (50 % in the short form) must be found: by the very
//! comparison of certificates that `tickcert compare A B` makes, all of its rows and corrections included.

use anyhow::{Result, bail};
use tickcert_results::{
    certificate::{Certificate, Load, Repetition},
    compare::{Comparison, Outcome, Row, compare},
    stats::quantile::Quantile,
    time::{Nanos, PerSecond},
};

use super::{
    Finding, Length, Shown,
    ground::{Ground, Trial, median},
    paper,
};
use crate::{
    endpoint::control::Injection,
    run::{interrupt, plan::interleave, progress::Progress},
};

const RATE: PerSecond = PerSecond(40_000.0);
const PACKETS: u32 = 4_000;
const REPETITIONS: u32 = 20;
/// More blocks than there are orders: the trader is as it is with a shift, but none is burnt.
const NO_BLOCK: u32 = u32::MAX;
/// The latency to judge by.
const JUDGED: &str = "t2t_due";

pub(super) fn run(ground: &mut Ground<'_>, length: Length, progress: &Progress) -> Result<Vec<Finding>> {
    // Two comparisons can't contradict a rate, but a shift by half contradicts where it is missed by an interval that says it isn't there.
    let (comparisons, percent): (u32, f64) = match length {
        Length::Full => (100, 5.0),
        Length::Short => (2, 50.0),
    };
    let shift = shift(ground, percent / 100.0)?;
    let (mut differences, mut found, mut denied) = (0_u32, 0_u32, 0_u32);
    for n in 0..comparisons {
        let [a, same, shifted] = runs(ground, shift, u64::from(n))?;
        let false_alarms: Vec<String> = rows(&compare(&a, &same)?).filter(|r| declares(r)).map(describe).collect();
        differences += u32::from(!false_alarms.is_empty());
        let mut named = false_alarms;
        let shifted = compare(&a, &shifted)?;
        let judged = rows(&shifted).find(|r| is_judged(r));
        if judged.is_some_and(|r| r.outcome == Outcome::Slower) {
            found += 1;
        } else {
            denied += u32::from(judged.is_none_or(|row| row.ci95[1] < 1.0 + percent / 100.0));
            named.extend(judged.map(|row| format!("missed {}", describe(row))));
        }
        let named = named.join(", ");
        progress
            .detail(&format!("  comparison {} of {comparisons}: {differences} false, {found} found {named}", n + 1));
    }
    let most_false = comparisons / 20;
    let least_found = (comparisons * 9).div_ceil(10);
    let with = match (found >= least_found, length) {
        (true, _) => Shown::Yes,
        (false, Length::Short) if denied == 0 => Shown::Inconclusive,
        (false, _) => Shown::No,
    };
    let without = match (differences <= most_false, length) {
        (true, _) => Shown::Yes,
        (false, Length::Full) => Shown::No,
        (false, Length::Short) => Shown::Inconclusive,
    };
    Ok(vec![
        Finding {
            truth: format!("{comparisons} comparisons of this host with itself, {REPETITIONS} repetitions each"),
            found: format!("a difference was declared in {differences} (at most {most_false} allowed)"),
            shown: without,
        },
        Finding {
            truth: format!("{comparisons} comparisons with a true shift of {percent} % of p50 ({shift})"),
            found: format!("it was found in {found} (at least {least_found} wanted)"),
            shown: with,
        },
    ])
}

fn rows(comparison: &Comparison) -> impl Iterator<Item = &Row> {
    comparison.cells.iter().flat_map(|c| &c.rows)
}

/// Any difference in any row.
fn declares(row: &Row) -> bool {
    matches!(row.outcome, Outcome::Faster | Outcome::Slower)
}

fn describe(row: &Row) -> String {
    format!("[{}.{} x {:.3}, p {:.4}]", row.distribution, row.quantile, row.ratio, row.p_corrected)
}

/// The row that the shift is in.
fn is_judged(row: &Row) -> bool {
    row.distribution == JUDGED && row.quantile == Quantile::P50
}

/// A `share` of this host's p50.
fn shift(ground: &mut Ground<'_>, share: f64) -> Result<Nanos> {
    let mut medians = Vec::new();
    for _ in 0..9 {
        let (load, repetition) = repetition(ground, plain(Nanos::ZERO))?;
        let p50 = paper::cell(ground, load, vec![repetition])?.latency_ns.t2t_due.p50.unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 ns")]
        medians.push(p50.get() as f64);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive time far below 2^53 ns")]
    let shift = (median(&mut medians) * share).round() as u64;
    Ok(Nanos(shift))
}

/// Three runs, their repetitions interleaved: as it is, as it is again, and with the shift.
fn runs(ground: &mut Ground<'_>, shift: Nanos, seed: u64) -> Result<[Certificate; 3]> {
    let mut arms: [Vec<Repetition>; 3] = Default::default();
    let mut load = None;
    // Round by round in random order, as the cells of a certification.
    for slot in interleave(&vec![0; arms.len()], REPETITIONS, 0, seed) {
        if interrupt::wanted() {
            bail!("interrupted");
        }
        let trial = match slot.cell {
            2 => plain(shift),
            _ => Trial {
                injection: Injection { busy: shift, busy_blocks: NO_BLOCK, ..Injection::default() },
                ..plain(shift)
            },
        };
        let (of, repetition) = repetition(ground, trial)?;
        load = Some(of);
        arms[slot.cell].push(repetition);
    }
    let Some(load) = load else { bail!("no repetition was run") };
    let mut names = ["a", "same", "shifted"].into_iter();
    let mut certificates = Vec::new();
    for arm in arms {
        let cell = paper::cell(ground, load.clone(), arm)?;
        certificates.push(paper::certificate(ground, names.next().unwrap_or_default(), cell));
    }
    certificates.try_into().map_err(|_| anyhow::anyhow!("three arms give three certificates"))
}

/// One valid repetition in two fresh processes.
fn repetition(ground: &mut Ground<'_>, trial: Trial) -> Result<(Load, Repetition)> {
    ground.renew()?;
    let result = ground.run_valid(trial)?;
    Ok((result.load, result.record))
}

fn plain(busy: Nanos) -> Trial {
    Trial { rate: RATE, packets: PACKETS, injection: Injection { busy, ..Injection::default() } }
}
