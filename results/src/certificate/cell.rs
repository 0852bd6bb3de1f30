//! A cell: one lane x placement x hand-off x load, with its repetitions and what they say together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CellStamps, InterruptsSent, MessageBytes, PlacementClass, QueueSteered, Repetition, Tail};
use crate::{
    evidence::Evidence,
    time::{Nanos, PerSecond, SignedNanos},
};

/// One lane x placement x hand-off x load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The lane: `kernel-udp`.
    pub lane: String,
    /// Its variant where it has several, else empty.
    pub variant: String,
    /// The settings of its transport, defaults included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
    /// How orders cross.
    pub order_channel: OrderChannel,
    /// What its numbers rest on.
    pub evidence: Evidence,
    /// Why it is that class and no stronger one.
    pub evidence_why: String,
    /// Where the endpoints ran.
    pub placement: Placement,
    /// How the trader's work is shared out.
    pub handoff: Handoff,
    /// What was asked of it.
    pub load: Load,
    /// Repetitions that were planned; `null` in certificates from before it was recorded.
    #[serde(default)]
    pub planned: Option<Planned>,
    /// Every attempt, invalid ones too, in the order in which they ran.
    pub repetitions: Vec<Repetition>,
    /// Over all valid repetitions.
    pub latency_ns: Latencies,
    /// Hardware stamps, and whether they can be relied on; `null` where none were wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamps: Option<CellStamps>,
    /// Why its slowest ticks were slow; `null` where that was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<Tail>,
    /// Median cost of one stage stamp; each stage holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp_cost_ns: Option<f64>,
    /// What a reader should know before trusting the numbers (drift, autocorrelation, backlog).
    pub warnings: Vec<String>,
}

impl Cell {
    /// What messages took in the trader's queues, in the repetitions that give its latencies, each once.
    #[must_use]
    pub fn message_bytes(&self) -> Vec<MessageBytes> {
        let all = self.repetitions.iter().filter(|r| r.counts_for_latency()).filter_map(|r| r.message_bytes);
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// `kernel-udp` or `afxdp/skb`: the lane's whole name.
    #[must_use]
    pub fn whole_lane(&self) -> String {
        if self.variant.is_empty() { self.lane.clone() } else { format!("{}/{}", self.lane, self.variant) }
    }

    /// For titles: the lane's whole name, and the queue between the trader's threads, where there is one.
    #[must_use]
    pub fn title(&self) -> String {
        let lane = self.whole_lane();
        match &self.handoff {
            Handoff::Inline => lane,
            Handoff::Queue { name, .. } => format!("{lane}, {name}"),
        }
    }

    /// The repetitions that count.
    pub fn valid(&self) -> impl Iterator<Item = &Repetition> {
        self.repetitions.iter().filter(|r| r.counts_for_latency())
    }
}

/// How orders travel from trader to exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderChannel {
    /// One SoupBinTCP packet in each datagram, no session.
    Datagram,
    /// A SoupBinTCP session on a byte stream.
    Tcp,
}

/// Where the endpoints ran.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Placement {
    /// Short name: `0-1`, or in a matrix of placements `same-l3+mem-remote`.
    pub name: String,
    /// Core of the exchange.
    pub exchange_core: u32,
    /// Core of the trader.
    pub trader_core: u32,
    /// The wire between them: `veth`, or the interfaces' names.
    pub link: String,
    /// The memory nodes of all that, where the host has more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<PlacementNodes>,
    /// How near all that is to each other, where it is one placement of a matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<PlacementClass>,
    /// Where interrupts were sent; none where they were left as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interrupts: Vec<InterruptsSent>,
    /// Interfaces whose table of receive queues sent all to one, and that had no rules before it; none where frames came to
    /// whichever queue the device chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueSteered>,
}

/// Memory nodes of a placement.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PlacementNodes {
    /// Of the exchange.
    pub exchange: EndNodes,
    /// Of the trader.
    pub trader: EndNodes,
    /// Distance of each node to each, by the firmware, in the order of their numbers: 10 to itself.
    pub distances: Vec<Vec<u32>>,
}

/// Memory nodes of one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct EndNodes {
    /// The core's.
    pub core: Option<u32>,
    /// The one that its memory was bound to; `null` where the kernel chose, which prefers the core's.
    pub memory: Option<u32>,
    /// Its interface's; `null` for one without a device.
    pub interface: Option<u32>,
}

