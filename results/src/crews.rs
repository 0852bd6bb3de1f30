//! From the cells of several kinds of trader to their comparison: what it costs, or gains, to share the work out among threads.
//!
//! Held against the first row, one thread where there is one: chosen before anything was measured, so the level is shared out over
//! the rows only.

use crate::{
    arm::{Arm, LEVELS},
    certificate::{Cell, Certificate, CrewComparison, CrewRow, Handoff},
    evidence::Evidence,
};

/// One of each lane and load that was run with several kinds of trader. Resampling is by `seed`.
#[must_use]
pub fn comparisons(certificate: &Certificate, seed: u64) -> Vec<CrewComparison> {
    let mut groups: Vec<Vec<&Cell>> = Vec::new();
    for cell in &certificate.cells {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| is_beside(first, cell))) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.retain(|group| group.len() > 1 && group.iter().any(|cell| cell.handoff != Handoff::Inline));
    groups.into_iter().filter_map(|group| comparison(group, seed)).collect()
}

/// Whether two cells differ in nothing but how the trader's work is shared out, and what their numbers rest on.
fn is_beside(a: &Cell, b: &Cell) -> bool {
    let rest = |c: &Cell| {
        (c.whole_lane(), c.load.text.clone(), c.order_channel, c.placement.exchange_core, c.placement.trader_core)
    };
    rest(a) == rest(b)
}

fn comparison(mut cells: Vec<&Cell>, seed: u64) -> Option<CrewComparison> {
    cells.sort_by_key(|cell| cell.handoff != Handoff::Inline);
    let arms: Vec<Arm<'_>> = cells.iter().map(|cell| Arm::new(cell, seed)).collect();
    let (first, others) = arms.split_first()?;
    let comparisons = LEVELS.len() * others.len();
    let row = |arm: &Arm<'_>, against: Option<&Arm<'_>>| {
        let [p50_ns, p99_ns] = arm.values();
        let ratio = |which| against.and_then(|first| arm.penalty(first, which, comparisons));
        CrewRow {
            handoff: arm.cell.handoff.clone(),
            message_bytes: arm.cell.message_bytes(),
            trader_core: arm.cell.placement.trader_core,
            repetitions: u32::try_from(arm.repetitions).unwrap_or(u32::MAX),
            p50_ns,
            p99_ns,
            p50_ratio: ratio(0),
            p99_ratio: ratio(1),
        }
    };
    Some(CrewComparison {
        lane: first.cell.whole_lane(),
        load: first.cell.load.text.clone(),
        // Hardware stamps make times of the processor's clock no better.
        evidence: cells.iter().map(|cell| cell.evidence).min()?.min(Evidence::Software),
        rows: std::iter::once(row(first, None)).chain(others.iter().map(|arm| row(arm, Some(first)))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::example;

    /// The first lane of the example, and the same with a queue.
    fn with_queue() -> Certificate {
        let mut certificate = example::two_lanes();
        let mut cell = certificate.cells[0].clone();
        cell.handoff = Handoff::Queue {
            name: "rtrb".to_owned(),
            capacity: Some(4096),
            message_bytes: Some(64),
            decide_core: 2,
            send_core: 3,
        };
        // Before what it is held against.
        certificate.cells.insert(0, cell);
        certificate
    }

    #[test]
    fn one_thread_alone_is_no_comparison() {
        assert_eq!(comparisons(&example::two_lanes(), 1), []);
    }

    #[test]
    fn a_queue_is_held_against_one_thread_on_the_same_lane_under_the_same_load() {
        let certificate = with_queue();
        let found = comparisons(&certificate, 1);
        assert_eq!(found.len(), 1);
        let names: Vec<&str> = found[0].rows.iter().map(|row| row.handoff.name()).collect();
        assert_eq!(names, ["inline", "rtrb"]);
        assert_eq!((found[0].rows[0].p50_ratio, found[0].lane.clone()), (None, certificate.cells[1].whole_lane()));
        let ratio = found[0].rows[1].p50_ratio.unwrap();
        // The same samples on both sides.
        assert!((ratio.ratio - 1.0).abs() < 1e-9, "{ratio:?}");
        assert!(ratio.ci95.is_none_or(|[low, high]| low <= 1.0 && high >= 1.0), "{ratio:?}");
    }

    #[test]
    fn another_load_or_lane_is_not_beside_it() {
        let mut certificate = with_queue();
        certificate.cells[1].load.text.push_str(" and more");
        assert_eq!(comparisons(&certificate, 1), []);
    }
}
