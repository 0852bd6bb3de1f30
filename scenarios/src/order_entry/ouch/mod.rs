//! OUCH 5.0 (Nasdaq, updated April 2023): every message, read in place.
//!
//! Integers are unsigned big-endian; prices have four implied decimals in a `u64`. The structs are the wire layout
//! itself: parsing checks lengths and hands out references into the packet.

mod client;
mod error;
mod server;
mod server_message;
mod tag;

pub use client::{AccountQuery, CancelOrder, ClientMessage, EnterOrder, ModifyOrder, ReplaceOrder};
pub use error::OuchError;
pub use server::{
    AccountQueryResponse, AiqCanceled, BrokenTrade, CancelPending, CancelReject, OrderAccepted, OrderCanceled,
    OrderExecuted, OrderModified, OrderPriorityUpdate, OrderReplaced, OrderRestated, Rejected, SystemEvent,
};
pub use server_message::ServerMessage;
pub use tag::{OptionTag, TagValue, TagValues};

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Largest quantity of an Enter Order; the least is 1.
pub const MAX_QUANTITY: u32 = 999_999;

/// Highest price; as an Enter Order's price it means a market order in a cross.
pub const MAX_PRICE: u64 = 0x7FFF_FFFF;

/// Reasons of [`Rejected`] that this project gives (OUCH 5.0, table of reject reasons).
pub mod reject {
    /// Display is none of `Y`, `N`, `A`.
    pub const INVALID_DISPLAY: u16 = 0x0003;
    /// Side is none of `B`, `S`, `T`, `E`.
    pub const INVALID_SIDE: u16 = 0x0009;
    /// What has no reason of its own: an unknown type, a wrong length, an appendage that cannot be read.
    pub const OTHER: u16 = 0x000F;
    /// Quantity outside 1..=999,999.
    pub const INVALID_QUANTITY: u16 = 0x0013;
    /// Cross type is not one of the listed ones.
    pub const INVALID_CROSS_ORDER: u16 = 0x0014;
    /// There is nothing to replace.
    pub const REPLACE_NOT_ALLOWED: u16 = 0x0015;
    /// Symbol is blank or not printable.
    pub const INVALID_SYMBOL: u16 = 0x0017;
    /// Price is zero or above the maximum.
    pub const INVALID_PRICE: u16 = 0x001D;
}

/// A fixed layout that may be read at any address.
trait Layout: FromBytes + Immutable + KnownLayout + Unaligned {
    /// Name in the specification, for errors.
    const NAME: &'static str;
}

/// A layout that ends in an appendage length, with tag values behind it.
trait Extended: Layout {
    /// Bytes of the appendage.
    fn appendage_length(&self) -> usize;
}

/// `bytes` as exactly one `T`.
fn exactly<T: Layout>(bytes: &[u8]) -> Result<&T, OuchError> {
    T::ref_from_bytes(bytes).map_err(|_| OuchError::Length {
        message: T::NAME,
        expected: size_of::<T>(),
        found: bytes.len(),
    })
}

/// `bytes` as one `T` and the appendage that it announces.
fn with_appendage<T: Extended>(bytes: &[u8]) -> Result<(&T, TagValues<'_>), OuchError> {
    let (fixed, rest) = T::ref_from_prefix(bytes).map_err(|_| OuchError::Length {
        message: T::NAME,
        expected: size_of::<T>(),
        found: bytes.len(),
    })?;
    if rest.len() != fixed.appendage_length() {
        return Err(OuchError::Appendage { message: T::NAME, announced: fixed.appendage_length(), found: rest.len() });
    }
    Ok((fixed, TagValues::new(rest)))
}

/// Names each layout and pins its size to the specification's, at compile time.
macro_rules! layouts {
    ($($type:ident $name:literal $size:literal),+ $(,)?) => {$(
        impl Layout for $type {
            const NAME: &'static str = $name;
        }
        const _: () = assert!(size_of::<$type>() == $size);
    )+};
}

/// Marks the layouts that end in an appendage length.
macro_rules! extended {
    ($($type:ident),+) => {$(
        impl Extended for $type {
            fn appendage_length(&self) -> usize {
                usize::from(self.appendage_length.get())
            }
        }
    )+};
}

use {extended, layouts};

#[cfg(test)]
mod tests;
