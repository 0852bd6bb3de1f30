//! From the histograms of repetitions to the numbers of a cell.

use std::collections::BTreeMap;

use super::{
    bootstrap::PooledRepetitions,
    order_statistic::rank_interval,
    quantile::{Quantile, samples_needed},
};
use crate::{
    certificate::{Histograms, Latencies, Quantiles, SignedQuantiles, WireHistogram},
    hist::{Histogram, HistogramError, count_f64},
    time::Nanos,
};

/// The distributions that one repetition gave.
#[derive(Clone, Debug)]
pub struct Distributions {
    /// See [`Latencies::t2t_sent`].
    pub t2t_sent: Histogram,
    /// See [`Latencies::t2t_due`].
    pub t2t_due: Histogram,
    /// See [`Latencies::trader`].
    pub trader: Histogram,
    /// The trader's stages, by name.
    pub stages: BTreeMap<String, Histogram>,
    /// Spans between hardware stamps, by name.
    pub wire: BTreeMap<String, Shifted>,
}

/// A distribution of which each sample was recorded so much too late, so that none was negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Shifted {
    /// How much.
    pub shift: Nanos,
    /// The samples.
    pub histogram: Histogram,
}

impl Distributions {
    /// Without a sample.
    ///
    /// # Errors
    /// As [`Histogram::new`].
    pub fn new() -> Result<Self, HistogramError> {
        let empty = Histogram::new()?;
        Ok(Self {
            t2t_sent: empty.clone(),
            t2t_due: empty.clone(),
            trader: empty,
            stages: BTreeMap::new(),
            wire: BTreeMap::new(),
        })
    }

    /// As the certificate records them.
    ///
    /// # Errors
    /// As [`Histogram::to_base64`].
    pub fn to_record(&self) -> Result<Histograms, HistogramError> {
        let stages = self.stages.iter().map(|(name, h)| Ok((name.clone(), h.to_base64()?)));
        let wire = self.wire.iter().map(|(name, of)| {
            let histogram = of.histogram.to_base64()?;
            Ok((name.clone(), WireHistogram { shift_ns: of.shift, histogram }))
        });
        Ok(Histograms {
            t2t_sent: self.t2t_sent.to_base64()?,
            t2t_due: self.t2t_due.to_base64()?,
            trader: self.trader.to_base64()?,
            stages: stages.collect::<Result<_, HistogramError>>()?,
            wire: wire.collect::<Result<_, HistogramError>>()?,
        })
    }

    /// From a certificate. An empty string is a distribution without samples.
    ///
    /// # Errors
    /// As [`Histogram::from_base64`].
    pub fn from_record(record: &Histograms) -> Result<Self, HistogramError> {
        let read = |text: &str| if text.is_empty() { Histogram::new() } else { Histogram::from_base64(text) };
        let stages = record.stages.iter().map(|(name, text)| Ok((name.clone(), read(text)?)));
        let wire = record
            .wire
            .iter()
            .map(|(name, of)| Ok((name.clone(), Shifted { shift: of.shift_ns, histogram: read(&of.histogram)? })));
        Ok(Self {
            t2t_sent: read(&record.t2t_sent)?,
            t2t_due: read(&record.t2t_due)?,
            trader: read(&record.trader)?,
            stages: stages.collect::<Result<_, HistogramError>>()?,
            wire: wire.collect::<Result<_, HistogramError>>()?,
        })
    }
}

/// The numbers of a cell: `valid` are the repetitions that count for latency, `staged` the valid ones that were stamped
/// stage by stage. The same `seed` gives the same intervals.
///
/// # Errors
/// As [`Histogram::merge`].
pub fn summarise(valid: &[&Distributions], staged: &[&Distributions], seed: u64) -> Result<Latencies, HistogramError> {
    let of =
        |part: fn(&Distributions) -> &Histogram| quantiles(&valid.iter().map(|d| part(d)).collect::<Vec<_>>(), seed);
    let mut stages: BTreeMap<&str, Vec<&Histogram>> = BTreeMap::new();
    for (name, h) in staged.iter().flat_map(|d| &d.stages) {
        stages.entry(name).or_default().push(h);
    }
    Ok(Latencies {
        t2t_sent: of(|d| &d.t2t_sent)?,
        t2t_due: of(|d| &d.t2t_due)?,
        trader: of(|d| &d.trader)?,
        stages: stages
            .into_iter()
            .map(|(name, repetitions)| Ok((name.to_owned(), quantiles(&repetitions, seed)?)))
            .collect::<Result<_, HistogramError>>()?,
        wire: wire(valid, seed)?,
    })
}

