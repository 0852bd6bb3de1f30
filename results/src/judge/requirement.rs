//! A requirement as a profile writes it.

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use super::{
    limit::{self, Bound, Limit, LimitProblem, Relation},
    metric::{Distribution, Metric, UnknownMetric},
};
use crate::{certificate::Cell, stats::quantile::Quantile};

/// A requirement: a metric, its limit, and the cells that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The profile's name for it.
    pub id: String,
    /// In words.
    pub text: String,
    /// What it is about.
    pub metric: Metric,
    /// What must hold.
    pub limit: Limit,
    /// Lanes (`kernel-udp`, or with the variant `afxdp/skb`) that it is about; empty for every one.
    pub lanes: Vec<String>,
    /// Load modes that it is about, or points of a sweep (`sweep 90 %`); empty for every one.
    pub loads: Vec<String>,
}

/// What is wrong with a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequirementError {
    /// No name to call it by.
    #[error("a requirement without id; write: id = \"t2t-p99\"")]
    NoId,
    /// No such metric.
    #[error("requirement `{id}`: {source}")]
    Metric {
        /// Of the requirement.
        id: String,
        /// What was written.
        source: UnknownMetric,
    },
    /// A limit without the unit that the metric demands.
    #[error("requirement `{id}`: the limit \"{limit}\" has no unit; write: limit = \"{corrected}\"")]
    NoUnit {
        /// Of the requirement.
        id: String,
        /// As written.
        limit: String,
        /// As it could be meant.
        corrected: String,
    },
    /// A limit that the metric cannot have.
    #[error("requirement `{id}`: \"{limit}\" is no limit for `{metric}`; write, for instance: limit = \"{example}\"")]
    Limit {
        /// Of the requirement.
        id: String,
        /// As written.
        limit: String,
        /// What it is about.
        metric: String,
        /// One that fits.
        example: &'static str,
    },
}

impl RequirementError {
    /// The key that holds the fault, for a message that points at it.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoId => "id",
            Self::Metric { .. } => "metric",
            Self::NoUnit { .. } | Self::Limit { .. } => "limit",
        }
    }
}

impl Requirement {
    /// From the values of a profile's table.
    ///
    /// # Errors
    /// Where the metric is unknown or the limit doesn't fit it; the message says what to write.
    pub fn new(
        id: &str,
        text: Option<String>,
        metric: &str,
        limit: &str,
        lanes: Vec<String>,
        loads: Vec<String>,
    ) -> Result<Self, RequirementError> {
        if id.trim().is_empty() {
            return Err(RequirementError::NoId);
        }
        let id = id.to_owned();
        let metric: Metric = metric.parse().map_err(|source| RequirementError::Metric { id: id.clone(), source })?;
        let limit = limit::parse(&metric, limit).map_err(|problem| match problem {
            LimitProblem::NoUnit { corrected } => {
                RequirementError::NoUnit { id: id.clone(), limit: limit.to_owned(), corrected }
            }
            LimitProblem::Unfit { example } => {
                RequirementError::Limit { id: id.clone(), limit: limit.to_owned(), metric: metric.to_string(), example }
            }
        })?;
        let text = text.unwrap_or_else(|| in_words(&metric, &limit));
        Ok(Self { id, text, metric, limit, lanes, loads })
    }

    /// Whether it is about this lane; `whole` is its name with its variant.
    #[must_use]
    pub fn names_lane(&self, lane: &str, whole: &str) -> bool {
        self.lanes.is_empty() || self.lanes.iter().any(|l| l == lane || l == whole)
    }

    /// Whether it is about this cell.
    #[must_use]
    pub fn covers(&self, cell: &Cell) -> bool {
        self.metric.is_per_cell()
            && self.names_lane(&cell.lane, &cell.whole_lane())
            && (self.loads.is_empty() || self.loads.iter().any(|l| cell.load.is_called(l)))
    }
}

