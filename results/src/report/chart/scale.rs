//! From values to places on an axis.

use crate::report::text;

/// An axis' scale.
#[derive(Clone, Debug)]
pub(super) enum Scale {
    /// Durations in nanoseconds, logarithmic.
    Log { lo: f64, hi: f64 },
    /// Durations in nanoseconds, linear from zero.
    Linear { hi: f64 },
    /// Quantiles from 0 to 0.9999, spread by their nines.
    Nines,
    /// Bytes, logarithmic, labelled by powers of two.
    Bytes { lo: f64, hi: f64 },
    /// Shares of one down to `10^-decades`, logarithmic, 1 at the top.
    Share { decades: u32 },
}

/// A line of the grid.
pub(super) struct Tick {
    /// 0 at the axis' beginning, 1 at its end.
    pub(super) at: f64,
    /// Empty for a line without label.
    pub(super) label: String,
}

impl Scale {
    /// A logarithmic scale around these durations whose ends are 1, 2 or 5 times a power of ten.
    pub(super) fn around(lo: f64, hi: f64) -> Self {
        let (lo, hi) = (lo.max(1.0), hi.max(lo).max(1.0));
        let (lo, mut hi) = (round_down(lo), round_up(hi));
        if hi <= lo {
            hi = round_up(lo * 1.5);
        }
        Self::Log { lo, hi }
    }

    /// 0 at the beginning, 1 at the end; values outside are put at the edge.
    pub(super) fn place(&self, value: f64) -> f64 {
        let at = match self {
            Self::Log { lo, hi } | Self::Bytes { lo, hi } => (value.max(*lo) / lo).ln() / (hi / lo).ln(),
            Self::Linear { hi } => value / hi,
            Self::Nines => -(1.0 - value.min(0.999_9)).log10() / 4.0,
            Self::Share { decades } => 1.0 + value.max(f64::MIN_POSITIVE).log10() / f64::from(*decades),
        };
        at.clamp(0.0, 1.0)
    }

    /// Lines of the grid with their labels.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let tick = |value: f64, label: String| Tick { at: self.place(value), label };
        match self {
            Self::Log { lo, hi } => {
                // Over few decades 1, 2 and 5 are labelled, over more of them the powers of ten.
                let few = (hi / lo).log10() < 2.6;
                let steps = steps(*lo, *hi);
                let label = |v: f64, lead: u32| {
                    if few || lead == 1 { text::tick(v) } else { String::new() }
                };
                steps.into_iter().map(|(v, lead)| tick(v, label(v, lead))).collect()
            }
            Self::Bytes { lo, hi } => {
                // From one power of four to the next, so that the labels have room.
                std::iter::successors(Some(1_u64), |at| at.checked_mul(4))
                    .map(|at| (at, at as f64))
                    .filter(|(_, at)| (*lo..=*hi).contains(at))
                    .map(|(bytes, at)| tick(at, text::bytes(bytes)))
                    .collect()
            }
            Self::Linear { hi } => {
                let step = round_up(hi / 8.0);
                let mut at = 0.0;
                let mut all = Vec::new();
                while at <= hi * 1.000_1 {
                    all.push(tick(at, if at == 0.0 { "0".to_owned() } else { text::tick(at) }));
                    at += step;
                }
                all
            }
            Self::Nines => [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99")]
                .map(|(q, label)| tick(q, label.to_owned()))
                .into(),
            Self::Share { decades } => {
                (0..=*decades).map(|d| tick(10_f64.powi(-(d.cast_signed())), share(d))).collect()
            }
        }
    }
}

/// `10^-decade` as a percentage.
fn share(decade: u32) -> String {
    match decade {
        0 => "100\u{202f}%".to_owned(),
        1 => "10\u{202f}%".to_owned(),
        2 => "1\u{202f}%".to_owned(),
        d => format!("0.{}1\u{202f}%", "0".repeat(d as usize - 3)),
    }
}

/// Each 1, 2, 5 times a power of ten between these, both included, with its leading digit.
fn steps(lo: f64, hi: f64) -> Vec<(f64, u32)> {
    let mut all = Vec::new();
    let mut decade = 10_f64.powf(lo.log10().floor());
    while decade <= hi * 1.000_1 {
        for lead in [1, 2, 5] {
            let v = decade * f64::from(lead);
            if v >= lo * 0.999_9 && v <= hi * 1.000_1 {
                all.push((v, lead));
            }
        }
        decade *= 10.0;
    }
    all
}

fn round_down(v: f64) -> f64 {
    let decade = 10_f64.powf(v.log10().floor());
    [5.0, 2.0].map(|m| m * decade).into_iter().find(|s| *s <= v * 1.000_1).unwrap_or(decade)
}

fn round_up(v: f64) -> f64 {
    let decade = 10_f64.powf(v.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|m| m * decade);
    steps.into_iter().find(|s| *s >= v * 0.999_9).unwrap_or(decade * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().into_iter().map(|t| t.label.replace('\u{202f}', " ")).collect()
    }

    #[test]
    fn nines_are_spread_evenly_from_90_to_99_99() {
        let places = [0.0, 0.9, 0.99, 0.999, 0.9999].map(|q| Scale::Nines.place(q));
        for (at, wanted) in places.iter().zip([0.0, 0.25, 0.5, 0.75, 1.0]) {
            assert!((at - wanted).abs() < 1e-9, "{places:?}");
        }
    }

    #[test]
    fn a_log_scale_begins_and_ends_on_a_label() {
        let scale = Scale::around(6_200.0, 410_000.0);
        let labels = labels(&scale);
        assert_eq!((labels[0].as_str(), labels[labels.len() - 1].as_str()), ("5 µs", "500 µs"));
        let ticks = scale.ticks();
        assert!((ticks[0].at).abs() < 1e-9 && (ticks[ticks.len() - 1].at - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_value_alone_still_has_an_axis() {
        for v in [0.0, 1.0, 1_000.0, 60e9] {
            let scale = Scale::around(v, v);
            assert!(scale.ticks().len() >= 2, "{v}");
            assert!(scale.place(v).is_finite());
        }
    }

    #[test]
    fn shares_are_written_as_percentages() {
        assert_eq!(labels(&Scale::Share { decades: 4 }), ["100 %", "10 %", "1 %", "0.1 %", "0.01 %"]);
    }
}
