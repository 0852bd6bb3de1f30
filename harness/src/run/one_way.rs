//! Whether the clocks of both ends agree well enough that a tick's or an order's way from one end to the other can be told.

use tickcert_results::{
    certificate::{ClockRecord, OneWay, Timescale},
    stamp::{Lock, Stamp, StampClock},
    time::Nanos,
};
use tickcert_transports::api::Stamping;

/// One-way figures are recorded later by this and the error, so that none is negative that the error explains.
const SHIFT: Nanos = Nanos::MICRO;
/// TAI less UTC since 2017 (IERS Bulletin C 52), where nobody has told the kernel.
const TAI_UTC_S: i32 = 37;

/// On what one-way figures rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The two clocks, of the exchange and of the trader, and what the second shows less the first by their timescales.
    clocks: Option<(StampClock, StampClock, i64)>,
    /// As a certificate has it; `None` where fewer than two ends stamp, so that nobody asks.
    pub record: Option<OneWay>,
}

impl Basis {
    /// By what is known of the clocks after a trial.
    #[must_use]
    pub fn new(stamping: Option<Stamping>, clocks: &[ClockRecord]) -> Self {
        let ends = stamping.and_then(|s| s.exchange.clock.zip(s.trader.clock));
        let Some((exchange, trader)) = ends else { return Self::default() };
        match between(exchange, trader, clocks) {
            Ok((error, ahead)) => Self {
                clocks: Some((exchange, trader, ahead)),
                record: Some(OneWay { error_ns: Some(error), why_not: None }),
            },
            Err(why) => Self { clocks: None, record: Some(OneWay { error_ns: None, why_not: Some(why) }) },
        }
    }

    /// From one stamp to the other, later by the shift beside it; `None` where the clocks don't allow it.
    #[must_use]
    pub fn span(&self, from: Stamp, to: Stamp) -> Option<(i64, Nanos)> {
        let (exchange, trader, ahead) = self.clocks?;
        let ahead = match (from.clock, to.clock) {
            both if both == (exchange, trader) => ahead,
            both if both == (trader, exchange) => -ahead,
            _ => return None,
        };
        let shift = Nanos(SHIFT.0 + self.record.as_ref()?.error_ns?.0);
        let shifted = to.at.since(from.at).0.checked_sub(ahead)?.checked_add(i64::try_from(shift.0).ok()?)?;
        Some((shifted, shift))
    }
}

/// How far off the difference of both clocks may be, and what the trader's shows more by its timescale; or why it is not
/// known.
fn between(exchange: StampClock, trader: StampClock, clocks: &[ClockRecord]) -> Result<(Nanos, i64), String> {
    if exchange == trader && matches!(exchange, StampClock::Phc(_)) {
        return Ok((Nanos::ZERO, 0));
    }
    let record = |clock: StampClock| {
        clocks
            .iter()
            .find(|r| r.clock == clock)
            .ok_or_else(|| format!("{clock} is no clock that can be held against another"))
    };
    let both = [record(exchange)?, record(trader)?];
    for clock in both {
        if clock.lock != Lock::Locked {
            return Err(format!("{} is not known to follow a reference: {}", clock.clock, said(clock)));
        }
    }
    let [first, second] = both;
    if first.reference.is_none() || first.reference != second.reference {
        let name = |clock: &ClockRecord| clock.reference.clone().unwrap_or_else(|| "nobody knows whom".to_owned());
        let (a, b) = (name(first), name(second));
        return Err(format!("{} follows {a}, and {} follows {b}", first.clock, second.clock));
    }
    let error = first.largest_offset_ns.zip(second.largest_offset_ns).map(|(a, b)| Nanos(a.0.saturating_add(b.0)));
    let error = error.ok_or("how far the clocks are from their reference is not said")?;
    Ok((error, since_utc(second)? - since_utc(first)?))
}

/// What a clock shows more than UTC, in nanoseconds.
fn since_utc(clock: &ClockRecord) -> Result<i64, String> {
    let leap = if clock.kernel_tai_utc_s == 0 { TAI_UTC_S } else { clock.kernel_tai_utc_s };
    match clock.timescale {
        Timescale::Utc => Ok(0),
        Timescale::Tai => Ok(i64::from(leap) * 1_000_000_000),
        Timescale::Arbitrary => Err(format!("{} counts seconds of its own", clock.clock)),
    }
}

fn said(clock: &ClockRecord) -> String {
    match (clock.source.as_str(), clock.troubles.first()) {
        (_, Some(trouble)) => trouble.clone(),
        ("", None) => "nobody keeps it".to_owned(),
        (source, None) => source.to_owned(),
    }
}
