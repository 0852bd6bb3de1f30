//! Messages about the day, the securities and their state; none changes a book.

use zerocopy::byteorder::big_endian::U32;

use super::types::{Mpid, Price4Be, Price8Be, Stock};
use super::wire_message;

wire_message! {
    /// `S` System Event; its locate is 0.
    SystemEvent, b'S', 12 {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of market hours,
        /// `E` end of system hours, `C` end of messages.
        event: u8,
    }
}

wire_message! {
    /// `R` Stock Directory: one per security at the start of the day; ties its locate to its symbol.
    StockDirectory, b'R', 39 {
        /// Symbol.
        stock: Stock,
        /// Listing market: `Q` Global Select, `G` Global Market, `S` Capital Market, `N` NYSE, `A` NYSE American, …
        market_category: u8,
        /// `N` normal; space for securities not listed on Nasdaq.
        financial_status: u8,
        /// Shares in a round lot.
        round_lot: U32,
        /// `Y` if only round lots are accepted.
        round_lots_only: u8,
        /// Kind of issue, e.g. `C` common stock.
        issue_classification: u8,
        /// Sub-type of issue, e.g. `Z ` not applicable.
        issue_sub_type: [u8; 2],
        /// `P` production, `T` test.
        authenticity: u8,
        /// `Y`, `N` or space.
        short_sale_threshold: u8,
        /// `Y`, `N`, `Z` or space.
        ipo_flag: u8,
        /// `1`, `2` or space.
        luld_tier: u8,
        /// `Y`, `N` or space.
        etp_flag: u8,
        /// Leverage of an exchange-traded product.
        etp_leverage: U32,
        /// `Y` for an inverse product.
        inverse: u8,
    }
}

wire_message! {
    /// `H` Stock Trading Action.
    TradingAction, b'H', 25 {
        /// Symbol.
        stock: Stock,
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        state: u8,
        /// Reserved.
        reserved: u8,
        /// Reason code, e.g. `T1`, `LUDP`, or spaces.
        reason: [u8; 4],
    }
}

wire_message! {
    /// `Y` Reg SHO short sale price test restriction.
    RegSho, b'Y', 20 {
        /// Symbol.
        stock: Stock,
        /// `0` none, `1` in effect from an intraday drop, `2` remains in effect.
        action: u8,
    }
}

wire_message! {
    /// `L` Market Participant Position.
    MarketParticipantPosition, b'L', 26 {
        /// The participant.
        mpid: Mpid,
        /// Symbol.
        stock: Stock,
        /// `Y` for a primary market maker.
        primary: u8,
        /// `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        mode: u8,
        /// `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        state: u8,
    }
}

wire_message! {
    /// `V` market-wide circuit breaker decline levels; its locate is 0.
    MwcbDeclineLevel, b'V', 35 {
        /// Level 1.
        level_1: Price8Be,
        /// Level 2.
        level_2: Price8Be,
        /// Level 3.
        level_3: Price8Be,
    }
}

wire_message! {
    /// `W` market-wide circuit breaker status; its locate is 0.
    MwcbStatus, b'W', 12 {
        /// `1`, `2` or `3`.
        breached: u8,
    }
}

wire_message! {
    /// `K` Quoting Period Update of an IPO.
    QuotingPeriodUpdate, b'K', 28 {
        /// Symbol.
        stock: Stock,
        /// Whole **seconds** since midnight; 0 when cancelled.
        release_time_seconds: U32,
        /// `A` anticipated, `C` cancelled or postponed.
        qualifier: u8,
        /// Price of the offering; 0 when cancelled.
        price: Price4Be,
    }
}

wire_message! {
    /// `J` limit up, limit down auction collar.
    LuldCollar, b'J', 35 {
        /// Symbol.
        stock: Stock,
        /// Reference price.
        reference_price: Price4Be,
        /// Upper collar.
        upper: Price4Be,
        /// Lower collar.
        lower: Price4Be,
        /// Number of extensions so far.
        extension: U32,
    }
}

wire_message! {
    /// `h` (lower case) Operational Halt.
    OperationalHalt, b'h', 21 {
        /// Symbol.
        stock: Stock,
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        market: u8,
        /// `H` halted, `T` lifted.
        action: u8,
    }
}
