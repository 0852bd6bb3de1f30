//! What is to be run, and in which order: repetitions are the unit of the statistics, so they are spread over the whole
//! run, and the cells alternate within each round in a seeded random order.

use std::fmt;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tickcert_results::{
    certificate::{Load, Purpose, SweepPoint},
    time::Nanos,
};
use tickcert_scenarios::{
    feed::TimeOfDay,
    load::{Arrival, Schedule, ScheduleError},
    profile::Window,
    tape::Tape,
};
use tickcert_transports::{Lane, api::Caps};

use super::{placements::Seat, threads::Crew};

/// METHOD: warm up for this many triggers…
const WARM_UP_ORDERS: u64 = 10_000;
/// …or this long, whichever comes first; the repetition is made longer by it, and by a part more in case the
/// latencies are not stationary by then.
const WARM_UP: Nanos = Nanos(500_000_000);
/// That part of the window, as a divisor.
const SPARE: u64 = 5;

/// One lane under one load in one placement with one kind of trader, to be repeated.
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
    /// Where its ends are.
    pub seat: Seat,
    /// How the trader shares out its work.
    pub crew: Crew,
}

impl PlannedCell {
    /// `kernel-udp`, or `kernel-udp, rtrb` where the trader has several threads, or in a matrix of placements `kernel-udp, same-l3`.
    #[must_use]
    pub fn title(&self) -> String {
        let lane = self.lane.name();
        let class = self.seat.class.map(|class| class.to_string());
        let beside = self.crew.name().map(str::to_owned).or(class);
        beside.map_or_else(|| lane.to_owned(), |beside| format!("{lane}, {beside}"))
    }

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
    /// What it is for.
    pub purpose: Purpose,
}

/// Each cell `repetitions` times, and as often as `unstamped` says of it without hardware stamps among these, then `staged`
/// times with stages, round by round.
#[must_use]
pub fn interleave(unstamped: &[u32], repetitions: u32, staged: u32, seed: u64) -> Vec<Slot> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut slots = Vec::new();
    let rounds = repetitions.max(unstamped.iter().copied().max().unwrap_or_default());
    for number in 1..=rounds + staged {
        let mut round = Vec::new();
        for (cell, unstamped) in unstamped.iter().enumerate() {
            let slot = |repetition, purpose| Slot { cell, repetition, purpose };
            if number > rounds {
                round.push(slot(repetitions + number - rounds, Purpose::Stages));
                continue;
            }
            if number <= repetitions {
                round.push(slot(number, Purpose::Latency));
            }
            if number <= *unstamped {
                round.push(slot(repetitions + staged + number, Purpose::Cost));
            }
        }
        for n in (1..round.len()).rev() {
            round.swap(n, random.random_range(0..=n));
        }
        slots.extend(round);
    }
    slots
}

/// Why a load can't be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It makes no schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// It ends before the first order is due.
    #[error("{0}")]
    NoOrder(Box<NoOrder>),
}

/// A load that ends before the first order is due: every repetition would be without a single sample.
#[derive(Debug)]
pub struct NoOrder {
    load: Arrival,
    /// Packets that it sends, and how long that takes.
    sends: (u32, Nanos),
    /// The first packet that causes an order, from 1, and of how many.
    first: (usize, usize),
    /// When that packet is from.
    at: Option<TimeOfDay>,
}

impl fmt::Display for NoOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (load, (packets, lasts), (first, of)) = (&self.load, self.sends, self.first);
        write!(
            f,
            "no order is due in the load `{load}`: it ends after {packets} packets ({lasts}), and the first packet that causes one is number {first} of the tape's {of}"
        )?;
        match self.at.map(TimeOfDay::second) {
            Some(at) => write!(
                f,
                ", at {at} by its own time. Begin there: `from = \"{at}\"` under [tape] of the profile, or --from {at}, with ticks from a file; or raise `max_duration`"
            ),
            None => f.write_str(". Raise `max_duration`"),
        }
    }
}

