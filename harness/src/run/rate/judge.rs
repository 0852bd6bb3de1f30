//! Whether a trial of a search held, and what stood in the way if not.

use tickcert_results::certificate::{RateLimit, RateTrial};
use tickcert_scenarios::{load::Schedule, tape::Tape};

use super::lag::Lag;
use crate::run::{
    repetition::schedule_error,
    trial::Finished,
    validity::{self, RATE_TOLERANCE},
};

/// What a trial is judged by.
struct Signs {
    /// The exchange sent less than it should have.
    short: bool,
    /// The lane had no room, at least once.
    full: bool,
    /// Packets were never sent.
    skipped: bool,
    /// Ticks or orders were lost, late or held up at the trader's end.
    trader_failed: bool,
    /// Anything at all speaks against the trial.
    against: bool,
}

/// The record of a trial that gave samples.
pub(super) fn judge(finished: &Finished, tape: &Tape, schedule: &Schedule) -> RateTrial {
    let joined = &finished.joined;
    let (achieved, intended) = validity::rates(joined, schedule);
    let mut why = validity::reasons(finished, achieved, intended);
    let (c, trader) = (&joined.counts, &finished.trader);
    if c.lost == 0 {
        why.extend(validity::digest_reason(joined, &tape.expected(schedule.due().len()).digest()));
    }
    let lag = Lag::of(&joined.orders);
    let backlog = lag.filter(Lag::shows_backlog);
    why.extend(backlog.map(|lag| lag.to_string()));
    let signs = Signs {
        short: validity::off(achieved, intended) < -RATE_TOLERANCE,
        full: finished.exchange.full > 0,
        skipped: c.skipped > 0,
        trader_failed: c.lost + c.late + trader.gaps + trader.unsent > 0 || backlog.is_some(),
        against: !why.is_empty(),
    };
    RateTrial {
        intended_pps: intended,
        achieved_pps: achieved,
        packets_sent: c.sent,
        held: !signs.against,
        limited_by: limit(&signs),
        why,
        lag_growth_ns: lag.map(|l| l.growth_ns),
        schedule_error_p99_ns: schedule_error(&joined.schedule_error).p99,
    }
}

/// Who stood in the way. A trader that fails at what the exchange did send is the limit, even if the exchange fell
/// short too; an exchange that fell short for want of room was held up by the lane and whoever empties it.
fn limit(signs: &Signs) -> Option<RateLimit> {
    let limit = match signs {
        Signs { against: false, .. } => return None,
        Signs { trader_failed: true, skipped: false, .. } => RateLimit::Trader,
        Signs { skipped: true, .. } | Signs { short: true, full: true, .. } => RateLimit::Lane,
        Signs { short: true, .. } => RateLimit::Exchange,
        _ => RateLimit::Fault,
    };
    Some(limit)
}

/// What the trials at the lowest rate that failed say together, and the reason of the last of them that says so.
pub(super) fn verdict<'t>(failed: impl Iterator<Item = &'t RateTrial>) -> (RateLimit, String) {
    let mut found: Option<(RateLimit, String)> = None;
    for trial in failed.filter(|t| !t.held) {
        let limit = trial.limited_by.unwrap_or(RateLimit::Fault);
        let before = found.as_ref().map(|(before, _)| *before);
        // A fault says nothing about rates where another trial does.
        if limit == RateLimit::Fault && before.is_some() {
            continue;
        }
        found = Some((before.map_or(limit, |before| together(before, limit)), trial.why.join("; ")));
    }
    found.unwrap_or((RateLimit::Search, "nothing stood in the way".to_owned()))
}

/// Lane and trader are the system under test, whichever of them it was; only the exchange is not.
fn together(before: RateLimit, now: RateLimit) -> RateLimit {
    match (before, now) {
        (RateLimit::Both, _)
        | (RateLimit::Exchange, RateLimit::Trader | RateLimit::Lane)
        | (RateLimit::Trader | RateLimit::Lane, RateLimit::Exchange) => RateLimit::Both,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use tickcert_results::time::{Nanos, PerSecond};

    use super::*;

    fn signs(short: bool, full: bool, skipped: bool, trader_failed: bool) -> Signs {
        Signs { short, full, skipped, trader_failed, against: short || skipped || trader_failed }
    }

    #[test]
    fn the_limit_is_the_one_that_would_have_to_be_faster() {
        assert_eq!(limit(&signs(false, false, false, false)), None);
        assert_eq!(limit(&signs(false, true, false, false)), None, "a full ring that was waited for costs nothing");
        assert_eq!(limit(&signs(true, false, false, false)), Some(RateLimit::Exchange));
        assert_eq!(limit(&signs(true, true, false, false)), Some(RateLimit::Lane));
        assert_eq!(limit(&signs(false, true, true, true)), Some(RateLimit::Lane), "what was not sent can't arrive");
        assert_eq!(limit(&signs(false, false, false, true)), Some(RateLimit::Trader));
        assert_eq!(limit(&signs(true, false, false, true)), Some(RateLimit::Trader));
        assert_eq!(limit(&Signs { against: true, ..signs(false, false, false, false) }), Some(RateLimit::Fault));
    }

    #[test]
    fn trials_that_disagree_about_the_limit_are_not_made_to_agree() {
        let trial = |limited_by: Option<RateLimit>, why: &str| RateTrial {
            intended_pps: PerSecond(1.0),
            achieved_pps: PerSecond(1.0),
            packets_sent: 1,
            held: limited_by.is_none(),
            limited_by,
            why: vec![why.to_owned()],
            lag_growth_ns: None,
            schedule_error_p99_ns: Nanos::ZERO,
        };
        let (held, trader) = (trial(None, ""), trial(Some(RateLimit::Trader), "lost"));
        let exchange = trial(Some(RateLimit::Exchange), "late");
        assert_eq!(verdict([&held, &trader].into_iter()), (RateLimit::Trader, "lost".to_owned()));
        assert_eq!(verdict([&trader, &held, &exchange].into_iter()), (RateLimit::Both, "late".to_owned()));
        assert_eq!(verdict([&held].into_iter()).0, RateLimit::Search);
        let (lane, fault) = (trial(Some(RateLimit::Lane), "full"), trial(Some(RateLimit::Fault), "broke"));
        assert_eq!(verdict([&exchange, &lane].into_iter()), (RateLimit::Both, "full".to_owned()));
        assert_eq!(verdict([&exchange, &lane, &trader].into_iter()).0, RateLimit::Both);
        assert_eq!(verdict([&trader, &lane].into_iter()), (RateLimit::Lane, "full".to_owned()), "either is the system");
        for both in [[&fault, &trader], [&trader, &fault]] {
            assert_eq!(verdict(both.into_iter()), (RateLimit::Trader, "lost".to_owned()), "a fault gives way");
        }
        assert_eq!(verdict([&fault, &fault].into_iter()), (RateLimit::Fault, "broke".to_owned()));
    }
}
