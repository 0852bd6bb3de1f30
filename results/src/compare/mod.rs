//! Two certificates side by side: `tickcert compare A B`.
//!
//! Beside the values which the certificates show (quantiles of all repetitions pooled) stand the ratio of the repetitions'
//! own quantiles, its interval and the p-value, all three from their ranks: a few repetitions that fell into a stall of a
//! host neither hide a difference nor feign one. Holm's correction covers every row of the table. Half of its level is for `t2t_due.p50`, the figure by which a difference is
//! judged first, the other half for all other rows. Where the repetitions are too few for any difference to survive that
//! correction, the outcome is not "no difference shown" but "cannot be told", with how many it takes.

mod check;
mod table;
mod values;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::NotComparable;
pub use values::{Outcome, Pairing, Rules, Test, ValueComparison, ValuesError, compare_values, outcome};

use crate::{
    certificate::{Cell, Certificate, Quantiles, RateSearch},
    evidence::Evidence,
    hist::{Histogram, count_f64},
    stats::{
        LEAST_REPETITIONS,
        bootstrap::PooledRepetitions,
        holm::holm,
        len_f64,
        mann_whitney::{mann_whitney, smallest_p},
        quantile::Quantile,
        summarise::Distributions,
    },
    time::Nanos,
};

/// A certificate's identity in a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// Its run.
    pub run_id: String,
    /// When it started.
    pub started_at: String,
    /// The user's name for the machine.
    pub sut_label: String,
    /// The system's hash.
    pub sut_hash: String,
}

/// B against A.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// What is compared against.
    pub a: Side,
    /// What is compared.
    pub b: Side,
    /// Whether both are the same system by its hash.
    pub same_sut: bool,
    /// When a difference is declared.
    pub rules: Rules,
    /// Rows that the correction covers, those of further comparisons made together with this one too.
    pub family: usize,
    /// Each cell that both have.
    pub cells: Vec<CellComparison>,
    /// Cells without counterpart, in A.
    pub only_in_a: Vec<String>,
    /// Cells without counterpart, in B.
    pub only_in_b: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// One cell of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellComparison {
    /// Lane, load and placement.
    pub name: String,
    /// What both rest on.
    pub evidence: Evidence,
    /// Valid repetitions of A and of B.
    pub repetitions: [usize; 2],
    /// Each quantile that both have enough samples for.
    pub rows: Vec<Row>,
    /// What could not be compared, and why.
    pub missing: Vec<String>,
}

/// One quantile of one distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// `t2t_sent`, `t2t_due` or `trader`.
    pub distribution: String,
    /// Which quantile.
    pub quantile: Quantile,
    /// Of A.
    pub a_ns: Nanos,
    /// Of B.
    pub b_ns: Nanos,
    /// B over A: the median over all pairs of their repetitions. It need not be the quotient of the values above, which
    /// are over all repetitions pooled.
    pub ratio: f64,
    /// Its 95 % interval: the ratios that the test would not reject at 5 %.
    pub ci95: [f64; 2],
    /// Two-sided p-value over repetitions.
    pub p: f64,
    /// The same, corrected by Holm for the whole family, half of the level being for `t2t_due.p50`.
    pub p_corrected: f64,
    /// Cliff's delta over repetitions, -1 to 1.
    pub effect: f64,
    /// The smallest p-value that so many repetitions can give, not corrected.
    pub p_smallest: f64,
    /// What may be said.
    pub outcome: Outcome,
    /// Where it cannot be told: valid repetitions that each side needs for this family of rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_repetitions: Option<usize>,
}

impl Row {
    /// Whether a difference is judged by this row first: the median of the latency from the due time.
    fn is_first(&self) -> bool {
        self.distribution == "t2t_due" && self.quantile == Quantile::P50
    }
}

/// Compares `b` against `a`.
///
/// # Errors
/// [`NotComparable`] names what differs and both values.
pub fn compare(a: &Certificate, b: &Certificate) -> Result<Comparison, NotComparable> {
    compare_all(&[a, b])?.pop().ok_or(NotComparable::TooFew)
}

/// Compares each further certificate against the first; the correction covers all of it.
///
/// # Errors
/// As [`compare`]; one that is not comparable spoils all.
pub fn compare_all(certificates: &[&Certificate]) -> Result<Vec<Comparison>, NotComparable> {
    let [a, others @ ..] = certificates else { return Err(NotComparable::TooFew) };
    if others.is_empty() {
        return Err(NotComparable::TooFew);
    }
    let mut all = others.iter().map(|b| uncorrected(a, b)).collect::<Result<Vec<_>, _>>()?;
    correct(&mut all);
    Ok(all)
}

