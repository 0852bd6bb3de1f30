//! Every metric that a requirement may be about, and how its limit is written.

use super::units::{Decimal, parse_duration};

/// How the limit of a metric is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitForm {
    /// `<= 12 us`.
    Duration,
    /// `== 0`.
    Count,
    /// `<= 5 %`, `>= 99 %`.
    Percent,
    /// `within 1 %`.
    Within,
    /// `<= 10 /s`.
    PerSecond,
    /// One of a few texts.
    Word(&'static [&'static str]),
}

const QUANTILES: &[&str] = &["min", "p50", "p90", "p99", "p99_9", "p99_99", "max"];
const COMPARISONS: &[&str] = &["<=", ">=", "==", "<", ">"];

const SUFFICIENT: LimitForm = LimitForm::Word(&["sufficient"]);
const EVIDENCE: LimitForm = LimitForm::Word(&[">= emulated", ">= software", ">= nic", ">= wire", ">= simulated"]);

const SINGLE: &[(&str, LimitForm)] = &[
    ("orders.lost", LimitForm::Count),
    ("orders.wrong", LimitForm::Count),
    ("orders.duplicate", LimitForm::Count),
    ("orders.late", LimitForm::Count),
    ("orders.unexpected", LimitForm::Count),
    ("orders.digest", LimitForm::Word(&["== tape"])),
    ("repetitions.valid", LimitForm::Count),
    ("evidence", EVIDENCE),
    ("rate.achieved", LimitForm::Within),
    ("schedule_error.p50", LimitForm::Duration),
    ("schedule_error.p99", LimitForm::Duration),
    ("schedule_error.max", LimitForm::Duration),
    ("noise.largest_gap", LimitForm::Duration),
    ("noise.gaps_per_second", LimitForm::PerSecond),
    ("clock.drift", LimitForm::Word(&["<= allowed"])),
    ("host.virtualised", LimitForm::Word(&["== no"])),
    ("hw_stamps.tx_coverage", LimitForm::Percent),
    ("hw_stamps.rx_coverage", LimitForm::Percent),
];

/// The form of a metric's limit; `None` when there is no such metric.
pub(super) fn limit_form(metric: &str) -> Option<LimitForm> {
    if let Some((_, form)) = SINGLE.iter().find(|(name, _)| *name == metric) {
        return Some(*form);
    }
    let (family, quantile) = metric.split_once('.')?;
    if !QUANTILES.contains(&quantile) {
        return None;
    }
    match family {
        "t2t_sent" | "t2t_due" | "trader" => Some(LimitForm::Duration),
        "samples" => Some(SUFFICIENT),
        _ => None,
    }
}

/// All names, for suggestions and for the test that the manual has them.
pub(super) fn names() -> Vec<String> {
    let families = ["t2t_sent", "t2t_due", "trader", "samples"];
    let of_quantiles = families.iter().flat_map(|f| QUANTILES.iter().map(move |q| format!("{f}.{q}")));
    SINGLE.iter().map(|(name, _)| (*name).to_owned()).chain(of_quantiles).collect()
}

impl LimitForm {
    pub(super) fn accepts(self, limit: &str) -> bool {
        let limit = limit.trim();
        let number = || split_comparison(limit).map(|(_, rest)| rest);
        let suffixed =
            |rest: &str, unit: &str| rest.strip_suffix(unit).is_some_and(|n| Decimal::parse(n.trim()).is_some());
        match self {
            Self::Duration => number().is_some_and(|n| parse_duration(n).is_ok()),
            Self::Count => number().is_some_and(|n| Decimal::parse(n).is_some_and(|d| d.places == 0)),
            Self::Percent => number().is_some_and(|n| suffixed(n, "%")),
            Self::PerSecond => number().is_some_and(|n| suffixed(n, "/s")),
            Self::Within => limit.strip_prefix("within").is_some_and(|n| suffixed(n, "%")),
            Self::Word(words) => words.contains(&limit),
        }
    }

    /// True when the limit would do if its unit stood behind it.
    pub(super) fn lacks_only_a_unit(self, limit: &str) -> bool {
        !self.accepts(limit) && self.unit().is_some_and(|unit| self.accepts(&format!("{limit} {unit}")))
    }

    /// A limit of this form with the number that was written, if there is one.
    pub(super) fn corrected(self, limit: &str) -> String {
        let (comparison, rest) = split_comparison(limit.trim()).unwrap_or(("<=", limit.trim()));
        let rest = rest.trim_start_matches("within").trim_start();
        let digits: String = rest.chars().take_while(|&c| c.is_ascii_digit() || c == '.' || c == '_').collect();
        let number = Decimal::parse(&digits).map(|_| digits);
        match self {
            Self::Word(words) => words.first().copied().unwrap_or_default().to_owned(),
            Self::Within => format!("within {} %", number.unwrap_or_else(|| "1".to_owned())),
            _ => {
                let unit = self.unit().map(|u| format!(" {u}")).unwrap_or_default();
                format!("{comparison} {}{unit}", number.unwrap_or_else(|| "10".to_owned()))
            }
        }
    }

    const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Duration => Some("us"),
            Self::Percent | Self::Within => Some("%"),
            Self::PerSecond => Some("/s"),
            Self::Count | Self::Word(_) => None,
        }
    }
}

fn split_comparison(limit: &str) -> Option<(&'static str, &str)> {
    COMPARISONS.iter().find_map(|&c| limit.strip_prefix(c).map(|rest| (c, rest.trim_start())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_accepts_its_own_form_of_limit_and_no_other() {
        for (metric, good, bad) in [
            ("t2t_due.p99", "<= 12 us", "<= 12"),
            ("orders.lost", "== 0", "== 0 us"),
            ("orders.digest", "== tape", "== 0"),
            ("repetitions.valid", ">= 5", "5"),
            ("samples.p99_9", "sufficient", "enough"),
            ("evidence", ">= nic", ">= hardware"),
            ("rate.achieved", "within 1 %", "within 1"),
            ("noise.gaps_per_second", "<= 10 /s", "<= 10 us"),
            ("hw_stamps.tx_coverage", ">= 99.9 %", ">= 0.999"),
            ("host.virtualised", "== no", "== false"),
        ] {
            let form = limit_form(metric).unwrap();
            assert!(form.accepts(good) && !form.accepts(bad), "{metric}");
            assert!(form.accepts(&form.corrected(bad)), "the correction of `{bad}` for {metric} is itself wrong");
        }
    }

    #[test]
    fn every_name_that_is_suggested_has_a_form_of_limit() {
        assert!(names().iter().all(|n| limit_form(n).is_some()));
    }
}
