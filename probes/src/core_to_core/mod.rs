//! How long a cache line takes from each core to each other one.
//!
//! Two threads on two cores write one line in turn, each by compare-and-swap as soon as it sees the other's write, and one of
//! them takes the time of some hundred rounds. Half of a round is one way: the line, with the right to write it, goes over.
//! This is what a spin lock costs, or a flag that both sides write; a ring whose reader only looks takes two lines for it.

mod bounce;

use tickcert_results::{
    certificate::{CoreMatrix, LineLatency},
    time::{Nanos, TickScale},
};

use crate::pair::{self, PairError};

/// The least and the most time that one pair is measured for.
const SHORTEST: Nanos = Nanos::MILLI;
const LONGEST: Nanos = Nanos(250_000_000);
/// A pair that hasn't its fewest samples by then is given up: between two cores they take some hundred microseconds.
const GIVEN_UP_AFTER: Nanos = Nanos::SECOND;

/// Measures every two of `cores` within about `limit` (or a millisecond for each pair, if that is more). A pair that could
/// not be measured is in the second list; the others go on, until `is_over` says so. Pairs that were not begun by then are in neither.
#[must_use]
pub fn measure(
    cores: &[u32],
    limit: Nanos,
    scale: TickScale,
    is_over: &dyn Fn() -> bool,
) -> (CoreMatrix, Vec<([u32; 2], PairError)>) {
    let number = u64::try_from(pair::of(cores).count()).unwrap_or(u64::MAX);
    let each = Nanos(limit.get() / number.max(1)).clamp(SHORTEST, LONGEST);
    let (mut pairs, mut failed) = (Vec::new(), Vec::new());
    for two in pair::of(cores).take_while(|_| !is_over()) {
        match one_pair(two, each, scale) {
            Ok(found) => pairs.push(found),
            Err(e) => failed.push((two, e)),
        }
    }
    (CoreMatrix::new(cores, pairs), failed)
}

/// Measures one pair for about `duration`.
///
/// # Errors
/// [`PairError`].
pub fn one_pair(cores: [u32; 2], duration: Nanos, scale: TickScale) -> Result<LineLatency, PairError> {
    let samples = bounce::samples(cores, scale.ticks(duration), scale.ticks(duration + GIVEN_UP_AFTER))?;
    Ok(bounce::summary(cores, samples, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::tests::two_cores;

    fn pair(cores: [u32; 2], one_way_ns: f64) -> LineLatency {
        LineLatency { cores, one_way_ns, min_ns: 1.0, p90_ns: 1.0, samples: 1, round_trips: 1 }
    }

    #[test]
    fn a_matrix_is_symmetric_and_has_nothing_on_the_diagonal_or_for_a_pair_that_failed() {
        let matrix = CoreMatrix::new(&[2, 5, 7], vec![pair([2, 5], 30.0), pair([5, 7], 80.0)]);
        assert_eq!(
            matrix.one_way_ns,
            [[None, Some(30.0), None], [Some(30.0), None, Some(80.0)], [None, Some(80.0), None]]
        );
    }

    #[test]
    fn all_pairs_of_this_host_are_measured_and_a_line_never_takes_no_time() {
        let Some(cores) = two_cores() else { return };
        let (matrix, failed) = measure(&cores, Nanos::MILLI * 50, TickScale::from_hz(2.5e9), &|| false);
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(matrix.pairs.len(), 1);
        for (row, line) in matrix.one_way_ns.iter().enumerate() {
            for (column, found) in line.iter().enumerate() {
                assert_eq!(*found, matrix.one_way_ns[column][row]);
                assert_eq!(found.is_none(), row == column);
                assert!(found.is_none_or(|ns| ns > 0.0));
            }
        }
        let pair = matrix.pairs[0];
        assert!(pair.min_ns > 0.0 && pair.min_ns <= pair.one_way_ns && pair.one_way_ns <= pair.p90_ns, "{pair:?}");
    }

    #[test]
    fn what_is_over_is_not_begun() {
        let (matrix, failed) = measure(&[0, 1, 2], Nanos::MILLI, TickScale::from_hz(2.5e9), &|| true);
        assert!(matrix.pairs.is_empty() && failed.is_empty());
    }

    #[test]
    fn a_core_that_is_not_there_fails_its_pairs_and_leaves_the_others() {
        let Some([a, b]) = two_cores() else { return };
        let (matrix, failed) = measure(&[a, b, 60_000], Nanos::MILLI * 3, TickScale::from_hz(2.5e9), &|| false);
        assert_eq!(matrix.pairs.iter().map(|p| p.cores).collect::<Vec<_>>(), [[a, b]]);
        assert_eq!(failed.iter().map(|(cores, _)| *cores).collect::<Vec<_>>(), [[a, 60_000], [b, 60_000]]);
        assert_eq!(matrix.one_way_ns[2], [None, None, None]);
    }
}
