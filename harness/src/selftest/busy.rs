//! A trader that burns time before each order, in every second block of orders: the difference between the blocks'
//! medians, repetition by repetition, has to be the time burnt. Blocks alternate within a repetition so that whatever
//! drifts on the host drifts for both.

use anyhow::{Result, bail};
use tickcert_results::{
    stats::quantile,
    time::{Nanos, PerSecond},
};

use super::{
    Finding, Length,
    ground::{Ground, Trial},
    interval::Interval,
};
use crate::{
    endpoint::control::Injection,
    run::{interrupt, join::OrderSample, progress::Progress},
};

/// Orders in a block.
const BLOCK: u32 = 50;
/// A repetition lasts so long.
const TRIAL: Nanos = Nanos(250_000_000);
/// The first orders are left out of it: caches and branch predictors are not warm yet.
const WARM_UP: u32 = 200;
const DELAYS: [Nanos; 4] = [Nanos(100), Nanos(1_000), Nanos(10_000), Nanos(100_000)];
/// Between ticks, beside twice the delay: far enough apart that no tick waits for another.
const GAP: Nanos = Nanos(50_000);
/// Repetitions before the first look at the interval, and between looks.
const ROUND: usize = 10;

pub(super) fn run(ground: &mut Ground<'_>, length: Length, progress: &Progress) -> Result<Vec<Finding>> {
    let most = match length {
        Length::Full => 400,
        Length::Short => 100,
    };
    let mut all = DELAYS.map(Delay::new);
    for n in 0..most {
        // Repetitions of the delays alternate too.
        for delay in all.iter_mut().filter(|d| !d.is_known()) {
            if interrupt::wanted() {
                bail!("interrupted after {n} repetitions");
            }
            delay.measure(ground)?;
        }
        if all.iter().all(Delay::is_known) {
            break;
        }
        progress.detail(&format!("  repetition {} of at most {most}", n + 1));
    }
    Ok(all.into_iter().map(Delay::judge).collect())
}

/// One of the delays, and what its repetitions found.
struct Delay {
    put_in: Nanos,
    found: Vec<f64>,
    /// Looked at once a round.
    interval: Interval,
}

impl Delay {
    fn new(put_in: Nanos) -> Self {
        Self { put_in, found: Vec::new(), interval: Interval::of(&mut []) }
    }

    #[expect(clippy::cast_precision_loss, reason = "delays are far below 2^53 ns")]
    fn truth(&self) -> f64 {
        self.put_in.get() as f64
    }

    fn tolerance(&self) -> f64 {
        (self.truth() * 0.05).max(20.0)
    }

    /// Whether there are repetitions enough. They are added until the interval is narrow, whatever it says: whether it
    /// agrees with the truth must have no part in when to stop, or it would be measured until it does.
    fn is_known(&self) -> bool {
        self.interval.width() <= self.tolerance() * 0.75
    }

    fn measure(&mut self, ground: &mut Ground<'_>) -> Result<()> {
        let injection = Injection { busy: self.put_in, busy_blocks: BLOCK, ..Injection::default() };
        let gap = GAP + self.put_in + self.put_in;
        let packets = u32::try_from(TRIAL.get() / gap.get())?;
        let rate = PerSecond(1.0 / gap.as_secs_f64());
        let result = ground.run_valid(Trial { rate, packets, injection })?;
        self.found.push(difference(&result.finished.joined.orders));
        if self.found.len().is_multiple_of(ROUND) {
            self.interval = Interval::of(&mut self.found.clone());
        }
        Ok(())
    }

    fn judge(mut self) -> Finding {
        let Interval { centre, low, high } = Interval::of(&mut self.found);
        let (truth, tolerance) = (self.truth(), self.tolerance());
        Finding {
            truth: format!("a busy delay of {}", self.put_in),
            found: format!(
                "{centre:.0} ns at p50 of t2t_sent [{low:.0}, {high:.0}], {} repetitions; allowed {:.0} to {:.0}",
                self.found.len(),
                truth - tolerance,
                truth + tolerance
            ),
            shown: Interval { centre, low, high }.within(truth - tolerance, truth + tolerance),
        }
    }
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
