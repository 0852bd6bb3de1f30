//! One order lost, repeated or spoilt in 10,000, and a generator that can't keep up: each must be counted for what it
//! is, and make the repetition invalid. A generator that can is on time.

use anyhow::Result;
use tickcert_results::{
    certificate::Counts,
    time::{Nanos, PerSecond},
};
use tickcert_transports::wrap::faults::{Fault, FaultPlan};

use super::{
    Finding, Length, Shown,
    ground::{Ground, Trial},
};
use crate::{endpoint::control::Injection, run::progress::Progress};

const RATE: PerSecond = PerSecond(20_000.0);
const EVERY: u32 = 10_000;
/// What the sender's schedule error may be in the median.
const ON_TIME: Nanos = Nanos(50);

/// Which of the counts has to show the fault.
type Counted = fn(&Counts) -> u64;

pub(super) fn run(ground: &mut Ground<'_>, length: Length, _progress: &Progress) -> Result<Vec<Finding>> {
    let packets = match length {
        Length::Full => 100_000,
        Length::Short => 20_000,
    };
    let kinds: [(Fault, &str, Counted); 3] = [
        (Fault::Lose, "lost", |c| c.lost),
        (Fault::Duplicate, "duplicate", |c| c.duplicate),
        (Fault::Corrupt, "wrong", |c| c.wrong),
    ];
    kinds.into_iter().map(|(fault, name, counted)| one(ground, packets, fault, name, counted)).collect()
}

/// As often as this a trial in which the host itself lost something is run again.
const TRIES: u32 = 5;

fn one(ground: &mut Ground<'_>, packets: u32, fault: Fault, name: &str, counted: Counted) -> Result<Finding> {
    let faults = Some(FaultPlan { fault, every: EVERY });
    let injection = Injection { faults, ..Injection::default() };
    let truth = format!("{} {name} orders, one in {EVERY}", packets / EVERY);
    let mut found = String::new();
    for _ in 0..TRIES {
        let result = ground.run(Trial { rate: RATE, packets, injection })?;
        let (record, trader) = (&result.record, &result.finished.trader);
        let seen = Seen {
            put_in: trader.injected,
            wanted: u64::from(packets / EVERY),
            counted: counted(&record.counts),
            all: faults_in(&record.counts),
            valid: record.valid,
            ticks_missing: trader.gaps > 0 || trader.missing > 0,
        };
        let verdict = if seen.valid { "valid" } else { "invalid" };
        found = format!(
            "{} {name} of {} orders, {} faults in all, repetition {verdict}",
            seen.counted, record.counts.expected_orders, seen.all
        );
        match seen.shown() {
            Shown::Inconclusive => {}
            shown => return Ok(Finding { truth, found, shown }),
        }
    }
    Ok(Finding { truth, found: format!("{found}, in {TRIES} tries"), shown: Shown::Inconclusive })
}

const fn faults_in(c: &Counts) -> u64 {
    c.lost + c.duplicate + c.wrong + c.unexpected + c.late
}

/// What one trial came to.
struct Seen {
    /// Faults that were put in, and how many should have been.
    put_in: u64,
    wanted: u64,
    /// Faults counted of the right kind, and of any.
    counted: u64,
    all: u64,
    valid: bool,
    /// Ticks did not reach the trader, so orders are missing that nobody put in.
    ticks_missing: bool,
}

impl Seen {
    /// Fewer faults than were put in, or a repetition that is valid with them, contradict the method. More than that may be
    /// the host's: it lost ticks or orders of its own.
    const fn shown(&self) -> Shown {
        let right = self.put_in == self.wanted && self.counted == self.put_in && self.all == self.put_in;
        if right && !self.valid {
            Shown::Yes
        } else if self.valid || self.counted < self.put_in && !self.ticks_missing {
            Shown::No
        } else {
            Shown::Inconclusive
        }
    }
}

pub(super) fn generator(ground: &mut Ground<'_>, _: Length, _progress: &Progress) -> Result<Vec<Finding>> {
    Ok(vec![on_time(ground)?, too_slow(ground)?])
}

/// The sender's own lateness, of packets for which it was waiting: a host that is busy makes it larger, so it is shown or
/// not told.
fn on_time(ground: &mut Ground<'_>) -> Result<Finding> {
    let result = ground.run_valid(Trial { rate: RATE, packets: 10_000, injection: Injection::default() })?;
    let found = result.record.schedule_error_ns.waiting_p50;
    Ok(Finding {
        truth: format!(
            "a generator that keeps {:.0} packets/s leaves at most {ON_TIME} late while it waits (p50)",
            RATE.0
        ),
        found: format!("{found}"),
        shown: if found <= ON_TIME { Shown::Yes } else { Shown::Inconclusive },
    })
}

fn too_slow(ground: &mut Ground<'_>) -> Result<Finding> {
    let slow = Nanos(100_000);
    let injection = Injection { slow_exchange: slow, ..Injection::default() };
    let result = ground.run(Trial { rate: RATE, packets: 10_000, injection })?;
    let named = result.record.invalid_reasons.iter().any(|r| r.contains("could not keep its schedule"));
    let found = format!(
        "{:.0} packets/s instead of {:.0}: repetition {}",
        result.record.achieved_pps.0,
        result.record.intended_pps.0,
        if result.record.valid {
            "valid".to_owned()
        } else {
            format!("invalid ({})", result.record.invalid_reasons.join("; "))
        }
    );
    let truth = format!("a generator that takes {slow} for each packet of a load of {:.0} packets/s", RATE.0);
    Ok(Finding::new(truth, found, named && !result.record.valid))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: Seen = Seen { put_in: 2, wanted: 2, counted: 2, all: 2, valid: false, ticks_missing: false };

    #[test]
    fn only_the_faults_that_were_put_in_show_it_and_only_too_few_of_them_contradict_it() {
        assert_eq!(RIGHT.shown(), Shown::Yes);
        assert_eq!(Seen { valid: true, ..RIGHT }.shown(), Shown::No, "faults must make a repetition invalid");
        assert_eq!(Seen { counted: 1, all: 1, ..RIGHT }.shown(), Shown::No);
        assert_eq!(Seen { counted: 3, all: 3, ..RIGHT }.shown(), Shown::Inconclusive, "the host lost one of its own");
        assert_eq!(Seen { all: 3, ..RIGHT }.shown(), Shown::Inconclusive, "the host did something else");
        assert_eq!(Seen { counted: 1, all: 5, ticks_missing: true, ..RIGHT }.shown(), Shown::Inconclusive);
    }
}
