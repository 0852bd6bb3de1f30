//! What is sent, what the trader does with it, and what it checks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the ticks come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum TapeSpec {
    /// The calibrated generator.
    Generator {
        /// Its seed.
        seed: u64,
        /// Symbols traded.
        symbols: u32,
        /// Messages in one pass of the tape.
        messages: u64,
    },
    /// A file: ITCH 5.0 BinaryFILE (plain, .gz, .zst) or a capture of MoldUDP64 (pcap, pcapng).
    File {
        /// Relative paths have been resolved against the folder of the profile.
        path: PathBuf,
    },
}

/// What makes the trader send an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum StrategySpec {
    /// The best bid or offer of a symbol moves through a threshold.
    Threshold {
        /// The symbol watched and traded, or all of them.
        symbol: SymbolChoice,
        /// How far it must move, in 1/10,000 of the currency (ITCH prices have four decimals).
        threshold_e4: u64,
        /// Shares in each order.
        quantity: u32,
    },
    /// One order for each packet, decided on its first byte; no book. Measures a plain echo.
    FirstByte {
        /// Shares in each order.
        quantity: u32,
    },
}

/// Which symbol is traded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SymbolChoice {
    /// Every one, each for itself.
    All,
    /// The one with the most messages in the tape.
    MostActive,
    /// This one, of at most eight characters, without trailing spaces.
    Named(String),
}

/// Limits of the pre-trade check; `None` leaves the trader's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskSpec {
    /// Most shares in one order.
    pub max_quantity: Option<u32>,
    /// Most shares times price in one order, in 1/10,000 of the currency.
    pub max_notional_e4: Option<u64>,
    /// Most orders a second of the feed's time.
    pub max_orders_per_second: Option<u32>,
    /// Farthest that an order's price may be from the reference price, in hundredths of a percent.
    pub price_collar_bps: Option<u32>,
}
