//! From the cells of several placements to a matrix: the penalty of each against the best, and the one to recommend, if the
//! intervals tell it apart from all others.
//!
//! The best is the one of the lowest median of `t2t_due`. It was chosen because its figures were low, so they flatter it: the
//! level is shared out over every pair of placements that might have been held against each other, and an interval that reaches 1
//! is of a placement that can't be told apart.

mod commands;
mod doubt;

use crate::{
    arm::{Arm, LEVELS},
    certificate::{Cell, Certificate, PlacementMatrix, PlacementRow, Purpose, Recommendation},
    evidence::Evidence,
    stats::LEAST_REPETITIONS,
};

/// One of each lane and load that was measured in several placements, by the cells of a certificate and what is known of its run.
/// Resampling is by `seed`.
#[must_use]
pub fn matrices(certificate: &Certificate, seed: u64) -> Vec<PlacementMatrix> {
    let mut groups: Vec<Vec<&Cell>> = Vec::new();
    for cell in certificate.cells.iter().filter(|cell| cell.placement.class.is_some()) {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| is_beside(first, cell))) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    let of_run = doubt::of_run(certificate);
    groups.iter().filter_map(|group| matrix(group, seed, of_run.as_deref())).collect()
}

/// Whether two cells differ in nothing but their placement, and what their numbers rest on, which a placement may have cost.
fn is_beside(a: &Cell, b: &Cell) -> bool {
    let rest = |c: &Cell| (c.title(), c.load.text.clone(), c.order_channel, c.handoff.clone());
    rest(a) == rest(b)
}

fn matrix(cells: &[&Cell], seed: u64, of_run: Option<&str>) -> Option<PlacementMatrix> {
    let first = cells.first()?;
    let arms: Vec<Arm<'_>> = cells.iter().map(|cell| Arm::new(cell, seed)).collect();
    let best = arms.iter().filter(|arm| arm.values()[0].is_some()).min_by_key(|arm| arm.values()[0]);
    // Median and 99 % of every pair: which of them are made is known only when the best has been chosen by the same figures.
    let comparisons = LEVELS.len() * arms.len() * arms.len().saturating_sub(1) / 2;
    let rows: Vec<PlacementRow> = arms.iter().filter_map(|arm| row(arm, best, comparisons)).collect();
    let best = best.map(|arm| arm.cell);
    let (recommended, why) = judged(&rows, best, of_run);
    let weakest = cells.iter().map(|cell| cell.evidence).min()?;
    Some(PlacementMatrix {
        lane: first.title(),
        load: first.load.text.clone(),
        // Hardware stamps make times of the processor's clock no better.
        evidence: weakest.min(Evidence::Software),
        best: best.map(|cell| cell.placement.name.clone()),
        recommended,
        why,
        rows,
    })
}

fn row(arm: &Arm<'_>, best: Option<&Arm<'_>>, comparisons: usize) -> Option<PlacementRow> {
    let (placement, [p50_ns, p99_ns]) = (&arm.cell.placement, arm.values());
    let others = best.filter(|best| best.cell.placement.name != placement.name);
    let penalty = |which| others.and_then(|best| arm.penalty(best, which, comparisons));
    let attempts = arm.cell.repetitions.iter().filter(|r| r.purpose() == Purpose::Latency).count();
    Some(PlacementRow {
        placement: placement.name.clone(),
        class: placement.class?,
        exchange_core: placement.exchange_core,
        trader_core: placement.trader_core,
        repetitions: u32::try_from(arm.repetitions).unwrap_or(u32::MAX),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        exchange_nic_remote: exchange_is_far(arm.cell),
        p50_ns,
        p99_ns,
        p50_penalty: penalty(0),
        p99_penalty: penalty(1),
    })
}

/// Whether the exchange's core is on another node than its interface, where the lane crosses the interfaces.
fn exchange_is_far(cell: &Cell) -> bool {
    let crosses = cell.placement.class.is_some_and(|class| class.nic.is_some() || class.interrupts.is_some());
    let exchange = cell.placement.nodes.as_ref().filter(|_| crosses).map(|nodes| nodes.exchange);
    exchange.and_then(|end| Some(end.core? != end.interface?)).unwrap_or_default()
}

/// What is to be recommended, and why it or nothing is.
fn judged(rows: &[PlacementRow], best: Option<&Cell>, of_run: Option<&str>) -> (Option<Recommendation>, String) {
    let Some(cell) = best else { return (None, "no placement has a median: nothing can be said of them".to_owned()) };
    let best = &cell.placement.name;
    let others: Vec<&PlacementRow> = rows.iter().filter(|row| row.placement != *best).collect();
    if others.is_empty() {
        return (None, format!("{best} is the only placement that there is: there is nothing to choose"));
    }
    let names = |of: &dyn Fn(&PlacementRow) -> bool| -> Vec<&str> {
        others.iter().filter(|row| of(row)).map(|row| row.placement.as_str()).collect()
    };
    let interval = |row: &PlacementRow| row.p50_penalty.and_then(|p| p.ci95).is_some();
    let unknown = names(&|row| !interval(row));
    if !unknown.is_empty() {
        let why = format!(
            "{best} and {} can't be held against each other: an interval takes {LEAST_REPETITIONS} valid repetitions of each",
            unknown.join(", ")
        );
        return (None, why);
    }
    let alike = names(&|row| !row.p50_penalty.is_some_and(|p| p.is_longer()));
    if !alike.is_empty() {
        let why = format!(
            "the medians of {best} and {} can't be told apart: choose by something else, or measure with more repetitions",
            alike.join(", ")
        );
        return (None, why);
    }
    let shorter = names(&|row| row.p99_penalty.is_some_and(|p| p.is_shorter()));
    if !shorter.is_empty() {
        let why = format!(
            "{best} has the shortest median, but {} the shorter 99 %: choose by what matters more to you",
            shorter.join(", ")
        );
        return (None, why);
    }
    if let Some(why) = of_run.map(str::to_owned).or_else(|| doubt::of_best(cell)) {
        return (None, why);
    }
    let why = format!("the whole interval of every other placement's median lies above that of {best}");
    (Some(commands::recommendation(&cell.placement)), why + &far_exchanges(rows, best))
}

/// What a difference is in part about, where the exchange's way to its interface differs too: it is the instrument's.
fn far_exchanges(rows: &[PlacementRow], best: &str) -> String {
    let of_best = rows.iter().any(|row| row.placement == best && row.exchange_nic_remote);
    let otherwise: Vec<&str> =
        rows.iter().filter(|row| row.exchange_nic_remote != of_best).map(|row| row.placement.as_str()).collect();
    if otherwise.is_empty() {
        return String::new();
    }
    let which = if of_best { "near, and here far" } else { "far, and here near" };
    format!("; of {} the exchange's own NIC is {which}, which is part of the difference", otherwise.join(", "))
}

#[cfg(test)]
mod tests;
