//! From a profile's words to a tape: which ticks, which strategy, which limits.

use std::path::Path;

use anyhow::{Context, Result};
use tickcert_results::time::Nanos;
use tickcert_scenarios::{
    book::BookCapacity,
    feed::{self, FeedError, TickStream, itch::Price4},
    generator::{self, GeneratorConfig, GeneratorError},
    load::ScheduleError,
    profile::{Profile, RiskSpec, StrategySpec, SymbolChoice, TapeSpec},
    tape::{self, Tape, TapeError},
    trader::{Notional, RiskLimits, Strategy, SymbolChoice as Symbol, TraderConfig},
};

use super::plan::PlanError;

/// Ticks of which none adds an order.
#[derive(Debug, thiserror::Error)]
#[error(
    "{ticks} adds no order of any symbol, so none is the most active; give ticks that hold the session's add messages"
)]
struct NoSymbol {
    ticks: String,
}

/// Whether an error is the fault of the ticks or of what the profile wants of them, and not of the host.
#[must_use]
pub fn is_at_fault(error: &anyhow::Error) -> bool {
    let unfit = |e: &TapeError| matches!(e, TapeError::NoOrders { .. } | TapeError::Orders(_) | TapeError::Trader(_));
    error.is::<FeedError>()
        || error.is::<NoSymbol>()
        || error.is::<GeneratorError>()
        || error.is::<PlanError>()
        || error.is::<ScheduleError>()
        || error.downcast_ref::<TapeError>().is_some_and(unfit)
}

/// Reads or generates the ticks, finds the orders, and writes the tape to `path`.
///
/// # Errors
/// When the ticks can't be read, the strategy never sends an order, or the tape can't be written.
pub fn make_tape(profile: &Profile, ticks: Option<&Path>, path: &Path) -> Result<Tape> {
    let stream = match (ticks, &profile.tape) {
        (Some(file), _) => feed::read_ticks(file, profile.excerpt)?,
        (None, TapeSpec::File { path }) => feed::read_ticks(path, profile.excerpt)?,
        (None, TapeSpec::Generator { seed, symbols, messages }) => generator::generate(&GeneratorConfig {
            seed: *seed,
            symbols: u16::try_from(*symbols).context("the generator has at most 65535 symbols")?,
            messages: u32::try_from(*messages).context("the generator makes at most 4294967295 messages")?,
            ..GeneratorConfig::default()
        })?,
    };
    let trader = TraderConfig {
        risk: limits(&profile.risk),
        capacity: BookCapacity::default(),
        ..TraderConfig::new(strategy(&profile.strategy, &stream)?)
    };
    tape::build(path, &stream, trader)?;
    Ok(Tape::open(path)?)
}

fn strategy(spec: &StrategySpec, ticks: &TickStream) -> Result<Strategy> {
    Ok(match spec {
        StrategySpec::FirstByte { quantity } => match Strategy::first_byte() {
            Strategy::FirstByte { symbol, price, .. } => Strategy::FirstByte { symbol, price, quantity: *quantity },
            other => other,
        },
        StrategySpec::Threshold { symbol, threshold_e4, quantity } => {
            let symbol = match symbol {
                SymbolChoice::All => Symbol::All,
                SymbolChoice::Named(name) => Symbol::Name(name.clone()),
                SymbolChoice::MostActive => {
                    let busiest =
                        tape::most_active_symbol(ticks).ok_or_else(|| NoSymbol { ticks: ticks.source.clone() })?;
                    Symbol::Name(busiest.to_string().trim_end().to_owned())
                }
            };
            let threshold = Price4(u32::try_from(*threshold_e4).context("the threshold is higher than any price")?);
            Strategy::Threshold { symbol, threshold, quantity: *quantity }
        }
    })
}

/// What the profile leaves out stays at the generous defaults.
fn limits(spec: &RiskSpec) -> RiskLimits {
    let usual = RiskLimits::default();
    RiskLimits {
        max_quantity: spec.max_quantity.unwrap_or(usual.max_quantity),
        max_notional: spec.max_notional_e4.map_or(usual.max_notional, Notional),
        max_orders: spec.max_orders_per_second.unwrap_or(usual.max_orders),
        window_ns: Nanos::SECOND,
        collar_bps: spec.price_collar_bps.unwrap_or(usual.collar_bps),
    }
}
