//! From bytes to a message, by type byte and exact length.

use zerocopy::IntoBytes;

use super::types::{Head, WireMessage};
use super::{
    AddOrder, AddOrderMpid, BrokenTrade, CrossTrade, DirectListing, LuldCollar, MarketParticipantPosition,
    MwcbDeclineLevel, MwcbStatus, Noii, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedWithPrice, OrderReplace, QuotingPeriodUpdate, RegSho, RetailInterest, StockDirectory, SystemEvent,
    Trade, TradingAction,
};

/// Why bytes are not an ITCH 5.0 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItchError {
    /// No bytes at all.
    #[error("an ITCH message cannot be empty")]
    Empty,
    /// The first byte is no message type.
    #[error("`{}` (0x{kind:02x}) is no ITCH 5.0 message type", kind.escape_ascii())]
    UnknownType {
        /// The byte.
        kind: u8,
    },
    /// The type is known, but its length is another.
    #[error("an ITCH 5.0 `{}` message has {expected} bytes, not {got}", char::from(*kind))]
    WrongLength {
        /// Message type.
        kind: u8,
        /// The specification's length.
        expected: usize,
        /// The length found.
        got: usize,
    },
    /// The side is neither `B` nor `S`.
    #[error("the side of an ITCH 5.0 `{}` message must be B or S", char::from(*kind))]
    UnknownSide {
        /// Message type.
        kind: u8,
    },
}

/// Declares the sum of all messages, so that the list of them stands once.
macro_rules! messages {
    ($($name:ident),* $(,)?) => {
        /// One message, as a view of the bytes that it was parsed from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name(&'a $name),)*
        }

        /// The type bytes of all 23 messages.
        pub const MESSAGE_TYPES: [u8; 23] = [$($name::KIND),*];

        /// Bytes of a message of this type, `None` for an unknown type.
        #[must_use]
        #[inline]
        pub const fn message_len(kind: u8) -> Option<usize> {
            match kind {
                $($name::KIND => Some(size_of::<$name>()),)*
                _ => None,
            }
        }

        impl<'a> Message<'a> {
            /// Views `bytes`, which must be exactly one message.
            ///
            /// Codes other than the side are not checked: new ones are added by the exchange from year to year.
            ///
            /// # Errors
            /// An unknown type, a length that is not the type's, or a side that is neither `B` nor `S`.
            #[inline]
            pub fn parse(bytes: &'a [u8]) -> Result<Self, ItchError> {
                match bytes.first() {
                    None => Err(ItchError::Empty),
                    $(Some(&$name::KIND) => view(bytes).map(Self::$name),)*
                    Some(&kind) => Err(ItchError::UnknownType { kind }),
                }
            }

            /// The common head.
            #[must_use]
            #[inline]
            pub const fn head(&self) -> &'a Head {
                match self {
                    $(Self::$name(message) => &message.head,)*
                }
            }

            /// The wire bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &'a [u8] {
                match self {
                    $(Self::$name(message) => message.as_bytes(),)*
                }
            }
        }
    };
}
messages!(
    SystemEvent,
    StockDirectory,
    TradingAction,
    RegSho,
    MarketParticipantPosition,
    MwcbDeclineLevel,
    MwcbStatus,
    QuotingPeriodUpdate,
    LuldCollar,
    OperationalHalt,
    AddOrder,
    AddOrderMpid,
    OrderExecuted,
    OrderExecutedWithPrice,
    OrderCancel,
    OrderDelete,
    OrderReplace,
    Trade,
    CrossTrade,
    BrokenTrade,
    Noii,
    RetailInterest,
    DirectListing
);

#[inline]
fn view<M: WireMessage>(bytes: &[u8]) -> Result<&M, ItchError> {
    if bytes.len() != size_of::<M>() {
        return Err(ItchError::WrongLength { kind: M::KIND, expected: size_of::<M>(), got: bytes.len() });
    }
    // The length is right and the alignment is 1, so only a side can be wrong.
    M::try_ref_from_bytes(bytes).map_err(|_| ItchError::UnknownSide { kind: M::KIND })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bytes_are_no_message() {
        assert_eq!(Message::parse(&[]), Err(ItchError::Empty));
    }

    #[test]
    fn an_unknown_type_is_named() {
        let error = Message::parse(b"z").unwrap_err();
        assert_eq!(error, ItchError::UnknownType { kind: b'z' });
        assert!(error.to_string().contains("`z` (0x7a)"), "{error}");
    }

    #[test]
    fn a_length_that_is_not_the_types_names_both() {
        let error = Message::parse(&[b'D'; 18]).unwrap_err();
        assert_eq!(error, ItchError::WrongLength { kind: b'D', expected: 19, got: 18 });
    }

    #[test]
    fn a_side_that_is_neither_buy_nor_sell_is_an_error() {
        let mut add = [b' '; 36];
        add[0] = b'A';
        assert_eq!(Message::parse(&add), Err(ItchError::UnknownSide { kind: b'A' }));
    }

    #[test]
    fn the_lengths_are_those_of_the_specification() {
        let listed = [12, 39, 25, 20, 26, 35, 12, 28, 35, 21, 36, 40, 31, 36, 23, 19, 35, 44, 40, 19, 50, 20, 48];
        let known = MESSAGE_TYPES.map(|kind| message_len(kind).unwrap());
        assert_eq!(known, listed);
        assert_eq!(&MESSAGE_TYPES, b"SRHYLVWKJhAFECXDUPQBINO");
        assert_eq!((0..=255).filter_map(message_len).count(), 23);
    }
}
