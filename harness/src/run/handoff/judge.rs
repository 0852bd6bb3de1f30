//! From what the threads wrote to a repetition: does it count, and what are its distributions.

use anyhow::Result;
use sha2::{Digest as _, Sha256};
use tickcert_results::{
    certificate::HandoffRepetition,
    hist::Histogram,
    stats::{
        summarise,
        warm_up::{self, WarmUpRule},
    },
    time::{Nanos, TickScale, TickSpan},
};
use tickcert_scenarios::{digest::hex, load::Schedule, tape::Tape};

use super::{
    logs::{Made, Span, Taken},
    others::Done,
    preempt::Preempted,
    trial::Finished,
};
use crate::run::validity::RATE_TOLERANCE;

/// The distributions of a repetition.
pub(super) struct Distributions {
    pub(super) taken_due: Histogram,
    pub(super) order_due: Histogram,
    pub(super) order_sent: Histogram,
    pub(super) hand_off: Histogram,
    pub(super) push: Histogram,
    pub(super) schedule_error: Histogram,
    pub(super) decode: Histogram,
    pub(super) decide: Histogram,
    pub(super) order_hand_off: Histogram,
}

/// Which repetition it is.
#[derive(Clone, Copy)]
pub(super) struct Which {
    pub(super) repetition: u32,
    pub(super) position: u32,
    pub(super) has_queue: bool,
    /// Putting in that takes so long has stood still. Only where the core was to be taken away.
    pub(super) stall: Option<Nanos>,
}

/// An order's way.
struct Order {
    packet: u32,
    due: Nanos,
    order_due: Nanos,
    order_sent: Nanos,
    decode: Nanos,
    hand_off: Nanos,
    decide: Nanos,
}

/// The record of a trial, and its distributions.
pub(super) fn judge(
    which: Which,
    finished: &Finished,
    tape: &Tape,
    schedule: &Schedule,
    scale: TickScale,
) -> Result<(HandoffRepetition, Distributions)> {
    let sent = schedule.due().len();
    let mut contradicting = 0;
    let orders: Vec<Order> = (finished.decided.made.entries().iter())
        .filter_map(|made| {
            let order = way(made, finished, schedule, scale);
            contradicting += u64::from(order.is_none());
            order
        })
        .collect();
    let end = warm_up::find(&orders, |o| o.order_sent, |o| o.due, WarmUpRule::default());
    let kept = orders.get(end.first_kept..).unwrap_or_default();
    let first = kept.first().map_or(u32::MAX, |order| order.packet);
    let of = |part: fn(&Order) -> Nanos| Histogram::of(kept.iter().map(part));
    let mut messages = Messages { finished, schedule, scale, first, contradicting: &mut contradicting };
    let all = Distributions {
        taken_due: messages.taken(|taken, due| taken.popped.raw().wrapping_sub(due))?,
        hand_off: messages.taken(|taken, _| taken.popped.raw().wrapping_sub(taken.pushed.raw()))?,
        push: if which.has_queue { messages.pushes()? } else { Histogram::new()? },
        schedule_error: messages.schedule_error()?,
        order_due: of(|o| o.order_due)?,
        order_sent: of(|o| o.order_sent)?,
        decode: of(|o| o.decode)?,
        decide: of(|o| o.decide)?,
        order_hand_off: of(|o| o.hand_off)?,
    };
    let expected = tape.expected_digest(sent);
    let received = hex(&Sha256::digest(&finished.decided.bytes));
    let mut reasons = reasons(finished, contradicting, which.stall.is_some());
    let (made, wanted) = (finished.decided.made.entries().len(), tape.expected(sent).len());
    if received != expected {
        reasons.push(format!("{made} orders came of it instead of {wanted}, or others, or in another order: their digest is not that of the tape"));
    }
    reasons.extend(rate_reason(&finished.decoded.sent, schedule, scale));
    if kept.is_empty() {
        reasons.push("no order was left to measure after the warm-up".to_owned());
    }
    let quantiles = |histogram: &Histogram| summarise::quantiles(&[histogram], 0);
    let record = HandoffRepetition {
        repetition: which.repetition,
        position: which.position,
        valid: reasons.is_empty(),
        invalid_reasons: reasons,
        messages: finished.decoded.messages,
        full: full(finished),
        orders: made as u64,
        orders_sha256: received,
        expected_sha256: expected,
        of_others: finished.others.iter().map(|other| other.messages).collect(),
        preemptions: finished.preempted.times,
        stalled_pushes: which
            .stall
            .filter(|_| which.has_queue)
            .map_or(0, |stall| stalled(finished.decoded.pushes.entries(), scale.ticks(stall))),
        involuntary_switches: finished.usage.iter().map(|usage| usage.involuntary_switches).sum(),
        allocator_calls: finished.usage.iter().map(|usage| usage.allocator_calls).sum(),
        warm_up_orders: end.first_kept as u64,
        taken_due_ns: quantiles(&all.taken_due)?,
        order_due_ns: quantiles(&all.order_due)?,
        hand_off_ns: quantiles(&all.hand_off)?,
    };
    Ok((record, all))
}

