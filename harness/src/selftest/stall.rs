//! A stall of 5 ms every second, once in the trader and once in the exchange. Every tick that was due in it must carry
//! what was left of it in t2t_due, and little more; a stalled exchange must leave t2t_sent untouched, which is why that
//! alone is not enough.
//!
//! The endpoints note when they stalled, so that each stall is judged by the very ticks that were due in it: what the
//! host itself does all the time can add to their latencies, and can't hide a part of them. Half a period away from each
//! stall lies a window of the same length without one, to compare with.

use std::ops::RangeInclusive;

use anyhow::Result;
use tickcert_results::{
    report::{self, Hidden},
    time::{Nanos, PerSecond},
};

use super::{
    Finding, Length, Shown,
    ground::{Ground, Trial, median},
    interval::Interval,
    paper,
};
use crate::{
    endpoint::control::Injection,
    run::{join::OrderSample, progress::Progress},
};

const RATE: u32 = 5_000;
const STALL: Nanos = Nanos(5_000_000);
const EVERY: Nanos = Nanos::SECOND;
/// Slow: longer than this. Of each stall, the ticks due in its first 4 ms.
const SLOW: Nanos = Nanos::MILLI;
/// A stamp may be off by this much.
const STAMPS: Nanos = Nanos::MICRO;
/// The ticks of a stall leave it one behind the other; they may carry this much more than was left of it.
const QUEUE: f64 = 500_000.0;

/// A trial lasts so many seconds.
const SECONDS: u32 = 9;

pub(super) fn run(ground: &mut Ground<'_>, length: Length, _progress: &Progress) -> Result<Vec<Finding>> {
    let trials = match length {
        Length::Full => 2..=12,
        Length::Short => 1..=3,
    };
    Ok(vec![trader(ground, trials.clone())?, exchange(ground, trials)?])
}

/// What the orders say of the stalls.
#[derive(Default)]
struct Stalls {
    /// Stalls that were judged.
    n: u32,
    /// Orders that were due in them…
    due: u32,
    /// …that are slow by t2t_due…
    slow: u32,
    /// …that carry less than was left of the stall.
    short: u32,
    /// Slow orders in as many windows without a stall: what the host itself did.
    by_host: u32,
    /// What the orders of each stall carry beyond what was left of it, the median, in ns.
    beyond: Vec<f64>,
    /// The median of their t2t_sent, in ns.
    sent: Vec<f64>,
    /// What the certificate's page would say.
    said: Option<Hidden>,
}

impl Stalls {
    /// Runs trials until it is known well enough what the stalls carry. That is a question of the intervals' width and not
    /// of where they lie, or it would be measured until it agrees.
    fn measure(ground: &mut Ground<'_>, injection: Injection, trials: RangeInclusive<usize>) -> Result<Self> {
        let trial = Trial { rate: PerSecond(f64::from(RATE)), packets: SECONDS * RATE, injection };
        let (mut stalls, mut records) = (Self::default(), Vec::new());
        loop {
            let result = ground.run_valid(trial)?;
            stalls.add(&result.finished.stalls, &result.finished.joined.orders);
            records.push(result.record);
            let known = stalls.beyond().width() <= QUEUE && stalls.sent().width() <= QUEUE;
            if records.len() >= *trials.start() && known || records.len() >= *trials.end() {
                stalls.said = report::hidden(&paper::cell(ground, result.load, records)?);
                return Ok(stalls);
            }
        }
    }

    /// Those that began `at` these times, with the orders of their trial.
    fn add(&mut self, at: &[Nanos], orders: &[OrderSample]) {
        let slow = |orders: &[&OrderSample]| count(orders, |o| o.t2t_due() > SLOW);
        let half = Nanos(EVERY.get() / 2);
        let end = orders.last().map_or(Nanos::ZERO, |o| o.due);
        for began in at.iter().copied().filter(|at| *at + half + STALL <= end) {
            let ended = began + STALL;
            let in_it = due_in(orders, began, ended.saturating_sub(SLOW));
            let left = |o: &OrderSample| ended.saturating_sub(o.due);
            self.n += 1;
            self.due += count(&in_it, |_| true);
            self.slow += slow(&in_it);
            self.short += count(&in_it, |o| o.t2t_due() + STAMPS < left(o));
            self.by_host += slow(&due_in(orders, began + half, began + half + STALL.saturating_sub(SLOW)));
            self.beyond.push(median_of(&in_it, |o| o.t2t_due().saturating_sub(left(o))));
            self.sent.push(median_of(&in_it, OrderSample::t2t_sent));
        }
    }

    fn beyond(&self) -> Interval {
        Interval::of(&mut self.beyond.clone())
    }

    fn sent(&self) -> Interval {
        Interval::of(&mut self.sent.clone())
    }

    /// Whether the stalls are there, at their full weight. That an order carries less than was left contradicts it
    /// whatever the host did; that they carry more may be the host's doing, unless most do.
    fn at_full_weight(&self) -> Shown {
        if self.short > 0 { Shown::No } else { self.beyond().within(0.0, QUEUE) }
    }

