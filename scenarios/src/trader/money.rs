//! Money as integers of a hundredth of a cent, the unit of ITCH's and OUCH's prices.

use std::{fmt, str::FromStr};

use crate::feed::itch::Price4;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Units in a dollar: four implied decimals.
const PER_DOLLAR: u64 = 10_000;

/// Price times quantity, in units of 1/10,000 dollar. In text it is dollars: `"1000000"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notional(pub u64);

/// Text that is no amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an amount in dollars; write digits with at most four decimals, such as \"0.01\"{limit}")]
pub struct ParsePriceError {
    text: String,
    limit: &'static str,
}

/// What `quantity` shares cost at `price`. Cannot overflow: both factors have 32 bits.
#[inline]
pub(super) fn cost(price: Price4, quantity: u32) -> Notional {
    Notional(u64::from(price.0) * u64::from(quantity))
}

/// Whole units out of `12`, `12.3` or `12.3456`; `None` on anything else or on overflow.
fn units(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 4 {
        return None;
    }
    let scale = 10_u64.pow(4 - u32::try_from(fraction.len()).ok()?);
    let fraction = fraction.parse::<u64>().ok()? * scale;
    whole.parse::<u64>().ok()?.checked_mul(PER_DOLLAR)?.checked_add(fraction)
}

impl FromStr for Price4 {
    type Err = ParsePriceError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |limit| ParsePriceError { text: text.to_owned(), limit };
        let units = units(text).ok_or_else(|| fail(""))?;
        u32::try_from(units).map(Self).map_err(|_| fail(", and no more than 429496.7295"))
    }
}

impl FromStr for Notional {
    type Err = ParsePriceError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        units(text).map(Self).ok_or_else(|| ParsePriceError { text: text.to_owned(), limit: "" })
    }
}

impl fmt::Display for Notional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / PER_DOLLAR, self.0 % PER_DOLLAR)
    }
}

/// Text on both ways, so that no amount passes through a binary fraction.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}
serde_as_text!(Price4);
serde_as_text!(Notional);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_become_hundredths_of_a_cent_and_back() {
        for (text, units, shown) in [
            ("0.01", 100, "0.0100"),
            ("154.8", 1_548_000, "154.8000"),
            ("0.0001", 1, "0.0001"),
            ("7", 70_000, "7.0000"),
        ] {
            assert_eq!(text.parse(), Ok(Price4(units)));
            assert_eq!(Price4(units).to_string(), shown);
        }
        assert_eq!("1000000".parse(), Ok(Notional(10_000_000_000)));
    }

    #[test]
    fn what_is_no_amount_is_an_error_that_shows_the_text_and_the_form() {
        for text in ["", ".", "1.", ".5", "-1", "0.00001", "1e3", "1,5", "99999999999999999999"] {
            let error = text.parse::<Price4>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("0.01"), "{error}");
            assert!(text.parse::<Notional>().is_err(), "{text}");
        }
        assert!("429496.7296".parse::<Price4>().unwrap_err().to_string().contains("429496.7295"));
    }
}
