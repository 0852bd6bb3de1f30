//! What makes an attempt invalid.

use tickcert_results::time::{Nanos, PerSecond};
use tickcert_scenarios::load::Schedule;

use tickcert_transports::api::DROPPED;

use super::{join::Joined, trial::Finished};
use crate::endpoint::control::Facts;

/// Achieved and intended rate may differ by this much.
pub(super) const RATE_TOLERANCE: f64 = 0.01;

/// Packets a second, achieved and intended.
#[expect(clippy::cast_precision_loss, reason = "rates for comparison within a percent")]
pub(super) fn rates(joined: &Joined, schedule: &Schedule) -> (PerSecond, PerSecond) {
    let rate = |packets: u64, span: Nanos| PerSecond(packets.saturating_sub(1) as f64 / span.as_secs_f64().max(1e-9));
    (rate(joined.counts.sent, joined.span.achieved), rate(schedule.due().len() as u64, joined.span.intended))
}

/// How far the rate was off, as a share: negative where it was too low.
pub(super) fn off(achieved: PerSecond, intended: PerSecond) -> f64 {
    achieved.0 / intended.0 - 1.0
}

/// Why the orders received, taken together, are not those `expected` (both by their digests); where one was lost, that
/// has been said.
pub(super) fn digest_reason(joined: &Joined, expected: &str) -> Option<String> {
    let c = &joined.counts;
    if joined.received_sha256 == expected || c.lost > 0 {
        return None;
    }
    let each_once = c.wrong + c.duplicate + c.unexpected == 0;
    let what =
        if each_once { "the orders came in another order: their digest" } else { "the digest of the orders received" };
    Some(format!("{what} is not that of the tape"))
}

/// That an end lost frames for lack of room, and the remedy, where its lane knows of any: what else is wrong may come of it.
fn dropped(who: &str, facts: &Facts) -> Option<String> {
    facts.get(DROPPED).map(|what| format!("for lack of room at the {who}, {what}"))
}

/// Everything that makes the attempt invalid, each in a line.
pub(super) fn reasons(finished: &Finished, achieved: PerSecond, intended: PerSecond) -> Vec<String> {
    let (c, exchange, trader) = (&finished.joined.counts, &finished.exchange, &finished.trader);
    let counted = [
        (c.skipped, "packets could not be sent"),
        (c.lost, "orders were lost"),
        (c.wrong, "orders had other bytes than expected"),
        (c.duplicate, "orders came twice"),
        (c.late, "orders were late"),
        (c.unexpected, "orders came that no tick had asked for"),
        (c.bad_stamps, "orders had stamps that contradict each other"),
        (exchange.overflowed, "arrivals found no room in the log"),
        (trader.gaps, "gaps were seen by the trader in the ticks' sequence numbers"),
        (trader.duplicates, "packets came to the trader twice"),
        (trader.malformed, "packets or messages could not be read by the trader"),
        (trader.unsent, "orders could not be sent for lack of room"),
        (trader.queue_full, "messages found no room in a queue between two of the trader's threads"),
    ];
    let mut reasons: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    for (who, broken) in [("exchange", &exchange.broken), ("trader", &trader.broken)] {
        reasons.extend(broken.iter().map(|b| format!("the {who} broke off: {b}")));
    }
    reasons.extend(finished.astray.iter().cloned());
    reasons.extend(
        trader.strayed.iter().map(|core| format!("a thread of the trader was put on core {core} and ended on another")),
    );
    if let Some(answers) = trader.answers.filter(|n| *n != trader.orders) {
        reasons.push(format!("{} orders were sent and {answers} answered", trader.orders));
    }
    if !reasons.is_empty() {
        reasons.extend(dropped("exchange", &exchange.facts).into_iter().chain(dropped("trader", &trader.facts)));
    }
    let off = off(achieved, intended);
    if off.is_nan() || off.abs() > RATE_TOLERANCE {
        reasons.push(format!(
            "the exchange could not keep its schedule: {:.0} packets/s instead of {:.0} ({:+.1} %)",
            achieved.0,
            intended.0,
            off * 100.0
        ));
    }
    reasons
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A trial of which nothing is to be said.
    pub(in crate::run) fn finished() -> Finished {
        let joined = Joined {
            counts: Default::default(),
            received_sha256: String::new(),
            schedule_error: Vec::new(),
            orders: Vec::new(),
            stages: HashMap::new(),
            legs: Vec::new(),
            counters_in_step: None,
            stamps: None,
            span: Default::default(),
        };
        Finished::from(joined)
    }

    #[test]
    fn memory_elsewhere_than_asked_for_is_a_reason() {
        let finished = Finished { astray: vec!["the trader's memory is elsewhere".to_owned()], ..finished() };
        assert_eq!(reasons(&finished, PerSecond(1.0), PerSecond(1.0)), finished.astray);
    }

    #[test]
    fn what_an_end_dropped_for_lack_of_room_explains_gaps_and_spoils_nothing_by_itself() {
        let mut finished = finished();
        finished.trader.facts.insert(DROPPED.to_owned(), "12 frames: more `descriptors`".to_owned());
        let of = |finished: &Finished| reasons(finished, PerSecond(1.0), PerSecond(1.0));
        assert_eq!(of(&finished), Vec::<String>::new(), "frames of others may be dropped too");
        finished.trader.gaps = 1;
        let said = of(&finished);
        assert!(said.len() == 2 && said[0].starts_with("1 gaps"), "{said:?}");
        assert_eq!(said[1], "for lack of room at the trader, 12 frames: more `descriptors`");
    }
}
