//! The trader: receive, decode, book, decide, risk check, encode, send. One thread, and in the timed loop nothing but
//! the lane's own system calls, and no allocation.

mod stages;

use anyhow::{Context, Result, bail};
use stages::{Plain, Record, Staged};
use tickcert_probes::{clocks::tsc, counters::Counters};
use tickcert_results::{
    certificate::OrderChannel,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::{
    load::Arrival,
    order_entry::{Order, OrderTemplate},
    tape::Tape,
    trader::{TickKind, Trader, TraderStats},
};
use tickcert_transports::{
    api::{Flow, Interest, Rx, Segments, Transport, Tx, TxError},
    wrap::{
        fake_stamps::{FakeRx, FakeTx},
        faults::Faulty,
    },
};

use super::{
    Cue,
    control::{TraderReport, TrialSpec},
    desk::Desk,
    process::{self, UsageMeter},
    samples::DepartureLog,
    stamping::{Frame, Stamped, Stamps, Unstamped},
    trouble::Trouble,
};

/// Idle turns of the loop between looks at the order session and the clock.
const TURNS: u32 = 128;
/// An order for which the lane has no room is tried so often before it counts as not sent.
const TRIES: u32 = 100_000;
/// The last answers have this long to arrive after the feed's end.
const LAST_ANSWERS: Nanos = Nanos(1_000_000_000);
/// Walked through after half a silence of a cold load: more than a core's own caches hold.
const DISTURBANCE: usize = 8 << 20;

/// Trades what comes until the session ends.
pub(super) fn run<T: Transport>(
    spec: &TrialSpec,
    tape: &Tape,
    channel: OrderChannel,
    open: impl FnOnce() -> Result<(T::Rx, T::Tx)>,
    cue: &mut Cue<'_>,
) -> Result<TraderReport> {
    let room = room_for(tape.expected(spec.packets as usize).len());
    match Stamped::new(spec, room, room, Vec::new()) {
        None => run_with::<T, _>(spec, tape, channel, open, cue, Unstamped).map(|(report, _)| report),
        Some(stamped) => {
            let (mut report, stamped) = run_with::<T, _>(spec, tape, channel, open, cue, stamped)?;
            report.stamps_overflowed = stamped.write(spec)?;
            Ok(report)
        }
    }
}

/// Orders for which there is room: those expected, and some that nobody expects.
const fn room_for(expected: usize) -> usize {
    expected + expected / 8 + 1024
}

fn run_with<T: Transport, S: Stamps>(
    spec: &TrialSpec,
    tape: &Tape,
    channel: OrderChannel,
    open: impl FnOnce() -> Result<(T::Rx, T::Tx)>,
    cue: &mut Cue<'_>,
    stamps: S,
) -> Result<(TraderReport, S)> {
    let expected = tape.expected(spec.packets as usize).len();
    let (rx, tx) = open()?;
    let mut loop_ = Loop {
        rx: FakeRx::new(rx, spec.injection.stamps_at_trader),
        out: Out {
            tx: Faulty::new(FakeTx::new(tx, spec.injection.stamps_at_trader), Flow::Orders, spec.injection.faults),
            template: OrderTemplate::new(&tape.header().orders)?,
            log: DepartureLog::with_room(room_for(expected)),
            stamps,
            trouble: Trouble::new(&spec.injection, spec.scale),
            full: 0,
            unsent: 0,
            broken: None,
        },
        desk: Desk::new(channel, spec.scale)?,
        scale: spec.scale,
        silence: (spec.silence, spec.scale.ticks(spec.silence)),
        disturb: Disturb::new(&spec.load, spec.scale),
    };
    let trader = Trader::new(&tape.header().trader)?;
    let mut counters = Counters::open();
    cue.ready()?;
    loop_.log_in(spec.link.connect_timeout)?;
    cue.wait_for_go()?;
    cue.running()?;
    let before = loop_.out.tx.segments();
    counters.start();
    let usage = UsageMeter::start();
    let (trader, end) =
        if spec.staged { loop_.trade(trader, Staged::default()) } else { loop_.trade(trader, Plain::default()) };
    let usage = usage.stop();
    let counters = counters.stop();
    let merged = before.zip(loop_.out.tx.segments()).map(|(before, after)| merged(before, after));
    loop_.out.look(false);
    if matches!(end, End::Session) {
        loop_.close();
    }
    loop_.out.stamps.drain(loop_.out.tx.without_faults());
    loop_
        .out
        .log
        .write(&spec.samples)
        .with_context(|| format!("can't write the samples {}", spec.samples.display()))?;
    let facts = process::facts(&loop_.rx, &loop_.out.tx);
    let memory = process::memory_by_node();
    let (report, stamps) = loop_.report(&trader.stats(), end, usage);
    Ok((TraderReport { merged, facts, memory, counters, ..report }, stamps))
}

/// Writes between the two counts that had no segment of their own.
const fn merged(before: Segments, after: Segments) -> u64 {
    (after.writes - before.writes).saturating_sub(after.segments.saturating_sub(before.segments))
}

/// Why the loop ended.
enum End {
    /// The exchange said so.
    Session,
    /// Something broke.
    Broken(anyhow::Error),
}

struct Loop<R, X: Tx, S> {
    rx: R,
    out: Out<X, S>,
    desk: Desk,
    scale: TickScale,
    /// Without a tick for this long the exchange is taken for gone; the same in ticks of the clock.
    silence: (Nanos, u64),
    disturb: Option<Disturb>,
}

/// The way out for orders, apart from the way in so that an order can be sent while a tick is being looked at.
struct Out<X: Tx, S> {
    tx: Faulty<X>,
    template: OrderTemplate,
    log: DepartureLog,
    stamps: S,
    trouble: Option<Trouble>,
    full: u64,
    unsent: u64,
    broken: Option<anyhow::Error>,
}

impl<X: Tx, S: Stamps> Out<X, S> {
    /// Fetches stamps; while ticks come only if that hasn't been done for long.
    #[inline]
    fn look(&mut self, busy: bool) {
        self.stamps.look(self.tx.without_faults(), busy);
    }

    #[inline]
    fn send<P: Record>(&mut self, order: &Order, probe: &mut P) {
        if let Some(trouble) = &mut self.trouble {
            trouble.burn(self.log.len());
        }
        let mut sent = false;
        for _ in 0..TRIES {
            let done = if sent {
                // The lane has the order: only its doorbell is missing.
                self.tx.flush()
            } else {
                let frame = Frame { flow: Flow::Orders, number: self.log.len(), in_pass: usize::MAX };
                let taken = self.stamps.send(&mut self.tx, frame, OrderTemplate::LEN, |out| {
                    self.template.write(out, order);
                    probe.encoded();
                });
                sent = taken.is_ok();
                taken.and_then(|()| self.tx.flush())
            };
            match done {
                Ok(()) => {
                    self.log.push(probe.departed(tsc::now()));
                    return self.stamps.keep(self.log.len() - 1);
                }
                Err(TxError::Full) => self.full += 1,
                Err(TxError::Io(e)) => {
                    self.broken = Some(anyhow::Error::new(e).context("while sending an order"));
                    return;
                }
            }
        }
        self.unsent += 1;
        self.log.push(probe.departed(tsc::now()));
    }
}

impl<R: Rx, X: Tx, S: Stamps> Loop<R, X, S> {
    fn log_in(&mut self, timeout: Nanos) -> Result<()> {
        let deadline = tsc::now().raw() + self.scale.ticks(timeout);
        while !self.desk.is_open() {
            self.desk.pump(&mut self.rx, self.out.tx.without_faults(), 0).context("while logging in")?;
            if tsc::now().raw() > deadline {
                bail!("the exchange did not answer the login within {timeout}");
            }
        }
        Ok(())
    }

    /// Gives the trader back: its memory is not for the timed loop to free.
    fn trade<P: Record>(&mut self, mut trader: Trader, mut probe: P) -> (Trader, End) {
        let (mut idle, mut last_tick, mut over) = (0_u32, tsc::now(), false);
        let end = loop {
            let out = &mut self.out;
            let polled = self.rx.poll(Interest::Ticks, 1, |frame| {
                last_tick = tsc::arrival();
                probe.arrived(last_tick);
                out.stamps.arrived(frame.meta);
                let outcome = trader.on_tick(frame.bytes, &mut probe, |order, probe| out.send(order, probe));
                over |= outcome.kind == TickKind::EndOfSession;
            });
            match polled {
                Err(e) => break End::Broken(anyhow::Error::new(e).context("while receiving ticks")),
                Ok(0) => {
                    idle += 1;
                    if idle == 1 {
                        self.out.look(true);
                    }
                }
                Ok(_) => idle = 0,
            }
            if over {
                break End::Session;
            }
            if idle >= TURNS {
                idle = 0;
                if let Err(e) = self.on_idle(last_tick) {
                    break End::Broken(e);
                }
            }
            if let Some(e) = self.out.broken.take() {
                break End::Broken(e);
            }
        };
        (trader, end)
    }

    /// The feed has ended: reads the last answers and leaves. No longer timed.
    fn close(&mut self) {
        let sent = self.out.log.len();
        self.desk.close(&mut self.rx, self.out.tx.without_faults(), sent, self.scale.ticks(LAST_ANSWERS));
    }

    /// What can wait until no tick does.
    #[cold]
    fn on_idle(&mut self, last_tick: Ticks) -> Result<()> {
        self.desk.pump(&mut self.rx, self.out.tx.without_faults(), self.out.log.len())?;
        self.out.tx.look().context("while sending an order that was kept back on purpose")?;
        self.out.look(false);
        let now = tsc::now().raw();
        if let Some(trouble) = &mut self.out.trouble {
            trouble.look(now);
        }
        if let Some(disturb) = &mut self.disturb {
            disturb.after_silence(now, last_tick);
        }
        let (silence, in_ticks) = self.silence;
        if now.saturating_sub(last_tick.raw()) > in_ticks {
            bail!("no tick for {silence}: did the exchange end early?");
        }
        Ok(())
    }

    fn report(self, stats: &TraderStats, end: End, usage: super::control::Usage) -> (TraderReport, S) {
        let report = TraderReport {
            packets: stats.packets,
            gaps: stats.gaps,
            missing: stats.missing_messages,
            duplicates: stats.duplicate_packets,
            malformed: stats.malformed_packets + stats.malformed_messages,
            orders: self.out.log.len() as u64,
            held_back: stats.refused(),
            full: self.out.full,
            unsent: self.out.unsent,
            injected: self.out.tx.injected(),
            stalls: self.out.trouble.map(Trouble::stalls).unwrap_or_default(),
            answers: self.desk.answers(),
            broken: match end {
                End::Session => None,
                End::Broken(e) => Some(format!("{e:#}")),
            },
            usage,
            ..TraderReport::default()
        };
        (report, self.out.stamps)
    }
}

/// Walks through memory once in each silence of a cold load, so that the next tick finds the caches as strange to it as
/// after a real pause.
struct Disturb {
    after: u64,
    memory: Vec<u8>,
    done_for: u64,
}

impl Disturb {
    fn new(load: &Arrival, scale: TickScale) -> Option<Self> {
        let Arrival::Cold { gap, .. } = load else { return None };
        Some(Self { after: scale.ticks(Nanos(gap.get() / 2)), memory: vec![1; DISTURBANCE], done_for: 0 })
    }

    fn after_silence(&mut self, now: u64, last_tick: Ticks) {
        if self.done_for != last_tick.raw() && now.saturating_sub(last_tick.raw()) > self.after {
            self.done_for = last_tick.raw();
            for byte in self.memory.iter_mut().step_by(64) {
                *byte = byte.wrapping_add(1);
            }
            std::hint::black_box(&self.memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_without_a_segment_of_its_own_is_counted_and_what_was_before_is_not() {
        let at = |writes, segments| Segments { writes, segments };
        assert_eq!(merged(at(5, 4), at(15, 14)), 0);
        assert_eq!(merged(at(5, 5), at(15, 12)), 3);
    }
}
