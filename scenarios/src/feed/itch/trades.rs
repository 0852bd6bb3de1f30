//! Trades, imbalances and auction indications; none changes the displayed book.

use zerocopy::byteorder::big_endian::{U32, U64};

use super::types::{Price4Be, Side, Stock};
use super::wire_message;

wire_message! {
    /// `P` Trade against a non-displayed order.
    Trade, b'P', 44 {
        /// 0 since 2010.
        reference: U64,
        /// Always `B` since 2014.
        side: Side,
        /// Shares.
        shares: U32,
        /// Symbol.
        stock: Stock,
        /// Price.
        price: Price4Be,
        /// Day-unique number of the match.
        match_number: U64,
    }
}

wire_message! {
    /// `Q` Cross Trade.
    CrossTrade, b'Q', 40 {
        /// Shares; **eight** bytes, may be 0.
        shares: U64,
        /// Symbol.
        stock: Stock,
        /// Price of the cross.
        price: Price4Be,
        /// Day-unique number of the match.
        match_number: U64,
        /// `O` opening, `C` closing, `H` halt or IPO.
        cross: u8,
    }
}

wire_message! {
    /// `B` Broken Trade.
    BrokenTrade, b'B', 19 {
        /// The match that is taken back.
        match_number: U64,
    }
}

wire_message! {
    /// `I` Net Order Imbalance Indicator.
    Noii, b'I', 50 {
        /// Shares that pair off.
        paired: U64,
        /// Shares that do not.
        imbalance: U64,
        /// `B`, `S`, `N` none, `O` insufficient orders, `P` paused.
        direction: u8,
        /// Symbol.
        stock: Stock,
        /// Far price.
        far: Price4Be,
        /// Near price.
        near: Price4Be,
        /// Current reference price.
        reference_price: Price4Be,
        /// `O`, `C`, `H` or `A`.
        cross: u8,
        /// `L`, `1` to `9`, `A`, `B`, `C` or space.
        variation: u8,
    }
}

wire_message! {
    /// `N` Retail Price Improvement Indicator.
    RetailInterest, b'N', 20 {
        /// Symbol.
        stock: Stock,
        /// `B`, `S`, `A` both, `N` none.
        interest: u8,
    }
}

wire_message! {
    /// `O` price discovery of a Direct Listing with Capital Raise.
    DirectListing, b'O', 48 {
        /// Symbol.
        stock: Stock,
        /// `Y` or `N`.
        eligible: u8,
        /// Lowest allowable price.
        minimum: Price4Be,
        /// Highest allowable price.
        maximum: Price4Be,
        /// Near execution price.
        near: Price4Be,
        /// Near execution time.
        near_time: U64,
        /// Lower collar.
        lower: Price4Be,
        /// Upper collar.
        upper: Price4Be,
    }
}
