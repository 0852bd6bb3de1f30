//! The shape of the file: which tables and keys there are, and where each value stands. What the values mean is decided
//! in [`super::check`].

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};
use serde_json::Value;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) profile: Spanned<i64>,
    pub(super) name: Spanned<String>,
    pub(super) description: String,
    pub(super) run: RawRun,
    #[serde(default)]
    pub(super) bench: RawBench,
    #[serde(default)]
    pub(super) window: RawWindow,
    #[serde(default)]
    pub(super) tape: RawTape,
    #[serde(default)]
    pub(super) strategy: RawStrategy,
    #[serde(default)]
    pub(super) risk: RawRisk,
    #[serde(default)]
    pub(super) noise: RawNoise,
    #[serde(default)]
    pub(super) stamps: RawStamps,
    /// By transport: what it understands is its own affair.
    #[serde(default)]
    pub(super) transport: BTreeMap<String, Spanned<BTreeMap<String, Spanned<Value>>>>,
    pub(super) sweep: Option<RawSweep>,
    pub(super) hand_off: Option<RawHandoff>,
    #[serde(default)]
    pub(super) load: Vec<Spanned<RawLoad>>,
    #[serde(default)]
    pub(super) requirement: Vec<Spanned<RawRequirement>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRun {
    pub(super) lanes: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) optional_lanes: Vec<Spanned<String>>,
    pub(super) repetitions: Option<Spanned<u32>>,
    pub(super) retries: Option<u32>,
    pub(super) staged_repetitions: Option<u32>,
    pub(super) floor: Option<bool>,
    pub(super) machine: Option<bool>,
    pub(super) attribution: Option<Spanned<String>>,
    pub(super) seed: Option<u64>,
    pub(super) orders_late_after: Option<Spanned<Scalar>>,
    pub(super) stall: Option<Spanned<Scalar>>,
    pub(super) placement: Option<Spanned<RawPlacement>>,
    pub(super) placements: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) handoffs: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) queue_capacity: Option<Spanned<u32>>,
    pub(super) queue_message_bytes: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlacement {
    pub(super) exchange_core: u32,
    pub(super) trader_core: u32,
    pub(super) decide_core: Option<u32>,
    pub(super) send_core: Option<u32>,
    pub(super) exchange_memory: Option<u32>,
    pub(super) trader_memory: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBench {
    pub(super) exchange_interface: Option<Spanned<String>>,
    pub(super) trader_interface: Option<Spanned<String>>,
    pub(super) napi_defer_hard_irqs: Option<Spanned<u32>>,
    pub(super) gro_flush_timeout: Option<Spanned<Scalar>>,
    pub(super) queue: Option<Spanned<u32>>,
    pub(super) trader_host: Option<Spanned<String>>,
    pub(super) trader_program: Option<Spanned<String>>,
    pub(super) ssh_options: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWindow {
    pub(super) orders: Option<Spanned<u64>>,
    pub(super) max_duration: Option<Spanned<Scalar>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTape {
    pub(super) file: Option<Spanned<String>>,
    pub(super) seed: Option<Spanned<u64>>,
    pub(super) symbols: Option<Spanned<u32>>,
    pub(super) messages: Option<Spanned<u64>>,
    /// Text, or a time as TOML itself has it.
    pub(super) from: Option<Spanned<toml::Value>>,
    pub(super) until: Option<Spanned<toml::Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStrategy {
    pub(super) kind: Option<Spanned<String>>,
    pub(super) symbol: Option<Spanned<String>>,
    pub(super) threshold: Option<Spanned<Scalar>>,
    pub(super) quantity: Option<Spanned<u32>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRisk {
    pub(super) max_quantity: Option<u32>,
    pub(super) max_notional: Option<Spanned<Scalar>>,
    pub(super) max_rate: Option<Spanned<Scalar>>,
    pub(super) price_collar: Option<Spanned<Scalar>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNoise {
    pub(super) duration: Option<Spanned<Scalar>>,
    pub(super) threshold: Option<Spanned<Scalar>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStamps {
    pub(super) policy: Option<Spanned<String>>,
    pub(super) coverage: Option<Spanned<Scalar>>,
    pub(super) timeout: Option<Spanned<Scalar>>,
    pub(super) cost_repetitions: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLoad {
    pub(super) mode: Spanned<String>,
    pub(super) rate: Option<Spanned<Scalar>>,
    pub(super) speed: Option<Spanned<Scalar>>,
    pub(super) burst: Option<Spanned<u32>>,
    pub(super) gap: Option<Spanned<Scalar>>,
    pub(super) orders: Option<Spanned<u64>>,
    pub(super) max_duration: Option<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSweep {
    pub(super) shares: Option<Spanned<Vec<Spanned<Scalar>>>>,
    pub(super) idle: Option<Spanned<Scalar>>,
    pub(super) resolution: Option<Spanned<Scalar>>,
    pub(super) trial: Option<Spanned<Scalar>>,
    pub(super) orders: Option<Spanned<u64>>,
    pub(super) max_duration: Option<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHandoff {
    pub(super) queues: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) rate: Option<Spanned<Scalar>>,
    pub(super) burst: Option<Spanned<u32>>,
    pub(super) duration: Option<Spanned<Scalar>>,
    pub(super) repetitions: Option<Spanned<u32>>,
    pub(super) capacity: Option<Spanned<u32>>,
    pub(super) message_bytes: Option<Spanned<u32>>,
    pub(super) producers: Option<Spanned<u32>>,
    pub(super) share_cores: Option<bool>,
    pub(super) preempt: Option<Spanned<Scalar>>,
    pub(super) preempt_every: Option<Spanned<Scalar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequirement {
    pub(super) id: Spanned<String>,
    pub(super) text: Option<String>,
    pub(super) metric: Spanned<String>,
    pub(super) limit: Spanned<Scalar>,
    #[serde(default)]
    pub(super) lanes: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) loads: Vec<Spanned<String>>,
}

/// A value that should be a string with a unit, but that people write as a number: kept until the complaint can show
/// how to write it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    /// A bare number, as text.
    Number(String),
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string such as \"200 ms\"")
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(v.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(v.to_string()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(v.to_string()))
    }
}
