//! One attempt at one trial: what happened, and whether it counts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EndCounters, HwStamps};
use crate::time::{Nanos, PerSecond};

/// One attempt at a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repetition {
    /// Which repetition of the cell this is an attempt at, from 1.
    pub repetition: u32,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// Place in the interleaved order of the whole run, from 1.
    pub position: u32,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// Whether it counts.
    pub valid: bool,
    /// Why it does not.
    pub invalid_reasons: Vec<String>,
    /// True when the stages were stamped: such a repetition gives the stage waterfall and nothing else.
    pub staged: bool,
    /// True when hardware stamps were left out on purpose, to show what they cost: it counts for nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unstamped: bool,
    /// Packets, orders, and what became of them.
    #[serde(flatten)]
    pub counts: Counts,
    /// SHA-256 of all orders received, in order of arrival.
    pub orders_sha256: String,
    /// SHA-256 of all orders expected for the same passes.
    pub expected_sha256: String,
    /// Packets a second really sent in the measured window.
    pub achieved_pps: PerSecond,
    /// Packets a second that were intended in it.
    pub intended_pps: PerSecond,
    /// Actual departure minus due time.
    pub schedule_error_ns: ScheduleError,
    /// Coverage by hardware stamps.
    pub hw_stamps: HwStamps,
    /// What was discarded at the start.
    pub warm_up: WarmUp,
    /// Whether the samples look independent and without trend.
    pub independence: Independence,
    /// The distributions, as HDR histograms.
    pub histograms: Histograms,
    /// Latency over time: the measured window in equal slices.
    pub over_time: Vec<TimeBucket>,
    /// What processor and kernel counted over the timed loops; `null` in certificates from before that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<EndCounters>,
    /// What a message took in the trader's queues; `null` in one thread, and in certificates from before that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_bytes: Option<MessageBytes>,
    /// Path of the raw samples, relative to the certificate's folder.
    pub samples: String,
    /// What the endpoints noticed (context switches, page faults, sockets' buffer sizes).
    pub notes: BTreeMap<String, String>,
}

/// Bytes that a message takes in a queue between two of the trader's threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MessageBytes {
    /// In the one to the thread that decides.
    pub to_decide: u32,
    /// In the one to the thread that sends.
    pub to_send: u32,
}

/// What a repetition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The latencies.
    Latency,
    /// The stages.
    Stages,
    /// The cost of hardware stamps: without them.
    Cost,
}

impl Repetition {
    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match (self.staged, self.unstamped) {
            (true, _) => Purpose::Stages,
            (_, true) => Purpose::Cost,
            _ => Purpose::Latency,
        }
    }

    /// Valid, and not one of those that only give the stages, or the cost of stamping.
    #[must_use]
    pub fn counts_for_latency(&self) -> bool {
        self.valid && self.purpose() == Purpose::Latency
    }
}

/// What was sent and what came back, in the whole repetition, warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Packets sent.
    pub sent: u64,
    /// Packets of the schedule that were not sent.
    pub skipped: u64,
    /// Orders that the oracle expects.
    pub expected_orders: u64,
    /// Orders that arrived, of any kind.
    pub received_orders: u64,
    /// Arrived once, in time, byte for byte as expected.
    pub matched: u64,
    /// Never arrived.
    pub lost: u64,
    /// Arrived with other bytes than expected.
    pub wrong: u64,
    /// Arrived again.
    pub duplicate: u64,
    /// Arrived after the limit for lateness.
    pub late: u64,
    /// Orders that no tick had asked for.
    pub unexpected: u64,
    /// Pairs of stamps that contradict each other (arrival before departure).
    pub bad_stamps: u64,
}

/// Actual departure minus due time of each packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleError {
    /// Median, of all packets.
    pub p50: Nanos,
    /// 99 %.
    pub p99: Nanos,
    /// Largest.
    pub max: Nanos,
    /// Median of the packets for which the sender was waiting: without those that had to queue behind another.
    pub waiting_p50: Nanos,
    /// Share of the packets that had to queue behind another, in parts per million.
    pub queued_ppm: u32,
}

/// What was discarded at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WarmUp {
    /// Orders discarded.
    pub orders: u64,
    /// Time discarded.
    pub duration_ns: Nanos,
    /// Share of all orders.
    pub share: f64,
    /// Whether two successive windows agreed in the end; if not, the whole of the warm-up allowed was used up.
    pub stationary: bool,
}

/// Tests of independence and trend of the samples in time order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Independence {
    /// Autocorrelation at lag 1 of the ranks.
    pub lag1: f64,
    /// p-value of the test that there is none (Ljung-Box).
    pub autocorrelation_p: f64,
    /// p-value of the test that there is no trend (Mann-Kendall on slice medians).
    pub drift_p: f64,
    /// Slope of that trend as a share of the median, over the whole window (Theil-Sen).
    pub drift_share: f64,
}

/// HDR histograms (V2 encoding, base64), nanoseconds, 3 significant digits, 1 ns to 60 s.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Histograms {
    /// See [`super::Latencies::t2t_sent`].
    pub t2t_sent: String,
    /// See [`super::Latencies::t2t_due`].
    pub t2t_due: String,
    /// See [`super::Latencies::trader`].
    pub trader: String,
    /// By stage.
    pub stages: StageHistograms,
    /// Spans between hardware stamps, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wire: BTreeMap<String, WireHistogram>,
}

/// A distribution of spans that may be negative.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WireHistogram {
    /// Added to each sample before it was recorded, so that none was negative.
    pub shift_ns: Nanos,
    /// As of [`Histograms`].
    pub histogram: String,
}

/// Stage name to histogram.
pub type StageHistograms = BTreeMap<String, String>;

/// One slice of the measured window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeBucket {
    /// Start of the slice, from the start of the window.
    pub at_ns: Nanos,
    /// Samples in it.
    pub n: u64,
    /// Median of t2t_due.
    pub p50_ns: Nanos,
    /// 99 % of t2t_due.
    pub p99_ns: Nanos,
    /// Largest t2t_due.
    pub max_ns: Nanos,
}
