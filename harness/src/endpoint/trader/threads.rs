//! The trader in three threads: one receives and decodes, one keeps the book and decides, one writes orders and sends them, with
//! a queue between each two.
//!
//! The queues are called through a pointer, each in the same way: compiled for every kind of queue and every lane, these loops
//! would be a thousand.

mod done;
mod messages;

use std::thread;

use anyhow::{Context, Result, anyhow};
use done::{Done, Flags};
use messages::{ToDecide, ToSend};
use tickcert_probes::{affinity, clocks::tsc, counters::Counters};
use tickcert_results::{
    certificate::{CounterValues, MessageBytes},
    time::Nanos,
};
use tickcert_scenarios::{
    handoff::{Handoff, Over, Put, Take},
    trader::{Decider, Decoder, TickKind, TraderConfig},
};
use tickcert_transports::api::{Interest, Rx, Tx};

use super::{
    End, Ends, Out, Quiet, TURNS, Traded,
    relay::{self, Relay, Relayed},
    stages::{Plain, Record, Staged},
};
use crate::endpoint::{
    Cue,
    control::{Threads, TrialSpec, Usage},
    desk::Desk,
    process::UsageMeter,
    stamping::Stamps,
};

/// Trades what comes until the session ends. The calling thread receives.
pub(super) fn trade<R: Rx, X: Tx + Send, S: Stamps + Send>(
    ends: &mut Ends<R, X, S>,
    config: &TraderConfig,
    threads: &Threads,
    spec: &TrialSpec,
    cue: &mut Cue<'_>,
) -> Result<Traded> {
    let start = Start { config, threads, spec, cue };
    if spec.staged { start.trade::<R, X, S, Staged>(ends) } else { start.trade::<R, X, S, Plain>(ends) }
}

struct Start<'a, 'c> {
    config: &'a TraderConfig,
    threads: &'a Threads,
    spec: &'a TrialSpec,
    cue: &'a mut Cue<'c>,
}

impl Start<'_, '_> {
    fn trade<R: Rx, X: Tx + Send, S: Stamps + Send, P: Record>(self, ends: &mut Ends<R, X, S>) -> Result<Traded> {
        let Self { config, threads, spec, cue } = self;
        let Threads { handoff, capacity, message_size, decide_core, send_core } = threads;
        let named = Handoff::by_name(handoff);
        let unknown = || format!("this build has no queue `{handoff}`");
        let queue =
            named.and_then(|h| h.open::<ToDecide<P, S::Carried>>(*capacity, *message_size)).with_context(unknown)?;
        let orders =
            named.and_then(|h| h.open::<ToSend<P, S::Carried>>(*capacity, *message_size)).with_context(unknown)?;
        let message_bytes = MessageBytes { to_decide: queue.message_bytes, to_send: orders.message_bytes };
        let (relay, relayed) = relay::open();
        let relay = ends.desk.is_session().then_some(relay);
        let mut receiver = Receiver::<S, P> { decoder: Decoder::new(config), put: queue.put, relay, full: 0 };
        let mut deciding = Deciding { decider: Decider::new(config)?, take: queue.take, put: orders.put, full: 0 };
        let mut take = orders.take;
        let mut counters = Counters::open();
        let Ends { rx, out, desk, quiet, .. } = ends;
        let flags = Flags::new();
        let (end, own, others) = thread::scope(|s| -> Result<_> {
            let flags = &flags;
            // Whatever comes of this thread, the others end.
            let received = Done::new(flags, &flags.received);
            let decide = || {
                let done = Done::new(flags, &flags.decided);
                let counters = on_core(*decide_core, &done)?;
                Ok(measured(*decide_core, counters, || deciding.work(flags)))
            };
            let decides = thread::Builder::new().name("decide".to_owned()).spawn_scoped(s, decide);
            let decides = decides.context("can't start the thread that decides")?;
            let mut sender = Sender { out: &mut *out, desk, relayed };
            let send = move || {
                let done = Done::new(flags, &flags.sent);
                let counters = on_core(*send_core, &done)?;
                sender.log_in(spec.link.connect_timeout)?;
                flags.logged_in.say();
                let worked = measured(*send_core, counters, || sender.work(take.as_mut(), flags));
                flags.closing.say();
                sender.finish(flags.ended.is_said());
                Ok(worked)
            };
            let sends = thread::Builder::new().name("send".to_owned()).spawn_scoped(s, send);
            let sends = sends.context("can't start the thread that sends")?;
            flags.wait_for_others();
            cue.ready()?;
            receiver.relay_until(rx, &flags.logged_in, flags)?;
            cue.wait_for_go()?;
            cue.running()?;
            counters.start();
            let usage = UsageMeter::start();
            let end = receiver.work(rx, quiet, flags);
            let own = (usage.stop(), counters.stop());
            if matches!(end, End::Session) {
                flags.ended.say();
            }
            drop(received);
            // That the exchange ends the session is for the sender to hear when it has sent all, and not before.
            flags.wait_until(&flags.closing);
            // What can't be read any more it waits for in vain, but not for long.
            let _ = receiver.relay_until(rx, &flags.sent, flags);
            Ok((end, own, [joined(decides, "decides")?, joined(sends, "sends")?]))
        })?;
        let stats = receiver.decoder.stats().with_decisions(deciding.decider.stats());
        let broken = out.broken.take().map(End::Broken);
        Ok(Traded {
            end: broken.unwrap_or(end),
            usage: others.iter().fold(own.0, |sum, other| sum.and(&other.usage)),
            counters: others.iter().fold(own.1, |sum, other| sum.and(&other.counters)),
            queue_full: receiver.full + deciding.full,
            message_bytes: Some(message_bytes),
            strayed: others.iter().filter_map(|other| other.strayed).collect(),
            ..Traded::of(stats)
        })
    }
}

