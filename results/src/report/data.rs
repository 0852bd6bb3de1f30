//! What the charts need of a certificate: cells by class of evidence, histograms decoded and merged.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{Histogram, serialization::Deserializer};

use crate::{
    certificate::{Cell, Certificate, Histograms, Repetition},
    evidence::Evidence,
};

/// A quantile needs this many samples beyond it to be shown.
const SAMPLES_BEYOND: f64 = 10.0;

/// One distribution.
pub(super) struct Curve {
    histogram: Histogram<u64>,
}

impl Curve {
    fn decode(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let histogram = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .ok()?;
        Some(Self { histogram }).filter(|c| c.n() > 0)
    }

    /// Samples in it.
    pub(super) fn n(&self) -> u64 {
        self.histogram.len()
    }

    /// Smallest and largest value, in nanoseconds, never zero (for log axes).
    pub(super) fn range(&self) -> (f64, f64) {
        let lo = self.histogram.min().max(1);
        (lo as f64, self.histogram.max().max(lo) as f64)
    }

    /// Value at quantile `q`, in nanoseconds.
    pub(super) fn at(&self, q: f64) -> f64 {
        self.histogram.value_at_quantile(q).max(1) as f64
    }

    /// The highest quantile that has enough samples beyond it.
    pub(super) fn highest(&self) -> f64 {
        (1.0 - SAMPLES_BEYOND / self.n() as f64).max(0.0)
    }

    /// Steps of the distribution: a value and the share of samples above it, falling to zero.
    pub(super) fn above(&self) -> impl Iterator<Item = (f64, f64)> {
        let n = self.n();
        let mut left = n;
        self.histogram.iter_recorded().map(move |step| {
            left = left.saturating_sub(step.count_since_last_iteration());
            (
                step.value_iterated_to().max(1) as f64,
                left as f64 / n as f64,
            )
        })
    }
}

/// A cell with its distributions over all valid repetitions.
pub(super) struct CellView<'a> {
    pub(super) cell: &'a Cell,
    /// Position in the certificate, for anchors.
    pub(super) at: usize,
    pub(super) due: Option<Curve>,
    pub(super) sent: Option<Curve>,
    /// Histograms that could not be decoded: the charts are without them, and say so.
    pub(super) unreadable: usize,
}

impl<'a> CellView<'a> {
    fn new(at: usize, cell: &'a Cell) -> Self {
        let mut unreadable = 0;
        let due = merged(cell, |h| &h.t2t_due, &mut unreadable);
        let sent = merged(cell, |h| &h.t2t_sent, &mut unreadable);
        Self {
            cell,
            at,
            due,
            sent,
            unreadable,
        }
    }

    /// Both distributions that are there, t2t_due first.
    pub(super) fn curves(&self) -> impl Iterator<Item = &Curve> {
        self.due.iter().chain(&self.sent)
    }
}

/// Cells of one class of evidence.
pub(super) struct Group<'a> {
    pub(super) evidence: Evidence,
    pub(super) cells: Vec<CellView<'a>>,
}

/// Cells by class of evidence, strongest first: classes never share a table or a chart.
pub(super) fn groups(certificate: &Certificate) -> Vec<Group<'_>> {
    let mut classes: Vec<_> = certificate.cells.iter().map(|c| c.evidence).collect();
    classes.sort_unstable_by(|a, b| b.cmp(a));
    classes.dedup();
    let of = |evidence| {
        let cells = certificate
            .cells
            .iter()
            .enumerate()
            .filter(|(_, c)| c.evidence == evidence);
        Group {
            evidence,
            cells: cells.map(|(at, c)| CellView::new(at, c)).collect(),
        }
    };
    classes.into_iter().map(of).collect()
}

/// The distribution of one repetition.
pub(super) fn of_repetition(
    repetition: &Repetition,
    which: impl Fn(&Histograms) -> &String,
) -> Option<Curve> {
    Curve::decode(which(&repetition.histograms))
}

fn merged(
    cell: &Cell,
    which: impl Fn(&Histograms) -> &String,
    unreadable: &mut usize,
) -> Option<Curve> {
    let mut sum: Option<Curve> = None;
    for repetition in cell.valid() {
        let text = which(&repetition.histograms);
        if text.is_empty() {
            continue;
        }
        let Some(curve) = Curve::decode(text) else {
            *unreadable += 1;
            continue;
        };
        match &mut sum {
            None => sum = Some(curve),
            Some(sum) => {
                // Fails only for values above the range of the first, and then the chart says that it is not whole.
                if sum.histogram.add(&curve.histogram).is_err() {
                    *unreadable += 1;
                }
            }
        }
    }
    sum
}

/// The path that a tick takes through the trader; stages by other names come after these, by name.
const STAGES: [&str; 9] = [
    "rx", "decode", "handoff", "hand-off", "book", "decide", "risk", "encode", "tx",
];

/// Names of stages in the order in which they happen.
pub(super) fn stage_order<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|n| {
        (
            STAGES.iter().position(|s| s == n).unwrap_or(STAGES.len()),
            *n,
        )
    });
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::example;

    #[test]
    fn classes_of_evidence_never_share_a_group() {
        let certificate = example::twelve_lanes();
        let groups = groups(&certificate);
        assert_eq!(
            groups.iter().map(|g| g.evidence).collect::<Vec<_>>(),
            [Evidence::Nic, Evidence::Emulated]
        );
        assert!(
            groups
                .iter()
                .all(|g| g.cells.iter().all(|c| c.cell.evidence == g.evidence))
        );
    }

    #[test]
    fn a_merged_curve_holds_every_sample_of_the_valid_repetitions_and_no_other() {
        let certificate = example::two_lanes();
        for group in groups(&certificate) {
            for view in group.cells {
                assert_eq!(view.due.unwrap().n(), view.cell.latency_ns.t2t_due.n);
                assert_eq!(view.sent.unwrap().n(), view.cell.latency_ns.t2t_sent.n);
            }
        }
    }

    #[test]
    fn a_histogram_that_can_not_be_read_is_counted() {
        let certificate = example::hostile();
        assert_eq!(groups(&certificate)[0].cells[0].unreadable, 1);
    }

    #[test]
    fn the_share_above_falls_to_nothing_at_the_largest() {
        let certificate = example::one_lane();
        let view = &groups(&certificate)[0].cells[0];
        let steps: Vec<_> = view.due.as_ref().unwrap().above().collect();
        assert!(steps.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 > w[1].1));
        assert_eq!(steps.last().unwrap().1, 0.0);
    }

    #[test]
    fn stages_stand_in_the_order_in_which_they_happen() {
        let names = ["tx", "zap", "book", "decode", "rx"].map(str::to_owned);
        assert_eq!(
            stage_order(names.iter()),
            ["rx", "decode", "book", "tx", "zap"]
        );
    }
}
