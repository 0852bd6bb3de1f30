//! The clocks of hardware stamps around one trial, read by the parent beside the time-stamp counter.

use nix::time::{ClockId, clock_gettime};
use tickcert_probes::{clocks::tsc, phc::Phc};
use tickcert_results::{
    certificate::TrialClock,
    stamp::{Lock, StampClock},
    time::{Nanos, TickScale, Ticks},
};
use tickcert_transports::api::Stamping;

use super::{
    join::ties::{Tie, Tied},
    one_way::Basis,
};
use crate::bench::stamping::Stamps;

/// Brackets of the system's clock by the counter, of which the tightest is taken.
const BRACKETS: usize = 64;
/// A clock that goes further from the counter than this, as a share of the trial, was set: a servo that steers harder has
/// not settled either.
const FASTEST: f64 = 500e-6;
/// …or than this in any case.
const LEAST_JUMP: Nanos = Nanos::MICRO;

/// The clocks, open.
pub struct StampClocks {
    clocks: Vec<Phc>,
    /// Those that could not be opened, and why.
    closed: Vec<Unread>,
}

/// A clock that could not be read, and why.
pub type Unread = (StampClock, String);

impl StampClocks {
    /// Those that stamp on the link. One that can't be read is none of them: the trial's stamps of it are unusable then, and
    /// what stands in its way is in the record of the run's clocks.
    #[must_use]
    pub fn of(stamping: Option<Stamping>) -> Self {
        let ends = stamping.map(|s| [s.exchange.clock, s.trader.clock]).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = ends
            .filter_map(|clock| match clock {
                StampClock::Phc(number) => Some(number),
                StampClock::Device | StampClock::Kernel => None,
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let (mut clocks, mut closed) = (Vec::new(), Vec::new());
        for number in numbers {
            match Phc::open(number) {
                Ok(clock) => clocks.push(clock),
                Err(e) => closed.push((StampClock::Phc(number), e.to_string())),
            }
        }
        Self { clocks, closed }
    }

    /// Those that can't be read now, and why.
    fn unread(&self) -> Vec<Unread> {
        let silent = |phc: &Phc| phc.read().err().map(|e| (StampClock::Phc(phc.number()), e.to_string()));
        self.closed.iter().cloned().chain(self.clocks.iter().filter_map(silent)).collect()
    }

    /// Each beside the counter, now.
    #[must_use]
    pub fn read(&self, scale: TickScale) -> Vec<(StampClock, Tie)> {
        self.clocks.iter().filter_map(|phc| Some((StampClock::Phc(phc.number()), tie(phc, scale)?))).collect()
    }
}

fn tie(phc: &Phc, scale: TickScale) -> Option<Tie> {
    let reading = phc.read().ok()?;
    let (counter, system, bracket) = system_beside_counter(scale)?;
    let clock = Ticks::new(system.raw().checked_add_signed(reading.offset.0)?)?;
    Some(Tie { counter, system, clock, width: Nanos((reading.width.0 + bracket.0).div_ceil(2)) })
}

/// `CLOCK_REALTIME` in nanoseconds, the counter's reading in the middle of the bracket around it, and the bracket's width.
fn system_beside_counter(scale: TickScale) -> Option<(Ticks, Ticks, Nanos)> {
    let one = || {
        let before = tsc::now();
        let time = clock_gettime(ClockId::CLOCK_REALTIME).ok()?;
        let width = tsc::now().since(before);
        let whole = u64::try_from(time.tv_sec()).ok()?.checked_mul(1_000_000_000)?;
        let system = Ticks::new(whole + u64::try_from(time.tv_nsec()).ok()?)?;
        let middle = Ticks::new(before.raw() + width.0.unsigned_abs() / 2)?;
        Some((middle, system, scale.ns(width)?))
    };
    (0..BRACKETS).filter_map(|_| one()).min_by_key(|(.., width)| *width)
}

/// The clocks of a trial that has begun.
pub struct Watched<'a> {
    stamping: Option<Stamping>,
    stamps: Option<&'a Stamps>,
    clocks: StampClocks,
    before: Vec<(StampClock, Tie)>,
    locks: Vec<(StampClock, Lock)>,
}

/// What was found of them when it was over.
pub struct Found {
    /// Each beside the counter.
    pub tied: Vec<Tied>,
    /// The same for the certificate.
    pub clocks: Vec<TrialClock>,
    /// Whether one way can be told.
    pub one_way: Basis,
    /// What another program has changed meanwhile.
    pub changed: Vec<String>,
    /// Clocks that can't be read, and why.
    pub unread: Vec<Unread>,
}

impl<'a> Watched<'a> {
    /// Looks at them before a trial.
    #[must_use]
    pub fn before(stamping: Option<Stamping>, stamps: Option<&'a Stamps>, scale: TickScale) -> Self {
        let stamps = stamps.filter(|_| stamping.is_some());
        let clocks = StampClocks::of(stamping);
        let locks = stamps.map(|s| s.look().locks).unwrap_or_default();
        Self { stamping, stamps, before: clocks.read(scale), clocks, locks }
    }

