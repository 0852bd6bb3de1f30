//! The values that ITCH fields hold, and the head that all messages share.

use std::fmt;

use tickcert_results::time::Nanos;
use zerocopy::byteorder::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes, Unaligned};

/// A message's wire struct: alignment 1, every byte accounted for.
pub trait WireMessage: TryFromBytes + IntoBytes + KnownLayout + Immutable + Unaligned + Copy {
    /// The type byte, the first on the wire.
    const KIND: u8;
}

/// The 11 bytes that begin every message.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Head {
    kind: u8,
    locate: U16,
    /// Tracking number (16 bits) above the timestamp (48 bits): one load instead of one load and a shuffle.
    tracking_and_time: U64,
}

const _: () = assert!(size_of::<Head>() == 11);

const TIME_BITS: u32 = 48;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

impl Head {
    /// The head of a message of type `M`. `timestamp` counts from midnight; one beyond 48 bits (78 hours) is held there.
    #[must_use]
    pub fn of<M: WireMessage>(locate: u16, tracking: u16, timestamp: Nanos) -> Self {
        let time = timestamp.get().min(TIME_MASK);
        Self {
            kind: M::KIND,
            locate: locate.into(),
            tracking_and_time: (u64::from(tracking) << TIME_BITS | time).into(),
        }
    }

    /// The type byte.
    #[must_use]
    #[inline]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// Stock locate: the security's number of the day, 0 where the message is about none.
    #[must_use]
    #[inline]
    pub const fn locate(&self) -> u16 {
        self.locate.get()
    }

    /// Nasdaq's internal tracking number.
    #[must_use]
    #[inline]
    pub const fn tracking(&self) -> u16 {
        (self.tracking_and_time.get() >> TIME_BITS) as u16
    }

    /// Time since midnight, US Eastern.
    #[must_use]
    #[inline]
    pub const fn timestamp(&self) -> Nanos {
        Nanos(self.tracking_and_time.get() & TIME_MASK)
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("kind", &char::from(self.kind))
            .field("locate", &self.locate())
            .field("tracking", &self.tracking())
            .field("timestamp", &self.timestamp().get())
            .finish()
    }
}

/// Which side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, TryFromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(u8)]
pub enum Side {
    /// A bid.
    Buy = b'B',
    /// An offer.
    Sell = b'S',
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
}

/// A price in 1/10,000 of a dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price4(pub u32);

impl Price4 {
    /// The highest price of the specification, 200,000.0000.
    pub const MAX: Self = Self(0x7735_9400);
}

impl fmt::Display for Price4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// An index level in 1/100,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price8(pub u64);

impl fmt::Display for Price8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08}", self.0 / 100_000_000, self.0 % 100_000_000)
    }
}

/// [`Price4`] on the wire: big-endian u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(transparent)]
pub struct Price4Be(U32);

impl Price4Be {
    /// The value.
    #[must_use]
    #[inline]
    pub const fn get(self) -> Price4 {
        Price4(self.0.get())
    }
}

impl From<Price4> for Price4Be {
    fn from(price: Price4) -> Self {
        Self(price.0.into())
    }
}

/// [`Price8`] on the wire: big-endian u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(transparent)]
pub struct Price8Be(U64);

impl Price8Be {
    /// The value.
    #[must_use]
    #[inline]
    pub const fn get(self) -> Price8 {
        Price8(self.0.get())
    }
}

impl From<Price8> for Price8Be {
    fn from(price: Price8) -> Self {
        Self(price.0.into())
    }
}

/// A fixed ASCII field, left-justified and padded with spaces; `Display` leaves the padding out and escapes what is not ASCII.
macro_rules! ascii_field {
    ($(#[$about:meta])* $name:ident, $len:literal) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
        )]
        #[repr(transparent)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The field that holds `text`; `None` where it is too long or not printable ASCII.
            #[must_use]
            pub fn new(text: &str) -> Option<Self> {
                let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
                let mut padded = [b' '; $len];
                padded.get_mut(..text.len()).filter(|_| printable)?.copy_from_slice(text.as_bytes());
                Some(Self(padded))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0.trim_ascii_end().escape_ascii().to_string())
            }
        }
    };
}
ascii_field!(
    /// A ticker symbol, `AAPL` padded to eight.
    Stock,
    8
);
ascii_field!(
    /// A market participant's identifier.
    Mpid,
    4
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_show_all_their_decimals() {
        assert_eq!(Price4(1_635_205).to_string(), "163.5205");
        assert_eq!(Price4::MAX.to_string(), "200000.0000");
        assert_eq!(Price8(300_000_000_001).to_string(), "3000.00000001");
    }

    #[test]
    fn a_symbol_is_padded_on_the_wire_and_trimmed_for_people() {
        let stock = Stock::new("VOO").unwrap();
        assert_eq!(&stock.0, b"VOO     ");
        assert_eq!(stock.to_string(), "VOO");
        assert_eq!(Stock(*b"A\xff      ").to_string(), "A\\xff");
    }

    #[test]
    fn a_symbol_that_does_not_fit_is_none() {
        assert_eq!(Stock::new("TOOLONGXX"), None);
        assert_eq!(Stock::new("Ä"), None);
        assert_eq!(Mpid::new("LIME5"), None);
    }
}