fn joined(thread: thread::ScopedJoinHandle<'_, Result<Worked>>, does: &str) -> Result<Worked> {
    thread.join().map_err(|_| anyhow!("the thread that {does} panicked"))?
}

/// What one of the two other threads leaves.
struct Worked {
    usage: Usage,
    counters: CounterValues,
    /// Its core, if it did not keep it.
    strayed: Option<u32>,
}

/// Pins this thread, and opens its counters.
fn on_core(core: u32, done: &Done<'_>) -> Result<Counters> {
    affinity::pin(core)?;
    let counters = Counters::open();
    done.in_place();
    Ok(counters)
}

/// This thread at its work.
fn measured(core: u32, mut counters: Counters, work: impl FnOnce()) -> Worked {
    counters.start();
    let usage = UsageMeter::start();
    work();
    let (usage, counters) = (usage.stop(), counters.stop());
    Worked { strayed: (usage.core != Some(core)).then_some(core), usage, counters }
}

/// The first thread.
struct Receiver<S: Stamps, P> {
    decoder: Decoder,
    put: Box<dyn Put<ToDecide<P, S::Carried>>>,
    /// For the session, where there is one.
    relay: Option<Relay>,
    full: u64,
}

impl<S: Stamps, P: Record> Receiver<S, P> {
    /// Hands the session's answers on until something is said, or nobody is left to say it.
    fn relay_until<R: Rx>(&mut self, rx: &mut R, said: &Over, flags: &Flags) -> Result<()> {
        while !said.is_said() && !flags.sent.is_said() {
            self.relay.as_mut().map_or(Ok(()), |relay| relay.pump(rx))?;
            thread::yield_now();
        }
        Ok(())
    }