/// The spans between hardware stamps that every repetition has: of the others the worst may be missing.
fn wire(valid: &[&Distributions], seed: u64) -> Result<BTreeMap<String, SignedQuantiles>, HistogramError> {
    let Some(first) = valid.first() else { return Ok(BTreeMap::new()) };
    let mut all = BTreeMap::new();
    for name in first.wire.keys() {
        let of: Option<Vec<&Shifted>> = valid.iter().map(|d| d.wire.get(name)).collect();
        if let Some(of) = of {
            all.insert(name.clone(), signed_quantiles(&of, seed)?);
        }
    }
    Ok(all)
}

/// As [`quantiles`], of samples that may be negative. Intervals are those of the shifted samples, shifted back.
///
/// # Errors
/// As [`Histogram::merge`].
pub fn signed_quantiles(repetitions: &[&Shifted], seed: u64) -> Result<SignedQuantiles, HistogramError> {
    let shift = repetitions.iter().map(|r| r.shift).max().unwrap_or_default();
    let alike: Vec<Histogram> = repetitions
        .iter()
        .map(|r| match shift.saturating_sub(r.shift) {
            Nanos::ZERO => Ok(r.histogram.clone()),
            more => r.histogram.later_by(more),
        })
        .collect::<Result<_, HistogramError>>()?;
    Ok(SignedQuantiles::from_shifted(quantiles(&alike.iter().collect::<Vec<_>>(), seed)?, shift))
}

/// The quantiles of the repetitions' samples pooled, with intervals over the repetitions.
///
/// An interval is never narrower than independent samples would allow: where the repetitions agree more closely than
/// that, by luck or because there are few, the interval between order statistics is taken, and `cautions` says so.
///
/// # Errors
/// As [`Histogram::merge`].
pub fn quantiles(repetitions: &[&Histogram], seed: u64) -> Result<Quantiles, HistogramError> {
    let mut pool = Histogram::new()?;
    for h in repetitions {
        pool.merge(h)?;
    }
    let n = pool.len();
    let mut q = Quantiles { n, min: pool.min(), max: pool.max(), ..Quantiles::default() };
    let (enough, short): (Vec<_>, Vec<_>) = Quantile::LEVELS.into_iter().partition(|(_, q)| n >= samples_needed(*q));
    for (quantile, level) in short {
        q.needs_more.insert(quantile.name().to_owned(), samples_needed(level) - n);
    }
    let levels: Vec<f64> = enough.iter().map(|(_, level)| *level).collect();
    let spreads = PooledRepetitions::new(repetitions).resample(&levels, seed);
    for ((quantile, level), spread) in enough.into_iter().zip(spreads) {
        let Some(value) = pool.quantile(level) else { continue };
        set(&mut q, quantile, value);
        let Some(over_repetitions) = spread.interval(value) else { continue };
        let within = between_order_statistics(&pool, level);
        let (interval, caution) = never_narrower(quantile, over_repetitions, within, n);
        q.ci95.insert(quantile.name().to_owned(), interval);
        q.cautions.extend(caution);
    }
    Ok(q)
}

fn set(q: &mut Quantiles, quantile: Quantile, value: Nanos) {
    let field = match quantile {
        Quantile::Min => &mut q.min,
        Quantile::P50 => &mut q.p50,
        Quantile::P90 => &mut q.p90,
        Quantile::P99 => &mut q.p99,
        Quantile::P99_9 => &mut q.p99_9,
        Quantile::P99_99 => &mut q.p99_99,
        Quantile::Max => &mut q.max,
    };
    *field = Some(value);
}

/// The interval between order statistics of the pooled samples, from the lower edge of the lower one's bucket.
fn between_order_statistics(pool: &Histogram, level: f64) -> Option<[f64; 2]> {
    let n = pool.len();
    let ranks = rank_interval(n, level, 0.95)?;
    // Half a rank below, so that the nearest rank is the very one.
    let at = |rank: u64| pool.quantile((count_f64(rank) - 0.5) / count_f64(n));
    Some([count_f64(pool.lower_edge(at(ranks.lower)?).0), count_f64(at(ranks.upper)?.0)])
}

