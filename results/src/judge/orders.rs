//! Requirements on what became of the orders.
//!
//! Of each repetition one attempt counts: the valid one, or, where none became valid, the last. So an attempt that was
//! repeated with success does not spoil the result, and a system that loses orders in every attempt does not escape by
//! having no valid one. That it passes takes more: a valid attempt at every repetition, as for every other requirement
//! (`slots::gap`).

use super::{Bound, OrderFault, finding::Finding, ground::Ground, slots};
use crate::{
    certificate::{Cell, Counts, Repetition},
    hist::count_f64,
    verdict::Verdict,
};

/// The attempts that count, by repetition.
fn counted<'c>(cell: &'c Cell, ground: &Ground<'_>) -> Vec<&'c Repetition> {
    // An attempt that was broken off with the run lost nothing: its orders were not waited for.
    slots::counted(cell).into_values().filter(|r| r.valid || !ground.certificate.interrupted).collect()
}

const fn count(counts: &Counts, fault: OrderFault) -> u64 {
    match fault {
        OrderFault::Lost => counts.lost,
        OrderFault::Wrong => counts.wrong,
        OrderFault::Duplicate => counts.duplicate,
        OrderFault::Late => counts.late,
        OrderFault::Unexpected => counts.unexpected,
    }
}

const fn word(fault: OrderFault) -> &'static str {
    match fault {
        OrderFault::Lost => "lost",
        OrderFault::Wrong => "wrong",
        OrderFault::Duplicate => "duplicate",
        OrderFault::Late => "late",
        OrderFault::Unexpected => "unexpected",
    }
}

/// The counted attempts with the number of orders they expected, or why they prove nothing.
fn sound<'c>(cell: &'c Cell, ground: &Ground<'_>) -> Result<(Vec<&'c Repetition>, u64), String> {
    let counted = counted(cell, ground);
    if counted.is_empty() {
        return Err("no repetition was finished".to_owned());
    }
    if let Some(r) = counted.iter().find(|r| r.counts.expected_orders == 0) {
        return Err(format!("repetition {} expected no order, so it proves nothing about orders", r.repetition));
    }
    let short = |c: &Counts| c.received_orders.saturating_add(c.lost) < c.expected_orders;
    if let Some(r) = counted.iter().find(|r| short(&r.counts)) {
        return Err(format!("repetition {} does not account for all of its orders", r.repetition));
    }
    let expected = counted.iter().map(|r| r.counts.expected_orders).sum();
    Ok((counted, expected))
}

pub(super) fn fault(cell: &Cell, fault: OrderFault, bound: Bound, ground: &Ground<'_>) -> Finding {
    let (counted, expected) = match sound(cell, ground) {
        Ok(sound) => sound,
        Err(why) => return Finding::not_certifiable(why),
    };
    let Bound::Number(relation, limit) = bound else {
        return Finding::not_certifiable("the limit is not one for a count of orders");
    };
    let Some(worst) = counted.iter().max_by_key(|r| count(&r.counts, fault)) else {
        return Finding::not_certifiable("no repetition was finished");
    };
    let n = count(&worst.counts, fault);
    let word = word(fault);
    let all_hold = counted.iter().all(|r| relation.holds(count_f64(count(&r.counts, fault)), limit));
    let finding = if all_hold {
        let most = if n == 0 { "none" } else { "few enough" };
        Finding::new(Verdict::Pass, format!("{most} {word} of {expected} orders in {} repetitions", counted.len()))
    } else {
        Finding::new(
            Verdict::Fail,
            format!("{n} of {} orders {word} in repetition {}", worst.counts.expected_orders, worst.repetition),
        )
    };
    finding.with(count_f64(n), "count", expected)
}

pub(super) fn digest(cell: &Cell, ground: &Ground<'_>) -> Finding {
    let (counted, expected) = match sound(cell, ground) {
        Ok(sound) => sound,
        Err(why) => return Finding::not_certifiable(why),
    };
    if let Some(r) = counted.iter().find(|r| r.orders_sha256.is_empty() || r.expected_sha256.is_empty()) {
        return Finding::not_certifiable(format!("repetition {} has no digest of its orders", r.repetition));
    }
    match counted.iter().find(|r| r.orders_sha256 != r.expected_sha256) {
        Some(r) => Finding::new(
            Verdict::Fail,
            format!("the bytes of the orders of repetition {} are not those of the tape", r.repetition),
        ),
        None => Finding::new(
            Verdict::Pass,
            format!("all {expected} orders of {} repetitions are byte for byte those of the tape", counted.len()),
        ),
    }
}
