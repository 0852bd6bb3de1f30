//! Numbers with units, as a profile writes them. Durations are parsed as decimals, never through floating point, so that
//! `0.1 s` is 100,000,000 ns and nothing near it.

use tickcert_results::time::{Nanos, PerSecond};

/// What is wrong with a number and its unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// No unit at all.
    #[error("`{0}` has no unit")]
    Missing(String),
    /// A unit that is none.
    #[error("`{unit}` is no unit of {kind}")]
    Unknown {
        /// As written.
        unit: String,
        /// `a duration`, `a packet rate`, `a speed`.
        kind: &'static str,
    },
    /// No number before the unit.
    #[error("`{0}` doesn't start with a number (digits, with one point at most)")]
    NotANumber(String),
    /// Finer than the type can say.
    #[error("`{0}` is not a whole number of nanoseconds")]
    TooFine(String),
    /// Larger than the type can say.
    #[error("`{0}` is too large")]
    TooLarge(String),
    /// Nothing, where something is needed.
    #[error("`{0}` must be more than zero")]
    Zero(String),
}

/// A duration: a decimal number with `ns`, `us` (`µs`), `ms`, `s` or `min`.
///
/// # Errors
/// [`UnitError`]; anything that is not a whole number of nanoseconds is refused rather than rounded.
pub fn parse_duration(text: &str) -> Result<Nanos, UnitError> {
    let (number, unit) = split(text)?;
    let scale: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "min" => 60_000_000_000,
        "" => return Err(UnitError::Missing(text.to_owned())),
        _ => {
            return Err(UnitError::Unknown { unit: unit.to_owned(), kind: "a duration" });
        }
    };
    let Decimal { digits, places } = Decimal::parse(number).ok_or_else(|| UnitError::NotANumber(text.to_owned()))?;
    let too_large = || UnitError::TooLarge(text.to_owned());
    let scaled = digits.checked_mul(scale).ok_or_else(too_large)?;
    let divisor = 10_u128.checked_pow(places).ok_or_else(too_large)?;
    if !scaled.is_multiple_of(divisor) {
        return Err(UnitError::TooFine(text.to_owned()));
    }
    u64::try_from(scaled / divisor).map(Nanos).map_err(|_| too_large())
}

/// A rate of packets: a decimal number with `packets/s`. Never zero.
///
/// # Errors
/// [`UnitError`].
pub fn parse_packet_rate(text: &str) -> Result<PerSecond, UnitError> {
    match split(text)? {
        (number, "packets/s") => positive(number, text).map(PerSecond),
        (_, "") => Err(UnitError::Missing(text.to_owned())),
        (_, unit) => Err(UnitError::Unknown { unit: unit.to_owned(), kind: "a packet rate" }),
    }
}

/// A speed of the tape: a decimal number with `x`; `2x` plays it in half the time. Never zero.
///
/// # Errors
/// [`UnitError`].
pub fn parse_speed(text: &str) -> Result<f64, UnitError> {
    match split(text)? {
        (number, "x") => positive(number, text),
        (_, "") => Err(UnitError::Missing(text.to_owned())),
        (_, unit) => Err(UnitError::Unknown { unit: unit.to_owned(), kind: "a speed" }),
    }
}

/// A decimal number as it was written: `digits / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) digits: u128,
    pub(super) places: u32,
}

impl Decimal {
    /// `12`, `12.5`, `20_000`; at most 30 digits, no sign, no exponent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let has_point = whole.len() != text.len();
        let plain: String = whole.chars().filter(|&c| c != '_').chain(fraction.chars()).collect();
        let well_formed = whole.starts_with(|c: char| c.is_ascii_digit())
            && !(has_point && fraction.is_empty())
            && plain.len() <= 30
            && plain.bytes().all(|b| b.is_ascii_digit());
        if !well_formed {
            return None;
        }
        Some(Self { digits: plain.parse().ok()?, places: u32::try_from(fraction.len()).ok()? })
    }

    /// The nearest floating-point number.
    fn to_f64(self) -> Option<f64> {
        format!("{}e-{}", self.digits, self.places).parse().ok()
    }

    /// In steps of `10^-places`; `None` when it is finer than that, or too large.
    pub(super) fn in_steps(self, places: u32) -> Option<u64> {
        let shifted = if self.places <= places {
            self.digits.checked_mul(10_u128.checked_pow(places - self.places)?)?
        } else {
            let divisor = 10_u128.checked_pow(self.places - places)?;
            self.digits.is_multiple_of(divisor).then_some(self.digits / divisor)?
        };
        u64::try_from(shifted).ok()
    }
}

fn positive(number: &str, whole: &str) -> Result<f64, UnitError> {
    let value =
        Decimal::parse(number).and_then(Decimal::to_f64).ok_or_else(|| UnitError::NotANumber(whole.to_owned()))?;
    if value > 0.0 { Ok(value) } else { Err(UnitError::Zero(whole.to_owned())) }
}

/// The number and the unit, with or without a space between.
fn split(text: &str) -> Result<(&str, &str), UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    if end == 0 {
        return Err(UnitError::NotANumber(text.to_owned()));
    }
    Ok((&text[..end], text[end..].trim()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_of_time_is_what_it_says() {
        for (text, ns) in [
            ("850 ns", 850),
            ("12us", 12_000),
            ("12 µs", 12_000),
            ("200 ms", 200_000_000),
            ("1.5 s", 1_500_000_000),
            ("2 min", 120_000_000_000),
            ("0.1 s", 100_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Nanos(ns)), "{text}");
        }
    }

    #[test]
    fn a_number_without_unit_is_no_duration() {
        assert_eq!(parse_duration("200"), Err(UnitError::Missing("200".to_owned())));
        assert_eq!(parse_packet_rate("20000"), Err(UnitError::Missing("20000".to_owned())));
        assert_eq!(parse_speed("2"), Err(UnitError::Missing("2".to_owned())));
    }

    #[test]
    fn a_fraction_of_a_nanosecond_is_refused_and_not_rounded() {
        assert_eq!(parse_duration("0.5 ns"), Err(UnitError::TooFine("0.5 ns".to_owned())));
    }

    #[test]
    fn more_time_than_fits_is_refused_and_not_wrapped() {
        assert_eq!(parse_duration("99999999999999 s"), Err(UnitError::TooLarge("99999999999999 s".to_owned())));
    }

    #[test]
    fn nothing_a_second_is_no_rate_and_a_negative_one_is_no_number() {
        assert_eq!(parse_packet_rate("0 packets/s"), Err(UnitError::Zero("0 packets/s".to_owned())));
        assert_eq!(parse_packet_rate("-1 packets/s"), Err(UnitError::NotANumber("-1 packets/s".to_owned())));
    }

    #[test]
    fn prices_are_kept_exactly_in_ten_thousandths() {
        assert_eq!(Decimal::parse("0.01").and_then(|d| d.in_steps(4)), Some(100));
        assert_eq!(Decimal::parse("150.250000").and_then(|d| d.in_steps(4)), Some(1_502_500));
        assert_eq!(Decimal::parse("0.00001").and_then(|d| d.in_steps(4)), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,40}") {
            let _ = (parse_duration(&text), parse_packet_rate(&text), parse_speed(&text));
        }

        #[test]
        fn whole_nanoseconds_come_back_unchanged(ns in any::<u64>()) {
            prop_assert_eq!(parse_duration(&format!("{ns} ns")), Ok(Nanos(ns)));
        }
    }
}
