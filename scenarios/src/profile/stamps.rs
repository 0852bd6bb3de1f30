//! What a profile wants of hardware stamps.

use serde::{Deserialize, Serialize};
use tickcert_results::{stamp::StampPolicy, time::Nanos};

use super::suggest;

/// The words for the policies.
const POLICIES: [(&str, StampPolicy); 3] =
    [("require", StampPolicy::Require), ("prefer", StampPolicy::Prefer), ("off", StampPolicy::Off)];

/// Which stamps are taken, and how many of them it takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StampsSpec {
    /// Whether they are taken, and what it means where they can't be had.
    pub policy: StampPolicy,
    /// Least share of the frames asked for that must carry a stamp, above 0 and up to 1.
    pub coverage: f64,
    /// A transmit stamp that comes later than this after its frame was handed to the lane is a late one.
    pub timeout: Nanos,
    /// Repetitions of each cell without stamps, to show what stamping costs.
    pub cost_repetitions: u32,
}

/// A word that is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no policy of stamps `{found}`{hint}: there are {known}")]
pub struct UnknownPolicy {
    /// As written.
    pub found: String,
    /// `; did you mean …?` or nothing.
    pub hint: String,
    /// All there are.
    pub known: String,
}

/// `require`, `prefer` or `off`.
///
/// # Errors
/// [`UnknownPolicy`].
pub fn parse_policy(text: &str) -> Result<StampPolicy, UnknownPolicy> {
    let known = POLICIES.map(|(word, _)| word);
    POLICIES.iter().find(|(word, _)| *word == text).map(|(_, policy)| *policy).ok_or_else(|| UnknownPolicy {
        found: text.to_owned(),
        hint: suggest::did_you_mean(text, &known),
        known: known.join(", "),
    })
}
