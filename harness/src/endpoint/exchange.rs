//! The exchange: sends every packet of the schedule on its due time, receives orders in between, and owns the clock of
//! tick-to-trade. One thread does both. Due times never move: when the sender falls behind it sends late, and the
//! lateness stands in the samples.

use std::io;

use anyhow::{Context, Result, bail};
use tickcert_probes::{clocks::tsc, counters::Counters};
use tickcert_results::{
    certificate::OrderChannel,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::{load::Schedule, tape::Tape};
use tickcert_transports::{
    api::{Flow, Interest, Rx, Transport, Tx, TxError},
    wrap::{
        fake_stamps::{FakeRx, FakeTx},
        faults::Faulty,
    },
};

use super::{
    Cue,
    control::{ExchangeReport, TrialSpec},
    gate::Gate,
    phase::Phase,
    process::{self, UsageMeter},
    samples::{ArrivalLog, ExchangeSamples},
    stamping::{self, Frame, Stamped, Stamps, Unstamped},
    trouble::{Stall, spin_until},
};

/// From the command to go until the first packet is due.
const LEAD: Nanos = Nanos(2_000_000);
/// A packet for which the lane has no room is tried this long before it counts as skipped.
const PATIENCE: Nanos = Nanos(100_000_000);
/// So many packets in a row for which it has none, and it takes nothing any more.
const REFUSED: u32 = 20;
/// Answers and heartbeats are sent only when the next packet is at least this far off.
const SLACK_FOR_ANSWERS: Nanos = Nanos(30_000);
/// …but not later than this after the last time: well within the second after which a heartbeat is due.
const PUMP_AT_LEAST: Nanos = Nanos(200_000_000);
/// The phase of the polls is shifted only when this many polls fit before the next packet.
const SHIFT_ROOM: u64 = 4;
/// Orders are looked for at least this often, in lengths of an empty poll, even if a tick then leaves late.
const POLL_AT_LEAST: u64 = 4;
/// The end of the session is announced this often, so that one lost packet doesn't matter.
const FAREWELLS: u32 = 3;

/// Plays the tape.
pub(super) fn run<T: Transport>(
    spec: &TrialSpec,
    tape: &Tape,
    channel: OrderChannel,
    open: impl FnOnce() -> Result<(T::Rx, T::Tx)>,
    cue: &mut Cue<'_>,
) -> Result<ExchangeReport> {
    let expected = tape.expected(spec.packets as usize).len();
    match Stamped::new(spec, expected, room_for(expected), tape.triggers()) {
        None => run_with::<T, _>(spec, tape, channel, open, cue, Unstamped).map(|(report, _)| report),
        Some(stamped) => {
            let (mut report, stamped) = run_with::<T, _>(spec, tape, channel, open, cue, stamped)?;
            report.stamps_overflowed = stamped.write(spec)?;
            Ok(report)
        }
    }
}

/// Arrivals for which there is room: of what was expected, and of what was not.
const fn room_for(expected: usize) -> usize {
    expected * 2 + 1024
}

fn run_with<T: Transport, S: Stamps>(
    spec: &TrialSpec,
    tape: &Tape,
    channel: OrderChannel,
    open: impl FnOnce() -> Result<(T::Rx, T::Tx)>,
    cue: &mut Cue<'_>,
    stamps: S,
) -> Result<(ExchangeReport, S)> {
    let schedule = Schedule::new(&spec.load, tape.times(), spec.passes, spec.seed)?.cut(spec.packets, Nanos(u64::MAX));
    let expected = tape.expected(spec.packets as usize).len();
    let (rx, tx) = open()?;
    let mut exchange = Exchange {
        rx: FakeRx::new(rx, spec.injection.stamps_at_exchange),
        tx: Faulty::new(FakeTx::new(tx, spec.injection.stamps_at_exchange), Flow::Ticks, spec.injection.tick_faults),
        tape,
        scale: spec.scale,
        gate: Gate::new(channel, spec.scale)?,
        log: ArrivalLog::with_room(room_for(expected)),
        stamps,
        sent: vec![1; schedule.due().len()],
        report: ExchangeReport::default(),
        refused: 0,
        slow: spec.scale.ticks(spec.injection.slow_exchange),
        stall: Stall::new(spec.injection.stall_exchange, spec.injection.stall_every, spec.scale),
        phase: Phase::new(spec.seed),
        last_poll: 0,
        last_pump: tsc::now().raw(),
        pump_at_least: spec.scale.ticks(PUMP_AT_LEAST).min(stamping::look_at_least(spec, spec.scale)),
    };
    exchange.sent.fill(0);
    let mut counters = Counters::open();
    cue.ready()?;
    exchange.await_session(spec.link.connect_timeout)?;
    cue.wait_for_go()?;
    let offsets: Vec<u64> = schedule.due().iter().map(|d| spec.scale.ticks(*d)).collect();
    exchange.report.poll_cost = exchange.measure_poll_cost()?;
    cue.running()?;
    counters.start();
    let usage = UsageMeter::start();
    let base = Ticks::new(tsc::now().raw() + spec.scale.ticks(LEAD)).context("the clock stands at its end")?;
    let outcome = exchange.play(base, &offsets).and_then(|()| exchange.drain(expected, spec.late_after));
    exchange.report.usage = usage.stop();
    exchange.report.counters = counters.stop();
    exchange.report.broken = outcome.err().map(|e| format!("{e:#}"));
    exchange.report.overflowed = exchange.log.overflowed();
    exchange.report.injected = exchange.tx.injected();
    exchange.report.stalls = exchange.stall.take().map(Stall::began).unwrap_or_default();
    exchange.stamps.drain(exchange.tx.without_faults());
    exchange.farewell();
    exchange.report.facts = process::facts(&exchange.rx, &exchange.tx);
    exchange.report.memory = process::memory_by_node();
    ExchangeSamples::write(&spec.samples, base, &exchange.sent, &exchange.log)
        .with_context(|| format!("can't write the samples {}", spec.samples.display()))?;
    Ok((exchange.report, exchange.stamps))
}

struct Exchange<'a, R, X, S> {
    rx: R,
    tx: Faulty<X>,
    tape: &'a Tape,
    scale: TickScale,
    gate: Gate,
    log: ArrivalLog,
    stamps: S,
    sent: Vec<u64>,
    report: ExchangeReport,
    /// Packets in a row for which there was no room.
    refused: u32,
    slow: u64,
    stall: Option<Stall>,
    phase: Phase,
    last_poll: u64,
    last_pump: u64,
    pump_at_least: u64,
}

