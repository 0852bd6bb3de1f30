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

#[cfg(test)]
mod tests {
    use tickcert_results::time::Ticks;
    use tickcert_transports::api::EndStamping;

    use super::*;

    const A: StampClock = StampClock::Phc(0);
    const B: StampClock = StampClock::Phc(1);

    fn clock(clock: StampClock) -> ClockRecord {
        ClockRecord {
            clock,
            name: String::new(),
            interfaces: vec![],
            timescale: Timescale::Tai,
            kernel_tai_utc_s: 0,
            readings: vec![],
            drift_ppb: None,
            lock: Lock::Locked,
            source: "ptp4l".to_owned(),
            reference: Some("aabbcc.fffe.000001".to_owned()),
            largest_offset_ns: Some(Nanos(20)),
            troubles: vec![],
        }
    }

    fn basis(exchange: StampClock, trader: StampClock, clocks: &[ClockRecord]) -> Basis {
        let end = |clock| EndStamping { clock: Some(clock), transmit: true, receive: true };
        Basis::new(Some(Stamping { exchange: end(exchange), trader: end(trader) }), clocks)
    }

    fn stamp(clock: StampClock, at: u64) -> Stamp {
        Stamp::new(Ticks::new(at).unwrap(), clock)
    }

    fn why(of: &Basis) -> String {
        of.record.clone().unwrap().why_not.unwrap_or_default()
    }

    #[test]
    fn two_clocks_of_one_reference_tell_one_way_with_their_offsets_as_its_error() {
        let found = basis(A, B, &[clock(A), clock(B)]);
        assert_eq!(found.record.as_ref().unwrap().error_ns, Some(Nanos(40)));
        let there = found.span(stamp(A, 5_000), stamp(B, 7_350)).unwrap();
        assert_eq!((there.0 - i64::try_from(there.1.0).unwrap(), there.1), (2_350, Nanos(1_040)));
        // What the error explains is no contradiction.
        assert!(found.span(stamp(B, 5_030), stamp(A, 5_000)).unwrap().0 > 0);
        assert_eq!(found.span(stamp(A, 1), stamp(StampClock::Device, 2)), None);
    }

    #[test]
    fn a_clock_of_utc_and_one_of_tai_are_held_together_by_the_leap_seconds() {
        let utc = ClockRecord { timescale: Timescale::Utc, ..clock(A) };
        let found = basis(A, B, &[utc, clock(B)]);
        let (shifted, shift) = found.span(stamp(A, 1_000), stamp(B, 37_000_003_000)).unwrap();
        assert_eq!(shifted - i64::try_from(shift.0).unwrap(), 2_000);
        let (back, shift) = found.span(stamp(B, 37_000_003_000), stamp(A, 4_000)).unwrap();
        assert_eq!(back - i64::try_from(shift.0).unwrap(), 1_000);
    }

    #[test]
    fn clocks_that_can_not_be_held_together_give_no_figure_and_the_reason() {
        let unlocked = ClockRecord { lock: Lock::Unlocked, troubles: vec!["ptp4l: listening".to_owned()], ..clock(B) };
        let other = ClockRecord { reference: Some("another".to_owned()), ..clock(B) };
        let own = ClockRecord { timescale: Timescale::Arbitrary, ..clock(B) };
        let unsaid = ClockRecord { largest_offset_ns: None, ..clock(B) };
        for (second, reason) in [
            (unlocked, "is not known to follow a reference: ptp4l: listening"),
            (other, "/dev/ptp1 follows another"),
            (own, "counts seconds of its own"),
            (unsaid, "is not said"),
        ] {
            let found = basis(A, B, &[clock(A), second]);
            assert!(why(&found).contains(reason), "{}", why(&found));
            assert_eq!(found.span(stamp(A, 1), stamp(B, 2)), None);
        }
        assert!(why(&basis(A, StampClock::Device, &[clock(A)])).contains("no clock that can be held against"));
        assert!(why(&basis(StampClock::Device, StampClock::Device, &[])).contains("no clock"));
        assert_eq!(Basis::new(None, &[]).record, None);
    }

    #[test]
    fn one_clock_at_both_ends_needs_nobody_to_keep_it() {
        let found = basis(A, A, &[]);
        assert_eq!(found.record.as_ref().unwrap().error_ns, Some(Nanos::ZERO));
        let (shifted, shift) = found.span(stamp(A, 10), stamp(A, 35)).unwrap();
        assert_eq!(shifted - i64::try_from(shift.0).unwrap(), 25);
    }
}
