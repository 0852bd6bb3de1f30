//! What makes an attempt invalid.

use tickcert_results::time::{Nanos, PerSecond};
use tickcert_scenarios::load::Schedule;

use super::{join::Joined, trial::Finished};

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
    ];
    let mut reasons: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    for (who, broken) in [("exchange", &exchange.broken), ("trader", &trader.broken)] {
        reasons.extend(broken.iter().map(|b| format!("the {who} broke off: {b}")));
    }
    if let Some(answers) = trader.answers.filter(|n| *n != trader.orders) {
        reasons.push(format!("{} orders were sent and {answers} answered", trader.orders));
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
