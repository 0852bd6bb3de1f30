//! Where the self-test takes place: a bench, a tape on which every packet causes an order, and two processes that run
//! one short trial after another.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tickcert_probes::{clocks, latency_hold::LatencyHold};
use tickcert_results::{
    certificate::{Load, Purpose, Repetition},
    time::{Nanos, PerSecond, TickScale},
};
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    load::{Arrival, Schedule},
    tape::{self, Tape},
    trader::{Strategy, TraderConfig},
};
use tickcert_transports::Lane;

use crate::{
    bench::{Bench, BenchSpec},
    endpoint::control::Injection,
    run::{
        endpoints::{Homes, Pair},
        plan::Slot,
        repetition::Attempt,
        scratch::Scratch,
        trial::{Finished, Request, Stage},
    },
};

/// The lane that the self-test runs on: the simplest there is everywhere.
pub(super) const LANE: &str = "kernel-udp";
const SEED: u64 = 1;
const PACKETS: u32 = 20_000;

/// Bench, tape and clock.
pub(super) struct Site {
    bench: Bench,
    folder: Scratch,
    tape: Tape,
    tape_path: PathBuf,
    scale: TickScale,
    cores: (u32, u32),
    _hold: LatencyHold,
}

impl Site {
    pub(super) fn set_up(cores: (u32, u32)) -> Result<Self> {
        let (_, scale) = clocks::start(std::path::Path::new("/"))?;
        let folder = Scratch::new()?;
        let ticks =
            generator::generate(&GeneratorConfig { seed: SEED, messages: PACKETS, ..GeneratorConfig::default() })?;
        let tape_path = folder.path().join("tape");
        tape::build(&tape_path, &ticks, TraderConfig::new(Strategy::first_byte()))?;
        let tape = Tape::open(&tape_path)?;
        let bench = Bench::set_up(&BenchSpec::default())?;
        Ok(Self { bench, folder, tape, tape_path, scale, cores, _hold: LatencyHold::take() })
    }
}

/// One trial of the self-test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// Packets (and so orders) a second, evenly.
    pub(super) rate: PerSecond,
    /// Packets.
    pub(super) packets: u32,
    /// What goes wrong on purpose.
    pub(super) injection: Injection,
}

/// What came of it.
pub(super) struct Result_ {
    /// As a certificate would have it.
    pub(super) record: Repetition,
    /// The samples.
    pub(super) finished: Finished,
    /// What was asked for.
    pub(super) load: Load,
}

/// Not one trial was valid: nothing can be told, which is no contradiction.
#[derive(Debug, thiserror::Error)]
#[error("{tries} trials in a row were invalid on this host, the last because: {reasons}")]
pub(super) struct TooBusy {
    tries: u32,
    reasons: String,
}

/// The site with its two processes.
pub(super) struct Ground<'a> {
    pub(super) stage: Stage<'a>,
    pair: Pair,
    lane: Lane,
    trials: u32,
}

impl<'a> Ground<'a> {
    pub(super) fn new(site: &'a Site) -> Result<Self> {
        let stage = Stage {
            link: &site.bench.link,
            homes: Homes {
                exchange: Some(&site.bench.exchange_netns),
                trader: Some(&site.bench.trader_netns),
                logs: site.folder.path(),
                program: None,
                far: None,
            },
            tape: &site.tape,
            tape_path: &site.tape_path,
            scale: site.scale,
            folder: site.folder.path(),
            exchange_core: site.cores.0,
            trader_core: site.cores.1,
            memory_nodes: (None, None),
            late_after: Nanos::SECOND,
            stamp_timeout: Nanos::SECOND,
            stamps: None,
            speeds: [None; 2],
            seed: SEED,
            tail: None,
        };
        let pair = Pair::start(&stage.homes)?;
        let lane = Lane::by_name(LANE).context("this build lacks the lane that the self-test runs on")?;
        Ok(Self { stage, pair, lane, trials: 0 })
    }

    /// Runs one trial, valid or not.
    pub(super) fn run(&mut self, trial: Trial) -> Result<Result_> {
        let load = Arrival::Constant { rate: trial.rate };
        let packets = u32::try_from(self.stage.tape.packets())?;
        let passes = trial.packets.div_ceil(packets);
        let schedule = Schedule::new(&load, self.stage.tape.times(), passes, SEED)?.cut(trial.packets, Nanos(u64::MAX));
        let request = Request {
            lane: self.lane,
            settings: &serde_json::Value::Null,
            load: &load,
            schedule: &schedule,
            passes,
            staged: false,
            stamped: false,
            seat: None,
            threads: None,
            injection: trial.injection,
        };
        let finished = self.stage.run_in(&mut self.pair, &request)?;
        self.trials += 1;
        let slot = Slot { cell: 0, repetition: self.trials, purpose: Purpose::Latency };
        let attempt = Attempt { slot, number: 1, position: self.trials, started_at: String::new() };
        let (record, _) = attempt.with_samples(&finished, self.stage.tape, &schedule)?;
        Ok(Result_ { record, finished, load: load.describe(&schedule) })
    }

    /// Two fresh processes for what follows, as every attempt of a certification has them.
    pub(super) fn renew(&mut self) -> Result<()> {
        self.pair = Pair::start(&self.stage.homes)?;
        Ok(())
    }

    /// Runs one trial until it is valid: a stall of the host must not be taken for the truth that was put in.
    ///
    /// # Errors
    /// [`TooBusy`] when that doesn't come about.
    pub(super) fn run_valid(&mut self, trial: Trial) -> Result<Result_> {
        const TRIES: u32 = 20;
        let mut reasons = Vec::new();
        for _ in 0..TRIES {
            let result = self.run(trial)?;
            if result.record.valid {
                return Ok(result);
            }
            reasons = result.record.invalid_reasons;
        }
        bail!(TooBusy { tries: TRIES, reasons: reasons.join("; ") })
    }
}

/// The median of some values; they are sorted by it.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
