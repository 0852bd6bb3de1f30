//! Which orders of a repetition are measured: those that the load measures, after the warm-up.

use std::borrow::Cow;

use tickcert_results::{
    certificate::WarmUp,
    stats::warm_up::{self, WarmUpRule},
};
use tickcert_scenarios::load::Schedule;

use super::join::OrderSample;

/// The orders of a repetition that the load measures, and where their warm-up ends.
pub(super) struct Measured<'a> {
    of_load: Cow<'a, [OrderSample]>,
    first_kept: usize,
    /// What was discarded.
    pub(super) warm_up: WarmUp,
}

impl<'a> Measured<'a> {
    /// Looks at `orders`, which stand in the oracle's order.
    pub(super) fn new(orders: &'a [OrderSample], schedule: &Schedule) -> Self {
        let of_load = of_load(orders, schedule);
        let end = warm_up::find(&of_load, OrderSample::t2t_sent, |o| o.due, WarmUpRule::default());
        Self { first_kept: end.first_kept, warm_up: end.record(&of_load, |o| o.due), of_load }
    }

    /// Those that go into the distributions.
    pub(super) fn kept(&self) -> &[OrderSample] {
        &self.of_load[self.first_kept..]
    }

    /// Of each of `orders` (the same as for [`Measured::new`]) whether it comes before the first that is kept, and
    /// whether it is kept.
    pub(super) fn marks(&self, orders: &[OrderSample]) -> (Vec<bool>, Vec<bool>) {
        let first = self.kept().first().map_or(u32::MAX, |o| o.order);
        let mut kept = self.kept().iter().map(|o| o.order).peekable();
        orders.iter().map(|o| (o.order < first, kept.next_if_eq(&o.order).is_some())).unzip()
    }
}

/// All, or those of the packets that the schedule names, the first of each.
fn of_load<'a>(orders: &'a [OrderSample], schedule: &Schedule) -> Cow<'a, [OrderSample]> {
    let Some(only) = schedule.only() else { return Cow::Borrowed(orders) };
    let mut of_these: Vec<OrderSample> =
        orders.iter().filter(|o| only.binary_search(&o.packet).is_ok()).copied().collect();
    of_these.dedup_by_key(|o| o.packet);
    Cow::Owned(of_these)
}
