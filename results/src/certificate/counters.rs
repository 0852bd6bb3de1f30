//! What processor and kernel counted over the timed loops.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of one endpoint's threads over their timed loops, in the kernel and out of it. `null` where this host doesn't count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CounterValues {
    /// Of the core.
    pub cycles: Option<u64>,
    /// That were retired.
    pub instructions: Option<u64>,
    /// Of the last level of caches, as a rule.
    pub cache_misses: Option<u64>,
    /// That were predicted wrongly.
    pub branch_misses: Option<u64>,
    /// To another thread.
    pub context_switches: Option<u64>,
    /// Minor and major.
    pub page_faults: Option<u64>,
    /// To another core.
    pub migrations: Option<u64>,
    /// Whether the processor had not room for all at once, so that some are estimated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl CounterValues {
    /// Those of this thread and of another: a value that one of them lacks is lacking.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
        Self {
            cycles: sum(self.cycles, other.cycles),
            instructions: sum(self.instructions, other.instructions),
            cache_misses: sum(self.cache_misses, other.cache_misses),
            branch_misses: sum(self.branch_misses, other.branch_misses),
            context_switches: sum(self.context_switches, other.context_switches),
            page_faults: sum(self.page_faults, other.page_faults),
            migrations: sum(self.migrations, other.migrations),
            estimated: self.estimated || other.estimated,
        }
    }

    /// The values with their names.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, Option<u64>); 7] {
        [
            ("cycles", self.cycles),
            ("instructions", self.instructions),
            ("cache misses", self.cache_misses),
            ("branch misses", self.branch_misses),
            ("context switches", self.context_switches),
            ("page faults", self.page_faults),
            ("migrations", self.migrations),
        ]
    }
}

/// Of both endpoints, each over all threads that are timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndCounters {
    /// From the first tick's due time, less 2 ms, to the last order.
    pub exchange: CounterValues,
    /// From before the first tick to the end of the session.
    pub trader: CounterValues,
}
