//! Limits as profiles write them: `<= 20 us`, `== 0`, `within 1 %`, `>= software`, `== tape`, `sufficient`, `== no`.

use std::fmt;

use super::metric::{Dimension, Metric};
use crate::evidence::Evidence;

/// A limit, in the profile's words and as understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// As the profile writes it.
    pub text: String,
    /// What it means.
    pub bound: Bound,
}

/// What a limit means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// On a number: nanoseconds, a count, a share (1 = 100 %), a number a second, or parts per million.
    Number(Relation, f64),
    /// No further from 1 than this share.
    Within(f64),
    /// Equal to what the tape expects.
    Tape,
    /// Enough samples.
    Sufficient,
    /// At least this class.
    AtLeast(Evidence),
    /// Virtualised, or not.
    Virtualised(bool),
}

/// How the measured value must stand to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Relation {
    /// Whether `value` stands so to `limit`; never for what is not a number.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`==` is for counts, which are exact")]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Equal => value == limit,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

/// What is wrong with a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LimitProblem {
    /// A number without the unit that its metric demands.
    NoUnit { corrected: String },
    /// Anything else.
    Unfit { example: &'static str },
}

/// Understands `text` as a limit on `metric`.
pub(super) fn parse(metric: &Metric, text: &str) -> Result<Limit, LimitProblem> {
    let text = text.trim();
    let unfit = || LimitProblem::Unfit { example: example(metric) };
    let bound = match metric.dimension() {
        Dimension::Tape => (text == "== tape").then_some(Bound::Tape).ok_or_else(unfit)?,
        Dimension::Sufficient => {
            let word = text.trim_start_matches("== ");
            (word == "sufficient").then_some(Bound::Sufficient).ok_or_else(unfit)?
        }
        Dimension::EvidenceClass => Bound::AtLeast(evidence(text).ok_or_else(unfit)?),
        Dimension::YesNo => match text.trim_start_matches("== ") {
            "no" => Bound::Virtualised(false),
            "yes" => Bound::Virtualised(true),
            _ => return Err(unfit()),
        },
        dimension => number(metric, dimension, text)?,
    };
    Ok(Limit { text: text.to_owned(), bound })
}

fn evidence(text: &str) -> Option<Evidence> {
    use Evidence::{Emulated, Nic, Simulated, Software, Wire};
    let class = text.strip_prefix(">=")?.trim();
    [Simulated, Emulated, Software, Nic, Wire].into_iter().find(|e| e.name() == class)
}

fn number(metric: &Metric, dimension: Dimension, text: &str) -> Result<Bound, LimitProblem> {
    let unfit = || LimitProblem::Unfit { example: example(metric) };
    if let Some(share) = text.strip_prefix("within ") {
        let (value, unit) = split_unit(share.trim()).ok_or_else(unfit)?;
        return match (dimension, unit) {
            (Dimension::Share, "%") => Ok(Bound::Within(value / 100.0)),
            (Dimension::Share, "") => Err(LimitProblem::NoUnit { corrected: format!("within {value} %") }),
            _ => Err(unfit()),
        };
    }
    let (relation, rest) = relation(text).ok_or_else(unfit)?;
    let (value, unit) = split_unit(rest.trim()).ok_or_else(unfit)?;
    let fits = match relation {
        Relation::Equal => dimension == Dimension::Count,
        // No rate is too high.
        Relation::Below | Relation::AtMost => dimension != Dimension::PacketRate,
        Relation::Above | Relation::AtLeast => true,
    };
    if !fits {
        return Err(unfit());
    }
    let scale = scale(dimension, unit).ok_or_else(|| match default_unit(dimension) {
        Some(missing) if unit.is_empty() => LimitProblem::NoUnit { corrected: format!("{relation} {value} {missing}") },
        _ => unfit(),
    })?;
    Ok(Bound::Number(relation, value * scale))
}

fn relation(text: &str) -> Option<(Relation, &str)> {
    // Longest first, or `<=` would be read as `<`.
    [Relation::AtMost, Relation::AtLeast, Relation::Equal, Relation::Below, Relation::Above]
        .into_iter()
        .find_map(|r| text.strip_prefix(r.sign()).map(|rest| (r, rest)))
}

/// `20 us` into 20 and `us`; negative and endless numbers are no limits.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let value: f64 = digits.replace('_', "").parse().ok()?;
    value.is_finite().then_some((value, unit.trim()))
}

