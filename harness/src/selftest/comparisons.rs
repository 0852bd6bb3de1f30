//! Comparisons of the host with itself must show no difference, and a true shift of 5 % of p50 must be found.

use anyhow::{Result, bail};
use tickcert_results::{
    compare::{Outcome, Pairing, Rules, compare_values},
    stats::quantile,
    time::{Nanos, PerSecond},
};

use super::{
    Finding, Length, Shown,
    ground::{Ground, Trial},
};
use crate::{
    endpoint::control::Injection,
    run::{interrupt, join::OrderSample, progress::Progress},
};

const RATE: PerSecond = PerSecond(20_000.0);
const PACKETS: u32 = 2_000;
const WARM_UP: u32 = 500;
const SHIFT: f64 = 0.05;
const REPETITIONS: usize = 20;

pub(super) fn run(ground: &mut Ground<'_>, length: Length, progress: &Progress) -> Result<Vec<Finding>> {
    let comparisons = match length {
        Length::Full => 100,
        Length::Short => 4,
    };
    let shift = shift(ground)?;
    let (mut differences, mut found) = (0_u32, 0_u32);
    for n in 0..comparisons {
        if interrupt::wanted() {
            bail!("interrupted after {n} of {comparisons} comparisons");
        }
        let [a, same, shifted] = arms(ground, shift)?;
        differences += u32::from(said(&a, &same)? != Outcome::NoDifferenceShown);
        found += u32::from(said(&a, &shifted)? == Outcome::Slower);
        progress.detail(&format!("  comparison {} of {comparisons}: {differences} false, {found} found", n + 1));
    }
    let most_false = (comparisons / 20).max(1);
    let least_found = comparisons * 9 / 10;
    let judged = |right: bool| match (right, length) {
        (true, _) => Shown::Yes,
        (false, Length::Full) => Shown::No,
        // So few comparisons can't contradict a rate.
        (false, Length::Short) => Shown::Inconclusive,
    };
    Ok(vec![
        Finding {
            truth: format!("{comparisons} comparisons of this host with itself, {REPETITIONS} repetitions each"),
            found: format!("a difference was declared in {differences} (at most {most_false} allowed)"),
            shown: judged(differences <= most_false),
        },
        Finding {
            truth: format!("{comparisons} comparisons with a true shift of 5 % of p50 ({shift})"),
            found: format!("it was found in {found} (at least {least_found} wanted)"),
            shown: judged(found >= least_found),
        },
    ])
}

fn said(a: &[f64], b: &[f64]) -> Result<Outcome> {
    Ok(compare_values(a, b, Pairing::Interleaved)?.outcome(Rules::default()))
}

/// 5 % of this host's p50.
fn shift(ground: &mut Ground<'_>) -> Result<Nanos> {
    let mut medians = Vec::new();
    for _ in 0..5 {
        medians.push(p50(&ground.run_valid(plain(Nanos::ZERO))?.finished.joined.orders));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive time far below 2^53 ns")]
    let shift = (super::ground::median(&mut medians) * SHIFT).round() as u64;
    Ok(Nanos(shift))
}

/// Three arms, their repetitions interleaved: as it is, as it is again, and with the shift.
fn arms(ground: &mut Ground<'_>, shift: Nanos) -> Result<[Vec<f64>; 3]> {
    let mut arms: [Vec<f64>; 3] = Default::default();
    for n in 0..REPETITIONS {
        // The order rotates, so that no arm always follows the same other.
        for place in 0..arms.len() {
            let arm = (n + place) % arms.len();
            let delay = if arm == 2 { shift } else { Nanos::ZERO };
            arms[arm].push(p50(&ground.run_valid(plain(delay))?.finished.joined.orders));
        }
    }
    Ok(arms)
}

fn plain(busy: Nanos) -> Trial {
    Trial { rate: RATE, packets: PACKETS, injection: Injection { busy, ..Injection::default() } }
}

#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 ns")]
fn p50(orders: &[OrderSample]) -> f64 {
    let mut latencies: Vec<Nanos> = orders.iter().filter(|o| o.order >= WARM_UP).map(OrderSample::t2t_sent).collect();
    latencies.sort_unstable();
    quantile::of_sorted(&latencies, 0.5).unwrap_or_default().get() as f64
}