/// The due times of one repetition: as many passes, the last perhaps not to its end, as give the window's orders after
/// the warm-up, but not longer than the window may last.
///
/// # Errors
/// When the load makes no schedule, or one that ends before the first order is due.
pub fn schedule(load: &Arrival, tape: &Tape, window: Window, seed: u64) -> Result<(Schedule, u32), PlanError> {
    let measured = window.orders + window.orders / SPARE;
    let most = measured + WARM_UP_ORDERS;
    let passes = u32::try_from(most.div_ceil(tape.orders() as u64)).unwrap_or(u32::MAX);
    let whole = Schedule::new(load, tape.times(), passes, seed)?;
    let warm_packets = whole.due().partition_point(|d| *d < WARM_UP);
    let warm = (tape.expected(warm_packets).len() as u64).min(WARM_UP_ORDERS);
    let packets = u32::try_from(tape.packets_for(warm + measured)).unwrap_or(u32::MAX);
    let schedule = whole.cut(packets, window.max_duration + WARM_UP);
    // Also where only some are measured (`cold`), they are measured from the first order on.
    if tape.expected(schedule.due().len()).is_empty() {
        let first = tape.times().triggers.first().map_or(0, |n| *n as usize);
        return Err(PlanError::NoOrder(Box::new(NoOrder {
            load: *load,
            sends: (schedule.packets(), schedule.duration()),
            first: (first + 1, tape.packets()),
            at: tape.time_of_day(first),
        })));
    }
    Ok((schedule, passes))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, path::Path};

    use tickcert_results::time::PerSecond;
    use tickcert_scenarios::{
        feed::{PacketRecord, itch::Price4},
        generator::{self, GeneratorConfig},
        tape,
        trader::{Strategy, SymbolChoice, TraderConfig},
    };

    use super::*;

    /// System events a millisecond apart, which cause no order.
    const QUIET: u64 = 2_000;

    /// A tape that begins with those, from 09:00 on, and goes on with generated ticks.
    fn late_tape(folder: &Path) -> Tape {
        let mut stream =
            generator::generate(&GeneratorConfig { messages: 5_000, ..GeneratorConfig::default() }).unwrap();
        let mut quiet = Vec::new();
        let mut packets = Vec::new();
        for n in 0..QUIET {
            let timestamp = (Nanos::SECOND * 32_400 + Nanos::MILLI * n).get().to_be_bytes();
            packets.push(PacketRecord { at: Nanos::MILLI * n, offset: quiet.len(), len: 14, messages: 1 });
            quiet.extend([&[0, 12, b'S', 0, 0, 0, 0][..], &timestamp[2..], b"O"].concat());
        }
        let moved =
            |p: &PacketRecord| PacketRecord { at: p.at + Nanos::MILLI * QUIET, offset: p.offset + quiet.len(), ..*p };
        packets.extend(stream.packets.iter().map(moved));
        stream.blocks.splice(..0, quiet);
        stream.packets = packets;
        let path = folder.join("tape");
        let threshold = Price4(100);
        let strategy = Strategy::Threshold { symbol: SymbolChoice::All, threshold, quantity: 100 };
        tape::build(&path, &stream, TraderConfig::new(strategy)).unwrap();
        Tape::open(&path).unwrap()
    }

    #[test]
    fn a_load_that_ends_before_the_first_order_is_refused_with_where_that_is_and_how_to_begin_there() {
        let folder = tempfile::tempdir().unwrap();
        let tape = late_tape(folder.path());
        let window = Window { orders: 1, max_duration: Nanos::SECOND };
        let said = |load| schedule(&load, &tape, window, 1).map(drop).map_err(|e| e.to_string());
        let slow = said(Arrival::Constant { rate: PerSecond(1_000.0) }).unwrap_err();
        let first = tape.times().triggers[0] as usize;
        let at = tape.time_of_day(first).unwrap().second();
        for words in [
            "`constant 1000 packets/s`: it ends after 1501 packets (1.50 s)".to_owned(),
            format!("number {} of the tape's {}, at {at}", first + 1, tape.packets()),
            format!("from = \"{at}\""),
            format!("--from {at}"),
        ] {
            assert!(slow.contains(&words), "`{words}` is missing in: {slow}");
        }
        assert!(said(Arrival::Tape { speed: 1.0 }).is_err());
        assert!(said(Arrival::Cold { gap: Nanos::SECOND * 2, rate: PerSecond(1e6) }).is_err());
        assert_eq!(said(Arrival::Tape { speed: 1_000.0 }), Ok(()));
        assert_eq!(said(Arrival::Constant { rate: PerSecond(1e6) }), Ok(()));
    }

    #[test]
    fn every_cell_has_its_turn_in_every_round_and_stages_come_last() {
        let slots = interleave(&[0; 3], 5, 1, 1);
        assert_eq!(slots.len(), 18);
        for (n, round) in slots.chunks(3).enumerate() {
            assert_eq!(round.iter().map(|s| s.cell).collect::<HashSet<_>>().len(), 3);
            let purpose = if n == 5 { Purpose::Stages } else { Purpose::Latency };
            assert!(round.iter().all(|s| s.purpose == purpose && s.repetition as usize == n + 1));
        }
    }

    #[test]
    fn repetitions_without_stamps_lie_among_those_with_them_and_have_numbers_of_their_own() {
        let slots = interleave(&[3, 0], 5, 1, 1);
        let of = |purpose| slots.iter().filter(|s| s.purpose == purpose).count();
        assert_eq!([Purpose::Latency, Purpose::Cost, Purpose::Stages].map(of), [10, 3, 2]);
        let without: Vec<usize> = (0..slots.len()).filter(|n| slots[*n].purpose == Purpose::Cost).collect();
        assert!(without.windows(2).all(|pair| pair[1] - pair[0] >= 2) && without[2] < 9, "{without:?}");
        let names: HashSet<_> = slots.iter().map(|s| (s.cell, s.repetition)).collect();
        assert_eq!(names.len(), slots.len());
    }

    #[test]
    fn the_seed_decides_the_order_and_rounds_differ() {
        assert_eq!(interleave(&[0; 4], 20, 0, 7), interleave(&[0; 4], 20, 0, 7));
        let orders: HashSet<Vec<usize>> =
            interleave(&[0; 4], 20, 0, 7).chunks(4).map(|r| r.iter().map(|s| s.cell).collect()).collect();
        assert!(orders.len() > 5, "20 rounds of 4 cells had only {} orders", orders.len());
    }
}
