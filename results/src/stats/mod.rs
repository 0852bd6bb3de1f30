//! The estimators of docs/METHOD.md, one file each, with its source and tests on published or exactly known values.

pub mod autocorrelation;
pub mod bootstrap;
mod distribution;
pub mod holm;
pub mod independence;
pub mod mann_whitney;
pub mod order_statistic;
pub mod quantile;
mod ranks;
pub mod ratio;
pub mod repetitions;
pub mod signed_rank;
pub mod summarise;
pub mod trend;
pub mod warm_up;

/// Repetitions below which nothing is said about the spread between them, and so about no interval.
pub const LEAST_REPETITIONS: usize = 5;

/// A length as a number.
#[expect(clippy::cast_precision_loss, reason = "lengths of slices in memory stay far below 2^53")]
pub(crate) const fn len_f64(n: usize) -> f64 {
    n as f64
}
