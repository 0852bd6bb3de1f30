//! Why the shortest of all placements is not to be recommended all the same.

use crate::{
    certificate::{Cell, Certificate, Purpose, Repetition},
    judge::invalid_clock,
};

/// Of the whole run: it was broken off, so that not all was measured in turn, or its clock is none.
pub(super) fn of_run(certificate: &Certificate) -> Option<String> {
    let broken_off = certificate.interrupted.then(|| "the run was broken off: repeat it to its end".to_owned());
    broken_off.or_else(|| invalid_clock(certificate))
}

/// Of the best placement: orders went astray in it, or it has fewer valid repetitions than were planned, so that those that are
/// left may be its better ones.
pub(super) fn of_best(cell: &Cell) -> Option<String> {
    let name = &cell.placement.name;
    let faulty = |r: &&Repetition| {
        !r.valid && r.purpose() == Purpose::Latency && r.counts.lost + r.counts.wrong + r.counts.late > 0
    };
    let count = cell.repetitions.iter().filter(faulty).count();
    if count > 0 {
        return Some(format!(
            "{name} has the shortest median, and in {count} of its attempts orders were lost, wrong or late: see why in its cell"
        ));
    }
    let (valid, planned) = (cell.valid().count(), cell.planned?.repetitions);
    let short = usize::try_from(planned).is_ok_and(|planned| valid < planned);
    short.then(|| {
        format!(
            "{name} has the shortest median, and only {valid} of {planned} repetitions are valid: see why in its cell"
        )
    })
}