    /// Looks at them after it.
    #[must_use]
    pub fn after(self, scale: TickScale) -> Found {
        let tied = around(&self.before, &self.clocks.read(scale));
        let look = self.stamps.map(Stamps::look).unwrap_or_default();
        let lock = |all: &[(StampClock, Lock)], clock| {
            all.iter().find(|(c, _)| *c == clock).map_or(Lock::Unknown, |(_, lock)| *lock)
        };
        let of = |t: &Tied| record(t, [lock(&self.locks, t.clock), lock(&look.locks, t.clock)], scale);
        let records = self.stamps.map(|s| s.record().clocks).unwrap_or_default();
        Found {
            clocks: tied.iter().map(of).collect(),
            one_way: Basis::new(self.stamping, &records),
            tied,
            changed: look.changed,
            unread: self.clocks.unread(),
        }
    }
}

/// Those that were read before and after.
#[must_use]
pub fn around(before: &[(StampClock, Tie)], after: &[(StampClock, Tie)]) -> Vec<Tied> {
    let after_of = |clock| after.iter().find(|(c, _)| *c == clock).map(|(_, tie)| *tie);
    before
        .iter()
        .filter_map(|(clock, before)| Some(Tied { clock: *clock, before: *before, after: after_of(*clock)? }))
        .collect()
}

/// As a certificate has it, with what is wrong with it.
#[must_use]
pub fn record(tied: &Tied, lock: [Lock; 2], scale: TickScale) -> TrialClock {
    let mut troubles = Vec::new();
    if let Some(by) = jump(tied, scale) {
        troubles
            .push(format!("{} went {by} further or less than the counter within the trial: it was set", tied.clock));
    }
    if lock[0] != lock[1] {
        troubles.push(format!("{} was {} before the trial and {} after it", tied.clock, word(lock[0]), word(lock[1])));
    }
    TrialClock {
        clock: tied.clock,
        before_ns: tied.before.offset(),
        after_ns: tied.after.offset(),
        error_ns: tied.before.width.max(tied.after.width),
        drift_ppb: tied.drift(scale) * 1e9,
        lock,
        troubles,
    }
}

const fn word(lock: Lock) -> &'static str {
    match lock {
        Lock::Unknown => "of an unknown state",
        Lock::Locked => "locked",
        Lock::Unlocked => "not locked",
    }
}

/// By how much it went astray, where that is more than a clock can drift.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bound")]
fn jump(tied: &Tied, scale: TickScale) -> Option<Nanos> {
    let by_counter = scale.signed_ns(tied.after.counter.since(tied.before.counter));
    let astray = Nanos(tied.after.clock.since(tied.before.clock).0.abs_diff(by_counter));
    let drifted = Nanos((by_counter.unsigned_abs() as f64 * FASTEST) as u64);
    (astray > Nanos(drifted.0.saturating_add(tied.width().0)).max(LEAST_JUMP)).then_some(astray)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: TickScale = TickScale { ns_per_tick: 1.0 };

    /// A second's trial in which the clock gains so much.
    fn tied(gain: i64) -> Tied {
        let at = |raw: u64| Ticks::new(raw).unwrap();
        let tie = |since: u64, gain| Tie {
            counter: at(5 + since),
            system: at(900 + since),
            clock: at(77_000_000_000 + since).raw().checked_add_signed(gain).and_then(Ticks::new).unwrap(),
            width: Nanos(40),
        };
        Tied { clock: StampClock::Phc(1), before: tie(0, 0), after: tie(1_000_000_000, gain) }
    }

    #[test]
    fn a_clock_that_was_set_within_a_trial_marks_it_and_one_that_drifts_does_not() {
        for (gain, marked) in
            [(0, false), (400_000, false), (-400_000, false), (600_000, true), (-37_000_000_000, true)]
        {
            let record = record(&tied(gain), [Lock::Locked; 2], SCALE);
            assert_eq!(record.troubles.iter().any(|t| t.contains("it was set")), marked, "{gain}: {record:?}");
        }
        assert!((record(&tied(1_000), [Lock::Unknown; 2], SCALE).drift_ppb - 1_000.0).abs() < 1.0);
    }

    #[test]
    fn a_clock_that_loses_its_lock_marks_the_trial() {
        let said = record(&tied(0), [Lock::Locked, Lock::Unlocked], SCALE).troubles;
        assert_eq!(said, ["/dev/ptp1 was locked before the trial and not locked after it"]);
    }

    #[test]
    fn the_system_is_read_beside_the_counter_in_brackets_that_hold_the_counters_reading() {
        let (scale, before) = (SCALE, tsc::now());
        let (counter, system, _) = system_beside_counter(scale).unwrap();
        assert!(counter >= before && counter <= tsc::now());
        assert!(system.raw() > 1_600_000_000_000_000_000);
    }
}
