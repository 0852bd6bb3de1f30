//! Profiles: what a certificate is made from and judged by, in TOML.
//!
//! The file is read in two steps. `raw` is the shape of the file, with the place of every value kept; `check` turns it
//! into the typed [`Profile`], and so every complaint can name file, line and column and show the line put right.
//! `docs/PROFILES.md` tells the user about every key.

mod builtin;
mod check;
mod check_bench;
mod check_handoff;
mod check_placements;
mod check_stamps;
mod check_sweep;
mod check_workload;
mod error;
mod handoff_values;
mod locate;
mod raw;
mod requirement;
mod stamps;
mod suggest;
mod sweep_values;
mod transports;
mod units;
mod window;
mod workload;

#[cfg(test)]
mod tests;

pub use builtin::{BUILTIN_NAMES, builtin_text};
pub use check_placements::{UnknownPlacement, parse_placements};
pub use error::ProfileError;
pub use handoff_values::{
    HandoffSpec, HandoffValueError, MOST_PRODUCERS, QueueSize, parse_capacity, parse_message_bytes, parse_pause,
    parse_preempt,
};
pub use stamps::{StampsSpec, UnknownPolicy, parse_policy};
pub(crate) use suggest::did_you_mean;
pub use suggest::{UnknownLane, resolve_lanes};
pub use sweep_values::{SweepValueError, parse_resolution, parse_trial};
pub use transports::SettingRefused;
pub use units::{UnitError, parse_duration, parse_packet_rate, parse_speed};
pub use window::{LoadSpec, SweepSpec, Window};
pub use workload::{RiskSpec, StrategySpec, SymbolChoice, TapeSpec};

use std::path::Path;

use tickcert_results::{judge::Requirement, time::Nanos};

use crate::{feed::Excerpt, handoff::Handoff};
use locate::Place;
use transports::TransportTable;

/// The value of the key `profile`: the version of the file's shape.
pub const PROFILE_VERSION: i64 = 1;

/// Fewer repetitions than this can't carry a 95 % interval.
pub const FEWEST_REPETITIONS_FOR_INTERVALS: u32 = 5;

/// A profile that has been read and checked, except for the names of its lanes: see [`Profile::check_lanes`].
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name, as it stands in the certificate.
    pub name: String,
    /// What it is for, in its own words.
    pub description: String,
    /// SHA-256 of the text, hexadecimal.
    pub sha256: String,
    /// Where it came from: `built-in profile ci`, or the path as given.
    pub source: String,
    /// The text itself, so that it can be kept beside the certificate.
    pub text: String,
    /// How the trials are run.
    pub run: Run,
    /// The interfaces that the wire is made of, where the profile names them; else it is virtual.
    pub interfaces: Option<InterfacePair>,
    /// The host that the trader runs on, where it is not that of the exchange.
    pub trader_host: Option<TraderHost>,
    /// How the wire's interfaces are to put off their interrupts, where the profile says so.
    pub deferral: Option<Deferral>,
    /// The queue, counted from 0, that all is sent to that both interfaces receive, where the profile says so.
    pub queue: Option<u32>,
    /// The workload's ticks.
    pub tape: TapeSpec,
    /// The part of a file of ticks that is played, whether the profile names the file or the command line does.
    pub excerpt: Excerpt,
    /// What the trader does with them.
    pub strategy: StrategySpec,
    /// What it checks before it sends.
    pub risk: RiskSpec,
    /// Each load; never empty.
    pub loads: Vec<LoadSpec>,
    /// The search for each lane's highest rate, and the loads at shares of it, where wanted.
    pub sweep: Option<SweepSpec>,
    /// The comparison of hand-offs, where wanted.
    pub hand_off: Option<HandoffSpec>,
    /// The noise probe.
    pub noise: NoiseSpec,
    /// Hardware stamps.
    pub stamps: StampsSpec,
    /// What the certificate is judged by; never empty.
    pub requirements: Vec<Requirement>,
    /// What is allowed but hardly wanted, to be shown before the run.
    pub warnings: Vec<String>,
    /// Settings of transports, beyond their defaults; see [`Profile::check_transports`].
    transports: Vec<TransportTable>,
    /// Where `from` or `until` stands, if one does.
    excerpt_place: Option<Place>,
    lane_places: Vec<(String, Place)>,
}

/// How the trials are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which lanes.
    pub lanes: LaneSelection,
    /// Lanes that are run too, where they can be: one that can't stands in the certificate, and the verdict is on the rest.
    pub optional_lanes: Vec<String>,
    /// Valid repetitions wanted of each cell.
    pub repetitions: u32,
    /// How often an invalid repetition is tried again.
    pub retries: u32,
    /// Extra repetitions with every stage stamped; they give the stage waterfall and nothing else.
    pub staged_repetitions: u32,
    /// Seed of the order of trials and of Poisson arrivals.
    pub seed: u64,
    /// An order that arrives later than this after its tick left is a late one.
    pub orders_late_after: Nanos,
    /// How long an endpoint may stand still without anything being lost: receive buffers hold this much traffic.
    pub stall: Nanos,
    /// The cores, where the profile names them.
    pub placement: Option<CorePair>,
    /// The placements, where the profile asks for a matrix of them.
    pub placements: Option<PlacementSelection>,
    /// How the trader's threads hand on what they have, each a dimension of the cells: in one thread, or in three with a queue
    /// between each two. Never empty.
    pub handoffs: Vec<Handoff>,
    /// Each of these queues.
    pub queue: QueueSize,
    /// Whether the tool's own overhead over shared memory is measured first.
    pub floor: bool,
    /// Whether it is measured what lies between the host's parts: from core to core, and memory.
    pub machine: bool,
    /// Whether it is looked into why the slowest ticks were slow.
    pub attribution: Attribution,
}