/// Corrects the p-values of all rows together, and says what may be said.
fn correct(comparisons: &mut [Comparison]) {
    let rules = Rules::default();
    let rows: Vec<&Row> = comparisons.iter().flat_map(|c| &c.cells).flat_map(|c| &c.rows).collect();
    let weights = weights(&rows);
    let p: Vec<f64> = rows.iter().map(|r| r.p).collect();
    let smallest: Vec<f64> = rows.iter().map(|r| r.p_smallest).collect();
    let corrected = holm(&p, &weights);
    // Corrected values only grow with the others, so none can be smaller than with every row at its smallest.
    let smallest = holm(&smallest, &weights);
    let needed = needed_repetitions(&weights, rules);
    let family = rows.len();
    for comparison in &mut *comparisons {
        comparison.family = family;
    }
    let rows = comparisons.iter_mut().flat_map(|c| &mut c.cells).flat_map(|c| &mut c.rows);
    for (row, ((p, smallest), needed)) in rows.zip(corrected.into_iter().zip(smallest).zip(needed)) {
        row.p_corrected = p;
        if smallest > rules.significance {
            row.outcome = Outcome::CannotBeTold;
            row.needs_repetitions = needed;
        } else {
            row.outcome = outcome(rules, row.ratio, Some(row.ci95), row.p_corrected, row.effect);
        }
    }
}

/// Each row's share of the level: a half for the rows by which a difference is judged first, a half for all others.
fn weights(rows: &[&Row]) -> Vec<f64> {
    let first = rows.iter().filter(|r| r.is_first()).count();
    let share = |of: usize| 0.5 / len_f64(of.max(1));
    rows.iter().map(|r| share(if r.is_first() { first } else { rows.len() - first })).collect()
}

/// For each row, the fewest repetitions a side with which a difference can be declared in a family of these weights.
fn needed_repetitions(weights: &[f64], rules: Rules) -> Vec<Option<usize>> {
    let mut needed = vec![None; weights.len()];
    for n in LEAST_REPETITIONS..=MANY {
        let best = holm(&vec![smallest_p(n, n); weights.len()], weights);
        for (needed, p) in needed.iter_mut().zip(best) {
            if needed.is_none() && p <= rules.significance {
                *needed = Some(n);
            }
        }
    }
    needed
}

/// With so many repetitions a side p is below 1e-17 at best: enough for every family that there is.
const MANY: usize = 30;

/// The smallest p-value that the test gives for arms of these lengths: that of two that don't overlap.
fn best_p(a: usize, b: usize) -> f64 {
    let ranks: Vec<f64> = (0..a + b).map(len_f64).collect();
    let (low, high) = ranks.split_at(a);
    mann_whitney(low, high).map_or(1.0, |t| t.p)
}

fn uncorrected(a: &Certificate, b: &Certificate) -> Result<Comparison, NotComparable> {
    check::runs(a, b)?;
    let matched = check::cells(a, b)?;
    let cells = matched.pairs.iter().map(|(of_a, of_b)| cell(&Arm::read(a, of_a)?, &Arm::read(b, of_b)?));
    Ok(Comparison {
        a: side(a),
        b: side(b),
        same_sut: a.sut.hash == b.sut.hash,
        rules: Rules::default(),
        family: 0,
        cells: cells.collect::<Result<_, _>>()?,
        only_in_a: matched.only_in_a,
        only_in_b: matched.only_in_b,
        notes: notes(a, b),
    })
}

fn side(c: &Certificate) -> Side {
    Side {
        run_id: c.run_id.clone(),
        started_at: c.started_at.clone(),
        sut_label: c.sut.label.clone(),
        sut_hash: c.sut.hash.clone(),
    }
}

fn notes(a: &Certificate, b: &Certificate) -> Vec<String> {
    let mut notes = Vec::new();
    for run in [a, b] {
        if run.interrupted {
            notes.push(format!("{} was broken off before its end", run.run_id));
        }
        if run.probes.clocks.as_ref().is_none_or(|c| c.end.is_none()) {
            notes.push(format!("the clock of {} was not checked after the run", run.run_id));
        }
    }
    for run in [a, b] {
        for cell in &run.cells {
            let attempts: Vec<_> = cell.repetitions.iter().filter(|r| !r.staged && !r.unstamped).collect();
            let invalid = attempts.iter().filter(|r| !r.valid).count();
            if invalid > 0 {
                let (name, of) = (check::name(cell), attempts.len());
                let what = format!("{invalid} of {of} repetitions of {name} in {} are invalid", run.run_id);
                notes.push(format!("{what} and take no part"));
            }
        }
    }
    notes.extend(a.rates.iter().filter_map(|of_a| rates(of_a, b)));
    if a.tool != b.tool {
        notes.push(format!(
            "made by different builds of tickcert: {} ({}) and {} ({})",
            a.tool.version, a.tool.commit, b.tool.version, b.tool.commit
        ));
    }
    notes
}

