//! The highest rate without loss of a lane, and every trial of the search for it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OrderChannel;
use crate::{
    evidence::Evidence,
    time::{Nanos, PerSecond},
};

/// The lane that others are held against.
const REFERENCE: &str = "kernel-udp";

/// What the search on one lane found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateSearch {
    /// The lane: `kernel-udp`.
    pub lane: String,
    /// Its variant where it has several, else empty.
    pub variant: String,
    /// How orders cross.
    pub order_channel: OrderChannel,
    /// What it rests on.
    pub evidence: Evidence,
    /// Why it is that class and no stronger one.
    pub evidence_why: String,
    /// The highest rate that held, in packets really sent a second, silences between passes included; `null` where
    /// none held.
    pub highest_pps: Option<PerSecond>,
    /// The same in the messages a second that these packets held.
    pub highest_mps: Option<PerSecond>,
    /// The even rate within a pass that was intended where it held, silences between passes not included: what a sweep
    /// takes its shares of.
    pub highest_within_pass_pps: Option<PerSecond>,
    /// The lowest rate that failed, in packets a second; `null` where none did.
    pub fails_at_pps: Option<PerSecond>,
    /// The search ends when the lowest rate that failed is within this share of the highest that held.
    pub resolution: f64,
    /// What stood in the way of a higher one.
    pub limited_by: RateLimit,
    /// The same in words.
    pub why: String,
    /// The highest rate over that of `kernel-udp`, where that was searched for in the same run on the same class of
    /// evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio_to_kernel_udp: Option<f64>,
    /// How long each trial was meant to send. It sends for less where 8 million packets are fewer, and for more where 100
    /// orders take longer: `packets_sent` of each trial says how much it was.
    pub trial_ns: Nanos,
    /// Every trial, in the order in which they ran.
    pub trials: Vec<RateTrial>,
}

/// One trial of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateTrial {
    /// Packets a second that were intended.
    pub intended_pps: PerSecond,
    /// Packets a second really sent; 0 where nothing is known.
    pub achieved_pps: PerSecond,
    /// Packets really sent; 0 where nothing is known.
    pub packets_sent: u64,
    /// Whether nothing was lost and nobody fell behind.
    pub held: bool,
    /// What stood in the way, where it did not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<RateLimit>,
    /// Everything that speaks against it, each in a line.
    pub why: Vec<String>,
    /// By how much orders took longer at the end than at the beginning: the backlog, in time. Negative where it shrank,
    /// `null` where it is not known.
    pub lag_growth_ns: Option<i64>,
    /// Actual departure minus due time of the packets, 99 %.
    pub schedule_error_p99_ns: Nanos,
}

/// What stands in the way of a higher rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RateLimit {
    /// The exchange sends no faster: the system under test may be able to do more.
    Exchange,
    /// The lane had no room for what the exchange would have sent.
    Lane,
    /// The trader lost ticks or fell behind.
    Trader,
    /// The exchange in one trial, the system under test (trader or lane) in another.
    Both,
    /// Nothing: the search ended at its own highest rate, or its time or its trials were used up, or the user broke it off.
    Search,
    /// Something else broke; the reason says what.
    Fault,
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exchange => "exchange",
            Self::Lane => "lane",
            Self::Trader => "trader",
            Self::Both => "exchange and system by turns",
            Self::Search => "search",
            Self::Fault => "fault",
        })
    }
}

impl RateSearch {
    /// `kernel-udp` or `afxdp/skb`, for titles.
    #[must_use]
    pub fn title(&self) -> String {
        if self.variant.is_empty() { self.lane.clone() } else { format!("{}/{}", self.lane, self.variant) }
    }
}

/// Holds each search against that of `kernel-udp`, where there is one on the same class of evidence.
pub fn compare_to_kernel_udp(searches: &mut [RateSearch]) {
    let references: Vec<(Evidence, f64)> = searches
        .iter()
        .filter(|s| s.title() == REFERENCE)
        .filter_map(|s| Some((s.evidence, s.highest_pps.filter(|r| r.0 > 0.0)?.0)))
        .collect();
    for search in searches {
        let reference = references.iter().find(|(evidence, _)| *evidence == search.evidence);
        search.ratio_to_kernel_udp = search.highest_pps.zip(reference).map(|(rate, (_, reference))| rate.0 / reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::example;

    #[test]
    fn rates_are_held_against_kernel_udp_on_the_same_class_of_evidence_only() {
        let mut searches = example::two_lanes().rates;
        let mut other = searches[1].clone();
        other.evidence = Evidence::Nic;
        searches.push(other);
        searches[0].highest_pps = Some(PerSecond(200_000.0));
        searches[1].highest_pps = Some(PerSecond(150_000.0));
        compare_to_kernel_udp(&mut searches);
        let ratios: Vec<_> = searches.iter().map(|s| s.ratio_to_kernel_udp).collect();
        assert_eq!(ratios, [Some(1.0), Some(0.75), None]);
        searches[0].highest_pps = None;
        compare_to_kernel_udp(&mut searches);
        assert!(searches.iter().all(|s| s.ratio_to_kernel_udp.is_none()));
    }
}
