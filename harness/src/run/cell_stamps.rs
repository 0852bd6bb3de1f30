//! Whether a cell's hardware stamps can be relied on, what its evidence is then, and what stamping costs.

use std::collections::BTreeMap;

use tickcert_results::{
    certificate::{CellStamps, EndStamps, Latencies, OneWay, Purpose, Repetition, StampingCost, StampingRecord},
    compare::{Pairing, compare_values},
    evidence::Evidence,
    stamp::StampPolicy,
    stats::summarise::{Distributions, quantiles},
    time::Nanos,
    wire::WireSpan,
};
use tickcert_scenarios::profile::StampsSpec;
use tickcert_transports::api::{Caps, EndStamping, Stamping};

use super::spans::WireFormat;

/// The quantiles of which the cost is shown.
const COSTS: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];
/// With at least so many on one side and on the other, ranks can tell a difference at 5 % (Mann and Whitney 1947, table).
const LEAST_FOR_INTERVAL: u32 = 4;

/// What a cell's stamps are judged by.
pub(super) struct Terms<'a> {
    pub(super) spec: &'a StampsSpec,
    /// What the wire's interfaces can.
    pub(super) stamping: Option<Stamping>,
    pub(super) record: Option<&'a StampingRecord>,
    /// Why the lane takes none, whatever the interfaces can.
    pub(super) lane_why_not: Option<String>,
}

impl Terms<'_> {
    /// Whether frames of the cell are stamped at all.
    pub(super) const fn stamps(&self) -> bool {
        self.stamping.is_some() && self.lane_why_not.is_none()
    }

    /// The finding; `None` where no stamps are wanted.
    pub(super) fn judge(&self, repetitions: &[Repetition], format: Option<&WireFormat>) -> Option<CellStamps> {
        if self.spec.policy == StampPolicy::Off {
            return None;
        }
        let exchange = self.why_not(|s| s.exchange, |r| r.exchange.as_ref(), repetitions, "exchange");
        let trader = self.why_not(|s| s.trader, |r| r.trader.as_ref(), repetitions, "trader");
        let mut said: Vec<&String> = exchange.iter().chain(&trader).collect();
        said.dedup();
        let why = said.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("; ");
        let (require, prefer) = match self.spec.policy {
            _ if why.is_empty() => (None, None),
            StampPolicy::Require => (Some(format!("the profile requires hardware stamps: {why}")), None),
            StampPolicy::Prefer | StampPolicy::Off => (None, Some(why)),
        };
        // With one end's stamps the cell doesn't fall back.
        let fallback = prefer.filter(|_| exchange.is_some() && trader.is_some());
        Some(CellStamps {
            floor: self.spec.coverage,
            exchange_why_not: exchange,
            trader_why_not: trader,
            not_certifiable: require,
            fallback,
            conversion: format.filter(|_| self.stamps()).map(WireFormat::record),
            one_way: one_way(repetitions),
            cost: BTreeMap::new(),
        })
    }

    /// Why an end's stamps can't be relied on; the worst repetition decides.
    fn why_not(
        &self,
        end: fn(&Stamping) -> EndStamping,
        of: fn(&tickcert_results::certificate::HwStamps) -> Option<&EndStamps>,
        repetitions: &[Repetition],
        who: &str,
    ) -> Option<String> {
        if let Some(why) = &self.lane_why_not {
            return Some(why.clone());
        }
        let here = self.stamping.as_ref().map(end);
        let Some(here) = here.filter(|here| here.clock.is_some() && here.transmit && here.receive) else {
            return Some(self.not_seen(here, who));
        };
        let counted: Vec<&Repetition> =
            repetitions.iter().filter(|r| r.valid && r.purpose() != Purpose::Cost).collect();
        if counted.is_empty() {
            return Some("no repetition with stamps was valid".to_owned());
        }
        counted.iter().find_map(|r| {
            if let Some(why) = &r.hw_stamps.unusable {
                return Some(format!("in repetition {} they can't be used: {why}", r.repetition));
            }
            let coverage = of(&r.hw_stamps).and_then(EndStamps::coverage).unwrap_or_default();
            (coverage < self.spec.coverage).then(|| {
                let clock = here.clock.map(|c| c.to_string()).unwrap_or_default();
                format!(
                    "in repetition {} {:.2} % of the frames of the {who} have a usable stamp of {clock}, {} % are asked for{}",
                    r.repetition,
                    coverage * 100.0,
                    percent(self.spec.coverage),
                    of(&r.hw_stamps).map(what_became).unwrap_or_default()
                )
            })
        })
    }

    /// Why hardware stamps nothing here, by what the bench has seen.
    fn not_seen(&self, here: Option<EndStamping>, who: &str) -> String {
        let end = self.record.and_then(|r| if who == "exchange" { r.exchange.as_ref() } else { r.trader.as_ref() });
        let said = match (end, self.record) {
            (Some(end), _) if !end.why_not.is_empty() => {
                let why = end.why_not.iter().map(|why| format!("{}: {why}", end.interface));
                Some(why.collect::<Vec<_>>().join("; "))
            }
            (_, Some(record)) => record.not_looked_at.clone(),
            _ => None,
        };
        said.unwrap_or_else(|| {
            let ways = here.map_or((false, false), |h| (h.transmit, h.receive));
            let lacks = match ways {
                (true, false) => "frames that arrive",
                (false, true) => "frames that leave",
                _ => "frames",
            };
            format!("no hardware stamps {lacks} at the {who}")
        })
    }
}

fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// What became of those that can't be used.
fn what_became(end: &EndStamps) -> String {
    let count = |of: fn(&tickcert_results::certificate::StampCounts) -> u64| of(&end.tx) + of(&end.rx);
    let all = [
        (count(|c| c.missing), "missing"),
        (count(|c| c.shared), "of these read at once with a later order, which has the stamp"),
        (count(|c| c.late), "late"),
        (count(|c| c.stale), "stale"),
        (count(|c| c.zero), "zero"),
    ];
    let said: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
}

/// Over all repetitions that count: the largest error, or the first reason why there are no figures.
fn one_way(repetitions: &[Repetition]) -> Option<OneWay> {
    let usable = repetitions.iter().filter(|r| r.counts_for_latency() && r.hw_stamps.unusable.is_none());
    let all: Vec<&OneWay> = usable.filter_map(|r| r.hw_stamps.one_way.as_ref()).collect();
    let why_not = all.iter().find_map(|o| o.why_not.clone());
    let error_ns = all.iter().filter_map(|o| o.error_ns).max().filter(|_| why_not.is_none());
    (!all.is_empty()).then_some(OneWay { error_ns, why_not })
}

/// The class of evidence that stamps make of the ground's. What a virtual wire or machine gives stays that.
pub(super) fn evidence(caps: &Caps, stamps: Option<&CellStamps>) -> (Evidence, String) {
    let own = (caps.evidence, caps.evidence_why.clone());
    let Some(stamps) = stamps else { return own };
    let reached = match (stamps.of_exchange(), stamps.of_trader()) {
        (true, true) => Some((Evidence::Wire, "the NICs of both ends")),
        (true, false) => Some((Evidence::Wire, "the exchange's NIC")),
        (false, true) => Some((Evidence::Nic, "the trader's NIC")),
        (false, false) => None,
    };
    match reached {
        Some((class, who)) if caps.evidence == Evidence::Software => {
            let floor = percent(stamps.floor);
            let why = format!(
                "{who} stamped at least {floor} % of the ticks that trigger and of the orders, both ways, in every repetition; t2t_due and t2t_sent are by the processor's clock all the same"
            );
            (class, why)
        }
        Some((_, who)) if caps.evidence < Evidence::Software => {
            let why = format!(
                "{}; that {who} stamp{} makes it no stronger",
                own.1,
                if who.contains("both") { "" } else { "s" }
            );
            (own.0, why)
        }
        _ => match &stamps.fallback {
            Some(why) => (own.0, format!("{}; hardware stamps could not be had: {why}", own.1)),
            None => own,
        },
    }
}

/// Takes out what rests on stamps that can't be relied on.
pub(super) fn keep_reliable(latencies: &mut Latencies, stamps: Option<&CellStamps>) {
    let (exchange, trader) = stamps.map_or((false, false), |s| (s.of_exchange(), s.of_trader()));
    latencies.wire.retain(|name, _| {
        name.parse::<WireSpan>()
            .is_ok_and(|span| (exchange || !span.needs_exchange()) && (trader || !span.needs_trader()))
    });
}

/// What stamping costs: valid repetitions with stamps beside those without.
pub(super) fn cost(with: &[&Distributions], without: &[&Distributions], seed: u64) -> BTreeMap<String, StampingCost> {
    if without.is_empty() || with.is_empty() {
        return BTreeMap::new();
    }
    let pooled = |all: &[&Distributions]| quantiles(&all.iter().map(|d| &d.t2t_due).collect::<Vec<_>>(), seed).ok();
    let (Some(all_with), Some(all_without)) = (pooled(with), pooled(without)) else { return BTreeMap::new() };
    let of = |all: &[&Distributions], q: f64| -> Vec<f64> {
        all.iter()
            .filter_map(|d| d.t2t_due.quantile(q))
            .map(|ns| ns.0.max(1))
            .map(|ns| Nanos(ns).as_secs_f64())
            .collect()
    };
    let row = |(name, q): (&str, f64)| {
        let (a, b) = (of(without, q), of(with, q));
        // The same number of both were interleaved one by one only by chance: they are held for two independent arms.
        let compared = compare_values(&a, &b, Pairing::Independent).ok();
        let ci95 = compared.and_then(|c| c.ci95);
        let least = u32::try_from(a.len()).unwrap_or(u32::MAX);
        let cost = StampingCost {
            with_ns: all_with.by_name(name),
            without_ns: all_without.by_name(name),
            repetitions: [with.len(), without.len()].map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
            ratio: compared.map(|c| c.ratio),
            ci95,
            needs_more: ci95.is_none().then(|| LEAST_FOR_INTERVAL.saturating_sub(least).max(1)),
        };
        (name.to_owned(), cost)
    };
    COSTS.into_iter().map(row).collect()
}

#[cfg(test)]
#[path = "cell_stamps_tests.rs"]
mod tests;
