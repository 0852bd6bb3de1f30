//! Evidence about the host that was gathered in the same run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CounterOffset, LineLatency, Machine, NoiseProbe, Quantiles, StampingRecord};
use crate::evidence::Evidence;

/// Everything that the probes found; a probe that did not run is in [`super::Certificate::not_run`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probes {
    /// Settings that spoil measurements, as found.
    pub audit: Vec<Setting>,
    /// The clocks that everything rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<ClockProbe>,
    /// What takes the cores away from a program that only spins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseProbe>,
    /// Cost of one stamp in the timed loop, median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp_cost_ns: Option<f64>,
    /// Cost of recording one event (stamp included), median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_cost_ns: Option<f64>,
    /// What the tool itself costs end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<FloorProbe>,
    /// How long a cache line takes between the cores of exchange and trader, where both are of one host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_to_core: Option<LineLatency>,
    /// How far the counter of the trader's core is ahead of that of the exchange's core, where both are of one host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_offset: Option<CounterOffset>,
    /// What stamps frames, and by which clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamping: Option<StampingRecord>,
    /// What the host is made of, and what lies between its parts; certificates of older versions don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// The tool's own overhead: a lane that crosses nothing but the memory between the two cores. Of one short repetition,
/// so without intervals; never subtracted from any figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FloorProbe {
    /// Its name: `shm`.
    pub lane: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// Payload bytes of the frame that went round in a closed loop…
    pub frame_bytes: u32,
    /// …and how long each round took, at the initiating side.
    pub service_time_ns: Quantiles,
    /// The profile's first load, in words, under which the following were measured.
    pub load: String,
    /// As of a cell, in nanoseconds; without samples where no trial became valid.
    pub t2t_sent: Quantiles,
    /// As of a cell, in nanoseconds.
    pub t2t_due: Quantiles,
    /// As of a cell, in nanoseconds.
    pub trader: Quantiles,
}

/// Who decides a setting, in the order in which they are looked at: tuning an operating system can't mend hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The machine, its firmware and its devices.
    Hardware,
    /// The kernel and what runs beside it.
    OperatingSystem,
    /// How and where the measuring programs run.
    Application,
}

/// One setting of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Its name: `cpu0/governor`, `clocksource`.
    pub name: String,
    /// As found; `absent` where the kernel does not offer it.
    pub value: String,
    /// As it should be for a measurement.
    pub wanted: String,
    /// Whether the two agree.
    pub ok: bool,
    /// Why it matters, in a line.
    pub why: String,
    /// The command that sets it.
    pub fix: String,
    /// Who decides it; certificates of older versions don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Whether it stays as that command sets it when the host starts again; `None` where it isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survives_reboot: Option<bool>,
    /// What makes it last, where the command alone doesn't.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lasting: String,
}

/// The time-stamp counter and its calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockProbe {
    /// The kernel's clock source.
    pub clocksource: String,
    /// The CPU promises a TSC of constant rate that never stops.
    pub invariant_tsc: bool,
    /// Median cost of one fenced read.
    pub read_cost_ns: f64,
    /// Smallest step seen between two reads that differ, in ticks.
    pub granularity_ticks: u64,
    /// Calibration before the run.
    pub start: CalibrationRecord,
    /// Calibration after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<CalibrationRecord>,
    /// Disagreement of the two, in parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_ppm: Option<f64>,
    /// 1 ppm plus the width of the brackets: more drift than this invalidates the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_allowed_ppm: Option<f64>,
}

/// One calibration of the TSC against `CLOCK_MONOTONIC_RAW`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationRecord {
    /// Ticks a second.
    pub hz: f64,
    /// How far off that may be, from the width of the brackets.
    pub error_ppm: f64,
    /// Width of the tightest bracket.
    pub bracket_ns: f64,
    /// Triples taken.
    pub triples: u32,
}
