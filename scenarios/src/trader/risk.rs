//! The check that every order passes before it is sent. Depends on nothing but the ticks, so that an oracle refuses
//! the same orders.

use serde::{Deserialize, Serialize};
use tickcert_results::time::Nanos;

use super::{
    TraderError,
    money::{Notional, cost},
};
use crate::{book::Top, feed::itch::Price4};

/// What an order must keep within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskLimits {
    /// Shares of one order.
    pub max_quantity: u32,
    /// Price times shares of one order, in dollars.
    pub max_notional: Notional,
    /// Orders in any window of the feed's own time, of all symbols together; so many may come at once, and they come
    /// back evenly.
    pub max_orders: u32,
    /// That window.
    pub window_ns: Nanos,
    /// How far an order's price may be from the reference, in hundredths of a percent of that. The reference is the
    /// symbol's last trade in this pass of the tape (executions, trades off the book, crosses), else the middle of its
    /// best bid and offer; where neither is there, any price passes.
    pub collar_bps: u32,
}

impl Default for RiskLimits {
    /// Generous: 10,000 shares, ten million dollars, 100,000 orders a second, 10 %.
    fn default() -> Self {
        Self {
            max_quantity: 10_000,
            max_notional: Notional(10_000_000 * 10_000),
            max_orders: 100_000,
            window_ns: Nanos::SECOND,
            collar_bps: 1_000,
        }
    }
}

/// Why an order was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More shares than allowed.
    #[error("more shares than risk.max_quantity allows")]
    Quantity,
    /// Worth more than allowed.
    #[error("worth more than risk.max_notional allows")]
    Notional,
    /// Too far from the reference price.
    #[error("further from the reference price than risk.collar_bps allows")]
    Collar,
    /// Too many orders of late.
    #[error("more orders than risk.max_orders allows in risk.window_ns")]
    Rate,
}

/// What an order's price is compared with: the order's own symbol.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Market {
    pub(super) last_trade: Option<Price4>,
    pub(super) top: Top,
}

/// The limits, and how much of the rate is used up.
#[derive(Clone, Debug)]
pub(super) struct Risk {
    limits: RiskLimits,
    /// Time that one order uses up.
    cost: u64,
    /// Time that is there to be used, at most the window.
    credit: u64,
    /// When the credit was last counted; `None` before the first order of a pass.
    counted_at: Option<Nanos>,
}

impl Risk {
    pub(super) fn new(limits: RiskLimits) -> Result<Self, TraderError> {
        let window = limits.window_ns.get();
        if window == 0 {
            return Err(TraderError::Rate { setting: "window_ns" });
        }
        // More orders than nanoseconds cannot be told apart from one each nanosecond.
        let cost =
            window.checked_div(u64::from(limits.max_orders)).ok_or(TraderError::Rate { setting: "max_orders" })?.max(1);
        Ok(Self { limits, cost, credit: window, counted_at: None })
    }

    /// As at the start of a pass.
    pub(super) const fn reset(&mut self) {
        self.credit = self.limits.window_ns.get();
        self.counted_at = None;
    }

    /// What does not depend on the market.
    #[inline]
    pub(super) fn check_size(&self, price: Price4, quantity: u32) -> Result<(), Refusal> {
        if quantity > self.limits.max_quantity {
            return Err(Refusal::Quantity);
        }
        if cost(price, quantity) > self.limits.max_notional {
            return Err(Refusal::Notional);
        }
        Ok(())
    }

    /// The whole check of an order caused at `time` of the feed. One that passes uses up its share of the rate.
    #[inline]
    pub(super) fn check(&mut self, price: Price4, quantity: u32, market: Market, time: Nanos) -> Result<(), Refusal> {
        self.check_size(price, quantity)?;
        self.check_collar(price, market)?;
        self.check_rate(time)
    }

    #[inline]
    fn check_collar(&self, price: Price4, market: Market) -> Result<(), Refusal> {
        let middle = || {
            let (bid, ask) = (market.top.bid?, market.top.ask?);
            Some(Price4(bid.price.0.midpoint(ask.price.0)))
        };
        let Some(reference) = market.last_trade.or_else(middle) else {
            return Ok(());
        };
        let distance = u64::from(price.0.abs_diff(reference.0)) * 10_000;
        if distance > u64::from(reference.0) * u64::from(self.limits.collar_bps) {
            return Err(Refusal::Collar);
        }
        Ok(())
    }

