//! The optional fields of OUCH 5.0: a list of tag values behind a message's fixed part.
//!
//! Layout of one: length (1 byte: tag and value, not itself), tag (1 byte), value.

use super::OuchError;

/// An optional field's tag. Numbers 8 and 19 to 21 are not listed in the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OptionTag {
    /// `u64`.
    SecondaryOrdRefNum = 1,
    /// Four characters.
    Firm = 2,
    /// `u32`.
    MinQty = 3,
    /// One character.
    CustomerType = 4,
    /// `u32`.
    MaxFloor = 5,
    /// One character.
    PriceType = 6,
    /// Signed price, `i32`.
    PegOffset = 7,
    /// Price, `u64`.
    DiscretionPrice = 9,
    /// One character.
    DiscretionPriceType = 10,
    /// Signed price, `i32`.
    DiscretionPegOffset = 11,
    /// One character.
    PostOnly = 12,
    /// `u32`.
    RandomReserves = 13,
    /// Four characters.
    Route = 14,
    /// `u32`, seconds, less than 86,400.
    ExpireTime = 15,
    /// One character.
    TradeNow = 16,
    /// One character.
    HandleInst = 17,
    /// One character.
    BboWeightIndicator = 18,
    /// `u32`.
    DisplayQuantity = 22,
    /// Price, `u64`.
    DisplayPrice = 23,
    /// `u16`.
    GroupId = 24,
    /// One character.
    SharesLocated = 25,
}

impl OptionTag {
    /// The listed tag of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::SecondaryOrdRefNum,
            2 => Self::Firm,
            3 => Self::MinQty,
            4 => Self::CustomerType,
            5 => Self::MaxFloor,
            6 => Self::PriceType,
            7 => Self::PegOffset,
            9 => Self::DiscretionPrice,
            10 => Self::DiscretionPriceType,
            11 => Self::DiscretionPegOffset,
            12 => Self::PostOnly,
            13 => Self::RandomReserves,
            14 => Self::Route,
            15 => Self::ExpireTime,
            16 => Self::TradeNow,
            17 => Self::HandleInst,
            18 => Self::BboWeightIndicator,
            22 => Self::DisplayQuantity,
            23 => Self::DisplayPrice,
            24 => Self::GroupId,
            25 => Self::SharesLocated,
            _ => return None,
        })
    }

    /// Bytes of its value.
    #[must_use]
    pub const fn value_size(self) -> usize {
        match self {
            Self::SecondaryOrdRefNum | Self::DiscretionPrice | Self::DisplayPrice => 8,
            Self::Firm
            | Self::MinQty
            | Self::MaxFloor
            | Self::PegOffset
            | Self::DiscretionPegOffset
            | Self::RandomReserves
            | Self::Route
            | Self::ExpireTime
            | Self::DisplayQuantity => 4,
            Self::GroupId => 2,
            Self::CustomerType
            | Self::PriceType
            | Self::DiscretionPriceType
            | Self::PostOnly
            | Self::TradeNow
            | Self::HandleInst
            | Self::BboWeightIndicator
            | Self::SharesLocated => 1,
        }
    }
}

/// One optional field as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagValue<'a> {
    /// The tag's number; see [`TagValue::tag`].
    pub number: u8,
    /// Its value, big-endian where it is a number.
    pub value: &'a [u8],
}

impl TagValue<'_> {
    /// The tag, `None` where the specification lists none of that number. A listed tag's value has the listed size.
    #[must_use]
    pub const fn tag(&self) -> Option<OptionTag> {
        OptionTag::from_number(self.number)
    }
}

/// The optional fields of one message, in the order sent. Ends after the first error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagValues<'a> {
    appendage: &'a [u8],
    offset: usize,
}

impl<'a> TagValues<'a> {
    /// Reads an appendage.
    #[must_use]
    pub const fn new(appendage: &'a [u8]) -> Self {
        Self { appendage, offset: 0 }
    }

    /// The appendage's bytes, read or not.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.appendage
    }

    /// The field that starts at `self.offset`, and where the next one does.
    fn read(&self) -> Option<Result<(TagValue<'a>, usize), OuchError>> {
        let offset = self.offset;
        let (&length, rest) = self.appendage.get(offset..)?.split_first()?;
        let announced = usize::from(length);
        let Some(field) = rest.get(..announced) else {
            return Some(Err(OuchError::TruncatedTag { offset, announced, found: rest.len() }));
        };
        let Some((&number, value)) = field.split_first() else {
            return Some(Err(OuchError::EmptyTag { offset }));
        };
        match OptionTag::from_number(number) {
            Some(tag) if tag.value_size() != value.len() => {
                Some(Err(OuchError::TagLength { offset, tag: number, expected: tag.value_size(), found: value.len() }))
            }
            _ => Some(Ok((TagValue { number, value }, offset + 1 + announced))),
        }
    }
}

impl<'a> Iterator for TagValues<'a> {
    type Item = Result<TagValue<'a>, OuchError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read()? {
            Ok((field, next)) => {
                self.offset = next;
                Some(Ok(field))
            }
            Err(error) => {
                self.offset = self.appendage.len();
                Some(Err(error))
            }
        }
    }
}
