//! What a search for a rate may be asked for, in a profile and on the command line.

use tickcert_results::time::Nanos;

use super::units::{Decimal, UnitError, parse_duration};

/// Achieved and intended rate may differ by so much, so nothing finer can be found.
const FINEST: f64 = 0.01;
const COARSEST: f64 = 0.5;
/// Processes that have just started need some time to get into their stride.
const SHORTEST: Nanos = Nanos(50_000_000);

/// What is wrong with a value for a search.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepValueError {
    /// No share that a search can be as fine as.
    #[error(
        "`{0}` is no resolution of a search: write 1 % to 50 %; a rate is kept within 1 %, so nothing finer can be found"
    )]
    Resolution(String),
    /// A trial in which nobody can fall behind.
    #[error("a trial of {0} is too short to show whether the trader falls behind: write at least `50 ms`")]
    Short(Nanos),
    /// No duration.
    #[error(transparent)]
    Duration(#[from] UnitError),
}

/// How near the highest rate that held and the lowest that failed must come, as in `5 %`.
///
/// # Errors
/// [`SweepValueError`].
pub fn parse_resolution(text: &str) -> Result<f64, SweepValueError> {
    let number = text.trim().strip_suffix('%').map(str::trim_end);
    let hundredths = number.and_then(Decimal::parse).and_then(|d| d.in_steps(2)).and_then(|n| u32::try_from(n).ok());
    let share = hundredths.map(|n| f64::from(n) / 1e4).filter(|share| (FINEST..=COARSEST).contains(share));
    share.ok_or_else(|| SweepValueError::Resolution(text.to_owned()))
}

/// How long each trial of a search sends.
///
/// # Errors
/// [`SweepValueError`].
pub fn parse_trial(text: &str) -> Result<Nanos, SweepValueError> {
    let lasts = parse_duration(text)?;
    if lasts < SHORTEST { Err(SweepValueError::Short(lasts)) } else { Ok(lasts) }
}
