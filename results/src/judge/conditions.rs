//! Requirements on the measurement itself: met, or nothing is certified.

use super::{
    Bound, Direction, Distribution, Metric, ScheduleStatistic,
    finding::{Finding, ns, time},
    ground::{Ground, drift},
    latency::{evidence_too_weak, quantiles},
};
use crate::{
    certificate::{Cell, Certificate, NoiseCore, NoiseProbe, NotRunKind, Placement, Repetition},
    hist::count_f64,
    stats::{
        len_f64,
        quantile::{Quantile, samples_needed},
    },
    verdict::Verdict,
};

pub(super) fn of_cell(metric: &Metric, cell: &Cell, bound: Bound, ground: &Ground<'_>) -> Finding {
    match (metric, bound) {
        (Metric::Evidence, Bound::AtLeast(asked)) if cell.evidence >= asked => {
            Finding::new(Verdict::Pass, format!("the evidence is {}: {}", cell.evidence, cell.evidence_why))
        }
        (Metric::Evidence, Bound::AtLeast(_)) => {
            Finding::not_certifiable(evidence_too_weak(cell, ground.evidence_asked(cell)))
        }
        (Metric::RepetitionsValid, _) => repetitions(cell, bound),
        (Metric::Samples(q), _) => samples(cell, *q),
        (Metric::RateAchieved, _) => rate(cell, bound),
        (Metric::ScheduleError(s), _) => schedule(cell, *s, bound),
        (Metric::HwStamps(d), _) => hw_stamps(cell, *d, bound),
        _ => Finding::not_certifiable("the limit does not fit the metric"),
    }
}

pub(super) fn of_host(metric: &Metric, bound: Bound, certificate: &Certificate) -> Finding {
    match metric {
        Metric::NoiseLargestGap => {
            noise(certificate, bound, "ns", |core| ns(core.largest_ns), |x| format!("the longest gap was {}", time(x)))
        }
        Metric::NoiseGapsPerSecond => {
            noise(certificate, bound, "/s", |core| core.gaps_per_second, |x| format!("{x:.1} gaps a second"))
        }
        Metric::ClockDrift => clock_drift(certificate, bound),
        Metric::HostVirtualised => virtualised(certificate, bound),
        _ => Finding::not_certifiable("the metric is about lanes, and there was none"),
    }
}

fn holds(bound: Bound, value: f64) -> bool {
    match bound {
        Bound::Number(relation, limit) => relation.holds(value, limit),
        Bound::Within(share) => (value - 1.0).abs() <= share,
        _ => false,
    }
}

/// Of the values of all repetitions the one that is furthest on the wrong side.
fn worst(values: &[f64], bound: Bound) -> Option<f64> {
    let badness = |x: &f64| match bound {
        Bound::Within(_) => (x - 1.0).abs(),
        Bound::Number(super::Relation::Above | super::Relation::AtLeast, _) => -x,
        _ => *x,
    };
    values.iter().copied().max_by(|a, b| badness(a).total_cmp(&badness(b)))
}

/// All valid repetitions, the staged ones too.
fn valid(cell: &Cell) -> Vec<&Repetition> {
    cell.repetitions.iter().filter(|r| r.valid).collect()
}

/// A figure that every valid repetition must have, the worst one held against the limit.
fn worst_of(
    cell: &Cell,
    bound: Bound,
    unit: &str,
    of: impl Fn(&Repetition) -> Option<f64>,
) -> Result<Finding, Finding> {
    let valid = valid(cell);
    let values: Vec<f64> = valid.iter().filter_map(|r| of(r)).filter(|x| x.is_finite()).collect();
    let whole = values.len() == valid.len();
    let worst = worst(&values, bound).filter(|_| whole).ok_or_else(|| {
        Finding::not_certifiable(if valid.is_empty() { "no valid repetition" } else { "not known of every repetition" })
    })?;
    let n = u64::try_from(values.len()).unwrap_or(u64::MAX);
    Ok(Finding::condition(values.iter().all(|x| holds(bound, *x)), "").with(worst, unit, n))
}

/// Puts the reason in words once the worst value is known.
fn in_words(finding: Result<Finding, Finding>, say: impl Fn(f64) -> String) -> Finding {
    match finding {
        Ok(mut f) => {
            f.why = f.measured.as_ref().map_or_else(String::new, |m| say(m.value));
            f
        }
        Err(f) => f,
    }
}

fn repetitions(cell: &Cell, bound: Bound) -> Finding {
    let n = cell.valid().count();
    let attempts = cell.repetitions.len();
    Finding::condition(holds(bound, len_f64(n)), format!("{n} valid repetitions, of {attempts} attempts")).with(
        len_f64(n),
        "count",
        u64::try_from(attempts).unwrap_or(u64::MAX),
    )
}

fn samples(cell: &Cell, q: Quantile) -> Finding {
    let of = [Distribution::T2tSent, Distribution::T2tDue];
    let n = of.iter().filter_map(|d| quantiles(cell, d)).map(|q| q.n).min().unwrap_or(0);
    let needed = q.level().map_or(1, samples_needed);
    let why = match needed.checked_sub(n) {
        None | Some(0) => format!("{n} samples, {needed} are needed"),
        Some(short) => format!("needs {short} more samples than the {n} there are"),
    };
    Finding::condition(n >= needed, why).with(count_f64(n), "count", n)
}

