//! A stall of 5 ms every second, once in the trader and once in the exchange. All ticks that are due in it must be slow
//! in t2t_due; one stalled exchange must leave t2t_sent untouched, which is why that alone is not enough.

use anyhow::Result;
use tickcert_results::time::{Nanos, PerSecond};

use super::{
    Finding, Length, Shown,
    ground::{Ground, Trial},
};
use crate::{
    endpoint::control::Injection,
    run::{join::OrderSample, progress::Progress},
};

const RATE: PerSecond = PerSecond(5_000.0);
const STALL: Nanos = Nanos(5_000_000);
const EVERY: Nanos = Nanos::SECOND;
/// Slow: longer than this. Of each stall, the ticks due in its first 4 ms.
const SLOW: Nanos = Nanos::MILLI;

pub(super) fn run(ground: &mut Ground<'_>, length: Length, _progress: &Progress) -> Result<Vec<Finding>> {
    let seconds = match length {
        Length::Full => 10,
        Length::Short => 3,
    };
    let in_trader = Injection { stall: STALL, stall_every: EVERY, ..Injection::default() };
    let in_exchange = Injection { stall_exchange: STALL, stall_every: EVERY, ..Injection::default() };
    Ok(vec![trader(ground, in_trader, seconds)?, exchange(ground, in_exchange, seconds)?])
}

struct Slow {
    by_due: f64,
    by_sent: f64,
    /// Runs of slow ticks: a closed loop, which sends a tick only after the order for the last one, would have had one
    /// slow sample of each.
    runs: u32,
    stalls: f64,
    expected: f64,
    /// Slow orders that the host had without any stall of ours.
    before: f64,
}

impl Slow {
    fn measure(ground: &mut Ground<'_>, injection: Injection, seconds: u32) -> Result<Self> {
        // The baseline of this very host, since it may stall by itself.
        let packets = seconds * 5_000;
        let without = ground.run_valid(Trial { rate: RATE, packets, injection: Injection::default() })?;
        let with = ground.run_valid(Trial { rate: RATE, packets, injection })?;
        let (before, after) = (&without.finished.joined.orders, &with.finished.joined.orders);
        let more = |of: fn(&OrderSample) -> Nanos| count(after, of) - count(before, of);
        let stalls = f64::from(seconds - 1);
        Ok(Self {
            by_due: more(OrderSample::t2t_due),
            by_sent: more(OrderSample::t2t_sent),
            runs: runs(after),
            stalls,
            before: count(before, OrderSample::t2t_due),
            expected: stalls * RATE.0 * STALL.saturating_sub(SLOW).as_secs_f64(),
        })
    }

    /// Within a third, and one stall more: the host's own stalls, and those near the trial's edges, are not ours. A
    /// host that has a third as many slow orders by itself can't tell.
    fn judge(&self, also: bool) -> Shown {
        let most = (self.expected + RATE.0 * STALL.as_secs_f64()) * 1.33;
        let there = self.by_due >= self.expected * 0.67 && self.by_due <= most;
        match there && also {
            true => Shown::Yes,
            false if self.before > self.expected / 3.0 => Shown::Inconclusive,
            false => Shown::No,
        }
    }
}

fn count(orders: &[OrderSample], of: fn(&OrderSample) -> Nanos) -> f64 {
    let slow = orders.iter().filter(|o| of(o) > SLOW).count();
    f64::from(u32::try_from(slow).unwrap_or(u32::MAX))
}

fn runs(orders: &[OrderSample]) -> u32 {
    let chunks = orders.chunk_by(|a, b| (a.t2t_due() > SLOW) == (b.t2t_due() > SLOW));
    u32::try_from(chunks.filter(|c| c[0].t2t_due() > SLOW).count()).unwrap_or(u32::MAX)
}

fn trader(ground: &mut Ground<'_>, injection: Injection, seconds: u32) -> Result<Finding> {
    let slow = Slow::measure(ground, injection, seconds)?;
    let found = format!(
        "{:.0} orders beyond {SLOW} in t2t_due ({:.0} were due in the {:.0} stalls); a closed loop would have shown {}",
        slow.by_due, slow.expected, slow.stalls, slow.runs
    );
    let truth = format!("the trader stalls for {STALL} every {EVERY}");
    Ok(Finding { truth, found, shown: slow.judge(true) })
}

fn exchange(ground: &mut Ground<'_>, injection: Injection, seconds: u32) -> Result<Finding> {
    let slow = Slow::measure(ground, injection, seconds)?;
    let hidden = slow.by_sent < slow.expected * 0.2;
    let found = format!(
        "{:.0} orders beyond {SLOW} in t2t_due ({:.0} were due in the {:.0} stalls), {:.0} in t2t_sent, which alone would have hidden it",
        slow.by_due, slow.expected, slow.stalls, slow.by_sent
    );
    let truth = format!("the exchange itself stalls for {STALL} every {EVERY}");
    Ok(Finding { truth, found, shown: slow.judge(hidden) })
}