    /// What the page would have to say, and whether it says it, of a limit that the stalls' orders are beyond: where the
    /// host's own tail is longer than a stall, the page may be silent, or speak of that.
    fn said(&self, must_hold: &str) -> (String, Shown) {
        match &self.said {
            Some(Hidden { slow, text }) if text.contains(must_hold) && *slow < STALL.saturating_sub(SLOW) => {
                (format!("\"{text}\""), Shown::Yes)
            }
            _ => ("nothing of it, as where the host's own stalls are as long".to_owned(), Shown::Inconclusive),
        }
    }

    fn text(&self) -> String {
        format!(
            "{} of {} orders due in {} stalls are beyond {SLOW} in t2t_due ({} in as many windows without), {} carry less \
             than was left of the stall, the median {} more",
            self.slow,
            self.due,
            self.n,
            self.by_host,
            self.short,
            micros(self.beyond())
        )
    }
}

fn micros(interval: Interval) -> String {
    let Interval { centre, low, high } = interval;
    format!("{:.0} us [{:.0}, {:.0}]", centre / 1e3, low / 1e3, high / 1e3)
}

fn due_in(orders: &[OrderSample], from: Nanos, to: Nanos) -> Vec<&OrderSample> {
    orders.iter().filter(|o| o.due >= from && o.due < to).collect()
}

fn count(orders: &[&OrderSample], which: impl Fn(&OrderSample) -> bool) -> u32 {
    u32::try_from(orders.iter().filter(|o| which(o)).count()).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 ns")]
fn median_of(orders: &[&OrderSample], of: impl Fn(&OrderSample) -> Nanos) -> f64 {
    median(&mut orders.iter().map(|o| of(o).get() as f64).collect::<Vec<_>>())
}

fn trader(ground: &mut Ground<'_>, trials: RangeInclusive<usize>) -> Result<Finding> {
    let injection = Injection { stall: STALL, stall_every: EVERY, ..Injection::default() };
    let stalls = Stalls::measure(ground, injection, trials)?;
    let (said, is_said) = stalls.said("closed loop");
    Ok(Finding {
        truth: format!("the trader stalls for {STALL} every {EVERY}"),
        found: format!("{}; the certificate would say {said}", stalls.text()),
        shown: stalls.at_full_weight().and(is_said),
    })
}

fn exchange(ground: &mut Ground<'_>, trials: RangeInclusive<usize>) -> Result<Finding> {
    let injection = Injection { stall_exchange: STALL, stall_every: EVERY, ..Injection::default() };
    let stalls = Stalls::measure(ground, injection, trials)?;
    let (said, is_said) = stalls.said("t2t_sent alone");
    let sent = stalls.sent();
    let found =
        format!("{}; by t2t_sent their median is {}; the certificate would say {said}", stalls.text(), micros(sent));
    Ok(Finding {
        truth: format!("the exchange itself stalls for {STALL} every {EVERY}, which t2t_sent hides"),
        found,
        shown: stalls.at_full_weight().and(sent.within(0.0, QUEUE)).and(is_said),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One order every 200 us for 10 s that takes 10 us, but for stalls of `really` at each whole second.
    fn orders(really: Nanos) -> (Vec<Nanos>, Vec<OrderSample>) {
        let at: Vec<Nanos> = (1..10).map(|s| Nanos(s * EVERY.get())).collect();
        let order = |n: u32| {
            let due = Nanos(u64::from(n) * 200_000);
            let into = Nanos(due.get() % EVERY.get());
            let waits = if due >= EVERY { really.saturating_sub(into) } else { Nanos::ZERO };
            let sent_ns = i64::try_from((due + waits).get()).unwrap();
            OrderSample { order: n, packet: n, due, sent_ns, arrival_ns: sent_ns + 10_000, trader: Nanos(3_000) }
        };
        (at, (0..50_000).map(order).collect())
    }

    fn found(really: Nanos, stalls: usize) -> Stalls {
        let (at, orders) = orders(really);
        let mut found = Stalls::default();
        found.add(&at[..stalls], &orders);
        found
    }

    #[test]
    fn stalls_at_their_full_weight_are_shown() {
        let found = found(STALL, 9);
        assert_eq!((found.n, found.due, found.slow, found.short, found.by_host), (9, 180, 180, 0, 0));
        assert_eq!(found.at_full_weight(), Shown::Yes);
        assert_eq!(found.sent().within(0.0, QUEUE), Shown::Yes, "the exchange's own stall is not in t2t_sent");
    }

    #[test]
    fn stalls_that_lost_or_won_a_millisecond_of_their_weight_are_not_shown() {
        assert_eq!(found(STALL.saturating_sub(Nanos::MILLI), 9).at_full_weight(), Shown::No);
        assert_eq!(found(STALL + Nanos::MILLI, 9).at_full_weight(), Shown::No);
    }

    #[test]
    fn four_stalls_are_too_few() {
        assert_eq!(found(STALL, 4).at_full_weight(), Shown::Inconclusive);
    }
}