    /// A bucket of time: it fills as the feed's time goes on, and an order takes its share out.
    #[inline]
    fn check_rate(&mut self, time: Nanos) -> Result<(), Refusal> {
        let passed = self.counted_at.map_or(Nanos::ZERO, |then| time.saturating_sub(then));
        self.credit = self.credit.saturating_add(passed.get()).min(self.limits.window_ns.get());
        self.counted_at = Some(self.counted_at.map_or(time, |then| then.max(time)));
        self.credit = self.credit.checked_sub(self.cost).ok_or(Refusal::Rate)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Level;

    const LIMITS: RiskLimits = RiskLimits {
        max_quantity: 100,
        max_notional: Notional(1_000_000),
        max_orders: 4,
        window_ns: Nanos(1_000),
        collar_bps: 100,
    };

    fn top(bid: u32, ask: u32) -> Top {
        let level = |price| Some(Level { price: Price4(price), shares: 1, orders: 1 });
        Top { bid: level(bid), ask: level(ask) }
    }

    fn check(risk: &mut Risk, price: u32, quantity: u32, time: u64) -> Result<(), Refusal> {
        risk.check(Price4(price), quantity, Market::default(), Nanos(time))
    }

    #[test]
    fn each_limit_holds_at_its_value_and_refuses_one_more() {
        let mut risk = Risk::new(RiskLimits { max_orders: 1000, ..LIMITS }).unwrap();
        assert_eq!(check(&mut risk, 10_000, 100, 0), Ok(()));
        assert_eq!(check(&mut risk, 10_000, 101, 0), Err(Refusal::Quantity));
        assert_eq!(check(&mut risk, 10_001, 100, 0), Err(Refusal::Notional));
    }

    #[test]
    fn so_many_orders_come_at_once_and_the_next_when_its_share_of_the_window_is_over() {
        let mut risk = Risk::new(LIMITS).unwrap();
        for _ in 0..4 {
            assert_eq!(check(&mut risk, 1, 1, 5_000), Ok(()));
        }
        assert_eq!(check(&mut risk, 1, 1, 5_249), Err(Refusal::Rate));
        assert_eq!(check(&mut risk, 1, 1, 5_250), Ok(()));
        assert_eq!(check(&mut risk, 1, 1, 5_250), Err(Refusal::Rate));
        risk.reset();
        assert_eq!(check(&mut risk, 1, 1, 0), Ok(()));
    }

    #[test]
    fn time_that_runs_backwards_gives_no_credit() {
        let mut risk = Risk::new(LIMITS).unwrap();
        for _ in 0..4 {
            assert_eq!(check(&mut risk, 1, 1, 5_000), Ok(()));
        }
        assert_eq!(check(&mut risk, 1, 1, 0), Err(Refusal::Rate));
        assert_eq!(check(&mut risk, 1, 1, 5_249), Err(Refusal::Rate));
        assert_eq!(check(&mut risk, 1, 1, 5_250), Ok(()));
    }

    #[test]
    fn the_collar_is_around_the_last_trade_else_around_the_middle_else_nowhere() {
        let risk = Risk::new(LIMITS).unwrap();
        let collar = |trade: Option<u32>, price, top| {
            risk.check_collar(Price4(price), Market { last_trade: trade.map(Price4), top })
        };
        assert_eq!(collar(Some(10_000), 10_100, top(1, 3)), Ok(()));
        assert_eq!(collar(Some(10_000), 10_101, top(1, 3)), Err(Refusal::Collar));
        assert_eq!(collar(Some(10_000), 9_899, top(1, 3)), Err(Refusal::Collar));
        assert_eq!(collar(None, 10_100, top(9_000, 11_000)), Ok(()));
        assert_eq!(collar(None, 10_101, top(9_000, 11_000)), Err(Refusal::Collar));
        assert_eq!(collar(None, 1, Top { bid: None, ..top(9_000, 11_000) }), Ok(()));
    }

    #[test]
    fn a_rate_of_nothing_is_refused_when_it_is_configured() {
        let error = |limits| Risk::new(limits).unwrap_err().to_string();
        assert!(error(RiskLimits { max_orders: 0, ..LIMITS }).contains("max_orders"));
        assert!(error(RiskLimits { window_ns: Nanos::ZERO, ..LIMITS }).contains("window_ns"));
    }
}