/// What is between receive and decide, and between decide and send.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handoff {
    /// Nothing: one thread does all.
    Inline,
    /// Queues of one kind, between three threads. The one that receives is on the trader's core of the placement.
    Queue {
        /// The kind: `rtrb`, `mutex`.
        name: String,
        /// Messages for which each has room; `null` for one without bounds.
        capacity: Option<u64>,
        /// Bytes that a message was to take in each; what it took is each repetition's, since stamps of the stages or of hardware may
        /// need more. `null` in certificates from before that was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_bytes: Option<u32>,
        /// Core of the thread that decides.
        decide_core: u32,
        /// Core of the thread that sends.
        send_core: u32,
    },
}

impl Handoff {
    /// `inline`, or the kind of queue.
    #[must_use]
    pub const fn name(&self) -> &str {
        match self {
            Self::Inline => "inline",
            Self::Queue { name, .. } => name.as_str(),
        }
    }

    /// How large messages were, if they took this: `messages of 64 bytes`. `None` where there is no queue.
    #[must_use]
    pub fn messages(&self, took: &[MessageBytes]) -> Option<String> {
        let Self::Queue { message_bytes, .. } = self else { return None };
        let Some(wanted) = *message_bytes else { return Some("messages of a size that was not recorded".to_owned()) };
        if took.is_empty() {
            return Some(format!("messages of {wanted} bytes asked for"));
        }
        if took.iter().all(|took| (took.to_decide, took.to_send) == (wanted, wanted)) {
            return Some(format!("messages of {wanted} bytes"));
        }
        let each: Vec<_> = took
            .iter()
            .map(|took| format!("{} bytes to decide and {} to send", took.to_decide, took.to_send))
            .collect();
        Some(format!("messages of {} ({wanted} asked for)", each.join(", or ")))
    }
}

/// How often a cell was to be repeated, retries not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// Repetitions for the latencies.
    pub repetitions: u32,
    /// Repetitions with every stage stamped.
    pub staged: u32,
    /// Repetitions without hardware stamps, among others that have them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unstamped: u32,
}

const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What was asked of the system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// `tape`, `constant`, `poisson`, `bursts`, `cold`, `sweep`.
    pub mode: String,
    /// In words: `constant 20000 packets/s`, `sweep 90 %: 279000 packets/s`.
    pub text: String,
    /// Intended mean rate in packets a second.
    pub rate_pps: PerSecond,
    /// How often the tape is played in one repetition.
    pub passes: u32,
    /// Which point of the sweep it is, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepPoint>,
}

impl Load {
    /// What a requirement calls it: the mode, and of a sweep also the point, as in `sweep 90 %`.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.mode == name || self.sweep.is_some_and(|point| point.to_string() == name)
    }
}

/// The mode of loads that are points of a sweep.
const SWEEP: &str = "sweep";

/// A point of the sweep of a lane's rates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SweepPoint {
    /// At this share of the highest rate without loss that was found for the lane.
    Share(f64),
    /// Near idle, at a rate that the profile names.
    Idle,
}

impl SweepPoint {
    /// Whether a requirement that names this load is about a sweep, or one point of it.
    #[must_use]
    pub fn is_meant_by(load: &str) -> bool {
        load.split(' ').next() == Some(SWEEP)
    }
}

/// `sweep 90 %`, `sweep idle`.
impl fmt::Display for SweepPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Rounded, because 0.07 * 100 is not quite 7.
            Self::Share(share) => write!(f, "{SWEEP} {} %", (share * 1e6).round() / 1e4),
            Self::Idle => write!(f, "{SWEEP} idle"),
        }
    }
}

/// The distributions of a cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latencies {
    /// Order's arrival at the exchange minus the actual departure of its tick.
    pub t2t_sent: Quantiles,
    /// Order's arrival minus the time at which its tick was due.
    pub t2t_due: Quantiles,
    /// Order's departure minus tick's arrival, at the trader.
    pub trader: Quantiles,
    /// The trader's stages, by name; empty where no repetition was stamped in that detail.
    pub stages: BTreeMap<String, Quantiles>,
    /// Spans between hardware stamps, by name (see [`crate::wire::WireSpan`]); those that can't be relied on, or aren't known,
    /// are not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wire: BTreeMap<String, SignedQuantiles>,
}

