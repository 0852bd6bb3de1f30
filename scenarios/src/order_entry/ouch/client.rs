//! Messages from the client to the exchange (OUCH 5.0, inbound messages).

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    big_endian::{U16, U32, U64},
};

use super::{Extended, Layout, OuchError, TagValues, exactly, extended, layouts, with_appendage};

/// `O`: enters an order. Fixed part 47 bytes, then the appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct EnterOrder {
    /// `O`.
    pub kind: u8,
    /// Day-unique and strictly increasing; one that is lower or equal is ignored.
    pub user_ref_num: U32,
    /// `B` buy, `S` sell, `T` sell short, `E` sell short exempt.
    pub side: u8,
    /// Shares, 1 to 999,999.
    pub quantity: U32,
    /// Right-padded with spaces.
    pub symbol: [u8; 8],
    /// Four implied decimals.
    pub price: U64,
    /// `0` day, `3` immediate or cancel, `5` GTX, `6` GTT, `E` after hours.
    pub time_in_force: u8,
    /// `Y` visible, `N` hidden, `A` attributable.
    pub display: u8,
    /// `A` agency, `P` principal, `R` riskless, `O` other.
    pub capacity: u8,
    /// `Y` or `N`.
    pub intermarket_sweep: u8,
    /// `N` continuous market, or a cross: `O` `C` `H` `S` `R` `E` `A`.
    pub cross_type: u8,
    /// The client's own name for the order; not checked for uniqueness.
    pub cl_ord_id: [u8; 14],
    /// Bytes of tag values that follow.
    pub appendage_length: U16,
}

/// `U`: replaces an order. Fixed part 40 bytes, then the appendage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ReplaceOrder {
    /// `U`.
    pub kind: u8,
    /// The order to replace.
    pub orig_user_ref_num: U32,
    /// The order that takes its place.
    pub user_ref_num: U32,
    /// Shares that the whole chain is liable for.
    pub quantity: U32,
    /// Four implied decimals.
    pub price: U64,
    /// `0`, `3`, `5` or `6`; see [`EnterOrder::time_in_force`].
    pub time_in_force: u8,
    /// See [`EnterOrder::display`].
    pub display: u8,
    /// `Y` or `N`.
    pub intermarket_sweep: u8,
    /// See [`EnterOrder::cl_ord_id`].
    pub cl_ord_id: [u8; 14],
    /// Bytes of tag values that follow.
    pub appendage_length: U16,
}

/// `X`: cancels an order or reduces it. 9 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct CancelOrder {
    /// `X`.
    pub kind: u8,
    /// The order.
    pub user_ref_num: U32,
    /// New intended size; 0 cancels all.
    pub quantity: U32,
}

/// `M`: changes the kind of sale (S to E, S to T, E to T). 10 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct ModifyOrder {
    /// `M`.
    pub kind: u8,
    /// The order.
    pub user_ref_num: U32,
    /// The new side.
    pub side: u8,
    /// Shares.
    pub quantity: U32,
}

/// `Q`: asks for the next free UserRefNum. The type byte only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct AccountQuery {
    /// `Q`.
    pub kind: u8,
}

layouts! {
    EnterOrder "Enter Order" 47,
    ReplaceOrder "Replace Order" 40,
    CancelOrder "Cancel Order" 9,
    ModifyOrder "Modify Order" 10,
    AccountQuery "Account Query" 1,
}
extended!(EnterOrder, ReplaceOrder);

/// Any message from a client, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// `O`.
    EnterOrder(&'a EnterOrder, TagValues<'a>),
    /// `U`.
    ReplaceOrder(&'a ReplaceOrder, TagValues<'a>),
    /// `X`.
    CancelOrder(&'a CancelOrder),
    /// `M`.
    ModifyOrder(&'a ModifyOrder),
    /// `Q`.
    AccountQuery(&'a AccountQuery),
}

impl<'a> ClientMessage<'a> {
    /// Reads one message that fills `bytes`. Tag values are checked as they are iterated over.
    ///
    /// # Errors
    /// [`OuchError`] for an unknown type or a length that is not the type's.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, OuchError> {
        match bytes.first() {
            None => Err(OuchError::Empty),
            Some(b'O') => with_appendage(bytes).map(|(m, tags)| Self::EnterOrder(m, tags)),
            Some(b'U') => with_appendage(bytes).map(|(m, tags)| Self::ReplaceOrder(m, tags)),
            Some(b'X') => exactly(bytes).map(Self::CancelOrder),
            Some(b'M') => exactly(bytes).map(Self::ModifyOrder),
            Some(b'Q') => exactly(bytes).map(Self::AccountQuery),
            Some(&byte) => Err(OuchError::UnknownType { byte, direction: "client to exchange" }),
        }
    }
}
