//! What the trader is told: its strategy, its limits, and how much it must hold.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::risk::{Refusal, RiskLimits};
use crate::{
    book::BookCapacity,
    feed::itch::{Price4, Stock},
    order_entry::ouch::MAX_QUANTITY,
};

/// When to send which order. Depends on nothing but the ticks.
///
/// ```toml
/// strategy = { kind = "threshold", symbol = "AAPL", threshold = "0.01", quantity = 100 }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Strategy {
    /// Follows the best bid and offer of a symbol, or of every symbol, through a threshold.
    ///
    /// Symbols are followed separately: each has its own anchors, its own name on its orders, and its own last trade
    /// for the risk check's collar; only the rate limit counts the orders of all together. A symbol is followed from
    /// the first Stock Directory or Add Order message on that names it. Each pass of a tape starts afresh.
    ///
    /// Each side has an anchor, which is the side's first best price. When the best bid is at its anchor plus the
    /// threshold or higher, an order to buy is sent at the best offer (at the best bid where there is no offer), and
    /// the anchor moves to the best bid. When the best bid falls below its anchor, the anchor follows it at once. So an
    /// order is sent when the bid has risen by the threshold from its lowest since the last order to buy. The offer
    /// mirrors it: at its anchor less the threshold or lower, an order to sell at the best bid (at the best offer
    /// where there is no bid). A side that runs empty loses its anchor. A move that goes in steps smaller than the
    /// threshold triggers when their sum reaches it. An order refused by the risk check moves the anchor like one sent.
    Threshold {
        /// The symbol followed, or all.
        symbol: SymbolChoice,
        /// How far the price must move, in dollars.
        threshold: Price4,
        /// Shares of each order.
        quantity: u32,
    },
    /// One constant order for every packet that brings new messages, whatever they say: no message is read, and there
    /// is no book. Rate limit and price collar do not apply; size and notional are checked once, beforehand.
    FirstByte {
        /// Symbol of the order.
        #[serde(default = "echo_symbol")]
        symbol: String,
        /// Limit of the order, in dollars.
        #[serde(default = "echo_price")]
        price: Price4,
        /// Shares of the order.
        #[serde(default = "echo_quantity")]
        quantity: u32,
    },
}

fn echo_symbol() -> String {
    String::from("ECHO")
}

const fn echo_price() -> Price4 {
    Price4(10_000)
}

const fn echo_quantity() -> u32 {
    1
}

impl Strategy {
    /// As it stands in a certificate.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Threshold { symbol: SymbolChoice::All, threshold, quantity } => {
                format!("threshold: {quantity} of each symbol whose best bid or offer has moved by {threshold}")
            }
            Self::Threshold { symbol: SymbolChoice::Name(name), threshold, quantity } => {
                format!("threshold: {quantity} {name} when its best bid or offer has moved by {threshold}")
            }
            Self::Threshold { symbol: SymbolChoice::Locate(locate), threshold, quantity } => {
                format!("threshold: {quantity} of locate {locate} when its best bid or offer has moved by {threshold}")
            }
            Self::FirstByte { symbol, price, quantity } => {
                format!("first byte: {quantity} {symbol} at {price} for every packet, without a book")
            }
        }
    }

    /// The echo with its usual order.
    #[must_use]
    pub fn first_byte() -> Self {
        Self::FirstByte { symbol: echo_symbol(), price: echo_price(), quantity: echo_quantity() }
    }

    /// The threshold strategy on a symbol by name.
    #[must_use]
    pub fn threshold(symbol: &str, threshold: Price4, quantity: u32) -> Self {
        Self::Threshold { symbol: SymbolChoice::Name(symbol.to_owned()), threshold, quantity }
    }
}

/// All symbols, or one by its name or by the number it has on the day of the tape. In text, a string or a number;
/// `"all"` in small letters is no symbol (Allstate is `"ALL"`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymbolChoice {
    /// Every symbol, each for itself.
    All,
    /// Stock symbol. Its locate is learnt from the first Stock Directory or Add Order message that has it.
    Name(String),
    /// Stock locate. Its name is learnt in the same way.
    Locate(u16),
}

/// [`SymbolChoice::All`] in text.
const ALL: &str = "all";

impl Serialize for SymbolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str(ALL),
            Self::Name(name) => serializer.serialize_str(name),
            Self::Locate(locate) => serializer.serialize_u16(*locate),
        }
    }
}