impl Run {
    /// The memory nodes that exchange and trader are bound to, where the profile names them.
    #[must_use]
    pub fn memory_nodes(&self) -> (Option<u32>, Option<u32>) {
        self.placement.map_or((None, None), |p| (p.exchange_memory, p.trader_memory))
    }
}

/// What is watched of the kernel to tell why the slowest ticks were slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// Nothing.
    Off,
    /// What takes the measured cores away: interrupts, softirqs, other threads, page faults.
    Events,
    /// The system calls of the endpoints too, which costs a lane that makes many.
    Calls,
}

/// Which lanes a profile asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneSelection {
    /// `["all"]`: every lane of this build.
    All,
    /// These, in this order.
    Named(Vec<String>),
}

/// Which placements are measured beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacementSelection {
    /// `["all"]`: every distinct one that the host has.
    All,
    /// Those to which all words of one of these names apply; one that means none of the host's keeps the whole from passing.
    Named(Vec<String>),
}

/// One core for each endpoint; never the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CorePair {
    /// Core of the exchange.
    pub exchange_core: u32,
    /// Core of the trader; of its thread that receives, where it has several.
    pub trader_core: u32,
    /// Cores of its threads that decide and that send, where they are named.
    pub thread_cores: Option<(u32, u32)>,
    /// The memory node that the exchange's memory is bound to; `None` leaves it to the kernel.
    pub exchange_memory: Option<u32>,
    /// The trader's.
    pub trader_memory: Option<u32>,
}

/// A host that the trader runs on, reached over ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraderHost {
    /// As ssh takes it: `root@server2`, or an alias of the user's ssh configuration.
    pub host: String,
    /// The `tickcert` there, where it is not the one in its PATH.
    pub program: Option<String>,
    /// As `ssh -o` takes them.
    pub ssh_options: Vec<String>,
}

/// Two interfaces that are cabled to each other; never the same one of the same host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InterfacePair {
    /// Interface of the exchange.
    pub exchange: String,
    /// Interface of the trader.
    pub trader: String,
}

/// How long the interrupts of a device are put off while somebody polls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Deferral {
    /// Empty polls of a queue before its interrupt is switched on again.
    pub napi_defer_hard_irqs: u32,
    /// Time from one of these polls to the next.
    pub gro_flush_timeout: Nanos,
}

/// The noise probe that runs before the trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NoiseSpec {
    /// How long each core is watched.
    pub duration: Nanos,
    /// A gap longer than this is counted.
    pub threshold: Nanos,
}

impl Profile {
    /// Loads a built-in profile by its name, or any other by the path of its file.
    ///
    /// A name of a built-in profile wins over a file of the same name; write `./ci` to mean the file.
    ///
    /// # Errors
    /// [`ProfileError`], whose text names file, line, column and what to write instead.
    pub fn load(name_or_path: &str) -> Result<Self, ProfileError> {
        if let Some(text) = builtin_text(name_or_path) {
            let source = format!("built-in profile {name_or_path}");
            return check::profile(&source, text, None);
        }
        let path = Path::new(name_or_path);
        let looks_like_path = name_or_path.contains('/') || path.extension().is_some();
        if !looks_like_path && !path.exists() {
            return Err(ProfileError::unknown_name(name_or_path));
        }
        let text =
            std::fs::read_to_string(path).map_err(|source| ProfileError::Read { path: path.to_path_buf(), source })?;
        check::profile(name_or_path, &text, path.parent())
    }

    /// Reads a profile from text; `source` is the name used in complaints.
    ///
    /// # Errors
    /// As [`Profile::load`].
    pub fn from_text(source: &str, text: &str) -> Result<Self, ProfileError> {
        check::profile(source, text, None)
    }

    /// Whether there is a file of ticks to take the profile's excerpt of, be it `given` on the command line.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] where the ticks are generated: they are of no day.
    pub fn check_excerpt(&self, given: bool) -> Result<(), ProfileError> {
        match (&self.tape, &self.excerpt_place) {
            (TapeSpec::Generator { .. }, Some(place)) if !given => {
                let what = "`from` and `until` are for ticks from a file, and these are generated".to_owned();
                let remedy = "name a `file`, or give one with --ticks, or leave them out".to_owned();
                Err(place.error(&self.source, &self.text, what, remedy))
            }
            _ => Ok(()),
        }
    }

    /// The lanes to run, out of the `known` ones of this build, the optional ones last; every lane that a requirement names
    /// is checked too.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] at the first lane that is not known, with the nearest that is.
    pub fn check_lanes(&self, known: &[&str]) -> Result<Vec<String>, ProfileError> {
        for (lane, place) in &self.lane_places {
            if lane != suggest::ALL_LANES
                && let Err(e) = resolve_lanes(std::slice::from_ref(lane), known)
            {
                return Err(place.error(&self.source, &self.text, e.what(), e.remedy()));
            }
        }
        Ok(match &self.run.lanes {
            LaneSelection::All => known.iter().map(|&l| l.to_owned()).collect(),
            LaneSelection::Named(lanes) => lanes.iter().chain(&self.run.optional_lanes).cloned().collect(),
        })
    }
}