fn scale(dimension: Dimension, unit: &str) -> Option<f64> {
    match (dimension, unit) {
        (Dimension::Time, "ns") | (Dimension::Count, "") | (Dimension::PerSecond, "" | "/s") => Some(1.0),
        (Dimension::Time, "us" | "µs" | "μs") => Some(1e3),
        (Dimension::Time, "ms") => Some(1e6),
        (Dimension::Time, "s") => Some(1e9),
        (Dimension::Share, "%") => Some(0.01),
        (Dimension::Ppm, "ppm") | (Dimension::PacketRate, "packets/s") => Some(1.0),
        _ => None,
    }
}

/// The unit that is proposed where one is missing.
const fn default_unit(dimension: Dimension) -> Option<&'static str> {
    match dimension {
        Dimension::Time => Some("us"),
        Dimension::Share => Some("%"),
        Dimension::Ppm => Some("ppm"),
        Dimension::PacketRate => Some("packets/s"),
        _ => None,
    }
}

/// A limit that fits the metric, for complaints.
const fn example(metric: &Metric) -> &'static str {
    match metric.dimension() {
        Dimension::Time => "<= 20 us",
        Dimension::Count if matches!(metric, Metric::RepetitionsValid) => ">= 5",
        Dimension::Count => "== 0",
        Dimension::Share if matches!(metric, Metric::RateAchieved) => "within 1 %",
        Dimension::Share => ">= 99 %",
        Dimension::PerSecond => "<= 10",
        Dimension::Ppm => "<= 1 ppm",
        Dimension::PacketRate => ">= 100000 packets/s",
        Dimension::Tape => "== tape",
        Dimension::Sufficient => "sufficient",
        Dimension::EvidenceClass => ">= software",
        Dimension::YesNo => "== no",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(metric: &str, text: &str) -> Result<Bound, LimitProblem> {
        parse(&metric.parse().unwrap(), text).map(|l| l.bound)
    }

    #[test]
    fn each_kind_of_limit_means_what_it_says() {
        use Relation::{AtLeast, AtMost, Below, Equal};
        for (metric, text, meant) in [
            ("t2t_due.p99", "<= 20 us", Bound::Number(AtMost, 20_000.0)),
            ("t2t_due.p99", "< 1.5ms", Bound::Number(Below, 1_500_000.0)),
            ("noise.largest_gap", "<= 500 ns", Bound::Number(AtMost, 500.0)),
            ("orders.lost", "== 0", Bound::Number(Equal, 0.0)),
            ("repetitions.valid", ">= 5", Bound::Number(AtLeast, 5.0)),
            ("rate.achieved", "within 1 %", Bound::Within(0.01)),
            ("hw_stamps.rx_coverage", ">= 99 %", Bound::Number(AtLeast, 0.99)),
            ("clock.drift", "<= 1 ppm", Bound::Number(AtMost, 1.0)),
            ("rate.highest", ">= 100_000 packets/s", Bound::Number(AtLeast, 100_000.0)),
            ("noise.gaps_per_second", "<= 10 /s", Bound::Number(AtMost, 10.0)),
            ("evidence", ">= nic", Bound::AtLeast(Evidence::Nic)),
            ("orders.digest", "== tape", Bound::Tape),
            ("samples.p99", "sufficient", Bound::Sufficient),
            ("host.virtualised", "== no", Bound::Virtualised(false)),
        ] {
            assert_eq!(bound(metric, text), Ok(meant), "{metric} {text}");
        }
    }

    #[test]
    fn a_duration_without_unit_is_answered_with_the_line_mended() {
        let mended = |m, t| bound(m, t).unwrap_err();
        assert_eq!(mended("t2t_due.p99", "<= 20"), LimitProblem::NoUnit { corrected: "<= 20 us".into() });
        assert_eq!(
            mended("rate.highest", ">= 100000"),
            LimitProblem::NoUnit { corrected: ">= 100000 packets/s".into() }
        );
        assert_eq!(mended("rate.achieved", "within 1"), LimitProblem::NoUnit { corrected: "within 1 %".into() });
    }

    #[test]
    fn what_cannot_be_a_limit_is_refused() {
        for (metric, text) in [
            ("t2t_due.p99", "20 us"),
            ("t2t_due.p99", "<= 20 parsecs"),
            ("t2t_due.p99", "<= -20 us"),
            ("t2t_due.p99", "== 20 us"),
            ("t2t_due.p99", "<= us"),
            ("t2t_due.p99", "within 1 %"),
            ("orders.lost", "== 0 us"),
            ("rate.highest", "<= 100000 packets/s"),
            ("rate.highest", "== 100000 packets/s"),
            ("evidence", ">= hardware"),
            ("evidence", "<= nic"),
            ("orders.digest", "== 0"),
            ("host.virtualised", "== perhaps"),
            ("orders.lost", ""),
        ] {
            assert!(matches!(bound(metric, text), Err(LimitProblem::Unfit { .. })), "{metric} {text}");
        }
    }
}
