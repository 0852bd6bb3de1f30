//! What the tests of all lanes stand on: a bench for each, and for trials also a tape, a clock and two cores that
//! nobody else measures on.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tickcert::{
    bench::{
        Bench, BenchSpec,
        lock::{self, IfHeld, RunLock},
    },
    run::{
        certify::choose_cores,
        endpoints::Homes,
        plan::Slot,
        repetition::Attempt,
        soft_rdma,
        trial::{Finished, Request, Stage},
    },
};
use tickcert_probes::clocks;
use tickcert_results::{
    certificate::{Purpose, Repetition},
    time::{Nanos, TickScale},
};
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    load::{Arrival, Schedule},
    tape::{self, Tape},
    trader::{Strategy, TraderConfig},
};
use tickcert_transports::api::Link;

use crate::{
    faults::{self, Case},
    settings::Set,
};

const SEED: u64 = 1;
const MESSAGES: u32 = 2_000;
/// A stall of the host spoils a trial now and then, and hardly so many in a row.
const TRIES: u32 = 5;

/// A bench, and a folder that goes with it.
pub(crate) struct Wire {
    pub(crate) bench: Bench,
    pub(crate) link: Link,
    pub(crate) dir: TempDir,
}

impl Wire {
    /// With what the lane of the set wants made.
    pub(crate) fn new(set: &Set, packets_in_a_stall: usize) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let spec = BenchSpec {
            packets_in_a_stall,
            connect_timeout: Nanos::SECOND * 5,
            run_dir: dir.path().into(),
            soft_rdma: soft_rdma::is_wanted_by(set.lane, &set.lane.settings(&set.wanted)?)?,
            ..BenchSpec::default()
        };
        let bench = Bench::set_up(&spec)?;
        let link = Link { meeting: dir.path().into(), ..bench.link.clone() };
        Ok(Self { bench, link, dir })
    }
}

/// What the trials of all lanes share. On the tape every packet causes an order.
pub(crate) struct Ground {
    dir: TempDir,
    tape: Tape,
    scale: TickScale,
    cores: (u32, u32),
    _lock: RunLock,
}

impl Ground {
    pub(crate) fn new() -> Result<Self> {
        let lock = RunLock::take(&lock::default_path(), IfHeld::Wait, |_| {})?;
        let dir = tempfile::tempdir()?;
        let (_, scale) = clocks::start(Path::new("/"))?;
        let config = GeneratorConfig { seed: SEED, messages: MESSAGES, ..GeneratorConfig::default() };
        let path = Self::tape_in(dir.path());
        tape::build(&path, &generator::generate(&config)?, TraderConfig::new(Strategy::first_byte()))?;
        Ok(Self { tape: Tape::open(&path)?, dir, scale, cores: choose_cores()?, _lock: lock })
    }

    fn tape_in(dir: &Path) -> PathBuf {
        dir.join("tape")
    }

    /// Runs trials until the host lets one be; what a certificate would hold of that, and what it rests on. `None` where
    /// the host spoilt the last one too.
    pub(crate) fn run(&self, set: &Set, case: &Case, wire: &Wire) -> Result<Option<(Repetition, Finished)>> {
        let mut number = 1;
        loop {
            let (record, finished) = self.trial(set, case, wire)?;
            let is_spoilt = faults::is_spoilt(&record);
            if number == TRIES || !(is_spoilt || case.is_wronged(&record)) {
                return Ok((!is_spoilt).then_some((record, finished)));
            }
            let (late, why) = (record.schedule_error_ns.max, record.invalid_reasons.join("; "));
            println!("{}: {}: tried again: up to {late} behind; {why}", set.name, case.name);
            number += 1;
        }
    }

    /// One trial, in two fresh processes.
    fn trial(&self, set: &Set, case: &Case, wire: &Wire) -> Result<(Repetition, Finished)> {
        let load = Arrival::Constant { rate: case.rate };
        let passes = case.packets.div_ceil(u32::try_from(self.tape.packets())?);
        let schedule = Schedule::new(&load, self.tape.times(), passes, SEED)?.cut(case.packets, Nanos(u64::MAX));
        let stage = Stage {
            link: &wire.link,
            homes: Homes {
                exchange: Some(&wire.bench.exchange_netns),
                trader: Some(&wire.bench.trader_netns),
                logs: wire.dir.path(),
                program: Some(Path::new(env!("CARGO_BIN_EXE_tickcert"))),
                far: None,
            },
            tape: &self.tape,
            tape_path: &Self::tape_in(self.dir.path()),
            scale: self.scale,
            folder: wire.dir.path(),
            exchange_core: self.cores.0,
            trader_core: self.cores.1,
            memory_nodes: (None, None),
            late_after: faults::LATE_AFTER,
            stamp_timeout: Nanos::SECOND,
            stamps: None,
            speeds: [None; 2],
            seed: SEED,
            tail: None,
        };
        let Set { lane, wanted, .. } = set;
        let (lane, settings) = (*lane, lane.settings(wanted)?);
        let injection = case.injection();
        let request = Request {
            lane,
            settings: &settings,
            load: &load,
            schedule: &schedule,
            passes,
            staged: false,
            threads: None,
            stamped: false,
            seat: None,
            injection,
        };
        let finished = stage.run(&request)?;
        let slot = Slot { cell: 0, repetition: 1, purpose: Purpose::Latency };
        let attempt = Attempt { slot, number: 1, position: 1, started_at: String::new() };
        let (record, _) =
            attempt.with_samples(&finished, &self.tape, &schedule).context("the samples make no record")?;
        Ok((record, finished))
    }
}