impl<'de> Deserialize<'de> for SymbolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl de::Visitor<'_> for Choice {
            type Value = SymbolChoice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a stock symbol such as \"AAPL\", a stock locate from 0 to 65535, or \"all\"")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<SymbolChoice, E> {
                Ok(if name == ALL { SymbolChoice::All } else { SymbolChoice::Name(name.to_owned()) })
            }
            fn visit_u64<E: de::Error>(self, locate: u64) -> Result<SymbolChoice, E> {
                let unexpected = de::Unexpected::Unsigned(locate);
                u16::try_from(locate).map(SymbolChoice::Locate).map_err(|_| E::invalid_value(unexpected, &self))
            }
            fn visit_i64<E: de::Error>(self, locate: i64) -> Result<SymbolChoice, E> {
                let unexpected = de::Unexpected::Signed(locate);
                u16::try_from(locate).map(SymbolChoice::Locate).map_err(|_| E::invalid_value(unexpected, &self))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

/// All that a trader is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraderConfig {
    /// When to send which order.
    pub strategy: Strategy,
    /// What an order must keep within.
    #[serde(default)]
    pub risk: RiskLimits,
    /// What the book must hold.
    #[serde(default)]
    pub capacity: BookCapacity,
    /// Messages of the tape, where it is repeated under sequence numbers that go on: book, strategy and risk check
    /// start afresh with message n x this + 1. The numbering of orders goes on.
    #[serde(default)]
    pub messages_per_pass: Option<u64>,
}

impl TraderConfig {
    /// This strategy with the usual limits and capacity, and no repetition.
    #[must_use]
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, risk: RiskLimits::default(), capacity: BookCapacity::default(), messages_per_pass: None }
    }
}

/// A configuration that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraderError {
    /// No symbol of ITCH.
    #[error("strategy symbol `{symbol}`: must have 1 to 8 printable ASCII characters, such as AAPL")]
    Symbol {
        /// As given.
        symbol: String,
    },
    /// Shares that OUCH does not carry.
    #[error("strategy quantity = {quantity}: must be from 1 to {MAX_QUANTITY} shares")]
    Quantity {
        /// As given.
        quantity: u32,
    },
    /// Every message would trigger.
    #[error("strategy threshold = 0: must be at least \"0.0001\"")]
    Threshold,
    /// A price that OUCH does not carry.
    #[error("strategy price = {price}: must be from 0.0001 to {max}", max = Price4::MAX)]
    Price {
        /// As given.
        price: Price4,
    },
    /// A pass without messages.
    #[error("messages_per_pass = 0: must be at least 1, or left out")]
    EmptyPass,
    /// A rate limit that lets nothing through or has no length.
    #[error("risk {setting} = 0: must be at least 1")]
    Rate {
        /// Which setting.
        setting: &'static str,
    },
    /// The strategy's only order is against the limits.
    #[error("the strategy's order is against its own risk limits: {0}")]
    RefusedAlways(#[source] Refusal),
    /// More memory than any book needs.
    #[error(
        "capacity of {bytes} bytes for the book; lower capacity.orders, .levels or .locates to at most {limit} bytes"
    )]
    Capacity {
        /// Bytes asked for.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Most memory that a book may be told to take, 16 GiB: a slip of the pen shall not take a host down.
const MAX_BOOK_BYTES: usize = 1 << 34;

pub(super) fn check_capacity(capacity: &BookCapacity) -> Result<(), TraderError> {
    let ladders = capacity.locates.saturating_mul(capacity.levels).saturating_mul(32);
    let bytes = capacity.orders.saturating_mul(96).saturating_add(ladders);
    if bytes > MAX_BOOK_BYTES {
        return Err(TraderError::Capacity { bytes, limit: MAX_BOOK_BYTES });
    }
    Ok(())
}

/// A symbol as on the wire.
pub(super) fn stock(symbol: &str) -> Result<Stock, TraderError> {
    Stock::new(symbol)
        .filter(|stock| !stock.0.trim_ascii().is_empty())
        .ok_or_else(|| TraderError::Symbol { symbol: symbol.to_owned() })
}

pub(super) const fn check_quantity(quantity: u32) -> Result<u32, TraderError> {
    if quantity == 0 || quantity > MAX_QUANTITY {
        return Err(TraderError::Quantity { quantity });
    }
    Ok(quantity)
}
