//! Requirements, and the verdict on each.

mod limit;
mod metric;
mod requirement;

pub use limit::{Bound, Limit, Relation};
pub use metric::{Dimension, Direction, Distribution, Metric, OrderFault, ScheduleStatistic, UnknownMetric};
pub use requirement::{Requirement, RequirementError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{evidence::Evidence, verdict::Verdict};

/// A requirement with what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequirementResult {
    /// The profile's name for it, with the cell where it is about one: `t2t-p99 [kernel-udp]`.
    pub id: String,
    /// In words.
    pub text: String,
    /// Verdict on this requirement.
    pub verdict: Verdict,
    /// What was measured, where it is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The limit, as the profile writes it.
    pub limit: String,
    /// What the number rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Why this verdict.
    pub why: String,
}

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// Value.
    pub value: f64,
    /// `ns`, `packets/s`, `count`, `ratio`.
    pub unit: String,
    /// 95 % interval, where there is one.
    pub ci95: Option<[f64; 2]>,
    /// Samples behind it.
    pub n: u64,
}
