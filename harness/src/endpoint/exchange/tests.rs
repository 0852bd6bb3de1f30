//! The sender's loop on a lane whose costs are known.

use std::{cell::Cell, rc::Rc};

use tickcert_results::time::PerSecond;
use tickcert_scenarios::{
    generator::{self, GeneratorConfig},
    load::Arrival,
    tape,
    trader::{Strategy, TraderConfig},
};
use tickcert_transports::api::{Frame, TxToken};

use super::*;

/// One tick of the clock is taken for a nanosecond: only ratios matter here.
const SCALE: TickScale = TickScale { ns_per_tick: 1.0 };
const PACKETS: usize = 2_000;
/// Between packets.
const GAP: u64 = 40_000;
/// What an empty poll costs.
const POLL: u64 = 8_000;

/// A lane on which nothing ever comes, and whose calls take as long as they are told to.
struct Slow {
    costs: u64,
    /// There is never room for a packet.
    full: bool,
    calls: Rc<Cell<u64>>,
}

impl Slow {
    fn call(&self) {
        self.calls.set(self.calls.get() + 1);
        spin_until(tsc::now().raw() + self.costs);
    }
}

impl Rx for Slow {
    fn poll(&mut self, _: Interest, _: u32, _: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        self.call();
        Ok(0)
    }
}

impl Tx for Slow {
    fn send(&mut self, _: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        if self.full {
            return Err(TxError::Full);
        }
        fill(&mut vec![0; len]);
        self.call();
        Ok(TxToken(0))
    }
}

/// How often orders were looked for while all packets were sent.
fn polls_while_a_send_costs(send: u64) -> u64 {
    let (played, report, polls) = play(send, false);
    played.unwrap();
    assert_eq!(report.skipped, 0);
    polls
}

/// Plays to a trader of whom nothing comes; what came of it, and how often orders were looked for.
fn play(send: u64, full: bool) -> (Result<()>, ExchangeReport, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape");
    let ticks = generator::generate(&GeneratorConfig { messages: 5_000, ..GeneratorConfig::default() }).unwrap();
    tape::build(&path, &ticks, TraderConfig::new(Strategy::first_byte())).unwrap();
    let tape = Tape::open(&path).unwrap();
    let load = Arrival::Constant { rate: PerSecond(1e9 / 40_000.0) };
    let schedule = Schedule::new(&load, tape.times(), 1, 1).unwrap();
    let offsets: Vec<u64> = schedule.due().iter().take(PACKETS).map(|due| due.get()).collect();
    assert_eq!((offsets.len(), offsets[1] - offsets[0]), (PACKETS, GAP));
    let polls = Rc::new(Cell::new(0));
    let mut exchange = Exchange {
        rx: Slow { costs: POLL, full, calls: Rc::clone(&polls) },
        tx: Faulty::new(Slow { costs: send, full, calls: Rc::default() }, Flow::Ticks, None),
        tape: &tape,
        scale: SCALE,
        gate: Gate::new(OrderChannel::Datagram, SCALE).unwrap(),
        log: ArrivalLog::with_room(16),
        stamps: Unstamped,
        sent: vec![0; offsets.len()],
        report: ExchangeReport { poll_cost: Nanos(POLL), ..ExchangeReport::default() },
        refused: 0,
        slow: 0,
        stall: None,
        phase: Phase::new(1),
        last_poll: 0,
        last_pump: tsc::now().raw(),
        pump_at_least: u64::MAX,
    };
    let played = exchange.play(Ticks::new(tsc::now().raw() + GAP).unwrap(), &offsets);
    assert!(played.is_err() || exchange.sent.iter().all(|sent| *sent != 0));
    (played, exchange.report, polls.get())
}

#[test]
fn a_lane_that_takes_nothing_any_more_ends_the_trial_long_before_its_last_packet() {
    let (played, report, _) = play(0, true);
    assert_eq!(report.skipped, u64::from(REFUSED));
    let why = played.unwrap_err().to_string();
    assert!(why.contains("had no room for 20 packets in a row"), "{why}");
}

#[test]
fn orders_are_looked_for_even_when_every_send_leaves_less_than_a_polls_length_before_the_next() {
    // What is left after a send is half of a poll's length: never enough to poll and still be on time.
    let polls = polls_while_a_send_costs(GAP - POLL / 2);
    // A gap is five polls long, so each may be followed by a look; a host that stalls only adds to them.
    assert!(polls >= PACKETS as u64 / 3, "{polls} looks between {PACKETS} packets");
}

#[test]
fn orders_are_looked_for_between_packets_and_when_behind() {
    for send in [GAP / 4, GAP * 2] {
        let polls = polls_while_a_send_costs(send);
        assert!(polls >= PACKETS as u64 / 3, "{polls} looks between {PACKETS} packets, {send}");
    }
}
