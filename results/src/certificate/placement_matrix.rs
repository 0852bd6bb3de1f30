//! The placements of a lane beside each other: what each costs against the best, and which one is to be recommended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PlacementClass;
use crate::{evidence::Evidence, time::Nanos};

/// One lane under one load, in every placement that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlacementMatrix {
    /// The lane, with its variant: `kernel-udp`.
    pub lane: String,
    /// The load: `constant 20000 packets/s`.
    pub load: String,
    /// What its numbers rest on: the weakest of all rows, and no more than the processor's clock, which took them.
    pub evidence: Evidence,
    /// A row of each placement, in the order of the cells.
    pub rows: Vec<PlacementRow>,
    /// The placement with the lowest median, where any has one.
    pub best: Option<String>,
    /// The placement to choose, where the intervals tell it apart from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended: Option<Recommendation>,
    /// Why that one, or why none.
    pub why: String,
}

/// One placement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlacementRow {
    /// As of its cell: `same-l3+mem-remote`.
    pub placement: String,
    /// The same in parts.
    pub class: PlacementClass,
    /// Core of the exchange.
    pub exchange_core: u32,
    /// Core of the trader.
    pub trader_core: u32,
    /// Repetitions that count.
    pub repetitions: u32,
    /// Attempts at them, those that were invalid too.
    pub attempts: u32,
    /// Whether the exchange's core is on another memory node than its interface, which is no part of a placement's name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exchange_nic_remote: bool,
    /// Median of `t2t_due`.
    pub p50_ns: Option<Nanos>,
    /// 99 % of `t2t_due`.
    pub p99_ns: Option<Nanos>,
    /// What its median is against that of the best placement; `null` for the best itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_penalty: Option<Penalty>,
    /// What its 99 % is against that of the best placement, which is the one of the lowest median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_penalty: Option<Penalty>,
}

/// A ratio of quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Penalty {
    /// Over that of what it is held against: 1.2 is a fifth longer.
    pub ratio: f64,
    /// Its interval by bootstrap over the repetitions of both; those of all rows hold together with 95 %, and among placements those
    /// of every pair, whichever is the best. `null` where there are too few repetitions.
    pub ci95: Option<[f64; 2]>,
}

impl Penalty {
    /// Whether the whole interval says that it is longer.
    #[must_use]
    pub fn is_longer(&self) -> bool {
        self.ci95.is_some_and(|[low, _]| low > 1.0)
    }

    /// Whether the whole interval says that it is shorter.
    #[must_use]
    pub fn is_shorter(&self) -> bool {
        self.ci95.is_some_and(|[_, high]| high < 1.0)
    }
}

/// A placement to choose, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    /// Which.
    pub placement: String,
    /// Commands that put a program and the interrupts there, a line each; `TRADER` stands for the program's own command.
    pub commands: Vec<String>,
    /// What a profile says for it, a line each.
    pub profile: Vec<String>,
}
