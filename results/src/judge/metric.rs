//! What a requirement can be about: a closed list, so that a slip of the pen is an error and not a requirement that
//! never applies.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{stats::quantile::Quantile, wire::WireSpan};

/// What a requirement is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `t2t_sent.p99`, `t2t_due.max`, `trader.p50`, `stage.decode.p90`.
    Latency(Distribution, Quantile),
    /// `orders.lost`, …: the worst repetition.
    Orders(OrderFault),
    /// `orders.digest`: the bytes of all orders received are those of the tape.
    OrdersDigest,
    /// `repetitions.valid`.
    RepetitionsValid,
    /// `samples.p99_9`: whether there are enough samples for it.
    Samples(Quantile),
    /// `evidence`.
    Evidence,
    /// `rate.achieved`: achieved over intended, worst repetition.
    RateAchieved,
    /// `rate.highest`: the highest rate without loss of a lane.
    RateHighest,
    /// `schedule_error.p50`, `.p99`, `.waiting_p50`: worst repetition.
    ScheduleError(ScheduleStatistic),
    /// `noise.largest_gap`: worst core.
    NoiseLargestGap,
    /// `noise.gaps_per_second`: worst core.
    NoiseGapsPerSecond,
    /// `clock.drift`: disagreement of the two calibrations.
    ClockDrift,
    /// `host.virtualised`.
    HostVirtualised,
    /// `hw_stamps.rx_coverage`, `hw_stamps.tx_coverage`: worst repetition.
    HwStamps(Direction),
}

/// A distribution of latencies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distribution {
    /// From the departure of the tick.
    T2tSent,
    /// From the due time of the tick.
    T2tDue,
    /// Inside the trader.
    Trader,
    /// One stage of the trader.
    Stage(String),
    /// Between hardware stamps.
    Wire(WireSpan),
}

/// What can become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderFault {
    /// Never arrived.
    Lost,
    /// Other bytes than expected.
    Wrong,
    /// Arrived again.
    Duplicate,
    /// After the limit for lateness.
    Late,
    /// That no tick asked for.
    Unexpected,
}

/// A statistic of actual departure minus due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScheduleStatistic {
    /// Median.
    P50,
    /// 99 %.
    P99,
    /// Median of the packets for which the sender was waiting.
    WaitingP50,
}

/// Of frames, seen from the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Received.
    Rx,
    /// Transmitted.
    Tx,
}

/// What kind of limit a metric takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A duration with its unit.
    Time,
    /// A bare number.
    Count,
    /// A percentage.
    Share,
    /// A number a second.
    PerSecond,
    /// Packets a second.
    PacketRate,
    /// Parts per million.
    Ppm,
    /// The word `tape`.
    Tape,
    /// The word `sufficient`.
    Sufficient,
    /// A class of evidence.
    EvidenceClass,
    /// `yes` or `no`.
    YesNo,
}

/// A name that is no metric.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown metric `{metric}`; {}", self.remedy())]
pub struct UnknownMetric {
    /// As written.
    pub metric: String,
    /// The metric that was probably meant.
    pub nearest: Option<String>,
}

impl UnknownMetric {
    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "docs/PROFILES.md lists the metrics: `t2t_due.p99`, `orders.lost` and others".to_owned(),
        }
    }
}

const NAMED: [(&str, Metric); 19] = [
    ("orders.lost", Metric::Orders(OrderFault::Lost)),
    ("orders.wrong", Metric::Orders(OrderFault::Wrong)),
    ("orders.duplicate", Metric::Orders(OrderFault::Duplicate)),
    ("orders.late", Metric::Orders(OrderFault::Late)),
    ("orders.unexpected", Metric::Orders(OrderFault::Unexpected)),
    ("orders.digest", Metric::OrdersDigest),
    ("repetitions.valid", Metric::RepetitionsValid),
    ("evidence", Metric::Evidence),
    ("rate.achieved", Metric::RateAchieved),
    ("rate.highest", Metric::RateHighest),
    ("schedule_error.p50", Metric::ScheduleError(ScheduleStatistic::P50)),
    ("schedule_error.p99", Metric::ScheduleError(ScheduleStatistic::P99)),
    ("schedule_error.waiting_p50", Metric::ScheduleError(ScheduleStatistic::WaitingP50)),
    ("noise.largest_gap", Metric::NoiseLargestGap),
    ("noise.gaps_per_second", Metric::NoiseGapsPerSecond),
    ("clock.drift", Metric::ClockDrift),
    ("host.virtualised", Metric::HostVirtualised),
    ("hw_stamps.rx_coverage", Metric::HwStamps(Direction::Rx)),
    ("hw_stamps.tx_coverage", Metric::HwStamps(Direction::Tx)),
];

impl Metric {
    /// Which kind of limit it takes.
    #[must_use]
    pub const fn dimension(&self) -> Dimension {
        match self {
            Self::Latency(..) | Self::ScheduleError(_) | Self::NoiseLargestGap => Dimension::Time,
            Self::Orders(_) | Self::RepetitionsValid => Dimension::Count,
            Self::OrdersDigest => Dimension::Tape,
            Self::Samples(_) => Dimension::Sufficient,
            Self::Evidence => Dimension::EvidenceClass,
            Self::RateAchieved | Self::HwStamps(_) => Dimension::Share,
            Self::NoiseGapsPerSecond => Dimension::PerSecond,
            Self::RateHighest => Dimension::PacketRate,
            Self::ClockDrift => Dimension::Ppm,
            Self::HostVirtualised => Dimension::YesNo,
        }
    }

