//! The way of a staged order, leg by leg.

use std::{collections::HashMap, ops::Range};

use tickcert_results::time::{Nanos, TickScale, Ticks};

use crate::endpoint::samples::Departure;

/// The stages, from the tick's departure at the exchange to the order's arrival there; they add up to `t2t_sent`. The
/// lane's two legs are `rx` and `tx`.
pub const STAGES: [&str; 7] = ["rx", "decode", "book", "decide", "risk", "encode", "tx"];

/// A stage that ends before it begins.
pub(super) struct Backward;

/// The stages of an order; `None` unless every one was stamped. Exchange and trader read counters of two cores, which
/// an invariant TSC promises to be in step; [`super::Joined::counters_in_step`] bounds by how much they can differ, and
/// counters that differ by more show as a leg that runs backward.
///
/// `tx` ends at the exchange, not with the trader's call: a kernel may hand the order over before that call returns.
pub(super) fn stages(
    sent: Ticks,
    d: &Departure,
    arrival: Ticks,
    scale: TickScale,
) -> Result<Option<[Nanos; STAGES.len()]>, Backward> {
    let (mut legs, mut before) = ([Nanos::ZERO; STAGES.len()], sent);
    for (place, leg) in legs.iter_mut().enumerate() {
        let stamp = if place < Departure::DEPARTURE { d.at(place) } else { Some(arrival) };
        let Some(stamp) = stamp else { return Ok(None) };
        *leg = scale.ns(stamp.since(before)).ok_or(Backward)?;
        before = stamp;
    }
    Ok(Some(legs))
}

/// The same of a trader whose clock is another host's: the lane's two legs, from one clock to the other, are left at zero and
/// are none of [`legs`].
pub(super) fn stages_of_trader(d: &Departure, scale: TickScale) -> Result<Option<[Nanos; STAGES.len()]>, Backward> {
    let mut own = [Nanos::ZERO; STAGES.len()];
    for place in legs(false) {
        let (Some(from), Some(to)) = (d.at(place - 1), d.at(place)) else { return Ok(None) };
        own[place] = scale.ns(to.since(from)).ok_or(Backward)?;
    }
    Ok(Some(own))
}

/// Which stages there are, by whether both ends have one clock.
pub(super) const fn legs(one_clock: bool) -> Range<usize> {
    if one_clock { 0..STAGES.len() } else { 1..STAGES.len() - 1 }
}

/// See [`super::Joined::counters_in_step`].
pub(super) fn in_step(stages: &HashMap<u32, [Nanos; STAGES.len()]>) -> Option<Nanos> {
    let smallest = |leg: usize| stages.values().map(|legs| legs[leg]).min();
    Some(smallest(0)?.max(smallest(STAGES.len() - 1)?))
}
