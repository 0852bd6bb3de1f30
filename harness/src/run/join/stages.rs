//! The way of a staged order, leg by leg.

use std::collections::HashMap;

use tickcert_results::time::{Nanos, TickScale, Ticks};
use tickcert_scenarios::trader::Stage;

use crate::endpoint::samples::Departure;

/// The stages by name, from the tick's departure at the exchange to the order's arrival there; those that there are add up to
/// `t2t_sent`. The lane's two legs are `rx` and `tx`.
pub const STAGES: [&str; Stage::ALL.len()] = {
    let (mut names, mut n) = ([""; Stage::ALL.len()], 0);
    while n < names.len() {
        names[n] = Stage::ALL[n].name();
        n += 1;
    }
    names
};

/// How long each of [`STAGES`] took; zero for one that there isn't.
pub(super) type Legs = [Nanos; STAGES.len()];

/// A stage that ends before it begins.
pub(super) struct Backward;

/// The stages of an order, those in `legs`; `None` unless every one was stamped. Exchange and trader, and each of the trader's
/// threads, read counters of their own cores, which an invariant TSC promises to be in step; of one thread
/// [`super::Joined::counters_in_step`] bounds by how much they can differ. Counters that differ by more than a leg is long show as
/// one that runs backward.
///
/// `tx` ends at the exchange, not with the trader's call: a kernel may hand the order over before that call returns.
pub(super) fn stages(
    sent: Ticks,
    d: &Departure,
    arrival: Ticks,
    scale: TickScale,
    legs: &[usize],
) -> Result<Option<Legs>, Backward> {
    walk(sent, |place| if place < Departure::DEPARTURE { d.at(place) } else { Some(arrival) }, scale, legs)
}

/// The same of a trader whose clock is another host's: the lane's two legs, from one clock to the other, are none of `legs`.
pub(super) fn stages_of_trader(d: &Departure, scale: TickScale, legs: &[usize]) -> Result<Option<Legs>, Backward> {
    d.at(Departure::ARRIVAL).map_or(Ok(None), |arrival| walk(arrival, |place| d.at(place), scale, legs))
}

/// From one stamp to the next.
fn walk(
    start: Ticks,
    stamp: impl Fn(usize) -> Option<Ticks>,
    scale: TickScale,
    legs: &[usize],
) -> Result<Option<Legs>, Backward> {
    let (mut all, mut before) = ([Nanos::ZERO; STAGES.len()], start);
    for place in legs {
        let Some(stamp) = stamp(*place) else { return Ok(None) };
        all[*place] = scale.ns(stamp.since(before)).ok_or(Backward)?;
        before = stamp;
    }
    Ok(Some(all))
}

/// Which stages there are, by whether both ends have one clock, and whether the trader has several threads.
pub(super) fn legs(one_clock: bool, threads: bool) -> Vec<usize> {
    let of_lane = |stage: &Stage| matches!(stage, Stage::Rx | Stage::Tx);
    let there = |stage: &&Stage| (one_clock || !of_lane(stage)) && (threads || !stage.is_of_threads());
    Stage::ALL.iter().filter(there).map(|stage| *stage as usize).collect()
}

/// See [`super::Joined::counters_in_step`].
pub(super) fn in_step(stages: &HashMap<u32, Legs>) -> Option<Nanos> {
    let smallest = |leg: usize| stages.values().map(|legs| legs[leg]).min();
    Some(smallest(0)?.max(smallest(STAGES.len() - 1)?))
}