    /// Whether it is about each cell (else about each lane, or about the host).
    #[must_use]
    pub const fn is_per_cell(&self) -> bool {
        !self.is_per_lane() && !self.is_about_host()
    }

    /// Whether it is about the host.
    #[must_use]
    pub const fn is_about_host(&self) -> bool {
        matches!(self, Self::NoiseLargestGap | Self::NoiseGapsPerSecond | Self::ClockDrift | Self::HostVirtualised)
    }

    /// Whether it is about each lane, whatever the load.
    #[must_use]
    pub const fn is_per_lane(&self) -> bool {
        matches!(self, Self::RateHighest)
    }

    /// The one of all metrics whose name takes the fewest edits, if it is near enough to have been meant.
    fn nearest(written: &str) -> Option<String> {
        let stage = written.strip_prefix("stage.").and_then(|s| s.split('.').next()).filter(|s| !s.is_empty());
        let wire = WireSpan::ALL.iter().map(|span| span.name());
        let distributions = ["t2t_sent", "t2t_due", "trader"].into_iter().chain(wire).map(str::to_owned);
        let latencies = distributions.chain(stage.map(|s| format!("stage.{s}")));
        latencies
            .flat_map(|d| Quantile::ALL.map(|q| format!("{d}.{q}")))
            .chain(Quantile::LEVELS.map(|(q, _)| format!("samples.{q}")))
            .chain(NAMED.iter().map(|(name, _)| (*name).to_owned()))
            .map(|name| (strsim::damerau_levenshtein(written, &name), name))
            .filter(|(edits, name)| *edits <= name.len().max(written.len()) / 2)
            .min_by_key(|(edits, _)| *edits)
            .map(|(_, name)| name)
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(written: &str) -> Result<Self, UnknownMetric> {
        let unknown = || UnknownMetric { metric: written.to_owned(), nearest: Self::nearest(written) };
        if let Some((_, metric)) = NAMED.iter().find(|(name, _)| *name == written) {
            return Ok(metric.clone());
        }
        let (of, quantile) = written.rsplit_once('.').ok_or_else(unknown)?;
        let quantile: Quantile = quantile.parse().map_err(|()| unknown())?;
        match of {
            "t2t_sent" => Ok(Self::Latency(Distribution::T2tSent, quantile)),
            "t2t_due" => Ok(Self::Latency(Distribution::T2tDue, quantile)),
            "trader" => Ok(Self::Latency(Distribution::Trader, quantile)),
            "samples" if quantile.level().is_some() => Ok(Self::Samples(quantile)),
            _ if let Ok(span) = of.parse() => Ok(Self::Latency(Distribution::Wire(span), quantile)),
            _ => match of.strip_prefix("stage.") {
                Some(stage) if is_stage_name(stage) => {
                    Ok(Self::Latency(Distribution::Stage(stage.to_owned()), quantile))
                }
                _ => Err(unknown()),
            },
        }
    }
}

fn is_stage_name(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::T2tSent => f.write_str("t2t_sent"),
            Self::T2tDue => f.write_str("t2t_due"),
            Self::Trader => f.write_str("trader"),
            Self::Stage(name) => write!(f, "stage.{name}"),
            Self::Wire(span) => span.fmt(f),
        }
    }
}

/// The name used in profiles.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(of, q) => write!(f, "{of}.{q}"),
            Self::Samples(q) => write!(f, "samples.{q}"),
            named => f.write_str(NAMED.iter().find(|(_, m)| m == named).map_or("", |(name, _)| name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_read_back_from_its_name() {
        let mut names: Vec<String> = NAMED.iter().map(|(n, _)| (*n).to_owned()).collect();
        let wire = WireSpan::ALL.iter().map(|span| span.name());
        for d in ["t2t_sent", "t2t_due", "trader", "stage.decode"].into_iter().chain(wire) {
            names.extend(Quantile::ALL.map(|q| format!("{d}.{q}")));
        }
        names.extend(Quantile::LEVELS.map(|(q, _)| format!("samples.{q}")));
        for name in names {
            assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_answered_with_the_nearest_name() {
        let nearest = |s: &str| s.parse::<Metric>().unwrap_err().nearest.unwrap();
        assert_eq!(nearest("t2t_deu.p99"), "t2t_due.p99");
        assert_eq!(nearest("order.lost"), "orders.lost");
        assert_eq!(nearest("t2t_sent.p99.9"), "t2t_sent.p99_9");
        assert_eq!(nearest("stage.decode.p95"), "stage.decode.p90");
        assert_eq!(nearest("evidense"), "evidence");
        assert_eq!("colour of the case".parse::<Metric>().unwrap_err().nearest, None);
    }

    #[test]
    fn the_extremes_need_no_number_of_samples() {
        assert!("samples.max".parse::<Metric>().is_err());
    }
}
