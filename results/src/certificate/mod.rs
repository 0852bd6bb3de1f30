//! `certificate.json`, schema version 1: the types are the schema.
//!
//! Durations are whole nanoseconds in fields whose names end in `_ns` (or stand below one that does).

mod between_cores;
mod cell;
mod counters;
mod crew;
#[cfg(any(test, feature = "example"))]
pub mod example;
mod handoff;
mod host;
mod hw_stamps;
mod machine;
mod noise;
mod placement_class;
mod placement_matrix;
mod probes;
mod rate;
mod repetition;
mod stamping;
mod tail;

pub use between_cores::{CounterOffset, LineLatency};
pub use cell::{
    Cell, EndNodes, EndUsage, Handoff, Latencies, Load, OrderChannel, Placement, PlacementNodes, Planned, Quantiles,
    ServiceCell, SignedQuantiles, SweepPoint,
};
pub use counters::{CounterValues, EndCounters};
pub use crew::{CrewComparison, CrewRow};
pub use handoff::{HandoffCell, HandoffComparison, HandoffRepetition, HeldUp, Preemption};
pub use host::{CpuInfo, ExchangeHost, Host, NicInfo, Sut};
pub use hw_stamps::{CellStamps, Conversion, EndStamps, HwStamps, OneWay, StampCounts, StampingCost, TrialClock};
pub use machine::{
    Core, CoreMatrix, Die, Link, LoadPoint, Machine, MemoryView, Node, Pages, PciDevice, PciKind, ReadCost, Relation,
    SharedCache, Topology,
};
pub use noise::{Counted, GapCause, GapsOfCause, NoiseCore, NoiseProbe};
pub use placement_class::{
    CoreRelation, InterruptSite, InterruptsSent, Nearness, PLACEMENT_WORDS, PlacementClass, QueueSteered,
};
pub use placement_matrix::{Penalty, PlacementMatrix, PlacementRow, Recommendation};
pub use probes::{CalibrationRecord, ClockProbe, FloorProbe, Probes, Setting, Topic};
pub use rate::{RateLimit, RateSearch, RateTrial, compare_to_kernel_udp};
pub use repetition::{
    Counts, Histograms, Independence, MessageBytes, Purpose, Repetition, ScheduleError, StageHistograms, TimeBucket,
    WarmUp, WireHistogram,
};
pub use stamping::{
    ClockReading, ClockRecord, ReadMethod, SeenStamps, StampClaims, StampConfig, StampingEnd, StampingRecord,
    SystemClockRecord, Timescale,
};
pub use tail::{Side, SlowTick, Tail, TailCause, TailEvent, TailKind, TailRow};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{judge::RequirementResult, time::Nanos, verdict::Verdict};

/// The value of [`Certificate::schema`].
pub const SCHEMA: &str = "tickcert/1";

/// Everything that one run of `tickcert certify` (or `run`) says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Unique to the run: time and process, as in `20261123T073000Z-5f3a`.
    pub run_id: String,
    /// The program that made it.
    pub tool: Tool,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: String,
    /// True when the run was broken off: what stands here is what there was by then.
    pub interrupted: bool,
    /// Why, where it was not the user who broke it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted_because: Option<String>,
    /// The system under test: of a run over two hosts, the trader's.
    pub sut: Sut,
    /// The exchange's host, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_host: Option<ExchangeHost>,
    /// The workload.
    pub tape: TapeSummary,
    /// The requirements it was judged by.
    pub profile: ProfileSummary,
    /// Whether the system passes.
    pub verdict: Verdict,
    /// Why, most important first; never empty unless the verdict is `pass`.
    pub reasons: Vec<String>,
    /// Each requirement with what was measured.
    pub requirements: Vec<RequirementResult>,
    /// Each lane x placement x hand-off x load that ran.
    pub cells: Vec<Cell>,
    /// The highest rate without loss of each lane, where the profile has it searched for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateSearch>,
    /// The placements of each lane beside each other, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placements: Vec<PlacementMatrix>,
    /// Traders in one thread and in several beside each other, for each lane, where there are both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crews: Vec<CrewComparison>,
    /// The comparison of hand-offs from memory, where the profile has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<HandoffComparison>,
    /// Everything that was asked for and did not run.
    pub not_run: Vec<NotRun>,
    /// Evidence about the host.
    pub probes: Probes,
    /// The other files of the certificate with their digests, so that the signature covers them too.
    pub files: Vec<FileDigest>,
}

