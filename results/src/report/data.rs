//! What the charts need of a certificate: cells by class of evidence, histograms decoded and merged.

use crate::{
    certificate::{Cell, Certificate, Histograms, Repetition},
    evidence::Evidence,
    hist::Histogram,
    stats::quantile::rank_of,
    time::Nanos,
};

/// A quantile needs this many samples beyond it to be shown.
const SAMPLES_BEYOND: f64 = 10.0;

/// One distribution that holds samples.
pub(super) struct Curve {
    /// Upper edge of each bucket that holds samples, and the number of samples up to it.
    steps: Vec<(u64, u64)>,
    n: u64,
    min: u64,
    max: u64,
}

impl Curve {
    /// `None` of an empty histogram. `largest` is the exact maximum where it is known: a bucket's edge may lie above it.
    fn new(histogram: &Histogram, largest: Option<Nanos>) -> Option<Self> {
        let (min, max) = (histogram.min()?.get(), histogram.max()?.get());
        let max = largest.map_or(max, |l| l.get().clamp(min, max));
        let steps: Vec<_> = histogram
            .counts()
            .scan(0, |seen, (value, count)| {
                *seen += count;
                Some((value.get().min(max), *seen))
            })
            .collect();
        let n = steps.last().map(|s| s.1)?;
        Some(Self { steps, n, min, max })
    }

    /// Samples in it.
    pub(super) fn n(&self) -> u64 {
        self.n
    }

    /// Smallest and largest value, in nanoseconds, never zero (for log axes).
    pub(super) fn range(&self) -> (f64, f64) {
        let lo = self.min.max(1);
        (lo as f64, self.max.max(lo) as f64)
    }

    /// Value at quantile `q`, in nanoseconds, never zero.
    pub(super) fn at(&self, q: f64) -> f64 {
        let rank = rank_of(q, self.n);
        let at = self.steps.partition_point(|s| s.1 < rank);
        self.steps.get(at).map_or(self.max, |s| s.0).max(1) as f64
    }

    /// The highest quantile that has enough samples beyond it.
    pub(super) fn highest(&self) -> f64 {
        (1.0 - SAMPLES_BEYOND / self.n as f64).max(0.0)
    }

    /// Steps of the distribution: a value and the share of samples above it, falling to zero.
    pub(super) fn above(&self) -> impl Iterator<Item = (f64, f64)> {
        let n = self.n;
        self.steps.iter().map(move |(value, seen)| ((*value).max(1) as f64, (n - seen) as f64 / n as f64))
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
        let l = &cell.latency_ns;
        let due = merged(cell, |h| &h.t2t_due, l.t2t_due.max, &mut unreadable);
        let sent = merged(cell, |h| &h.t2t_sent, l.t2t_sent.max, &mut unreadable);
        Self { cell, at, due, sent, unreadable }
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
        let cells = certificate.cells.iter().enumerate().filter(|(_, c)| c.evidence == evidence);
        Group { evidence, cells: cells.map(|(at, c)| CellView::new(at, c)).collect() }
    };
    classes.into_iter().map(of).collect()
}

/// The distribution of one repetition; `None` where it is empty or can't be read.
pub(super) fn of_repetition(repetition: &Repetition, which: impl Fn(&Histograms) -> &String) -> Option<Curve> {
    let histogram = Histogram::from_base64(which(&repetition.histograms)).ok()?;
    Curve::new(&histogram, None)
}

/// Over all valid repetitions.
fn merged(
    cell: &Cell,
    which: impl Fn(&Histograms) -> &String,
    largest: Option<Nanos>,
    unreadable: &mut usize,
) -> Option<Curve> {
    let mut sum: Option<Histogram> = None;
    for repetition in cell.valid() {
        let text = which(&repetition.histograms);
        if text.is_empty() {
            continue;
        }
        let added = match (Histogram::from_base64(text), &mut sum) {
            (Ok(first), None) => {
                sum = Some(first);
                true
            }
            (Ok(next), Some(sum)) => sum.merge(&next).is_ok(),
            (Err(_), _) => false,
        };
        *unreadable += usize::from(!added);
    }
    Curve::new(&sum?, largest)
}

/// The path that a tick takes through the trader; stages by other names come after these, by name.
const STAGES: [&str; 9] = ["rx", "decode", "hand-off", "book", "decide", "risk", "hand-over", "encode", "tx"];

/// Names of stages in the order in which they happen.
pub(super) fn stage_order<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|n| (STAGES.iter().position(|s| s == n).unwrap_or(STAGES.len()), *n));
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
        assert_eq!(groups.iter().map(|g| g.evidence).collect::<Vec<_>>(), [Evidence::Nic, Evidence::Emulated]);
        assert!(groups.iter().all(|g| g.cells.iter().all(|c| c.cell.evidence == g.evidence)));
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
        assert_eq!(stage_order(names.iter()), ["rx", "decode", "book", "tx", "zap"]);
    }
}
