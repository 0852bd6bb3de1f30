//! The tool's own overhead, end to end: service time and tick-to-trade over the floor lane, which crosses nothing but the
//! memory between the two cores. Measured in every run, printed, never subtracted.

use anyhow::{Context, Result, bail};
use tickcert_probes::latency_hold::LatencyHold;
use tickcert_results::{
    certificate::{FloorProbe, Latencies, NotRun, NotRunKind, Probes, Purpose, Quantiles},
    evidence::Evidence,
    stats::summarise::summarise,
    time::Nanos,
};
use tickcert_scenarios::profile::{LoadSpec, Window};
use tickcert_transports::Lane;

use super::{
    certify::now,
    plan::{self, Slot},
    progress::Progress,
    repetition::Attempt,
    service_time,
    trial::{Request, Stage, is_interrupt},
};
use crate::endpoint::control::Injection;

/// The lane.
const FLOOR: &str = "shm";
/// Payload of the frame that goes round: with its header it fills a cache line, as an order does.
const FRAME_BYTES: u32 = 56;
/// How long it goes round.
const ROUND_TRIPS: Nanos = Nanos::SECOND;
/// Enough for p99, and over within two seconds.
const WINDOW: Window = Window { orders: 1_000, max_duration: Nanos(1_500_000_000) };
/// A stall of the host invalidates an attempt.
const ATTEMPTS: u32 = 2;

/// Measures both; what could not be is a row of `not_run`.
pub(super) fn measure(
    stage: &Stage<'_>,
    load: &LoadSpec,
    hold: &LatencyHold,
    probes: &mut Probes,
    not_run: &mut Vec<NotRun>,
    progress: &Progress,
) {
    progress.say("Measuring the floor: service time and tick-to-trade through shared memory");
    let mut give_up = |what: &str, e: &anyhow::Error| {
        if !is_interrupt(e) {
            let how = format!("run again on a host that is less busy, or see `tickcert lanes` for what {FLOOR} needs");
            let name = format!("floor lane ({FLOOR}): {what}");
            not_run.push(NotRun::new(NotRunKind::Probe, name, format!("{e:#}"), how));
        }
    };
    let service_time_ns = match round_trips(stage, hold) {
        Ok(quantiles) => quantiles,
        Err(e) => return give_up("service time", &e),
    };
    let latencies = tick_to_trade(stage, load).unwrap_or_else(|e| {
        give_up("tick-to-trade", &e);
        Latencies::default()
    });
    probes.floor = Some(FloorProbe {
        lane: FLOOR.to_owned(),
        evidence: Evidence::Emulated,
        frame_bytes: FRAME_BYTES,
        service_time_ns,
        load: load.arrival.to_string(),
        t2t_sent: latencies.t2t_sent,
        t2t_due: latencies.t2t_due,
        trader: latencies.trader,
    });
}

/// Why it isn't to be measured, where it isn't: the profile may not want it, and where no lane runs it would stand alone.
pub(super) fn left_out(wanted: bool, any_lane: bool) -> Option<NotRun> {
    let (needs, how) = match (wanted, any_lane) {
        (true, true) => return None,
        (false, _) => ("a profile that wants it: this one has `floor = false`", "take that out of [run]"),
        (true, false) => ("a lane that is measured, to stand beside", "see what the lanes need"),
    };
    Some(NotRun::new(NotRunKind::Probe, format!("floor lane ({FLOOR})"), needs, how))
}

fn lane() -> Result<Lane> {
    Lane::by_name(FLOOR).context("this build has no lane of that name")
}

fn round_trips(stage: &Stage<'_>, hold: &LatencyHold) -> Result<Quantiles> {
    let lane = lane()?;
    let times = service_time::measure(&service_time::Order {
        lanes: &[lane],
        profile: None,
        frame_bytes: FRAME_BYTES,
        duration: ROUND_TRIPS,
        cores: (stage.exchange_core, stage.trader_core),
        link: stage.link,
        homes: &stage.homes,
        scale: stage.scale,
        virtualised: "none",
        hold,
    })?;
    if let Some(row) = times.not_run.first() {
        bail!("needs {} ({})", row.needs, row.how);
    }
    Ok(times.cells.into_iter().next().context("it gave no result")?.rtt_ns)
}

fn tick_to_trade(stage: &Stage<'_>, load: &LoadSpec) -> Result<Latencies> {
    let lane = lane()?;
    let settings = lane.settings(&serde_json::Map::new())?;
    let (schedule, passes) = plan::schedule(&load.arrival, stage.tape, WINDOW, stage.seed)?;
    let injection = Injection::default();
    let request = Request {
        lane,
        settings: &settings,
        load: &load.arrival,
        schedule: &schedule,
        passes,
        staged: false,
        stamped: false,
        seat: None,
        threads: None,
        injection,
    };
    let mut reasons = Vec::new();
    for number in 1..=ATTEMPTS {
        let slot = Slot { cell: 0, repetition: 1, purpose: Purpose::Latency };
        let attempt = Attempt { slot, number, position: 0, started_at: now() };
        let finished = stage.run(&request)?;
        let (record, distributions) = attempt.with_samples(&finished, stage.tape, &schedule)?;
        if record.valid {
            return Ok(summarise(&[&distributions], &[], stage.seed)?);
        }
        reasons = record.invalid_reasons;
    }
    bail!("a valid trial, of {ATTEMPTS} tried: {}", reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_that_is_left_out_says_why() {
        assert_eq!(left_out(true, true), None);
        let why = |wanted, any| left_out(wanted, any).map(|row| (row.name, row.needs)).unwrap();
        assert_eq!(why(false, true).0, "floor lane (shm)");
        assert!(why(false, true).1.contains("`floor = false`"));
        assert!(why(false, false).1.contains("`floor = false`"));
        assert!(why(true, false).1.contains("a lane that is measured"));
    }
}
