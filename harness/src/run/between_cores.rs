//! What lies between the cores of exchange and trader on one host: how far their counters are apart, and how long a cache line
//! takes.

use tickcert_probes::{clocks::offset, core_to_core, pair::PairError};
use tickcert_results::{
    certificate::{NotRun, NotRunKind, Probes},
    time::{Nanos, TickScale},
};

/// How long each of the two is measured at most.
const EACH: Nanos = Nanos(100_000_000);

/// Measures both; what can't be had is a row. A fifth of a second.
pub(super) fn measure(cores: (u32, u32), scale: TickScale, probes: &mut Probes, not_run: &mut Vec<NotRun>) {
    let cores = [cores.0, cores.1];
    let mut row = |name: &str, e: PairError| {
        let (how, needs) = (e.remedy(), format!("{:#}", anyhow::Error::new(e)));
        not_run.push(NotRun::new(NotRunKind::Probe, name, needs, how));
    };
    match offset::measure(cores, EACH, scale) {
        Ok(offset) => probes.counter_offset = Some(offset),
        Err(e) => row("counters of both cores", e),
    }
    match core_to_core::one_pair(cores, EACH, scale) {
        Ok(line) => probes.core_to_core = Some(line),
        Err(e) => row("core-to-core", e),
    }
}
