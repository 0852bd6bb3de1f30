//! Nasdaq TotalView-ITCH 5.0: all 23 messages as zero-copy views of their wire bytes.
//!
//! Layouts after the specification's 2023 and 2026 editions (identical). Every integer is big-endian; a struct here is
//! the wire image itself, so a view costs no copy and an instance is its own encoding ([`zerocopy::IntoBytes::as_bytes`]).
//!
//! ```
//! use tickcert_results::time::Nanos;
//! use tickcert_scenarios::feed::itch::{Head, Message, OrderDelete};
//! use zerocopy::IntoBytes;
//!
//! let delete = OrderDelete { head: Head::of::<OrderDelete>(7, 0, Nanos::SECOND), reference: 42.into() };
//! let Ok(Message::OrderDelete(seen)) = Message::parse(delete.as_bytes()) else { panic!("a delete") };
//! assert_eq!((seen.head.locate(), seen.head.timestamp(), seen.reference.get()), (7, Nanos::SECOND, 42));
//! ```

mod admin;
mod orders;
mod parse;
mod trades;
mod types;

pub use admin::{
    LuldCollar, MarketParticipantPosition, MwcbDeclineLevel, MwcbStatus, OperationalHalt, QuotingPeriodUpdate, RegSho,
    StockDirectory, SystemEvent, TradingAction,
};
pub use orders::{
    AddOrder, AddOrderMpid, OrderCancel, OrderDelete, OrderExecuted, OrderExecutedWithPrice, OrderReplace,
};
pub use parse::{ItchError, MESSAGE_TYPES, Message, message_len};
pub use trades::{BrokenTrade, CrossTrade, DirectListing, Noii, RetailInterest, Trade};
pub use types::{Head, Mpid, Price4, Price4Be, Price8, Price8Be, Side, Stock, WireMessage};

/// Declares one message: its wire struct, its type byte, and the proof that its size is the specification's.
macro_rules! wire_message {
    ($(#[$about:meta])* $name:ident, $kind:literal, $len:literal {
        $($(#[$field_about:meta])* $field:ident: $wire:ty),* $(,)?
    }) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq,
            zerocopy::TryFromBytes, zerocopy::IntoBytes, zerocopy::KnownLayout, zerocopy::Immutable, zerocopy::Unaligned,
        )]
        #[repr(C)]
        pub struct $name {
            /// Type, locate, tracking number and timestamp.
            pub head: $crate::feed::itch::types::Head,
            $($(#[$field_about])* pub $field: $wire,)*
        }

        impl $crate::feed::itch::types::WireMessage for $name {
            const KIND: u8 = $kind;
        }

        const _: () = assert!(size_of::<$name>() == $len);
    };
}
use wire_message;