/// Quantiles of one distribution. `null` where there are not enough samples for it: see `needs_more`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// Samples, of all valid repetitions together.
    pub n: u64,
    /// Smallest.
    pub min: Option<Nanos>,
    /// Median.
    pub p50: Option<Nanos>,
    /// 90 %.
    pub p90: Option<Nanos>,
    /// 99 %.
    pub p99: Option<Nanos>,
    /// 99.9 %.
    pub p99_9: Option<Nanos>,
    /// 99.99 %.
    pub p99_99: Option<Nanos>,
    /// Largest sample, whatever it was.
    pub max: Option<Nanos>,
    /// 95 % intervals by bootstrap over repetitions, by quantile name.
    pub ci95: BTreeMap<String, [f64; 2]>,
    /// How many more samples a quantile needs before it may be shown, by quantile name.
    pub needs_more: BTreeMap<String, u64>,
    /// Quantiles whose interval over repetitions is narrower than the order-statistic interval within one says it
    /// could be, and what that means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
}

impl Quantiles {
    /// By the name used in profiles: `min`, `p50`, `p90`, `p99`, `p99_9`, `p99_99`, `max`.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<Nanos> {
        match name {
            "min" => self.min,
            "p50" => self.p50,
            "p90" => self.p90,
            "p99" => self.p99,
            "p99_9" => self.p99_9,
            "p99_99" => self.p99_99,
            "max" => self.max,
            _ => None,
        }
    }
}

/// As [`Quantiles`], of spans that may be negative.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignedQuantiles {
    /// Samples, of all repetitions that count.
    pub n: u64,
    /// Smallest.
    pub min: Option<SignedNanos>,
    /// Median.
    pub p50: Option<SignedNanos>,
    /// 90 %.
    pub p90: Option<SignedNanos>,
    /// 99 %.
    pub p99: Option<SignedNanos>,
    /// 99.9 %.
    pub p99_9: Option<SignedNanos>,
    /// 99.99 %.
    pub p99_99: Option<SignedNanos>,
    /// Largest.
    pub max: Option<SignedNanos>,
    /// As of [`Quantiles`].
    pub ci95: BTreeMap<String, [f64; 2]>,
    /// As of [`Quantiles`].
    pub needs_more: BTreeMap<String, u64>,
    /// As of [`Quantiles`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
}

impl SignedQuantiles {
    /// Those of samples that were recorded so much too late, so that none was negative.
    #[must_use]
    pub fn from_shifted(q: Quantiles, shift: Nanos) -> Self {
        let by = i64::try_from(shift.0).unwrap_or(i64::MAX);
        let back = |value: Option<Nanos>| {
            value.map(|v| SignedNanos(i64::try_from(v.0).unwrap_or(i64::MAX).saturating_sub(by)))
        };
        let as_float = crate::hist::count_f64(shift.0);
        Self {
            n: q.n,
            min: back(q.min),
            p50: back(q.p50),
            p90: back(q.p90),
            p99: back(q.p99),
            p99_9: back(q.p99_9),
            p99_99: back(q.p99_99),
            max: back(q.max),
            ci95: q.ci95.into_iter().map(|(name, ends)| (name, ends.map(|x| x - as_float))).collect(),
            needs_more: q.needs_more,
            cautions: q.cautions,
        }
    }

    /// By the name used in profiles.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<SignedNanos> {
        match name {
            "min" => self.min,
            "p50" => self.p50,
            "p90" => self.p90,
            "p99" => self.p99,
            "p99_9" => self.p99_9,
            "p99_99" => self.p99_99,
            "max" => self.max,
            _ => None,
        }
    }
}

/// A closed-loop (ping-pong) result: service time, not tick-to-trade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceCell {
    /// The lane.
    pub lane: String,
    /// The settings that it was opened with, in full.
    #[serde(default)]
    pub settings: serde_json::Value,
    /// What it rests on.
    pub evidence: Evidence,
    /// UDP payload bytes of the frame.
    pub frame_bytes: u32,
    /// Round trips, send to receive, at the initiating side.
    pub rtt_ns: Quantiles,
    /// Round trips in all, the warm-up's too: what the counts below are to be divided by.
    pub round_trips: u64,
    /// The initiating end, from its first round trip to its last.
    pub exchange: EndUsage,
    /// The echoing end, from the same round trip to the same.
    pub trader: EndUsage,
}

/// What one end's thread used in a closed loop, as the kernel (`getrusage`) and the allocator account for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndUsage {
    /// The core was given away because of waiting.
    pub voluntary_switches: u64,
    /// The core was taken away.
    pub involuntary_switches: u64,
    /// Page faults without input or output.
    pub minor_faults: u64,
    /// Page faults with.
    pub major_faults: u64,
    /// Calls of the allocator.
    pub allocator_calls: u64,
    /// What the lane says of itself when the loop is over, by name.
    pub facts: BTreeMap<String, String>,
}
