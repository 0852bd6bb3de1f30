//! Messages from the exchange to the client (OUCH 5.0, outbound messages).

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    big_endian::{U16, U32, U64},
};

use super::{Extended, Layout, extended, layouts};

/// `S`: tells of the session's day. 10 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct SystemEvent {
    /// `S`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// `S` start of day, `E` end of day.
    pub event_code: u8,
}

/// `A`: an order was accepted. Fixed part 64 bytes, then the appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderAccepted {
    /// `A`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// As entered.
    pub user_ref_num: U32,
    /// As entered.
    pub side: u8,
    /// Shares accepted.
    pub quantity: U32,
    /// As entered.
    pub symbol: [u8; 8],
    /// Four implied decimals.
    pub price: U64,
    /// As entered.
    pub time_in_force: u8,
    /// As entered, or `Z` for conformant.
    pub display: u8,
    /// As in ITCH.
    pub order_reference_number: U64,
    /// As entered.
    pub capacity: u8,
    /// As entered.
    pub intermarket_sweep: u8,
    /// As entered.
    pub cross_type: u8,
    /// `L` live, `D` dead.
    pub order_state: u8,
    /// As entered.
    pub cl_ord_id: [u8; 14],
    /// Bytes of tag values that follow.
    pub appendage_length: U16,
}

/// `U`: an order was replaced. Fixed part 68 bytes, then the appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderReplaced {
    /// `U`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order that is gone.
    pub orig_user_ref_num: U32,
    /// The order in its place.
    pub user_ref_num: U32,
    /// As entered.
    pub side: u8,
    /// Shares outstanding.
    pub quantity: U32,
    /// As entered.
    pub symbol: [u8; 8],
    /// Four implied decimals.
    pub price: U64,
    /// As entered.
    pub time_in_force: u8,
    /// As entered, or `Z` for conformant.
    pub display: u8,
    /// As in ITCH.
    pub order_reference_number: U64,
    /// As entered.
    pub capacity: u8,
    /// As entered.
    pub intermarket_sweep: u8,
    /// As entered.
    pub cross_type: u8,
    /// `L` live, `D` dead.
    pub order_state: u8,
    /// As entered.
    pub cl_ord_id: [u8; 14],
    /// Bytes of tag values that follow.
    pub appendage_length: U16,
}

/// `C`: an order was cancelled or reduced. 18 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderCanceled {
    /// `C`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// Shares taken away by this message.
    pub quantity: U32,
    /// One of `D` `E` `F` `G` `H` `I` `K` `Q` `S` `T` `U` `X` `Z` `e`; `U` is the user's own wish.
    pub reason: u8,
}

/// `D`: shares were taken away rather than traded with oneself. 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct AiqCanceled {
    /// `D`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// Shares taken away.
    pub decrement_shares: U32,
    /// `Q`.
    pub reason: u8,
    /// Shares kept from trading.
    pub quantity_prevented: U32,
    /// Four implied decimals.
    pub execution_price: U64,
    /// As of an execution.
    pub liquidity_flag: u8,
    /// The rule that applied.
    pub aiq_strategy: u8,
}

/// `E`: an order traded. Fixed part 36 bytes, then the appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderExecuted {
    /// `E`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// Shares of this trade.
    pub quantity: U32,
    /// Four implied decimals.
    pub price: U64,
    /// Added or removed, and how.
    pub liquidity_flag: u8,
    /// As in ITCH.
    pub match_number: U64,
    /// Bytes of tag values that follow.
    pub appendage_length: U16,
}

/// `B`: a trade was undone. 36 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct BrokenTrade {
    /// `B`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// The trade.
    pub match_number: U64,
    /// `E` `C` `S` or `X`.
    pub reason: u8,
    /// As entered.
    pub cl_ord_id: [u8; 14],
}

/// `J`: an order was not accepted. 29 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Rejected {
    /// `J`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// As entered.
    pub user_ref_num: U32,
    /// See [`reject`](super::reject).
    pub reason: U16,
    /// As entered.
    pub cl_ord_id: [u8; 14],
}

/// `P`: a cancel waits for a cross. 13 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CancelPending {
    /// `P`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
}

/// `I`: a cancel was refused. 13 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CancelReject {
    /// `I`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
}

/// `T`: an order got another place in the queue. 30 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderPriorityUpdate {
    /// `T`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// Four implied decimals.
    pub price: U64,
    /// As of an acceptance.
    pub display: u8,
    /// The new one.
    pub order_reference_number: U64,
}

/// `M`: the kind of sale was changed. 18 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderModified {
    /// `M`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// The new side.
    pub side: u8,
    /// Shares.
    pub quantity: U32,
}

/// `R`: the displayed part changed. Fixed part 16 bytes, then the appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct OrderRestated {
    /// `R`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The order.
    pub user_ref_num: U32,
    /// `R` reserve refreshed, `P` displayed price updated.
    pub reason: u8,
    /// Bytes of tag values that follow.
    pub appendage_length: U16,
}

/// `Q`: answers an account query. 13 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct AccountQueryResponse {
    /// `Q`.
    pub kind: u8,
    /// Nanoseconds since midnight.
    pub timestamp: U64,
    /// The lowest that would be taken.
    pub next_user_ref_num: U32,
}

layouts! {
    SystemEvent "System Event" 10,
    OrderAccepted "Order Accepted" 64,
    OrderReplaced "Order Replaced" 68,
    OrderCanceled "Order Canceled" 18,
    AiqCanceled "AIQ Canceled" 32,
    OrderExecuted "Order Executed" 36,
    BrokenTrade "Broken Trade" 36,
    Rejected "Rejected" 29,
    CancelPending "Cancel Pending" 13,
    CancelReject "Cancel Reject" 13,
    OrderPriorityUpdate "Order Priority Update" 30,
    OrderModified "Order Modified" 18,
    OrderRestated "Order Restated" 16,
    AccountQueryResponse "Account Query Response" 13,
}
extended!(OrderAccepted, OrderReplaced, OrderExecuted, OrderRestated);
