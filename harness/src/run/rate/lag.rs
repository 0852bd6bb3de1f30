//! Whether the trader fell behind in a trial, seen in its orders.
//!
//! A receive buffer hides an overload until it is full, which at a rate a few per cent too high may take seconds. The
//! backlog shows at once in the latency of the orders, though: if ticks come in at rate r and are served at a rate s
//! below it, the wait grows by r/s − 1 of the time that has passed. So how long a trial is and how much the
//! buffer holds make no difference to the finding: either the buffer overflows, and ticks are lost, or the wait grows.

use std::fmt;

use tickcert_results::time::Nanos;

use crate::run::join::OrderSample;

/// The wait may grow by this share of the time, as the exchange's rate may be off by as much.
pub const TOLERANCE: f64 = 0.01;
/// The first and the last of so many parts of the orders are held against each other.
const PARTS: usize = 5;

/// The growth of the wait between two orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// How much longer the later order took; negative where it was faster.
    pub growth_ns: i64,
    /// Time between the departures of their ticks.
    pub over: Nanos,
}

impl Lag {
    /// From orders in the order of their ticks; `None` of too few to tell.
    ///
    /// Of the first and of the last part the fastest order counts: a stall of the host that ends within the part
    /// doesn't show, a backlog that only grows does.
    #[must_use]
    pub fn of(orders: &[OrderSample]) -> Option<Self> {
        let part = orders.len() / PARTS;
        let fastest = |part: &[OrderSample]| part.iter().min_by_key(|o| o.arrival_ns - o.sent_ns).copied();
        let (first, last) = (fastest(orders.get(..part)?)?, fastest(orders.get(orders.len() - part..)?)?);
        Some(Self {
            growth_ns: (last.arrival_ns - last.sent_ns) - (first.arrival_ns - first.sent_ns),
            over: Nanos(u64::try_from(last.sent_ns - first.sent_ns).ok()?),
        })
    }

    /// Whether more ticks came than were served.
    #[must_use]
    pub fn shows_backlog(&self) -> bool {
        self.growth() > TOLERANCE * self.over.as_secs_f64() * 1e9
    }

    #[expect(clippy::cast_precision_loss, reason = "trials last for seconds")]
    fn growth(&self) -> f64 {
        self.growth_ns as f64
    }
}

/// As a reason why a trial did not hold.
impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let growth = Nanos(self.growth_ns.unsigned_abs());
        let word = if self.growth_ns < 0 { "less" } else { "more" };
        write!(f, "the trader fell behind: orders took {growth} {word} after {} than before", self.over)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Orders of a trader that takes `service` for each tick, of ticks that come every `gap`; the host takes it away
    /// for `stall` at the order numbered `stalled`.
    fn served(n: usize, gap: i64, service: i64, stalled: usize, stall: i64) -> Vec<OrderSample> {
        let mut free = 0;
        (0..n)
            .map(|order| {
                let sent_ns = i64::try_from(order).unwrap() * gap;
                free = free.max(sent_ns) + service + if order == stalled { stall } else { 0 };
                OrderSample {
                    order: u32::try_from(order).unwrap(),
                    packet: u32::try_from(order).unwrap(),
                    due: Nanos(u64::try_from(sent_ns).unwrap()),
                    sent_ns,
                    arrival_ns: free,
                    trader: Nanos(1),
                }
            })
            .collect()
    }

    fn backlog(orders: &[OrderSample]) -> bool {
        Lag::of(orders).unwrap().shows_backlog()
    }

    #[test]
    fn a_trader_that_serves_two_per_cent_less_than_comes_shows_it_and_one_that_serves_all_does_not() {
        assert!(backlog(&served(10_000, 10_000, 10_200, 0, 0)));
        assert!(!backlog(&served(10_000, 10_000, 10_000, 0, 0)));
        assert!(!backlog(&served(10_000, 10_000, 5_000, 0, 0)));
        assert!(!backlog(&served(10_000, 10_000, 10_050, 0, 0)), "half a per cent is within what a rate may be off");
    }

    #[test]
    fn a_stall_that_was_made_up_for_is_no_backlog() {
        assert!(!backlog(&served(10_000, 10_000, 5_000, 5_000, 20_000_000)));
        assert!(!backlog(&served(10_000, 10_000, 5_000, 9_000, 20_000_000)), "the last part began before it");
    }

    #[test]
    fn of_too_few_orders_nothing_is_said() {
        assert_eq!(Lag::of(&served(4, 10, 1, 0, 0)), None);
        assert_eq!(Lag::of(&[]), None);
    }

    proptest! {
        #[test]
        fn the_growth_is_what_the_rates_say(gap in 1_000_i64..100_000, excess in 2_i64..300) {
            let service = gap + gap * excess / 100;
            let lag = Lag::of(&served(5_000, gap, service, 0, 0)).unwrap();
            let expected = lag.over.as_secs_f64() * 1e9 * (service - gap) as f64 / gap as f64;
            prop_assert!((lag.growth_ns as f64 / expected - 1.0).abs() < 1e-6);
            prop_assert!(lag.shows_backlog());
        }
    }
}
