//! Settings that can't be any number, for `deserialize_with`: a wrong one is refused with the profile's line, before
//! anything is opened.

use serde::{Deserialize, Deserializer, de::Error};

/// A number from `LOW` to `HIGH`.
pub(crate) fn between<'de, D, N, const LOW: u32, const HIGH: u32>(from: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<u32>,
{
    let n = u32::deserialize(from)?;
    if (LOW..=HIGH).contains(&n)
        && let Ok(fits) = N::try_from(n)
    {
        return Ok(fits);
    }
    Err(D::Error::custom(format!("{n} is not from {LOW} to {HIGH}")))
}

/// As [`between`], or none.
pub(crate) fn any_between<'de, D, const LOW: u32, const HIGH: u32>(from: D) -> Result<Option<u32>, D::Error>
where
    D: Deserializer<'de>,
{
    match Option::<u32>::deserialize(from)? {
        Some(n) if !(LOW..=HIGH).contains(&n) => Err(D::Error::custom(format!("{n} is not from {LOW} to {HIGH}"))),
        n => Ok(n),
    }
}

/// A power of two from `LOW` to `HIGH`.
pub(crate) fn power_of_two<'de, D, N, const LOW: u32, const HIGH: u32>(from: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: TryFrom<u32>,
{
    let n = u32::deserialize(from)?;
    power(n, LOW, HIGH).and_then(|n| N::try_from(n).ok()).ok_or_else(|| no_power(n, LOW, HIGH))
}

/// As [`power_of_two`], or none.
pub(crate) fn any_power_of_two<'de, D, const LOW: u32, const HIGH: u32>(from: D) -> Result<Option<u32>, D::Error>
where
    D: Deserializer<'de>,
{
    let given = Option::<u32>::deserialize(from)?;
    given.map(|n| power(n, LOW, HIGH).ok_or_else(|| no_power(n, LOW, HIGH))).transpose()
}

fn power(n: u32, low: u32, high: u32) -> Option<u32> {
    Some(n).filter(|n| n.is_power_of_two() && (low..=high).contains(n))
}

pub(crate) fn no_power<E: Error>(n: u32, low: u32, high: u32) -> E {
    E::custom(format!("{n} is no power of two from {low} to {high}"))
}

/// A VLAN, or none.
pub(crate) fn vlan<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    match Option::<u16>::deserialize(from)? {
        Some(id) if !(1..=4094).contains(&id) => Err(D::Error::custom(format!("a VLAN of {id} is not from 1 to 4094"))),
        id => Ok(id),
    }
}