/// The highest rates without loss of a lane, side by side: one search each, so there is no interval and no test.
fn rates(of_a: &RateSearch, b: &Certificate) -> Option<String> {
    let of_b =
        b.rates.iter().find(|s| (&s.lane, &s.variant, s.evidence) == (&of_a.lane, &of_a.variant, of_a.evidence))?;
    let (rate_a, rate_b) = (of_a.highest_pps?.0, of_b.highest_pps?.0);
    let resolution = of_a.resolution.max(of_b.resolution) * 100.0;
    Some(format!(
        "highest rate without loss of {}: A {rate_a:.0}, B {rate_b:.0} packets/s (x {:.2}; found to {resolution:.0} %, not tested)",
        of_a.title(),
        rate_b / rate_a
    ))
}

/// A cell of one certificate with its histograms read.
struct Arm<'a> {
    cell: &'a Cell,
    repetitions: Vec<Distributions>,
}

impl<'a> Arm<'a> {
    fn read(certificate: &Certificate, cell: &'a Cell) -> Result<Self, NotComparable> {
        let read = |r: &crate::certificate::Repetition| {
            Distributions::from_record(&r.histograms).map_err(|source| NotComparable::Histogram {
                run: certificate.run_id.clone(),
                lane: cell.title(),
                repetition: r.repetition,
                source,
            })
        };
        let mut valid: Vec<_> = cell.valid().collect();
        valid.sort_by_key(|r| r.position);
        Ok(Self { cell, repetitions: valid.into_iter().map(read).collect::<Result<_, _>>()? })
    }
}

/// A distribution of a cell: its name, its summary, its histograms.
type Part = (&'static str, fn(&Cell) -> &Quantiles, fn(&Distributions) -> &Histogram);

const PARTS: [Part; 3] = [
    ("t2t_sent", |c| &c.latency_ns.t2t_sent, |d| &d.t2t_sent),
    ("t2t_due", |c| &c.latency_ns.t2t_due, |d| &d.t2t_due),
    ("trader", |c| &c.latency_ns.trader, |d| &d.trader),
];

fn cell(a: &Arm<'_>, b: &Arm<'_>) -> Result<CellComparison, NotComparable> {
    let repetitions = [a.repetitions.len(), b.repetitions.len()];
    let mut compared = CellComparison {
        name: check::name(a.cell),
        evidence: a.cell.evidence,
        repetitions,
        rows: Vec::new(),
        missing: Vec::new(),
    };
    if let Some(few) = repetitions.into_iter().find(|n| *n < LEAST_REPETITIONS) {
        compared.missing.push(format!("everything: {few} valid repetitions on a side, {LEAST_REPETITIONS} are needed"));
        return Ok(compared);
    }
    for (name, summary, histogram) in PARTS {
        let (enough, short): (Vec<_>, Vec<_>) = Quantile::LEVELS
            .into_iter()
            .partition(|(q, _)| [a, b].iter().all(|arm| summary(arm.cell).by_name(q.name()).is_some()));
        compared.missing.extend(short.iter().map(|(q, _)| format!("{name}.{q}: not enough samples on both sides")));
        compared.rows.extend(rows(name, &enough, &of(a, histogram), &of(b, histogram)));
    }
    Ok(compared)
}

fn of<'r>(arm: &'r Arm<'_>, histogram: fn(&Distributions) -> &Histogram) -> Vec<&'r Histogram> {
    arm.repetitions.iter().map(histogram).collect()
}

/// The rows of one distribution; p-values not yet corrected.
fn rows(name: &str, quantiles: &[(Quantile, f64)], a: &[&Histogram], b: &[&Histogram]) -> Vec<Row> {
    let pools = [a, b].map(PooledRepetitions::new);
    let row = |(quantile, level): &(Quantile, f64)| -> Option<Row> {
        let [value_a, value_b] = [&pools[0], &pools[1]].map(|p| p.quantile(&vec![1; p.repetitions()], *level));
        let of_each = |h: &[&Histogram]| h.iter().filter_map(|h| h.quantile(*level).map(as_f64)).collect::<Vec<f64>>();
        let (each_a, each_b) = (of_each(a), of_each(b));
        // The two runs were made one after the other, so no repetition of one belongs to any of the other.
        let found = compare_values(&each_a, &each_b, Pairing::Independent).ok()?;
        Some(Row {
            distribution: name.to_owned(),
            quantile: *quantile,
            a_ns: value_a?,
            b_ns: value_b?,
            ratio: found.ratio,
            ci95: found.ci95?,
            p: found.p,
            p_corrected: 1.0,
            effect: found.effect,
            p_smallest: best_p(each_a.len(), each_b.len()),
            outcome: Outcome::NoDifferenceShown,
            needs_repetitions: None,
        })
    };
    quantiles.iter().filter_map(row).collect()
}

/// A latency of nothing, which no ratio can be made of, counts as the smallest that there is.
fn as_f64(t: Nanos) -> f64 {
    count_f64(t.get().max(1))
}
