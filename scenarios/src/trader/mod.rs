//! The endpoint under test, but for the lane: from a tick's bytes to the orders that it causes.

mod config;
mod decider;
mod decoder;
mod event;
mod followed;
mod follower;
mod money;
mod risk;
mod stage;
mod stats;
mod threshold;
mod tick;

pub use config::{Strategy, SymbolChoice, TraderConfig, TraderError};
pub use decider::Decider;
pub use decoder::Decoder;
pub use event::{Change, Event};
pub use money::{Notional, ParsePriceError};
pub use risk::{Refusal, RiskLimits};
pub use stage::{NoProbe, Stage, StageProbe};
pub use stats::{TickKind, TickOutcome, TraderStats};
pub use tick::Trader;

#[cfg(test)]
mod tests;
