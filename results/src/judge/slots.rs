//! The repetitions that were planned, each with the attempt at it that counts.

use std::collections::BTreeMap;

use crate::certificate::{Cell, Repetition};

/// Of each repetition the attempt that counts: the valid one or, where none became valid, the last. The staged ones
/// stand apart, so that none of them can stand in for a plain one of the same number.
pub(super) fn counted(cell: &Cell) -> BTreeMap<(bool, u32), &Repetition> {
    let mut slots: BTreeMap<(bool, u32), &Repetition> = BTreeMap::new();
    for attempt in &cell.repetitions {
        let slot = slots.entry((attempt.staged, attempt.repetition)).or_insert(attempt);
        if !slot.valid || attempt.valid {
            *slot = attempt;
        }
    }
    slots
}

/// Why nothing about `cell` can pass, where a repetition of it never became valid or none is there at all: what made a
/// repetition invalid may be what a requirement is about, or may have left out the worst of the times.
pub(super) fn gap(cell: &Cell) -> Option<String> {
    let slots = counted(cell);
    let never: Vec<&Repetition> = slots.into_values().filter(|r| !r.valid).collect();
    let names = |more: &[&Repetition]| more.iter().map(|r| r.repetition.to_string()).collect::<Vec<_>>().join(", ");
    let gap = never.split_first().map(|(first, more)| {
        let reasons = match first.invalid_reasons.join("; ") {
            none if none.is_empty() => "no reason is given".to_owned(),
            some => some,
        };
        let rest = if more.is_empty() { String::new() } else { format!(" (nor did {})", names(more)) };
        format!("repetition {} never became valid{rest}: {reasons}", first.repetition)
    });
    if cell.valid().next().is_some() {
        return gap;
    }
    Some(gap.map_or_else(|| "no valid repetition".to_owned(), |gap| format!("no valid repetition; {gap}")))
}
