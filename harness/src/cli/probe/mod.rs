//! `tickcert probe`: what this host is made of, and what lies between its parts, measured.
//!
//! What can't be measured is a row of its own with the remedy, and the rest goes on.

mod cores;
mod figures;
mod noise_text;
mod ptp;
mod text;

use clap::ValueEnum;
use serde::Serialize;
use tickcert_results::{
    certificate::{CoreMatrix, MemoryView, NoiseProbe, NotRun, Topology},
    time::Nanos,
};

use super::{Failure, Outcome, args::Common, out, run_args::args_duration, start};
use crate::run::progress::Progress;
use figures::Clocks;

pub(crate) const EXAMPLES: &str = "Examples:
  tickcert probe                             all of them
  tickcert probe topology clocks core-to-core
  tickcert probe core-to-core --cores 0-7
  tickcert probe noise --cores 2,3 --noise-duration 60s --noise-threshold 5us
  tickcert probe all --json > probes.json";

#[derive(Debug, clap::Args)]
pub(crate) struct ProbeArgs {
    /// What to look at
    #[arg(value_enum, value_name = "PROBE", default_value = "all")]
    what: Vec<What>,
    /// Measure on these cores only [default: all that this process may use]
    #[arg(long, value_name = "LIST")]
    cores: Option<String>,
    /// Watch the cores for noise so long
    #[arg(long, value_name = "TIME", default_value = "1 s", value_parser = args_duration)]
    noise_duration: Nanos,
    /// Count gaps longer than this as noise
    #[arg(long, value_name = "TIME", default_value = "1 us", value_parser = args_duration)]
    noise_threshold: Nanos,
    #[command(flatten)]
    common: Common,
}

/// A probe, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Sockets, caches, cores, memory nodes, and devices on PCI Express with their links
    Topology,
    /// The time-stamp counter: its rate, how far the cores' counters are apart, what reading a clock costs; PTP clocks and who keeps them
    Clocks,
    /// How long a cache line takes from each core to each other one
    CoreToCore,
    /// How long a load from memory takes, by working set, node and kind of pages, and how fast a core reads
    Memory,
    /// What takes a core away from a program that only spins
    Noise,
    /// All of them
    All,
}

impl What {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    topology: Option<Topology>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clocks: Option<Clocks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    core_to_core: Option<CoreMatrix>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory: Vec<MemoryView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<NoiseProbe>,
    not_run: Vec<NotRun>,
}

impl Found {
    /// Whether anything was found at all.
    const fn is_something(&self) -> bool {
        self.topology.is_some()
            || self.clocks.is_some()
            || self.core_to_core.is_some()
            || !self.memory.is_empty()
            || self.noise.is_some()
    }
}

pub(super) fn main(args: &ProbeArgs) -> Result<Outcome, Failure> {
    let wanted = |what: What| args.what.iter().any(|w| *w == what || *w == What::All);
    let cores = cores::choose(args.cores.as_deref())?;
    let mut found = Found::default();
    let topology = cores::topology(&mut found.not_run, wanted(What::Topology));
    let mut measured = vec![What::Clocks, What::CoreToCore, What::Memory, What::Noise];
    measured.retain(|what| wanted(*what));
    if !measured.is_empty() {
        cores::unusable(&cores, args.cores.is_none(), topology.as_ref(), &mut found.not_run);
        let progress = Progress::new(start::voice(&args.common));
        let _lock = start::lock(&args.common, &progress)?;
        let noise = (args.noise_duration, args.noise_threshold);
        figures::measure(&cores.usable, &measured, noise, &mut found, &progress);
    }
    let shown =
        if args.common.json { None } else { Some(text::all(&found, topology.as_ref(), wanted(What::Topology))) };
    found.topology = topology.filter(|_| wanted(What::Topology));
    match shown {
        Some(text) => out::print(text)?,
        None => out::json(&found)?,
    }
    // The host lacks something, named above, for everything that was asked for.
    Ok(if found.is_something() { Outcome::OK } else { Outcome(4) })
}
