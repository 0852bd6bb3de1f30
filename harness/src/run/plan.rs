//! What is to be run, and in which order: repetitions are the unit of the statistics, so they are spread over the whole
//! run, and the cells alternate within each round in a seeded random order.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tickcert_results::{
    certificate::{Load, SweepPoint},
    time::Nanos,
};
use tickcert_scenarios::{
    load::{Arrival, Schedule, ScheduleError},
    profile::Window,
    tape::Tape,
};
use tickcert_transports::{Lane, api::Caps};

/// METHOD: warm up for this many triggers…
const WARM_UP_ORDERS: u64 = 10_000;
/// …or this long, whichever comes first; the repetition is made longer by it, and by a part more in case the
/// latencies are not stationary by then.
const WARM_UP: Nanos = Nanos(500_000_000);
/// That part of the window, as a divisor.
const SPARE: u64 = 5;

/// One lane under one load, to be repeated.
pub struct PlannedCell {
    /// The lane.
    pub lane: Lane,
    /// The settings of its transport.
    pub settings: serde_json::Value,
    /// What it can do here.
    pub caps: Caps,
    /// How ticks arrive.
    pub load: Arrival,
    /// When.
    pub schedule: Schedule,
    /// Passes that the schedule was made of, before it was cut.
    pub passes: u32,
    /// Which point of the sweep it is, where it is one.
    pub sweep: Option<SweepPoint>,
}

impl PlannedCell {
    /// The word used in the names of files: the mode of its load, or the sweep.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        if self.sweep.is_some() { "sweep" } else { self.load.mode() }
    }

    /// Its load as it stands in a certificate.
    #[must_use]
    pub fn describe_load(&self) -> Load {
        let plain = self.load.describe(&self.schedule);
        match self.sweep {
            None => plain,
            Some(point) => Load {
                mode: self.mode().to_owned(),
                text: format!("{point}: {:.0} packets/s", plain.rate_pps.0),
                sweep: Some(point),
                ..plain
            },
        }
    }
}

/// One repetition to be run, until it is valid or its retries are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which cell.
    pub cell: usize,
    /// Which repetition of it, from 1.
    pub repetition: u32,
    /// With every stage stamped, for the waterfall only.
    pub staged: bool,
}

/// Each cell `repetitions` times, then `staged` times with stages, round by round.
#[must_use]
pub fn interleave(cells: usize, repetitions: u32, staged: u32, seed: u64) -> Vec<Slot> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut slots = Vec::new();
    for repetition in 1..=repetitions + staged {
        let mut round: Vec<usize> = (0..cells).collect();
        for n in (1..round.len()).rev() {
            round.swap(n, random.random_range(0..=n));
        }
        slots.extend(round.into_iter().map(|cell| Slot { cell, repetition, staged: repetition > repetitions }));
    }
    slots
}

/// The due times of one repetition: as many passes, the last perhaps not to its end, as give the window's orders after
/// the warm-up, but not longer than the window may last.
///
/// # Errors
/// When the load makes no schedule.
pub fn schedule(load: &Arrival, tape: &Tape, window: Window, seed: u64) -> Result<(Schedule, u32), ScheduleError> {
    let measured = window.orders + window.orders / SPARE;
    let most = measured + WARM_UP_ORDERS;
    let passes = u32::try_from(most.div_ceil(tape.orders() as u64)).unwrap_or(u32::MAX);
    let whole = Schedule::new(load, tape.times(), passes, seed)?;
    let warm_packets = whole.due().partition_point(|d| *d < WARM_UP);
    let warm = (tape.expected(warm_packets).len() as u64).min(WARM_UP_ORDERS);
    let packets = u32::try_from(tape.packets_for(warm + measured)).unwrap_or(u32::MAX);
    Ok((whole.cut(packets, window.max_duration + WARM_UP), passes))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cell_has_its_turn_in_every_round_and_stages_come_last() {
        let slots = interleave(3, 5, 1, 1);
        assert_eq!(slots.len(), 18);
        for (n, round) in slots.chunks(3).enumerate() {
            assert_eq!(round.iter().map(|s| s.cell).collect::<HashSet<_>>().len(), 3);
            assert!(round.iter().all(|s| s.staged == (n == 5) && s.repetition as usize == n + 1));
        }
    }

    #[test]
    fn the_seed_decides_the_order_and_rounds_differ() {
        assert_eq!(interleave(4, 20, 0, 7), interleave(4, 20, 0, 7));
        let orders: HashSet<Vec<usize>> =
            interleave(4, 20, 0, 7).chunks(4).map(|r| r.iter().map(|s| s.cell).collect()).collect();
        assert!(orders.len() > 5, "20 rounds of 4 cells had only {} orders", orders.len());
    }
}
