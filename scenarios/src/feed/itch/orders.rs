//! The seven messages that change a book.

use zerocopy::byteorder::big_endian::{U32, U64};

use super::types::{Mpid, Price4Be, Side, Stock};
use super::wire_message;

wire_message! {
    /// `A` Add Order without attribution.
    AddOrder, b'A', 36 {
        /// Day-unique reference of the new order.
        reference: U64,
        /// Side.
        side: Side,
        /// Displayed shares.
        shares: U32,
        /// Symbol.
        stock: Stock,
        /// Limit price.
        price: Price4Be,
    }
}

wire_message! {
    /// `F` Add Order with the participant's identifier.
    AddOrderMpid, b'F', 40 {
        /// Day-unique reference of the new order.
        reference: U64,
        /// Side.
        side: Side,
        /// Displayed shares.
        shares: U32,
        /// Symbol.
        stock: Stock,
        /// Limit price.
        price: Price4Be,
        /// Who entered it.
        attribution: Mpid,
    }
}

wire_message! {
    /// `E` Order Executed, at the resting order's price.
    OrderExecuted, b'E', 31 {
        /// The resting order.
        reference: U64,
        /// Shares to deduct from it.
        shares: U32,
        /// Day-unique number of the match.
        match_number: U64,
    }
}

wire_message! {
    /// `C` Order Executed at a price that differs from the order's.
    OrderExecutedWithPrice, b'C', 36 {
        /// The resting order.
        reference: U64,
        /// Shares to deduct from it.
        shares: U32,
        /// Day-unique number of the match.
        match_number: U64,
        /// `N` where a bulk print follows, so that the volume is not counted twice; else `Y`.
        printable: u8,
        /// Price of the execution.
        price: Price4Be,
    }
}

wire_message! {
    /// `X` Order Cancel, of a part.
    OrderCancel, b'X', 23 {
        /// The order.
        reference: U64,
        /// Shares **removed** (not those that remain).
        shares: U32,
    }
}

wire_message! {
    /// `D` Order Delete.
    OrderDelete, b'D', 19 {
        /// The order.
        reference: U64,
    }
}

wire_message! {
    /// `U` Order Replace: the old reference goes, the new one joins the back of its level. Side, symbol and
    /// attribution carry over.
    OrderReplace, b'U', 35 {
        /// The order that goes.
        original: U64,
        /// The order that comes.
        reference: U64,
        /// Its displayed shares.
        shares: U32,
        /// Its limit price.
        price: Price4Be,
    }
}
