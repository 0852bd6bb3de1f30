//! One order lost, repeated or spoilt in 10,000, and a generator that can't keep up: each must be counted for what it
//! is, and make the repetition invalid.

use anyhow::Result;
use tickcert_results::{
    certificate::Counts,
    time::{Nanos, PerSecond},
};
use tickcert_transports::wrap::faults::{Fault, FaultPlan};

use super::{
    Finding, Length,
    ground::{Ground, Trial},
};
use crate::{endpoint::control::Injection, run::progress::Progress};

const RATE: PerSecond = PerSecond(20_000.0);
const EVERY: u32 = 10_000;

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

fn one(ground: &mut Ground<'_>, packets: u32, fault: Fault, name: &str, counted: Counted) -> Result<Finding> {
    let faults = Some(FaultPlan { fault, every: EVERY });
    let injection = Injection { faults, ..Injection::default() };
    let result = ground.run(Trial { rate: RATE, packets, injection })?;
    let (put_in, found) = (result.finished.trader.injected, counted(&result.record.counts));
    let c = &result.record.counts;
    let faults_in_all = c.lost + c.duplicate + c.wrong + c.unexpected + c.late;
    let right =
        put_in == u64::from(packets / EVERY) && found == put_in && faults_in_all == put_in && !result.record.valid;
    let verdict = if result.record.valid { "valid" } else { "invalid" };
    let text =
        format!("{found} {name} of {} orders, {faults_in_all} faults in all, repetition {verdict}", c.expected_orders);
    Ok(Finding::new(format!("{put_in} {name} orders, one in {EVERY}"), text, right))
}

pub(super) fn generator(ground: &mut Ground<'_>, _: Length, _progress: &Progress) -> Result<Vec<Finding>> {
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
    Ok(vec![Finding::new(truth, found, named && !result.record.valid)])
}