/// What a requirement says when its profile doesn't put it into words.
fn in_words(metric: &Metric, limit: &Limit) -> String {
    match (metric, limit.bound) {
        (Metric::Latency(of, q), Bound::Number(relation @ (Relation::AtMost | Relation::Below), _)) => {
            let time = limit.text.trim_start_matches(&relation.to_string()).trim();
            let within = if relation == Relation::AtMost { "within" } else { "in less than" };
            let share = match q {
                Quantile::Max => "All orders".to_owned(),
                Quantile::Min => "The fastest order".to_owned(),
                q => format!("{} of the orders", q.percent()),
            };
            match of {
                Distribution::T2tDue => format!("{share} arrive {within} {time}, counted from the tick's due time"),
                Distribution::T2tSent => format!("{share} arrive {within} {time}, counted from the tick's departure"),
                Distribution::Trader => format!("{share} leave the trader {within} {time} of the tick's arrival"),
                Distribution::Stage(s) => format!("{share} pass the stage {s} {within} {time}"),
                Distribution::Wire(span) => format!("{share} take no longer than {time} {}", span.meaning()),
            }
        }
        (Metric::RateHighest, _) => {
            let rate = limit.text.trim_start_matches(['>', '=', ' ']);
            format!("At least {rate} are carried without loss")
        }
        (Metric::OrdersDigest, _) => "The orders received are byte for byte those of the tape".to_owned(),
        (Metric::Samples(q), _) => format!("There are enough samples for the {} quantile", q.percent()),
        (Metric::Evidence, Bound::AtLeast(class)) => format!("The evidence is {class} or better"),
        (Metric::HostVirtualised, Bound::Virtualised(false)) => "The host is no virtual machine".to_owned(),
        _ => format!("{metric} {}", limit.text),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "requirement")]
struct Raw {
    id: String,
    text: Option<String>,
    metric: String,
    limit: String,
    #[serde(default)]
    lanes: Vec<String>,
    #[serde(default)]
    loads: Vec<String>,
}

impl<'de> Deserialize<'de> for Requirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        Self::new(&raw.id, raw.text, &raw.metric, &raw.limit, raw.lanes, raw.loads).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Requirement, String> {
        toml::from_str(toml).map_err(|e: toml::de::Error| e.message().to_owned())
    }

    #[test]
    fn a_requirement_is_read_with_its_words() {
        let r = read("id='t2t-p99'\nmetric='t2t_due.p99'\nlimit='<= 20 us'\nlanes=['kernel-udp']").unwrap();
        assert_eq!(r.text, "99 % of the orders arrive within 20 us, counted from the tick's due time");
        assert_eq!(r.limit.bound, Bound::Number(Relation::AtMost, 20_000.0));
        assert_eq!(r.lanes, ["kernel-udp"]);
    }

    #[test]
    fn a_limit_without_unit_names_the_requirement_and_mends_the_line() {
        assert_eq!(
            read("id='t2t-p99'\nmetric='t2t_due.p99'\nlimit='<= 20'").unwrap_err(),
            "requirement `t2t-p99`: the limit \"<= 20\" has no unit; write: limit = \"<= 20 us\""
        );
    }

    #[test]
    fn a_wrong_metric_names_the_nearest() {
        assert_eq!(
            read("id='x'\nmetric='t2t_deu.p99'\nlimit='<= 20 us'").unwrap_err(),
            "requirement `x`: unknown metric `t2t_deu.p99`; did you mean `t2t_due.p99`?"
        );
    }

    #[test]
    fn a_key_that_is_not_known_is_an_error() {
        assert!(read("id='x'\nmetric='evidence'\nlimit='>= nic'\nlane=['a']").unwrap_err().contains("lane"));
    }

    #[test]
    fn a_requirement_needs_a_name() {
        assert!(read("id=''\nmetric='evidence'\nlimit='>= nic'").unwrap_err().contains("id"));
    }
}
