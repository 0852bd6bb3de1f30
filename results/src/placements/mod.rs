//! From the cells of several placements to a matrix: the penalty of each against the best, and the one to recommend, if the
//! intervals tell it apart from all others.
//!
//! The best is the one of the lowest median of `t2t_due`. It was chosen because its figures were low, so they flatter it: the
//! intervals of all penalties of a matrix hold together, and one that reaches 1 is a placement that can't be told apart.

mod commands;

use crate::{
    certificate::{Cell, Penalty, PlacementMatrix, PlacementRow, Recommendation},
    hist::{Histogram, count_f64},
    stats::{
        LEAST_REPETITIONS,
        bootstrap::{PooledRepetitions, Spread},
        ratio::ratio_interval,
    },
    time::Nanos,
};

const LEVELS: [f64; 2] = [0.5, 0.99];

/// One of each lane and load that was measured in several placements. Resampling is by `seed`.
#[must_use]
pub fn matrices(cells: &[Cell], seed: u64) -> Vec<PlacementMatrix> {
    let mut groups: Vec<Vec<&Cell>> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.placement.class.is_some()) {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| is_beside(first, cell))) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.iter().filter_map(|group| matrix(group, seed)).collect()
}

/// Whether two cells differ in nothing but their placement.
fn is_beside(a: &Cell, b: &Cell) -> bool {
    let rest = |c: &Cell| (c.title(), c.load.text.clone(), c.evidence, c.order_channel, c.handoff.clone());
    rest(a) == rest(b)
}

/// A cell, and how its quantiles spread over its repetitions.
struct Arm<'a> {
    cell: &'a Cell,
    spreads: Vec<Spread>,
    repetitions: usize,
}

impl<'a> Arm<'a> {
    fn new(cell: &'a Cell, seed: u64) -> Self {
        let read = |text: &String| Histogram::from_base64(text).ok();
        let all: Vec<Histogram> = cell.valid().filter_map(|r| read(&r.histograms.t2t_due)).collect();
        let spreads = PooledRepetitions::new(&all.iter().collect::<Vec<_>>()).resample(&LEVELS, seed);
        Self { cell, spreads, repetitions: all.len() }
    }

    const fn values(&self) -> [Option<Nanos>; 2] {
        let due = &self.cell.latency_ns.t2t_due;
        [due.p50, due.p99]
    }

    /// Against the best, one of so many.
    fn penalty(&self, best: &Self, which: usize, comparisons: usize) -> Option<Penalty> {
        let of = |arm: &Self| arm.values().get(which).copied().flatten().map(|v| count_f64(v.0.max(1)));
        let ratio = of(self)? / of(best)?;
        let spreads = self.spreads.get(which).zip(best.spreads.get(which));
        let ci95 = spreads.and_then(|(own, other)| ratio_interval(ratio.ln(), [own, other], comparisons));
        Some(Penalty { ratio, ci95 })
    }
}

fn matrix(cells: &[&Cell], seed: u64) -> Option<PlacementMatrix> {
    let first = cells.first()?;
    let arms: Vec<Arm<'_>> = cells.iter().map(|cell| Arm::new(cell, seed)).collect();
    let best = arms.iter().filter(|arm| arm.values()[0].is_some()).min_by_key(|arm| arm.values()[0]);
    // Of each other placement the median and the 99 %.
    let comparisons = LEVELS.len() * arms.len().saturating_sub(1);
    let rows: Vec<PlacementRow> = arms.iter().filter_map(|arm| row(arm, best, comparisons)).collect();
    let best = best.map(|arm| arm.cell);
    let (recommended, why) = judged(&rows, best);
    Some(PlacementMatrix {
        lane: first.title(),
        load: first.load.text.clone(),
        evidence: first.evidence,
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
    Some(PlacementRow {
        placement: placement.name.clone(),
        class: placement.class?,
        exchange_core: placement.exchange_core,
        trader_core: placement.trader_core,
        repetitions: u32::try_from(arm.repetitions).unwrap_or(u32::MAX),
        p50_ns,
        p99_ns,
        p50_penalty: penalty(0),
        p99_penalty: penalty(1),
    })
}

/// What is to be recommended, and why it or nothing is.
fn judged(rows: &[PlacementRow], best: Option<&Cell>) -> (Option<Recommendation>, String) {
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
    let why = format!("the whole interval of every other placement's median lies above that of {best}");
    (Some(commands::recommendation(&cell.placement)), why)
}

#[cfg(test)]
mod tests;