/// What was measured of each message, or tick, that is not warm-up.
struct Messages<'a> {
    finished: &'a Finished,
    schedule: &'a Schedule,
    scale: TickScale,
    /// The first tick that counts.
    first: u32,
    /// Spans that run backwards.
    contradicting: &'a mut u64,
}

impl Messages<'_> {
    /// A span in ticks of each message that was taken out, from what is known of it and when its tick was due.
    fn taken(&mut self, span: fn(&Taken, u64) -> u64) -> Result<Histogram> {
        let Self { finished, schedule, scale, first, .. } = *self;
        let (base, due) = (finished.decoded.base.raw(), schedule.due());
        let kept = finished.decided.crossed.entries().iter().filter(|taken| taken.packet >= first);
        self.of(kept.map(|taken| {
            let due = due.get(taken.packet as usize)?;
            scale.ns(TickSpan(span(taken, base + scale.ticks(*due)).cast_signed()))
        }))
    }

    fn pushes(&mut self) -> Result<Histogram> {
        let Self { finished, scale, first, .. } = *self;
        let kept = finished.decoded.pushes.entries().iter().filter(|span| span.packet >= first);
        self.of(kept.map(|span| scale.ns(span.ticks)))
    }

    /// From when each tick was due until it was decoded.
    fn schedule_error(&mut self) -> Result<Histogram> {
        let Self { finished, schedule, scale, first, .. } = *self;
        let base = finished.decoded.base.raw();
        let ticks = finished.decoded.sent.iter().zip(schedule.due()).skip(first as usize);
        let span = |sent: &u64, due: &Nanos| sent.wrapping_sub(base + scale.ticks(*due)).cast_signed();
        self.of(ticks.map(|(sent, due)| scale.ns(TickSpan(span(sent, due)))))
    }

    fn of(&mut self, spans: impl Iterator<Item = Option<Nanos>>) -> Result<Histogram> {
        let contradicting = &mut *self.contradicting;
        let counted = spans.filter_map(|ns| {
            *contradicting += u64::from(ns.is_none());
            ns
        });
        Ok(Histogram::of(counted)?)
    }
}

/// `None` where its stamps contradict each other.
fn way(made: &Made, finished: &Finished, schedule: &Schedule, scale: TickScale) -> Option<Order> {
    let packet = made.packet as usize;
    let due = *schedule.due().get(packet)?;
    let sent = *finished.decoded.sent.get(packet)?;
    let since = |later: u64, earlier: u64| scale.ns(TickSpan(later.wrapping_sub(earlier).cast_signed()));
    Some(Order {
        packet: made.packet,
        due,
        order_due: since(made.done.raw(), finished.decoded.base.raw() + scale.ticks(due))?,
        order_sent: since(made.done.raw(), sent)?,
        decode: since(made.pushed.raw(), sent)?,
        hand_off: since(made.popped.raw(), made.pushed.raw())?,
        decide: since(made.done.raw(), made.popped.raw())?,
    })
}

/// Messages whose putting in took `ticks` or longer.
fn stalled(pushes: &[Span], ticks: u64) -> u64 {
    pushes.iter().filter(|span| u64::try_from(span.ticks.0).is_ok_and(|took| took >= ticks)).count() as u64
}

fn full(finished: &Finished) -> u64 {
    finished.decoded.full + finished.others.iter().map(|other| other.full).sum::<u64>()
}

