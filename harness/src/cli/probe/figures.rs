//! What is measured, one probe after the other, by one clock that is calibrated before and after.

use std::path::Path;

use serde::Serialize;
use tickcert_probes::{
    clocks::{self, offset},
    pair,
};
use tickcert_results::{
    certificate::{ClockProbe, ClockRecord, CounterOffset, NotRun, ReadCost, SystemClockRecord},
    time::{Nanos, TickScale},
};

use super::{Found, What, ptp};
use crate::run::{
    machine::{self, causes, row},
    progress::Progress,
};

/// How long the counters of all pairs of cores together are measured, as far as two of them don't need more for a round trip or two.
const OFFSETS: Nanos = Nanos(2_000_000_000);

/// The clock that software stamps are taken from, and the others.
#[derive(Debug, Serialize)]
pub(super) struct Clocks {
    #[serde(flatten)]
    pub(super) counter: ClockProbe,
    /// What one read of each clock costs.
    pub(super) read_costs: Vec<ReadCost>,
    /// How far the counters of every two cores are apart.
    pub(super) offsets: Vec<CounterOffset>,
    /// Pairs of cores whose counters could not be compared; each has its `not_run` row.
    pub(super) pairs_not_compared: usize,
    /// The clocks of network devices, each read beside the system's, with who keeps it.
    pub(super) hardware_clocks: Vec<ClockRecord>,
    /// The system's own clock.
    pub(super) system_clock: SystemClockRecord,
}

const OTHER_CLOCK: &str = "run on bare metal, or on a virtual machine that hands the processor's own counter through";

/// Runs the probes wanted on `cores`; what can't be had becomes rows. For noise the cores are watched so long, and a gap longer
/// than the second counts.
pub(super) fn measure(cores: &[u32], wanted: &[What], noise: (Nanos, Nanos), found: &mut Found, progress: &Progress) {
    let wants = |what| wanted.contains(&what);
    let (mut counter, scale) = match clocks::start(Path::new("/")) {
        Ok(clock) => clock,
        Err(e) => return none(wanted, &causes(&e), OTHER_CLOCK, &mut found.not_run),
    };
    let pairs = wants(What::CoreToCore) || wants(What::Clocks);
    if pairs && cores.len() < 2 {
        found.not_run.push(row(
            "between cores",
            "two cores that this process may use",
            "give it another: `taskset -c`, a container's --cpuset-cpus, a systemd AllowedCPUs=, or a larger machine",
        ));
    }
    let mut clocks = None;
    if wants(What::Clocks) {
        progress.say("Reading the clocks");
        let read_costs = machine::read_costs(cores, scale);
        clocks = Some((read_costs, offsets(cores, scale, &mut found.not_run), ptp::look(&mut found.not_run)));
    }
    if wants(What::CoreToCore) && cores.len() > 1 {
        progress.say("Measuring from core to core");
        found.core_to_core = machine::core_to_core(cores, scale, &mut found.not_run);
    }
    if wants(What::Memory) {
        progress.say("Measuring memory");
        found.memory = machine::memory(cores, scale, &mut found.not_run);
    }
    if wants(What::Noise) {
        progress.say("Watching the cores");
        match tickcert_probes::noise::measure(Path::new("/"), cores, noise.0, noise.1, scale) {
            Ok(watched) => {
                found.noise = Some(watched.probe);
                found.not_run.extend(watched.uncounted);
            }
            Err(e) => found.not_run.push(row("noise", causes(&e), "leave the cores on line and in the cpuset")),
        }
    }
    if let Err(why) = held(&mut counter) {
        (found.core_to_core, found.memory, found.noise) = (None, Vec::new(), None);
        return none(wanted, &why, "run again; on a virtual machine, while it isn't being moved", &mut found.not_run);
    }
    found.clocks = clocks.map(|(read_costs, offsets, (hardware_clocks, system_clock))| Clocks {
        counter,
        read_costs,
        pairs_not_compared: pair::of(cores).count().saturating_sub(offsets.len()),
        offsets,
        hardware_clocks,
        system_clock,
    });
}

/// Figures of a clock that disagrees with itself are not shown.
fn held(counter: &mut ClockProbe) -> Result<(), String> {
    let again = clocks::finish(counter).map_err(|e| causes(&e))?;
    if again.holds() {
        return Ok(());
    }
    let (drift, allowed) = (again.drift_ppm, again.allowed_ppm);
    Err(format!("a clock that is steady: it drifted by {drift:.2} ppm, of which {allowed:.2} ppm is explained"))
}

/// A row for each probe, of which nothing can be shown.
fn none(wanted: &[What], needs: &str, how: &str, not_run: &mut Vec<NotRun>) {
    not_run.extend(wanted.iter().map(|what| row(&what.name(), needs, how)));
}

fn offsets(cores: &[u32], scale: TickScale, not_run: &mut Vec<NotRun>) -> Vec<CounterOffset> {
    let mut found = Vec::new();
    let pairs = u64::try_from(pair::of(cores).count()).unwrap_or(u64::MAX);
    let each = Nanos(OFFSETS.get() / pairs.max(1));
    for [a, b] in pair::of(cores) {
        match offset::measure([a, b], each, scale) {
            Ok(offset) => found.push(offset),
            Err(e) => not_run.push(row(&format!("clocks of {a} and {b}"), causes(&e), e.remedy())),
        }
    }
    found
}
