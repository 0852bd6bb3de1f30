//! What lies between the cores of exchange and trader on one host: how far their counters are apart, and how long a cache line
//! takes.

use tickcert_probes::{clocks::offset, core_to_core, pair::PairError};
use tickcert_results::{
    certificate::{CounterOffset, NotRun, NotRunKind, Probes},
    time::{Nanos, TickScale},
};

/// How long each of the two is measured at most.
const EACH: Nanos = Nanos(100_000_000);

/// Measures both; what can't be had is a row. A tenth of a second for each pair, and another. Of several pairs the counters that may
/// be farthest apart are put down, and the cache line of the first.
pub(super) fn measure(pairs: &[(u32, u32)], scale: TickScale, probes: &mut Probes, not_run: &mut Vec<NotRun>) {
    let mut row = |name: &str, e: PairError| {
        let (how, needs) = (e.remedy(), format!("{:#}", anyhow::Error::new(e)));
        not_run.push(NotRun::new(NotRunKind::Probe, name, needs, how));
    };
    let mut found = Vec::new();
    for (exchange, trader) in pairs {
        match offset::measure([*exchange, *trader], EACH, scale) {
            Ok(offset) => found.push(offset),
            Err(e) => row("counters of both cores", e),
        }
    }
    probes.counter_offset = worst(found);
    let Some(cores) = pairs.first().map(|(exchange, trader)| [*exchange, *trader]) else { return };
    match core_to_core::one_pair(cores, EACH, scale) {
        Ok(line) => probes.core_to_core = Some(line),
        Err(e) => row("core-to-core", e),
    }
}

/// Counters that don't run at one rate are worse than all that do.
fn worst(found: Vec<CounterOffset>) -> Option<CounterOffset> {
    let badness = |offset: &CounterOffset| (!offset.is_steady(), offset.bound_ns());
    found.into_iter().reduce(|worst, next| {
        let (a, b) = (badness(&worst), badness(&next));
        if (b.0 && !a.0) || (b.0 == a.0 && b.1 > a.1) { next } else { worst }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_pairs_the_counters_that_may_be_farthest_apart_are_kept_and_those_that_run_apart_before_all() {
        let of = |trader, at_least_ns, at_most_ns| CounterOffset {
            cores: [0, trader],
            at_least_ns,
            at_most_ns,
            round_trips: 9,
        };
        let kept = |all: &[CounterOffset]| worst(all.to_vec()).map(|offset| offset.cores[1]);
        assert_eq!(kept(&[of(1, -4.0, 5.0), of(2, -90.0, -70.0), of(3, -8.0, 7.0)]), Some(2));
        assert_eq!(kept(&[of(1, 3.0, 2.0), of(2, -90.0, -70.0)]), Some(1));
        assert_eq!(kept(&[]), None);
    }
}