/// Everything that makes the trial invalid but digest and rate, each in a line.
fn reasons(finished: &Finished, contradicting: u64, preempting: bool) -> Vec<String> {
    let (decoded, decided) = (&finished.decoded, &finished.decided);
    let taken = decided.crossed.entries().len() as u64 + decided.crossed.overflowed();
    let put_in = decoded.messages - decoded.full;
    let of_others: u64 = finished.others.iter().map(|other| other.messages).sum();
    let counted = [
        (full(finished), "messages found the queue full and were dropped"),
        (put_in.abs_diff(taken), "messages of the tape were lost in the queue, or came twice"),
        (of_others.abs_diff(decided.of_others.iter().sum()), "messages of other producers were lost, or came twice"),
        (decided.out_of_order, "messages of other producers came in another order"),
        (decoded.unreadable, "ticks or messages could not be read"),
        (contradicting, "spans run backwards: the counters of the two cores are out of step"),
        (decided.overflowed + decided.made.overflowed(), "orders found no room in the log"),
        (decided.crossed.overflowed() + decoded.pushes.overflowed(), "messages found no room in the log"),
    ];
    let mut reasons: Vec<String> =
        counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    reasons.extend(finished.strayed.iter().map(|core| {
        format!("core {core} could not be kept to the end: it was taken off line, or out of this process's cpuset")
    }));
    reasons.extend((1..).zip(&finished.others).filter_map(|(number, other)| pace_reason(number, other)));
    if preempting {
        reasons.extend(preemption_reason(finished.preempted));
    }
    reasons
}

/// That another producer kept the queue less busy than was meant.
#[expect(clippy::cast_precision_loss, reason = "a share for comparison within a percent")]
fn pace_reason(number: u32, other: &Done) -> Option<String> {
    let off = (other.messages + other.full) as f64 / other.due.max(1) as f64 - 1.0;
    (off.abs() > RATE_TOLERANCE)
        .then(|| format!("other producer {number} could not put in at its rate: {:+.1} %", off * 100.0))
}

/// That the core was not taken away as it was to be.
fn preemption_reason(preempted: Preempted) -> Option<String> {
    let Preempted { times, overlong } = preempted;
    if times == 0 {
        return Some(
            "the core was to be taken away and never was: no real-time priority, or a repetition shorter than the pause"
                .to_owned(),
        );
    }
    (overlong * 2 > times).then(|| {
        format!("the core was away for half as long again as was meant, or longer, {overlong} times of {times}")
    })
}

/// That the ticks didn't leave at the rate that was meant.
#[expect(clippy::cast_precision_loss, reason = "a share for comparison within a percent")]
fn rate_reason(sent: &[u64], schedule: &Schedule, scale: TickScale) -> Option<String> {
    let (first, last) = (*sent.first()?, *sent.last()?);
    let took = scale.ns(TickSpan(last.wrapping_sub(first).cast_signed()))?.get() as f64;
    let meant = schedule.duration().saturating_sub(*schedule.due().first()?).get() as f64;
    let off = meant / took.max(1.0) - 1.0;
    (meant > 0.0 && off.abs() > RATE_TOLERANCE)
        .then(|| format!("the ticks could not be decoded at their rate: {:+.1} %", off * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn putting_in_has_stood_still_from_the_length_on_and_never_where_the_counter_ran_backwards() {
        let pushes = [5, 99, 100, 101, 4_000, -200].map(|ticks| Span { packet: 0, ticks: TickSpan(ticks) });
        assert_eq!((stalled(&pushes, 100), stalled(&pushes, 4_001), stalled(&[], 1)), (3, 0, 0));
    }

    #[test]
    fn a_core_that_was_never_taken_away_or_mostly_for_too_long_makes_the_repetition_invalid() {
        let reason = |times, overlong| preemption_reason(Preempted { times, overlong });
        assert!(reason(0, 0).unwrap().starts_with("the core was to be taken away and never was"));
        assert_eq!((reason(1, 0), reason(10, 5)), (None, None));
        assert!(reason(10, 6).unwrap().ends_with("6 times of 10"));
    }

    #[test]
    fn a_producer_more_than_a_percent_off_its_rate_makes_the_repetition_invalid_and_a_full_queue_is_not_its_fault() {
        let done = |messages, full, due| Done { messages, full, due, strayed: None };
        assert_eq!(pace_reason(1, &done(991, 0, 1_000)), None);
        assert_eq!(pace_reason(1, &done(500, 500, 1_000)), None);
        let reason = pace_reason(2, &done(900, 0, 1_000)).unwrap();
        assert_eq!(reason, "other producer 2 could not put in at its rate: -10.0 %");
    }
}
