//! Full-depth order books, one per symbol, rebuilt from ITCH messages.

mod price;

pub use price::{Notional, ParsePriceError, Price4};

/// Which side of the book an order stands on, or which way an order trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Bids; orders to buy.
    Buy,
    /// Offers; orders to sell.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// As ITCH and OUCH write it: `B` or `S`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Buy => b'B',
            Self::Sell => b'S',
        }
    }

    /// From ITCH's Buy/Sell Indicator; `None` for anything but `B` and `S`.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            b'B' => Some(Self::Buy),
            b'S' => Some(Self::Sell),
            _ => None,
        }
    }
}