    fn work<R: Rx>(&mut self, rx: &mut R, quiet: &mut Quiet, flags: &Flags) -> End {
        let Self { decoder, put, relay, full } = self;
        let (mut idle, mut last_tick, mut over, mut probe) = (0_u32, tsc::now(), false, P::default());
        loop {
            let polled = rx.poll(Interest::Ticks, 1, |frame| {
                last_tick = tsc::arrival();
                probe.arrived(last_tick);
                let carried = S::carried(frame.meta);
                let outcome = decoder.on_tick(frame.bytes, &mut probe, |event, probe| {
                    *full += u64::from(put.put(ToDecide { event: *event, probe: *probe, carried }).is_err());
                    false
                });
                over |= outcome.kind == TickKind::EndOfSession;
            });
            match polled {
                Err(e) => return End::Broken(anyhow::Error::new(e).context("while receiving ticks")),
                Ok(0) => idle += 1,
                Ok(_) => idle = 0,
            }
            // One that is gone has left its reason.
            if over || flags.are_others_gone() {
                return End::Session;
            }
            if idle >= TURNS {
                idle = 0;
                let pumped = relay.as_mut().map_or(Ok(()), |relay| relay.pump(rx));
                if let Err(e) = pumped.and_then(|()| quiet.look(tsc::now().raw(), last_tick)) {
                    return End::Broken(e);
                }
            }
        }
    }
}

/// The second.
struct Deciding<P, C> {
    decider: Decider,
    take: Box<dyn Take<ToDecide<P, C>>>,
    put: Box<dyn Put<ToSend<P, C>>>,
    full: u64,
}

impl<P: Record, C: Copy + Send + Sync + Default + 'static> Deciding<P, C> {
    fn work(&mut self, flags: &Flags) {
        let Self { decider, take, put, full } = self;
        let mut idle = 0_u32;
        let mut on_message = |message: ToDecide<P, C>| {
            let ToDecide { event, mut probe, carried } = message;
            probe.handed_off();
            decider.on_event(&event, &mut probe, &mut |order, probe| {
                *full += u64::from(put.put(ToSend { order: *order, probe: *probe, carried }).is_err());
            });
        };
        loop {
            if let Some(message) = take.take() {
                on_message(message);
                idle = 0;
                continue;
            }
            idle += 1;
            std::hint::spin_loop();
            if take.is_slept_on() || idle >= TURNS {
                idle = 0;
                // What was put in before that was said is seen by the looks after this one.
                if flags.received.is_said() {
                    return std::iter::from_fn(|| take.take_now()).for_each(on_message);
                }
            }
        }
    }
}

/// The third.
struct Sender<'a, X: Tx, S> {
    out: &'a mut Out<X, S>,
    desk: &'a mut Desk,
    relayed: Relayed,
}

impl<X: Tx, S: Stamps> Sender<'_, X, S> {
    fn work<P: Record>(&mut self, take: &mut dyn Take<ToSend<P, S::Carried>>, flags: &Flags) {
        let (mut idle, mut busy, sleeps) = (0_u32, 0_u32, take.is_slept_on());
        loop {
            if let Some(message) = take.take() {
                self.send(message);
                (idle, busy) = (0, busy + 1);
            } else {
                (idle, busy) = (idle + 1, 0);
                std::hint::spin_loop();
            }
            // Who sleeps finds nothing only when nothing has come for a whole nap.
            if idle == 1 || sleeps {
                self.out.look(true);
            }
            if idle >= TURNS || sleeps && (idle > 0 || busy >= TURNS) {
                (idle, busy) = (0, 0);
                let is_last = flags.decided.is_said();
                if let Err(e) = self.rest() {
                    self.out.broken = Some(e);
                }
                if is_last {
                    return std::iter::from_fn(|| take.take_now()).for_each(|message| self.send(message));
                }
            }
            if self.out.broken.is_some() {
                return;
            }
        }
    }

    #[inline]
    fn send<P: Record>(&mut self, message: ToSend<P, S::Carried>) {
        let ToSend { order, mut probe, carried } = message;
        probe.handed_over();
        self.out.stamps.arrived(carried);
        self.out.send(&order, &mut probe);
    }

    fn rest(&mut self) -> Result<()> {
        self.out.rest(self.desk, &mut self.relayed).map(drop)
    }

    fn log_in(&mut self, timeout: Nanos) -> Result<()> {
        self.out.log_in(self.desk, &mut self.relayed, timeout)
    }

    fn finish(&mut self, ended: bool) {
        self.out.finish(self.desk, &mut self.relayed, ended);
    }
}
