//! From the repetitions of all hand-offs to their comparison.

use std::collections::BTreeMap;

use anyhow::Result;
use tickcert_results::{
    certificate::{CounterOffset, HandoffCell, HandoffComparison, HandoffRepetition, HeldUp, Quantiles},
    compare::{Pairing, ValueComparison, compare_values},
    hist::Histogram,
    stats::summarise::quantiles,
};
use tickcert_scenarios::load::Schedule;

use super::{Cell, Order, judge::Distributions};

/// The hand-off that the others are held against, where it was measured.
const REFERENCE: &str = "rtrb";
/// Quantiles whose ratios are given.
const RATIOS: [&str; 3] = ["p50", "p99", "p99_9"];

/// The comparison.
pub(super) fn of(
    order: &Order<'_>,
    schedule: &Schedule,
    counter_offset: Option<CounterOffset>,
    cells: Vec<Cell>,
) -> Result<HandoffComparison> {
    let mut cells = cells.into_iter().map(|cell| summed_up(cell, order.seed)).collect::<Result<Vec<_>>>()?;
    let reference = reference(&cells);
    if let Some(against) = reference.and_then(|at| cells.get(at)).map(|cell| cell.repetitions.clone()) {
        // Against itself there is nothing to tell.
        for (_, cell) in cells.iter_mut().enumerate().filter(|(at, _)| Some(*at) != reference) {
            cell.ratios = ratios(&against, &cell.repetitions);
        }
    }
    let (evidence, evidence_why) = order.evidence();
    let spec = order.spec;
    Ok(HandoffComparison {
        evidence,
        evidence_why,
        decode_core: order.cores.0,
        decide_core: order.cores.1,
        counter_offset,
        load: order.load().describe(schedule),
        capacity: spec.capacity as u64,
        message_bytes: spec.message_size.bytes(),
        producers: spec.producers,
        shared_cores: spec.share_cores && spec.producers > 1,
        preemption: order.preemption(),
        reference: reference.and_then(|at| cells.get(at)).map(|cell| cell.name.clone()),
        cells,
    })
}

fn summed_up(cell: Cell, seed: u64) -> Result<HandoffCell> {
    let of = |part: fn(&Distributions) -> &Histogram| -> Result<Quantiles> {
        Ok(quantiles(&cell.distributions.iter().map(part).collect::<Vec<_>>(), seed)?)
    };
    let about = cell.handoff.about();
    let stages =
        [("decode", of(|d| &d.decode)?), ("hand-off", of(|d| &d.order_hand_off)?), ("decide", of(|d| &d.decide)?)];
    Ok(HandoffCell {
        name: cell.handoff.name(),
        summary: cell.handoff.summary(),
        held_up: about.map_or(HeldUp::Nobody, |about| about.held_up),
        allocates: about.is_some_and(|about| about.allocates),
        bounded: about.is_some_and(|about| about.bounded),
        taken_due_ns: of(|d| &d.taken_due)?,
        order_due_ns: of(|d| &d.order_due)?,
        order_sent_ns: of(|d| &d.order_sent)?,
        hand_off_ns: of(|d| &d.hand_off)?,
        push_ns: of(|d| &d.push)?,
        schedule_error_ns: of(|d| &d.schedule_error)?,
        stages: stages.into_iter().map(|(name, q)| (name.to_owned(), q)).collect(),
        ratios: BTreeMap::new(),
        repetitions: cell.repetitions,
    })
}

/// The usual one, else the queue with the shortest median, else whatever ran.
fn reference(cells: &[HandoffCell]) -> Option<usize> {
    let measured = || cells.iter().enumerate().filter(|(_, cell)| cell.valid() > 0);
    let usual = measured().find(|(_, cell)| cell.name == REFERENCE);
    let queues = || measured().filter(|(_, cell)| !cell.push_ns.n.eq(&0));
    usual
        .or_else(|| queues().min_by_key(|(_, cell)| cell.taken_due_ns.p50))
        .or_else(|| measured().next())
        .map(|(at, _)| at)
}

/// One distribution of a repetition.
type Part = fn(&HandoffRepetition) -> &Quantiles;

/// Of the repetitions' quantiles, those of `b` over those of `a`.
fn ratios(a: &[HandoffRepetition], b: &[HandoffRepetition]) -> BTreeMap<String, ValueComparison> {
    let mut all = BTreeMap::new();
    let parts: [(&str, Part); 3] =
        [("taken_due", |r| &r.taken_due_ns), ("hand_off", |r| &r.hand_off_ns), ("order_due", |r| &r.order_due_ns)];
    for (part, get) in parts {
        for name in RATIOS {
            let Some((a, b)) = values(a, get, name).zip(values(b, get, name)) else { continue };
            if let Ok(comparison) = compare_values(&a, &b, Pairing::Independent) {
                all.insert(format!("{part}.{name}"), comparison);
            }
        }
    }
    all
}

/// A quantile of each valid repetition; `None` where one has too few samples for it.
#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 ns")]
fn values(repetitions: &[HandoffRepetition], get: Part, name: &str) -> Option<Vec<f64>> {
    let valid = repetitions.iter().filter(|repetition| repetition.valid);
    valid.map(|repetition| get(repetition).by_name(name).map(|ns| ns.get() as f64)).collect()
}
