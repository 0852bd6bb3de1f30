//! Requirements on latencies: only the whole interval decides.

use super::{
    Bound, Distribution, Limit,
    finding::{Finding, ns, time},
    ground::Ground,
    rests,
};
use crate::{
    certificate::{Cell, Quantiles},
    stats::{
        LEAST_REPETITIONS,
        quantile::{Quantile, samples_needed},
        repetitions::repetitions_needed,
    },
    verdict::Verdict,
};

pub(super) fn finding(cell: &Cell, of: &Distribution, q: Quantile, limit: &Limit, ground: &Ground<'_>) -> Finding {
    match evidence_for(cell, of, q, ground) {
        Err(why) => Finding::not_certifiable(why),
        Ok(value) => against(&value, limit),
    }
}

/// A value with all that it takes to be held against a limit.
struct Value {
    ns: f64,
    /// `None` for the extremes, which have none.
    ci95: Option<[f64; 2]>,
    n: u64,
    repetitions: usize,
}

/// The value, or why there is none to judge.
fn evidence_for(cell: &Cell, of: &Distribution, q: Quantile, ground: &Ground<'_>) -> Result<Value, String> {
    ground.clock.as_ref().map_err(|fault| fault.why().to_owned())?;
    let asked = ground.evidence_asked(cell);
    let rests = rests::on_of(of, cell.evidence);
    if cell.evidence < asked {
        return Err(evidence_too_weak(cell, asked));
    }
    if rests < asked {
        return Err(format!(
            "{of} is by the processor's clock, so its evidence is {rests} whatever else is stamped, but {asked} or better \
             is asked for: set a limit to a span between stamps, such as t2t_wire, instead"
        ));
    }
    let repetitions = repetitions(cell, of);
    if repetitions < LEAST_REPETITIONS {
        return Err(format!("{repetitions} valid repetitions; at least {LEAST_REPETITIONS} are needed"));
    }
    let figures = figures(cell, of, q).ok_or_else(|| match of {
        Distribution::Stage(name) if ground.certificate.exchange_host.is_some() && ["rx", "tx"].contains(&&**name) => {
            format!("{of} is from one host's clock to another's: it needs synchronised clocks")
        }
        _ => nothing_of(cell, of),
    })?;
    let needed = q.level().map_or(1, samples_needed);
    if figures.n < needed {
        let short = needed - figures.n;
        return Err(format!("{q} of {of} needs {short} more samples than the {} there are", figures.n));
    }
    let value = figures.value.ok_or_else(|| format!("{q} of {of} was not computed"))?;
    let ci95 = match q {
        Quantile::Min | Quantile::Max => None,
        _ => Some(sound_interval(figures.ci95, value).ok_or_else(|| format!("{q} of {of} has no usable interval"))?),
    };
    Ok(Value { ns: value, ci95, n: figures.n, repetitions })
}

pub(super) fn evidence_too_weak(cell: &Cell, asked: crate::evidence::Evidence) -> String {
    format!("the evidence is {} ({}), but {asked} or better is asked for", cell.evidence, cell.evidence_why)
}

/// Repetitions that `of` rests on.
fn repetitions(cell: &Cell, of: &Distribution) -> usize {
    match of {
        Distribution::Stage(_) => cell.repetitions.iter().filter(|r| r.valid && r.staged).count(),
        _ => cell.valid().count(),
    }
}

pub(super) fn quantiles<'c>(cell: &'c Cell, of: &Distribution) -> Option<&'c Quantiles> {
    match of {
        Distribution::T2tSent => Some(&cell.latency_ns.t2t_sent),
        Distribution::T2tDue => Some(&cell.latency_ns.t2t_due),
        Distribution::Trader => Some(&cell.latency_ns.trader),
        Distribution::Stage(name) => cell.latency_ns.stages.get(name),
        Distribution::Wire(_) => None,
    }
}

/// Why there is nothing of a distribution.
fn nothing_of(cell: &Cell, of: &Distribution) -> String {
    let stamps = cell.stamps.as_ref();
    let why_not = match of {
        Distribution::Wire(span) => stamps.and_then(|s| s.why_without(*span)),
        _ => None,
    };
    match why_not {
        Some(why) => format!("nothing was measured of {of}: {why}"),
        None => format!("nothing was measured of {of}"),
    }
}

/// One quantile of a distribution.
struct Figures {
    n: u64,
    value: Option<f64>,
    ci95: Option<[f64; 2]>,
}

#[expect(clippy::cast_precision_loss, reason = "spans stay far below 2^53 ns")]
fn figures(cell: &Cell, of: &Distribution, q: Quantile) -> Option<Figures> {
    if let Distribution::Wire(span) = of {
        let found = cell.latency_ns.wire.get(span.name())?;
        let value = found.by_name(q.name()).map(|v| v.0 as f64);
        return Some(Figures { n: found.n, value, ci95: found.ci95.get(q.name()).copied() });
    }
    let found = quantiles(cell, of)?;
    let value = found.by_name(q.name()).map(ns);
    Some(Figures { n: found.n, value, ci95: found.ci95.get(q.name()).copied() })
}

/// The interval, if it is one and holds the value.
fn sound_interval(ci95: Option<[f64; 2]>, value: f64) -> Option<[f64; 2]> {
    let [low, high] = ci95?;
    // A hair of slack for what was rounded on the way through a file.
    (low.is_finite() && high.is_finite() && low <= value + 1e-6 && value <= high + 1e-6).then_some([low, high])
}

fn against(value: &Value, limit: &Limit) -> Finding {
    let Bound::Number(relation, bound) = limit.bound else {
        return Finding::not_certifiable(format!("\"{}\" is no limit for a time", limit.text));
    };
    let measured = |f: Finding| f.with(value.ns, "ns", value.n);
    let Some([low, high]) = value.ci95 else {
        let (verdict, side) =
            if relation.holds(value.ns, bound) { (Verdict::Pass, "within") } else { (Verdict::Fail, "beyond") };
        let why = format!("measured {}, {side} the limit {}", time(value.ns), limit.text);
        return measured(Finding::new(verdict, why));
    };
    let interval = format!("measured {} ({} to {} with 95 % confidence)", time(value.ns), time(low), time(high));
    let finding = match (relation.holds(low, bound), relation.holds(high, bound)) {
        (true, true) => Finding::new(Verdict::Pass, format!("{interval}, within the limit {}", limit.text)),
        (false, false) => Finding::new(Verdict::Fail, format!("{interval}, beyond the limit {}", limit.text)),
        _ => Finding::not_certifiable(format!(
            "{interval}, on both sides of the limit {}: needs more repetitions ({})",
            limit.text,
            how_many(value, [low, high], bound)
        )),
    };
    measured(finding).with_interval([low, high])
}

fn how_many(value: &Value, ci95: [f64; 2], bound: f64) -> String {
    match repetitions_needed(value.repetitions, value.ns, ci95, bound) {
        Some(n) => format!("about {n} in all"),
        None => "more than can be made: the value is as good as at the limit".to_owned(),
    }
}
