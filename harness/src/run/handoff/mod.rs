//! The comparison of hand-offs: the tape from memory, decoded on one core and decided on another, open loop, with each queue
//! between them.

mod certified;
mod decide;
mod decode;
mod judge;
mod logs;
mod message;
mod needs;
mod others;
mod preempt;
mod summary;
mod together;
mod trial;

pub use certified::Ground;

use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tickcert_probes::{clocks::offset, pair::PairError};
use tickcert_results::{
    certificate::{CounterOffset, HandoffComparison, HandoffRepetition, NotRun, NotRunKind, Preemption},
    evidence::Evidence,
    time::{Nanos, TickScale},
};
use tickcert_scenarios::{
    handoff::Handoff,
    load::{Arrival, Schedule},
    profile::HandoffSpec,
    tape::Tape,
};

use super::{interrupt, progress::Progress};
use judge::{Distributions, Which, judge};
use trial::Trial;

/// How long the counters of the two cores are compared at most.
const OFFSET: Nanos = Nanos(100_000_000);

/// What is to be compared, and how.
pub struct Order<'a> {
    /// The hand-offs, the load, and all else that was asked for.
    pub spec: &'a HandoffSpec,
    /// The workload.
    pub tape: &'a Tape,
    /// Cores that decode and decide.
    pub cores: (u32, u32),
    /// The clock's.
    pub scale: TickScale,
    /// Seed of the order of trials, and of loads that are random.
    pub seed: u64,
    /// What the host runs under, or `none`.
    pub hypervisor: &'a str,
}

impl Order<'_> {
    const fn load(&self) -> Arrival {
        let (rate, burst) = (self.spec.rate, self.spec.burst);
        if burst > 1 { Arrival::Bursts { rate, burst } } else { Arrival::Constant { rate } }
    }

    /// How the deciding core is taken away, if it is.
    fn preemption(&self) -> Option<Preemption> {
        self.spec.preempt.map(|length_ns| Preemption { length_ns, every_ns: self.spec.preempt_every })
    }

    /// Two threads and a clock; nothing crosses a device.
    fn evidence(&self) -> (Evidence, String) {
        match self.hypervisor {
            "none" => (Evidence::Software, "the processor's clock, within one process".to_owned()),
            machine => (Evidence::Emulated, format!("the host is a virtual machine ({machine})")),
        }
    }
}

/// What came of it.
pub struct Compared {
    /// The comparison.
    pub comparison: HandoffComparison,
    /// Hand-offs that did not run.
    pub not_run: Vec<NotRun>,
    /// The user broke it off.
    pub interrupted: bool,
}

/// A hand-off with what was measured of it so far.
struct Cell {
    handoff: Handoff,
    repetitions: Vec<HandoffRepetition>,
    /// Of the valid ones.
    distributions: Vec<Distributions>,
}

/// Runs every repetition of every hand-off, in turn, and compares them.
///
/// # Errors
/// When the load makes no schedule, or a trial can't be run at all.
pub fn compare(order: &Order<'_>, progress: &mut Progress) -> Result<Compared> {
    let schedule = schedule(order)?;
    let (mut cells, mut not_run) = (Vec::new(), Vec::new());
    let others = match needs::others(order, &schedule) {
        Ok(others) => others,
        Err(unmet) => {
            not_run.extend(order.spec.handoffs.iter().map(|handoff| needs::row(*handoff, unmet.clone())));
            return Ok(Compared {
                comparison: summary::of(order, &schedule, None, Vec::new())?,
                not_run,
                interrupted: false,
            });
        }
    };
    for handoff in &order.spec.handoffs {
        match needs::in_the_way(order, *handoff) {
            None => cells.push(Cell { handoff: *handoff, repetitions: Vec::new(), distributions: Vec::new() }),
            Some(row) => not_run.push(row),
        }
    }
    let counter_offset = counter_offset(order, &mut not_run);
    let trial = Trial {
        tape: order.tape,
        schedule: &schedule,
        scale: order.scale,
        decode_core: order.cores.0,
        decide_core: order.cores.1,
        capacity: order.spec.capacity,
        message_size: order.spec.message_size,
        others: &others,
        preemption: order.preemption(),
    };
    progress.begin(cells.len() * order.spec.repetitions as usize);
    let mut interrupted = false;
    for (position, (cell, repetition)) in (1..).zip(in_turn(cells.len(), order.spec.repetitions, order.seed)) {
        interrupted = interrupt::wanted();
        if interrupted {
            break;
        }
        let Some(cell) = cells.get_mut(cell) else { continue };
        let title = format!("{}, repetition {repetition}", cell.handoff.name());
        progress.trial(&title);
        let stall = order.preemption().map(|p| Nanos(p.length_ns.get() / 2));
        let which = Which { repetition, position, has_queue: cell.handoff.about().is_some(), stall };
        let (record, distributions) = judge(which, &trial.run(cell.handoff)?, order.tape, &schedule, order.scale)?;
        progress.done(&format!("{title}: {}", outcome(&record)));
        if record.valid {
            cell.distributions.push(distributions);
        }
        cell.repetitions.push(record);
    }
    progress.end();
    Ok(Compared { comparison: summary::of(order, &schedule, counter_offset, cells)?, not_run, interrupted })
}

fn outcome(record: &HandoffRepetition) -> String {
    if !record.valid {
        return format!("invalid: {}", record.invalid_reasons.join("; "));
    }
    let shown = |n: Option<Nanos>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let (taken, order) = (shown(record.taken_due_ns.p50), shown(record.order_due_ns.p50));
    format!("tick due until taken out p50 {taken}, until its order p50 {order}")
}

/// How far the two cores' counters are apart, since a span from one core to the other is off by that.
fn counter_offset(order: &Order<'_>, not_run: &mut Vec<NotRun>) -> Option<CounterOffset> {
    let (decode, decide) = order.cores;
    if decode == decide {
        return None;
    }
    let missed = |e: PairError| {
        let how = e.remedy();
        let needs = format!("{:#}", anyhow::Error::new(e));
        NotRun::new(NotRunKind::Probe, "counters of the cores of hand-offs", needs, how)
    };
    offset::measure([decode, decide], OFFSET, order.scale).map_err(|e| not_run.push(missed(e))).ok()
}

fn schedule(order: &Order<'_>) -> Result<Schedule> {
    let one = Schedule::new(&order.load(), order.tape.times(), 1, order.seed)?;
    // As much longer than one pass as the repetition is, and a pass more.
    let pass = one.duration().get().max(1);
    let passes = u32::try_from(order.spec.duration.get() / pass + 2).unwrap_or(u32::MAX);
    Ok(Schedule::new(&order.load(), order.tape.times(), passes, order.seed)?.cut(u32::MAX, order.spec.duration))
}

/// Each cell once a round, in a seeded random order of its own in each.
fn in_turn(cells: usize, repetitions: u32, seed: u64) -> Vec<(usize, u32)> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut all = Vec::new();
    for repetition in 1..=repetitions {
        let mut round: Vec<usize> = (0..cells).collect();
        for n in (1..round.len()).rev() {
            round.swap(n, random.random_range(0..=n));
        }
        all.extend(round.into_iter().map(|cell| (cell, repetition)));
    }
    all
}

#[cfg(test)]
mod tests;