/// The program that made the certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Version of the package.
    pub version: String,
    /// Commit it was built from, with `-dirty` if changed since; `unknown` outside a repository.
    pub commit: String,
    /// Cargo features that were on.
    pub features: Vec<String>,
}

/// The workload, named by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TapeSummary {
    /// SHA-256 of the tape's packets, times, orders and settings, hexadecimal; not of `source` and `notes`.
    pub sha256: String,
    /// Where the ticks come from: `generator seed 7, 40 symbols …`, or a file's name and its own digest.
    pub source: String,
    /// Packets in one pass.
    pub packets: u64,
    /// Messages in one pass.
    pub messages: u64,
    /// Orders that one pass must cause.
    pub expected_orders: u64,
    /// SHA-256 of the bytes of all orders of one pass, in order.
    pub orders_sha256: String,
    /// How long one pass lasts at tape speed.
    pub duration_ns: Nanos,
    /// The strategy and its parameters, in words.
    pub strategy: String,
    /// What was noticed while reading it (messages that refer to unknown orders, say).
    pub notes: Vec<String>,
}

/// The profile, named by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileSummary {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
    /// What it is for, in its own words.
    pub description: String,
}

/// Something that was asked for and did not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotRun {
    /// What kind of thing.
    pub kind: NotRunKind,
    /// Its name; of a load, the load's and the lane's: `sweep of kernel-udp`. So too of a placement that only one lane lacks.
    pub name: String,
    /// What it needs that this host does not have.
    pub needs: String,
    /// How to get it: a command or a step.
    pub how: String,
    /// Whether the profile asks for it only where it can be had; the verdict is on the rest then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl NotRun {
    /// Something that the profile wants.
    #[must_use]
    pub fn new(kind: NotRunKind, name: impl Into<String>, needs: impl Into<String>, how: impl Into<String>) -> Self {
        Self { kind, name: name.into(), needs: needs.into(), how: how.into(), optional: false }
    }

    /// Whether it is this lane, the whole of it.
    #[must_use]
    pub fn is_lane(&self, lane: &str) -> bool {
        self.kind == NotRunKind::Lane && self.name == lane
    }

    /// Whether it is this lane, or a load or a placement of it.
    #[must_use]
    pub fn is_of_lane(&self, lane: &str) -> bool {
        match self.kind {
            NotRunKind::Lane => self.is_lane(lane),
            NotRunKind::Load | NotRunKind::Placement | NotRunKind::Queue => self.lane_in_name() == Some(lane),
            NotRunKind::Handoff | NotRunKind::Probe => false,
        }
    }

    /// Whether it is a placement, or a queue between the trader's threads, that every lane was to have.
    #[must_use]
    pub fn is_of_all_lanes(&self) -> bool {
        matches!(self.kind, NotRunKind::Placement | NotRunKind::Queue) && self.lane_in_name().is_none()
    }

    fn lane_in_name(&self) -> Option<&str> {
        self.name.rsplit_once(" of ").map(|(_, lane)| lane)
    }
}

/// Kinds of things that may not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotRunKind {
    /// A way across.
    Lane,
    /// A choice of cores, memory nodes and NIC.
    Placement,
    /// A queue between decode and decide, with ticks from memory.
    Handoff,
    /// One between the trader's threads over a lane.
    Queue,
    /// A piece of evidence about the host.
    Probe,
    /// A load of a lane: a sweep for which no rate was found.
    Load,
}

impl NotRunKind {
    /// The word used in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lane => "lane",
            Self::Placement => "placement",
            Self::Handoff => "handoff",
            Self::Queue => "queue",
            Self::Probe => "probe",
            Self::Load => "load",
        }
    }
}

/// A file beside `certificate.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileDigest {
    /// Path relative to the certificate's folder.
    pub path: String,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}
