//! The endpoint under test, but for the lane: from a tick's bytes to the orders that it causes.

mod config;
mod money;
mod risk;
mod stage;
mod threshold;
mod tick;

pub use config::{Strategy, SymbolChoice, TraderConfig, TraderError};
pub use money::{Notional, ParsePriceError};
pub use risk::{Refusal, RiskLimits};
pub use stage::{NoProbe, Stage, StageProbe};
pub use tick::{TickKind, TickOutcome, Trader, TraderStats};

#[cfg(test)]
mod tests;