fn rate(cell: &Cell, bound: Bound) -> Finding {
    if let Some(r) = valid(cell).iter().find(|r| r.counts.skipped > 0) {
        return Finding::not_certifiable(format!(
            "{} packets of repetition {} were never sent",
            r.counts.skipped, r.repetition
        ));
    }
    let ratio = |r: &Repetition| {
        let (achieved, intended) = (r.achieved_pps.0, r.intended_pps.0);
        let rates = [achieved, intended].iter().all(|x| x.is_finite() && *x > 0.0);
        rates.then(|| achieved / intended)
    };
    in_words(worst_of(cell, bound, "ratio", ratio), |x| {
        format!("{:.2} % of the intended rate was achieved in the worst repetition", x * 100.0)
    })
}

fn schedule(cell: &Cell, of: ScheduleStatistic, bound: Bound) -> Finding {
    let of = |r: &Repetition| {
        Some(ns(match of {
            ScheduleStatistic::P50 => r.schedule_error_ns.p50,
            ScheduleStatistic::P99 => r.schedule_error_ns.p99,
            ScheduleStatistic::WaitingP50 => r.schedule_error_ns.waiting_p50,
        }))
    };
    in_words(worst_of(cell, bound, "ns", of), |x| format!("{} late in the worst repetition", time(x)))
}

fn hw_stamps(cell: &Cell, direction: Direction, bound: Bound) -> Finding {
    let (of, word): (fn(&Repetition) -> Option<f64>, _) = match direction {
        Direction::Rx => (|r| r.hw_stamps.rx_coverage, "received"),
        Direction::Tx => (|r| r.hw_stamps.tx_coverage, "transmitted"),
    };
    in_words(worst_of(cell, bound, "ratio", of), |x| {
        format!("{:.2} % of the frames {word} carry a hardware stamp in the worst repetition", x * 100.0)
    })
}

/// What to say where a probe has no result: what it needs, if it says so.
fn probe_missing(certificate: &Certificate, probe: &str) -> Finding {
    let row = certificate.not_run.iter().find(|n| n.kind == NotRunKind::Probe && n.name.contains(probe));
    match row {
        Some(row) => {
            Finding::new(Verdict::NotRun, format!("the probe {} did not run: it needs {}", row.name, row.needs))
        }
        None => Finding::not_certifiable(format!("the probe for {probe} has no result")),
    }
}

/// A core of exchange or trader that the noise probe says nothing of: it was taken away, say.
fn unwatched(certificate: &Certificate) -> Option<u32> {
    let here = certificate.probes.noise.as_ref()?;
    let there = certificate.exchange_host.as_ref().and_then(|host| host.noise.as_ref());
    let lacks = |noise: &NoiseProbe, core| !noise.cores.iter().any(|watched| watched.core == core);
    certificate.cells.iter().find_map(|cell| {
        let Placement { exchange_core, trader_core, .. } = cell.placement;
        lacks(here, trader_core)
            .then_some(trader_core)
            .or_else(|| lacks(there.unwrap_or(here), exchange_core).then_some(exchange_core))
    })
}

/// A figure of the noise probe, of the worst core.
fn noise(
    certificate: &Certificate,
    bound: Bound,
    unit: &str,
    of: impl Fn(&NoiseCore) -> f64,
    say: impl Fn(f64) -> String,
) -> Finding {
    let of_exchange = certificate.exchange_host.as_ref();
    if certificate.probes.noise.is_none() || of_exchange.is_some_and(|host| host.noise.is_none()) {
        return probe_missing(certificate, "noise");
    }
    let cores = |noise: Option<&'_ NoiseProbe>, host: &'static str| {
        let cores = noise.into_iter().flat_map(|p| &p.cores);
        cores.map(|c| (of(c), c.core, host)).collect::<Vec<_>>()
    };
    let mut all = cores(certificate.probes.noise.as_ref(), "");
    all.extend(cores(of_exchange.and_then(|host| host.noise.as_ref()), " of the exchange's host"));
    if let Some(core) = unwatched(certificate) {
        return Finding::new(
            Verdict::NotRun,
            format!("core {core}, on which was measured, was not watched for noise to the end"),
        );
    }
    let Some((value, core, host)) = all.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return probe_missing(certificate, "noise");
    };
    Finding::condition(holds(bound, value), format!("{} on core {core}{host}, the worst", say(value)))
        .with(value, unit, 1)
}

fn clock_drift(certificate: &Certificate, bound: Bound) -> Finding {
    let Some(clocks) = &certificate.probes.clocks else { return probe_missing(certificate, "clock") };
    let of_exchange = certificate.exchange_host.as_ref().map(|host| drift(&host.clocks));
    let worse = |(a, _): (f64, f64), (b, _): (f64, f64)| a.max(b);
    let worst = match (drift(clocks), of_exchange) {
        (Some((own, _)), None) => Some(own),
        (Some(own), Some(Some(other))) => Some(worse(own, other)),
        _ => None,
    };
    match worst {
        Some(drift) => Finding::condition(
            holds(bound, drift),
            format!("the calibrations before and after the run differ by {drift:.2} ppm"),
        )
        .with(drift, "ppm", 2),
        None => Finding::not_certifiable("the clock was not calibrated before and after the run"),
    }
}

fn virtualised(certificate: &Certificate, bound: Bound) -> Finding {
    let hosts = [Some(&certificate.sut.host), certificate.exchange_host.as_ref().map(|e| &e.host)];
    let found: Vec<&str> = hosts.into_iter().flatten().map(|host| host.virtualised.as_str()).collect();
    if found.contains(&"") {
        return Finding::not_certifiable("it is not known whether the host is a virtual machine");
    }
    let hypervisor = found.iter().find(|found| **found != "none");
    let why = match hypervisor {
        Some(found) => format!("the host is a virtual machine ({found})"),
        None => "no hypervisor was found".to_owned(),
    };
    Finding::condition(matches!(bound, Bound::Virtualised(wanted) if wanted == hypervisor.is_some()), why)
}
