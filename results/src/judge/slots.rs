//! The repetitions that were planned, each with the attempt at it that counts.

use std::collections::BTreeMap;

use crate::certificate::{Cell, Purpose, Repetition};

/// By what it is for, and its number.
type Slots<'a> = BTreeMap<(Purpose, u32), &'a Repetition>;

/// Of each repetition the attempt that counts: the valid one or, where none became valid, the last. Those for
/// the stages and for the cost of stamps stand apart, so that none of them can stand in for a plain one of the same number.
pub(super) fn counted(cell: &Cell) -> Slots<'_> {
    let mut slots = Slots::new();
    for attempt in &cell.repetitions {
        let slot = slots.entry((attempt.purpose(), attempt.repetition)).or_insert(attempt);
        if !slot.valid || attempt.valid {
            *slot = attempt;
        }
    }
    slots
}

/// Why nothing about `cell` can pass, where a repetition that was planned never became valid or was never attempted:
/// what made a repetition invalid may be what a requirement is about, or may have left out the worst of the times, and
/// so may the one that isn't there.
pub(super) fn gap(cell: &Cell) -> Option<String> {
    let slots = counted(cell);
    let none_valid = cell.valid().next().is_none().then(|| "no valid repetition".to_owned());
    let gaps: Vec<String> =
        none_valid.into_iter().chain(never_valid(&slots)).chain(never_attempted(cell, &slots)).collect();
    (!gaps.is_empty()).then(|| gaps.join("; "))
}

fn never_valid(slots: &Slots<'_>) -> Option<String> {
    let never: Vec<&Repetition> = slots.values().copied().filter(|r| !r.valid).collect();
    let names = |more: &[&Repetition]| more.iter().map(|r| r.repetition.to_string()).collect::<Vec<_>>().join(", ");
    let (first, more) = never.split_first()?;
    let reasons = match first.invalid_reasons.join("; ") {
        none if none.is_empty() => "no reason is given".to_owned(),
        some => some,
    };
    let rest = if more.is_empty() { String::new() } else { format!(" (nor did {})", names(more)) };
    Some(format!("repetition {} never became valid{rest}: {reasons}", first.repetition))
}

fn never_attempted(cell: &Cell, slots: &Slots<'_>) -> Option<String> {
    let Some(planned) = cell.planned else {
        return Some("how many repetitions were planned is not recorded".to_owned());
    };
    let attempted = |purpose| slots.keys().filter(|slot| slot.0 == purpose).count();
    let short = |planned: u32, purpose, what: &str| {
        let missing = (planned as usize).checked_sub(attempted(purpose)).filter(|n| *n > 0)?;
        Some(format!("{missing} of {planned} {what} planned were never attempted"))
    };
    let parts = [
        short(planned.repetitions, Purpose::Latency, "repetitions"),
        short(planned.staged, Purpose::Stages, "staged repetitions"),
        short(planned.unstamped, Purpose::Cost, "repetitions without stamps"),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}