/// The hull of both intervals, and a word of caution where the one over repetitions is less than half as wide as the
/// other.
fn never_narrower(quantile: Quantile, over: [f64; 2], within: Option<[f64; 2]>, n: u64) -> ([f64; 2], Option<String>) {
    let Some(within) = within else { return (over, None) };
    let hull = [over[0].min(within[0]), over[1].max(within[1])];
    let caution = (2.0 * (over[1] - over[0]) < within[1] - within[0]).then(|| {
        format!(
            "{quantile}: the repetitions agree more closely ({:.0} to {:.0} ns) than {n} samples can vouch for \
             ({:.0} to {:.0} ns); the wider interval is given",
            over[0], over[1], within[0], within[1]
        )
    });
    (hull, caution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SignedNanos;

    fn repetition(shift: u64, n: u64) -> Histogram {
        Histogram::of((0..n).map(|i| Nanos(10_000 + shift + i * 7_919 % 1_000))).unwrap()
    }

    #[test]
    fn a_quantile_without_enough_samples_is_absent_and_says_how_many_it_needs() {
        let h = repetition(0, 30);
        let q = quantiles(&[&h; 5], 1).unwrap();
        assert_eq!((q.n, q.p99, q.needs_more["p99"], q.needs_more["p99_99"]), (150, None, 850, 99_850));
        assert!(q.p90.is_some() && !q.needs_more.contains_key("p90"));
        assert_eq!((q.min, q.max), (h.min(), h.max()));
    }

    #[test]
    fn four_repetitions_give_values_but_no_interval() {
        let h = repetition(0, 1_000);
        let q = quantiles(&[&h; 4], 1).unwrap();
        assert!(q.p50.is_some() && q.ci95.is_empty());
    }

    #[test]
    fn an_interval_follows_the_spread_between_repetitions() {
        let h: Vec<_> = [0, 300, 600, 900, 1_200, 1_500].map(|s| repetition(s, 2_000)).into();
        let q = quantiles(&h.iter().collect::<Vec<_>>(), 1).unwrap();
        let [low, high] = q.ci95["p50"];
        let p50 = count_f64(q.p50.unwrap().0);
        assert!(low < p50 - 300.0 && high > p50 + 300.0, "{low} {p50} {high}");
        assert!(q.cautions.is_empty(), "{:?}", q.cautions);
    }

    #[test]
    fn repetitions_that_agree_too_well_get_the_wider_interval_and_a_caution() {
        let h = repetition(0, 200);
        let q = quantiles(&[&h; 5], 1).unwrap();
        let [low, high] = q.ci95["p50"];
        assert!(high - low > 20.0, "{low} {high}");
        assert!(q.cautions[0].starts_with("p50: the repetitions agree more closely"), "{:?}", q.cautions);
    }

    #[test]
    fn of_nothing_there_is_nothing_but_the_need() {
        let q = quantiles(&[], 1).unwrap();
        assert_eq!((q.n, q.p50, q.needs_more["p50"]), (0, None, 20));
    }

    #[test]
    fn the_record_of_a_repetition_is_read_back() {
        let mut d = Distributions::new().unwrap();
        d.t2t_due = repetition(5, 100);
        d.stages.insert("decode".into(), repetition(0, 100));
        let back = Distributions::from_record(&d.to_record().unwrap()).unwrap();
        assert_eq!((&back.t2t_due, &back.stages), (&d.t2t_due, &d.stages));
        assert!(Distributions::from_record(&Histograms::default()).unwrap().trader.is_empty());
    }

    #[test]
    fn what_was_recorded_later_than_it_was_is_given_back_as_it_was_and_may_be_negative() {
        let of = |shift: u64| Shifted {
            shift: Nanos(shift),
            histogram: Histogram::of((0..2_000).map(|i| Nanos(shift - 200 + i % 400))).unwrap(),
        };
        let (one, other) = (of(1_000), of(1_200));
        let q = signed_quantiles(&[&one, &other, &one, &one, &one], 1).unwrap();
        assert_eq!((q.n, q.min, q.max), (10_000, Some(SignedNanos(-200)), Some(SignedNanos(199))));
        let p50 = q.p50.unwrap().0;
        assert!((-2..=2).contains(&p50), "{p50}");
        let [low, high] = q.ci95["p50"];
        assert!(low <= 0.0 && high >= 0.0 && high - low < 100.0, "{low} {high}");
        assert_eq!(q.needs_more["p99_99"], 90_000);
    }

    #[test]
    fn a_span_that_one_repetition_lacks_is_not_given() {
        let mut with = Distributions::new().unwrap();
        let shifted = Shifted { shift: Nanos::ZERO, histogram: repetition(0, 100) };
        with.wire.insert("trader_wire".into(), shifted.clone());
        let without = Distributions::new().unwrap();
        assert!(summarise(&[&with, &without], &[], 1).unwrap().wire.is_empty());
        assert_eq!(summarise(&[&with, &with], &[], 1).unwrap().wire["trader_wire"].n, 200);
        let back = Distributions::from_record(&with.to_record().unwrap()).unwrap();
        assert_eq!(back.wire["trader_wire"], shifted);
    }

    #[test]
    fn stages_come_from_the_staged_repetitions_only() {
        let mut plain = Distributions::new().unwrap();
        plain.t2t_due = repetition(0, 100);
        let mut staged = Distributions::new().unwrap();
        staged.t2t_due = repetition(0, 100);
        staged.stages.insert("decode".into(), repetition(0, 40));
        let l = summarise(&[&plain, &plain], &[&staged], 1).unwrap();
        assert_eq!((l.t2t_due.n, l.stages["decode"].n), (200, 40));
    }
}
