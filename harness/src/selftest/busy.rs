//! A trader that burns time before each order, in every second block of orders: the difference between the blocks'
//! medians, repetition by repetition, has to be the time burnt. Blocks alternate within a repetition so that whatever
//! drifts on the host drifts for both.

use anyhow::Result;
use tickcert_results::{
    stats::{order_statistic, quantile},
    time::{Nanos, PerSecond},
};

use super::{
    Finding, Length, Shown,
    ground::{Ground, Trial, median},
};
use crate::{
    endpoint::control::Injection,
    run::{join::OrderSample, progress::Progress},
};

/// Orders in a block.
const BLOCK: u32 = 50;
/// Far enough apart that not even the longest delay makes one tick wait for another.
const RATE: PerSecond = PerSecond(4_000.0);
const PACKETS: u32 = 4_000;
/// The first orders are left out of it: caches and branch predictors are not warm yet.
const WARM_UP: u32 = 400;
const DELAYS: [Nanos; 4] = [Nanos(100), Nanos(1_000), Nanos(10_000), Nanos(100_000)];

pub(super) fn run(ground: &mut Ground<'_>, length: Length, progress: &Progress) -> Result<Vec<Finding>> {
    let repetitions = match length {
        Length::Full => 40,
        Length::Short => 6,
    };
    // Repetitions of the four delays alternate too.
    let mut differences: [Vec<f64>; DELAYS.len()] = Default::default();
    for n in 0..repetitions {
        progress.detail(&format!("  repetition {} of {repetitions}", n + 1));
        for (delay, found) in DELAYS.iter().zip(&mut differences) {
            let injection = Injection { busy: *delay, busy_blocks: BLOCK, ..Injection::default() };
            let trial = Trial { rate: RATE, packets: PACKETS, injection };
            found.push(difference(&ground.run_valid(trial)?.finished.joined.orders));
        }
    }
    Ok(DELAYS.iter().zip(&mut differences).map(|(delay, found)| judge(*delay, found)).collect())
}

/// Median of the blocks with the delay minus median of those without.
fn difference(orders: &[OrderSample]) -> f64 {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for order in orders.iter().filter(|o| o.order >= WARM_UP) {
        let block = order.order / BLOCK;
        // The first order of a block still feels the block before it.
        if order.order % BLOCK > 0 {
            if block % 2 == 1 { with.push(order.t2t_sent()) } else { without.push(order.t2t_sent()) }
        }
    }
    centre(&mut with) - centre(&mut without)
}

#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 ns")]
fn centre(latencies: &mut [Nanos]) -> f64 {
    latencies.sort_unstable();
    quantile::of_sorted(latencies, 0.5).unwrap_or_default().get() as f64
}

#[expect(clippy::cast_precision_loss, reason = "delays are far below 2^53 ns")]
fn judge(delay: Nanos, found: &mut [f64]) -> Finding {
    let truth = delay.get() as f64;
    let tolerance = (truth * 0.05).max(20.0);
    let centre = median(found);
    // 95 % interval of the median over the repetitions, between order statistics: nothing is assumed of their shape.
    let ranks = order_statistic::rank_interval(found.len() as u64, 0.5, 0.95);
    let at = |rank: u64| usize::try_from(rank).ok().and_then(|r| found.get(r.checked_sub(1)?)).copied();
    let (low, high) = ranks.and_then(|r| at(r.lower).zip(at(r.upper))).unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let near = |value: f64| (value - truth).abs() <= tolerance;
    let shown = match (near(centre), near(low) && near(high)) {
        (true, _) => Shown::Yes,
        // Off, but the interval still holds the truth: the repetitions scatter too much to tell.
        (false, _) if low <= truth + tolerance && high >= truth - tolerance => Shown::Inconclusive,
        // Off, and so scattered that the host must have been at other work, behind which ticks queued.
        (false, _) if high - low > truth + tolerance => Shown::Inconclusive,
        (false, _) => Shown::No,
    };
    Finding {
        truth: format!("a busy delay of {delay}"),
        found: format!("{centre:.0} ns at p50 of t2t_sent [{low:.0}, {high:.0}], {} repetitions", found.len()),
        shown,
    }
}
