//! What became of the stamps of one repetition, and what that means for its cell.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    stamp::{ClockOffset, Lock, StampClock},
    time::Nanos,
    wire::{Convention, LinkSpeed, WireSpan},
};

/// How much of the traffic carries hardware stamps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HwStamps {
    /// Share of transmitted triggers and orders with a usable stamp, 0 to 1, at that of the ends that has fewer; `null` where
    /// neither end has hardware that stamps.
    pub tx_coverage: Option<f64>,
    /// Share of received ones.
    pub rx_coverage: Option<f64>,
    /// At the exchange: triggers sent, orders received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<EndStamps>,
    /// At the trader: triggers received, orders sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trader: Option<EndStamps>,
    /// Pairs of stamps of one clock, of a tick and its order, of which the later one is the earlier.
    #[serde(default)]
    pub negative: u64,
    /// The clocks around this trial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<TrialClock>,
    /// One-way figures, where two clocks take part in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_way: Option<OneWay>,
    /// Why none of its hardware stamps can be used, if so: a clock jumped, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// The stamps of one end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndStamps {
    /// The clock that they are of; `null` where no hardware stamps here.
    pub clock: Option<StampClock>,
    /// Of frames that left.
    pub tx: StampCounts,
    /// Of frames that arrived.
    pub rx: StampCounts,
}

impl EndStamps {
    /// The smaller one of both coverages; `None` where hardware stamps nothing here, or only one way.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        self.clock?;
        Some(self.tx.coverage()?.min(self.rx.coverage()?))
    }
}

/// What became of the stamps of frames of one kind. Each frame that was asked about is *good*, *missing*, *late* or *stale*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StampCounts {
    /// Frames whose stamps were wanted.
    pub asked: u64,
    /// Frames with one that can be used.
    pub good: u64,
    /// None ever came, or one of another clock only, or it went to another frame.
    pub missing: u64,
    /// Of the missing ones, those that were read from a byte stream at once with a later one: the kernel keeps the last stamp.
    #[serde(default)]
    pub shared: u64,
    /// It came after the profile's timeout.
    pub late: u64,
    /// It is of a time at which the frame can't have passed: before it was handed to the lane, after it was seen, or before
    /// the one of the frame ahead of it.
    pub stale: u64,
    /// Came once more for the same frame; the first one is taken.
    pub duplicate: u64,
    /// Came as a zero, which is no time; its frame is among the missing ones.
    pub zero: u64,
    /// Came for a frame that nobody asked about, or of another clock.
    pub unasked: u64,
    /// Frames that carry the kernel's software stamp too.
    pub kernel: u64,
    /// Of these, those whose two stamps are in the wrong order, as far as the clocks can be compared.
    pub disordered: u64,
}

impl StampCounts {
    /// Share of the frames with a stamp that can be used; `None` where there was none to ask about.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        (self.asked > 0).then(|| crate::hist::count_f64(self.good) / crate::hist::count_f64(self.asked))
    }
}

/// A clock before and after one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialClock {
    /// Which.
    pub clock: StampClock,
    /// The clock less `CLOCK_REALTIME` before the trial…
    pub before_ns: ClockOffset,
    /// …and after it.
    pub after_ns: ClockOffset,
    /// Either may be off by this much.
    pub error_ns: Nanos,
    /// How much faster it went than the time-stamp counter meanwhile, in parts in a thousand million.
    pub drift_ppb: f64,
    /// Whether it followed its reference, before and after.
    pub lock: [Lock; 2],
    /// What is wrong with it: it jumped, or lost its lock; empty where nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<String>,
}

/// Whether the clocks of both ends agree well enough for figures of one way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OneWay {
    /// The figures may be off by this much, by what those who keep the clocks said before and after the trial; 0 where both
    /// ends stamp by one clock. `null` where there are none.
    pub error_ns: Option<Nanos>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Which ends' stamps can be relied on in a cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellStamps {
    /// Least coverage that the profile asks for.
    pub floor: f64,
    /// Why the exchange's stamps can't be relied on; `null` where they can.
    pub exchange_why_not: Option<String>,
    /// Why the trader's can't.
    pub trader_why_not: Option<String>,
    /// With the policy `require`: why nothing of this cell can be certified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_certifiable: Option<String>,
    /// With the policy `prefer`: why the cell rests on the processor's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// How one convention was made of another; `null` where no stamps were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<Conversion>,
    /// One-way figures over all repetitions: the largest error, or the reason why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_way: Option<OneWay>,
    /// What stamping costs, by quantile of `t2t_due` (`p50`, `p99`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cost: BTreeMap<String, StampingCost>,
}

/// What start of frame to start of frame was turned into the other conventions by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conversion {
    /// Speed of the exchange's link in Mbit/s; `null` where nobody says.
    pub exchange_mbps: Option<LinkSpeed>,
    /// Speed of the trader's.
    pub trader_mbps: Option<LinkSpeed>,
    /// Bytes of an untagged frame before the tick; `null` where the lane doesn't say.
    pub headers: Option<u32>,
    /// Why spans from the end of a message or a frame are not there, where one of these is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Latency with hardware stamps beside latency without, from repetitions of both that were interleaved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StampingCost {
    /// With stamps, over all repetitions.
    pub with_ns: Option<Nanos>,
    /// Without.
    pub without_ns: Option<Nanos>,
    /// Repetitions with and without.
    pub repetitions: [u32; 2],
    /// With over without, by the repetitions' own quantiles (Hodges and Lehmann).
    pub ratio: Option<f64>,
    /// Its 95 % interval.
    pub ci95: Option<[f64; 2]>,
    /// How many repetitions without stamps are missing for an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_more: Option<u32>,
}

impl CellStamps {
    /// Whether the stamps of the trader's NIC can be relied on.
    #[must_use]
    pub const fn of_trader(&self) -> bool {
        self.trader_why_not.is_none()
    }

    /// Why there is nothing of a span, where that is known.
    #[must_use]
    pub fn why_without(&self, span: WireSpan) -> Option<&str> {
        let of_exchange = self.exchange_why_not.as_deref().filter(|_| span.needs_exchange());
        let of_trader = self.trader_why_not.as_deref().filter(|_| span.needs_trader());
        let of_span = match span {
            WireSpan::TickOneWay | WireSpan::OrderOneWay => self.one_way.as_ref().and_then(|o| o.why_not.as_deref()),
            WireSpan::T2t(Convention::SofSof) | WireSpan::Trader(Convention::SofSof) => None,
            WireSpan::T2t(_) | WireSpan::Trader(_) => self.conversion.as_ref().and_then(|c| c.why_not.as_deref()),
        };
        of_exchange.or(of_trader).or(of_span)
    }

    /// Whether those of the exchange's can.
    #[must_use]
    pub const fn of_exchange(&self) -> bool {
        self.exchange_why_not.is_none()
    }
}
