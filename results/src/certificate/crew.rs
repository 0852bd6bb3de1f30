//! Traders in one thread and in several, beside each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Handoff, MessageBytes, Penalty};
use crate::{evidence::Evidence, time::Nanos};

/// The same lane under the same load with every kind of trader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CrewComparison {
    /// The lane.
    pub lane: String,
    /// The load, in words.
    pub load: String,
    /// What the weakest of the rows rests on.
    pub evidence: Evidence,
    /// The first is what the others are held against.
    pub rows: Vec<CrewRow>,
}

/// One kind of trader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CrewRow {
    /// How its work is shared out.
    pub handoff: Handoff,
    /// What messages took in its queues; empty in one thread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message_bytes: Vec<MessageBytes>,
    /// Its core, or that of its thread that receives.
    pub trader_core: u32,
    /// Valid repetitions.
    pub repetitions: u32,
    /// Median of `t2t_due`.
    pub p50_ns: Option<Nanos>,
    /// 99 % of it.
    pub p99_ns: Option<Nanos>,
    /// Median over the first row's; `null` in the first row.
    pub p50_ratio: Option<Penalty>,
    /// 99 % over the first row's.
    pub p99_ratio: Option<Penalty>,
}
