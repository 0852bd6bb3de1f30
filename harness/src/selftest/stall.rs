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
    /// Orders beyond the limit when nothing stalled on purpose: what the host itself did.
    by_host: f64,
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
            by_host: count(before, OrderSample::t2t_due),
            expected: stalls * RATE.0 * STALL.saturating_sub(SLOW).as_secs_f64(),
        })
    }

    /// Measures until what was put in is found as `is_found` wants it, or is not on a host that was quiet.
    fn measure_quietly(
        ground: &mut Ground<'_>,
        injection: Injection,
        seconds: u32,
        is_found: impl Fn(&Self) -> bool,
    ) -> Result<(Self, Shown)> {
        const TRIES: u32 = 3;
        let mut tries = 1;
        loop {
            let slow = Self::measure(ground, injection, seconds)?;
            if is_found(&slow) {
                return Ok((slow, Shown::Yes));
            }
            // What the host did just before stands for what it did meanwhile.
            if slow.by_host < slow.expected * 0.2 {
                return Ok((slow, Shown::No));
            }
            if tries == TRIES {
                return Ok((slow, Shown::Inconclusive));
            }
            tries += 1;
        }
    }

    /// Within a third: the host's own stalls, and those that begin or end near the trial's edges, are not ours.
    fn is_there(&self, found: f64) -> bool {
        found >= self.expected * 0.67 && found <= (self.expected + RATE.0 * STALL.as_secs_f64()) * 1.33
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
    let (slow, shown) = Slow::measure_quietly(ground, injection, seconds, |slow| slow.is_there(slow.by_due))?;
    let found = format!(
        "{:.0} orders beyond {SLOW} in t2t_due ({:.0} were due in the {:.0} stalls; {:.0} without); a closed loop would have shown {}",
        slow.by_due, slow.expected, slow.stalls, slow.by_host, slow.runs
    );
    Ok(Finding { truth: format!("the trader stalls for {STALL} every {EVERY}"), found, shown })
}

fn exchange(ground: &mut Ground<'_>, injection: Injection, seconds: u32) -> Result<Finding> {
    let hidden = |slow: &Slow| slow.by_sent < slow.expected * 0.2;
    let is_found = |slow: &Slow| slow.is_there(slow.by_due) && hidden(slow);
    let (slow, shown) = Slow::measure_quietly(ground, injection, seconds, is_found)?;
    let found = format!(
        "{:.0} orders beyond {SLOW} in t2t_due ({:.0} were due in the {:.0} stalls; {:.0} without), {:.0} in t2t_sent, which alone would have hidden it",
        slow.by_due, slow.expected, slow.stalls, slow.by_host, slow.by_sent
    );
    let truth = format!("the exchange itself stalls for {STALL} every {EVERY}");
    Ok(Finding { truth, found, shown })
}