impl<R: Rx, X: Tx, S: Stamps> Exchange<'_, R, X, S> {
    /// One look at the orders' flow; each order is stamped before anything else is done with it.
    #[inline]
    fn poll_orders(&mut self) -> io::Result<u32> {
        let (gate, log, stamps) = (&mut self.gate, &mut self.log, &mut self.stamps);
        self.rx.poll(Interest::Orders, 1, |frame| {
            let (at, before) = (tsc::arrival(), log.len());
            if gate.on_frame(frame.bytes, at, log) && log.len() > before {
                stamps.arrived(S::carried(frame.meta));
                stamps.keep(log.len() - 1);
            }
        })
    }

    /// On a session: answers the trader's login. On datagrams there is nothing to wait for.
    fn await_session(&mut self, timeout: Nanos) -> Result<()> {
        let deadline = tsc::now().raw() + self.scale.ticks(timeout);
        while !self.gate.is_open() {
            self.poll_orders().context("while waiting for the trader's login")?;
            self.gate.pump(&mut self.tx)?;
            if tsc::now().raw() > deadline {
                bail!("the trader did not log in within {timeout}");
            }
        }
        Ok(())
    }

    /// The 99 % quantile of polls that find nothing: how long before a due time polling must stop.
    fn measure_poll_cost(&mut self) -> Result<Nanos> {
        const POLLS: usize = 2000;
        let mut costs = Vec::with_capacity(POLLS);
        for _ in 0..POLLS {
            let before = tsc::now();
            self.poll_orders()?;
            costs.push(tsc::now().since(before));
        }
        costs.sort_unstable();
        Ok(self.scale.ns(costs[POLLS * 99 / 100]).unwrap_or_default())
    }

    fn pump(&mut self) -> Result<()> {
        self.last_pump = tsc::arrival().raw();
        self.tx.look().context("while sending a tick that was kept back on purpose")?;
        self.gate.pump(&mut self.tx)?;
        // An order on its way would be seen later by the time that this takes.
        let awaited = self.log.len() < self.stamps.asked();
        self.stamps.look(self.tx.without_faults(), awaited);
        Ok(())
    }

    /// At high rates there is never slack: answers and heartbeats go out all the same, now and then, and the ticks
    /// behind them leave late, which shows.
    #[inline]
    fn pump_if_overdue(&mut self, now: u64) -> Result<()> {
        if now.saturating_sub(self.last_pump) > self.pump_at_least { self.pump() } else { Ok(()) }
    }

    fn play(&mut self, base: Ticks, offsets: &[u64]) -> Result<()> {
        let guard = self.scale.ticks(self.report.poll_cost);
        let slack = self.scale.ticks(SLACK_FOR_ANSWERS);
        let (per_pass, mut in_pass, mut pass) = (self.tape.packets(), 0, 0_u32);
        for (n, offset) in offsets.iter().enumerate() {
            let now = self.wait_until(base.raw() + offset, guard, slack)?;
            self.send_packet(n, in_pass, pass, now)?;
            self.burn_time_on_purpose();
            in_pass += 1;
            if in_pass == per_pass {
                (in_pass, pass) = (0, pass + 1);
            }
            let next = offsets.get(n + 1).map_or(u64::MAX, |o| base.raw() + o);
            let now = tsc::arrival().raw();
            let left = next.saturating_sub(now);
            if left == 0 || left <= guard && now.saturating_sub(self.last_poll) > POLL_AT_LEAST * guard {
                // Behind, or about to be for so long already: the wait below would not look at the orders at all.
                self.last_poll = now;
                self.poll_orders().context("while receiving orders")?;
                self.pump_if_overdue(now)?;
            } else if left > SHIFT_ROOM * guard {
                self.shift_polls(guard);
            }
        }
        Ok(())
    }

    /// Receives orders until shortly before `due`, then only watches the clock; returns the first reading not before it.
    #[inline]
    fn wait_until(&mut self, due: u64, guard: u64, slack: u64) -> Result<Ticks> {
        loop {
            let now = tsc::arrival();
            let Some(left) = due.checked_sub(now.raw()).filter(|left| *left > 0) else { return Ok(now) };
            if left > guard {
                self.last_poll = now.raw();
                let frames = self.poll_orders().context("while receiving orders")?;
                if frames == 0 && left > slack {
                    self.pump()?;
                } else {
                    self.pump_if_overdue(now.raw())?;
                }
            }
        }
    }

    #[inline]
    fn send_packet(&mut self, n: usize, in_pass: usize, pass: u32, now: Ticks) -> Result<()> {
        let (tape, len) = (self.tape, self.tape.packet(in_pass).len());
        let (mut departure, mut give_up) = (now, None);
        loop {
            let frame = Frame { flow: Flow::Ticks, number: n, in_pass };
            match self.stamps.send(&mut self.tx, frame, len, |out| tape.write_packet(in_pass, pass, out)) {
                Ok(()) => {
                    self.tx.flush().or_else(TxError::unless_full)?;
                    self.sent[n] = departure.raw();
                    self.refused = 0;
                    return Ok(());
                }
                Err(TxError::Full) => {
                    self.report.full += 1;
                    departure = tsc::now();
                    let limit = *give_up.get_or_insert(departure.raw() + self.scale.ticks(PATIENCE));
                    if departure.raw() > limit {
                        self.report.skipped += 1;
                        return self.refused_once_more();
                    }
                }
                Err(e) => return Err(e).context("while sending ticks"),
            }
        }
    }

    #[cold]
    fn refused_once_more(&mut self) -> Result<()> {
        self.refused += 1;
        if self.refused >= REFUSED {
            let (tries, each) = (self.refused, PATIENCE);
            bail!(
                "the lane had no room for {tries} packets in a row, each tried for {each}: the wire or the other end takes nothing any more"
            );
        }
        Ok(())
    }

    /// Waits a random part of a poll's length. Polls would otherwise begin at the same distance from every departure,
    /// and arrivals fall into the same few steps; so the steps fall anywhere, and a quantile moves as the truth does.
    #[inline]
    fn shift_polls(&mut self, poll: u64) {
        if poll > 0 {
            spin_until(tsc::now().raw() + self.phase.within(poll));
        }
    }

    #[inline]
    fn burn_time_on_purpose(&mut self) {
        if self.slow > 0 {
            spin_until(tsc::now().raw() + self.slow);
        }
        if let Some(stall) = &mut self.stall {
            stall.look(tsc::now().raw());
        }
    }

    /// Receives until all orders are there, or the last could only be late.
    fn drain(&mut self, expected: usize, late_after: Nanos) -> Result<()> {
        // Twice the limit: an order that is late is still seen, and counted as late instead of lost.
        let deadline = tsc::now().raw() + self.scale.ticks(late_after * 2);
        // Something of what comes twice or unasked may still be on its way when all that was expected is here.
        let linger = self.scale.ticks(Nanos::MILLI * 5);
        let mut complete = None;
        loop {
            let frames = self.poll_orders().context("while receiving the last orders")?;
            let now = tsc::now().raw();
            if self.log.len() >= expected {
                let since = *complete.get_or_insert(now);
                if frames == 0 && now > since + linger {
                    return Ok(());
                }
            }
            if now > deadline {
                return Ok(());
            }
            if frames == 0 {
                self.pump()?;
            }
        }
    }

    /// Tells the trader that it is over; what fails here shows at the trader.
    fn farewell(&mut self) {
        let packet = self.tape.end_of_session(self.sent.len());
        for _ in 0..FAREWELLS {
            let tx = self.tx.without_faults();
            let _ = tx.send(Flow::Ticks, packet.len(), |out| out.copy_from_slice(&packet));
            let _ = tx.flush();
        }
        self.gate.close(&mut self.tx);
    }
}

#[cfg(test)]
mod tests;
