//! One repetition of one hand-off: its threads, each on its core, from the first tick to the last order.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread::{self, Scope, ScopedJoinHandle},
};

use anyhow::{Result, anyhow};
use nix::sched::sched_getcpu;
use tickcert_probes::{affinity, clocks::tsc};
use tickcert_results::{
    certificate::Preemption,
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::{
    handoff::{Handoff, Job, MessageSize, Push, Queue, Wait, go_around},
    load::Schedule,
    tape::Tape,
};

use super::{
    decide::{Decided, Desk},
    decode::{Decoded, Feed},
    message::Crossing,
    others::{self, Done, Other},
    preempt::{self, Preempted},
    together::{Gate, NoThread, start},
};
use crate::endpoint::{control::Usage, process::UsageMeter};

/// What is to be done.
#[derive(Clone, Copy)]
pub(super) struct Trial<'a> {
    pub(super) tape: &'a Tape,
    pub(super) schedule: &'a Schedule,
    pub(super) scale: TickScale,
    pub(super) decode_core: u32,
    pub(super) decide_core: u32,
    pub(super) capacity: usize,
    pub(super) message_size: MessageSize,
    pub(super) others: &'a [Other],
    pub(super) preemption: Option<Preemption>,
}

/// What came of it.
pub(super) struct Finished {
    pub(super) decoded: Decoded,
    pub(super) decided: Decided,
    pub(super) others: Vec<Done>,
    pub(super) usage: [Usage; 2],
    pub(super) preempted: Preempted,
    /// Cores that could not be kept to the end.
    pub(super) strayed: Vec<u32>,
}

impl Trial<'_> {
    pub(super) fn run(self, handoff: Handoff) -> Result<Finished> {
        let queued = match self.message_size {
            MessageSize::Bytes64 => handoff.dispatch(Sized::<0>(self)),
            MessageSize::Bytes256 => handoff.dispatch(Sized::<192>(self)),
            MessageSize::Bytes1024 => handoff.dispatch(Sized::<960>(self)),
        };
        queued.unwrap_or_else(|| self.inline())
    }

    /// One thread, and no queue.
    fn inline(self) -> Result<Finished> {
        let producers = AtomicU32::new(1);
        let mut feed = Feed::new(self.tape, self.schedule.due(), self.scale)?;
        let mut desk = Desk::new(self.tape, self.schedule.due().len(), 1)?;
        let (preempted, usage, strayed) = thread::scope(|s| -> Result<_> {
            let left = Leaving(&producers);
            let preempting = self.preempted(s, self.decode_core, &producers)?;
            let working = start(s, || {
                let _left = left;
                on_core(self.decode_core, || {
                    feed.play(|event, packet, before| {
                        desk.take(event, packet, before, tsc::arrival());
                        Ok(())
                    });
                })
            })?;
            let (usage, strayed) = joined(working)?;
            let preempted = preempting.map(joined).transpose()?.unwrap_or_default();
            Ok((preempted, [usage, Usage::default()], strayed))
        })?;
        let (decoded, decided) = (feed.into_decoded(), desk.into_decided());
        Ok(Finished { decoded, decided, others: Vec::new(), usage, preempted, strayed: strayed.into_iter().collect() })
    }

    fn queued<Q: Queue, const PAD: usize>(self, wait: Wait) -> Result<Finished> {
        let (mut push, mut pop) = Q::open::<Crossing<PAD>>(self.capacity);
        go_around(&mut push, &mut pop, self.capacity);
        let pushes = (self.others.iter().map(|_| push.another())).collect::<Option<Vec<_>>>();
        let pushes = pushes.ok_or_else(|| anyhow!("the queue takes one producer only"))?;
        let producers = AtomicU32::new(1 + u32::try_from(self.others.len())?);
        let (over, gate) = (AtomicBool::new(false), Gate::default());
        let mut feed = Feed::new(self.tape, self.schedule.due(), self.scale)?;
        let mut desk = Desk::new(self.tape, self.schedule.due().len(), 1 + u32::try_from(self.others.len())?)?;
        thread::scope(|s| {
            // All of it before the first thread starts, so that those which were started end where a later one can't be.
            let (over, producers) = (&over, &producers);
            let (decide_place, decode_place, left) = (gate.place(), gate.place(), Leaving(producers));
            let others: Vec<_> = (self.others.iter().zip(pushes))
                .map(|(other, push)| (other, push, gate.place(), Leaving(producers)))
                .collect();
            let deciding = start(s, move || {
                let usage = on_core(self.decide_core, || {
                    if decide_place.pass() {
                        desk.work(&mut pop, wait, producers);
                    }
                });
                (desk.into_decided(), usage)
            })?;
            let preempting = self.preempted(s, self.decide_core, producers)?;
            let others = others.into_iter().map(|(other, mut push, place, left)| {
                start(s, move || {
                    let _left = left;
                    others::run::<PAD>(*other, &mut push, self.scale, place, over)
                })
            });
            let others = others.collect::<Result<Vec<_>, _>>()?;
            let decoding = start(s, move || {
                let (_left, _over) = (left, Over(over));
                let hand_on =
                    |event: &_, packet, before: Ticks| push.push(Crossing::new(*event, packet, 0, before.raw()));
                let usage = on_core(self.decode_core, || {
                    if decode_place.pass() {
                        feed.play(hand_on);
                    }
                });
                (feed.into_decoded(), usage)
            })?;
            let (decoded, (decode_usage, decode_strayed)) = joined(decoding)?;
            let (decided, (decide_usage, decide_strayed)) = joined(deciding)?;
            let others = others.into_iter().map(joined).collect::<Result<Vec<_>>>()?;
            let strayed = others.iter().filter_map(|other| other.strayed);
            Ok(Finished {
                decoded,
                decided,
                usage: [decode_usage, decide_usage],
                preempted: preempting.map(joined).transpose()?.unwrap_or_default(),
                strayed: decode_strayed.into_iter().chain(decide_strayed).chain(strayed).collect(),
                others,
            })
        })
    }

    /// Has `core` taken away until no producer is left, if that was asked for.
    fn preempted<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        core: u32,
        producers: &'scope AtomicU32,
    ) -> Result<Option<ScopedJoinHandle<'scope, Preempted>>, NoThread> {
        let Some(preemption) = self.preemption else { return Ok(None) };
        let scale = self.scale;
        start(scope, move || preempt::run(core, preemption, scale, producers)).map(Some)
    }
}

/// A trial with messages of `PAD` bytes more than they need.
struct Sized<'a, const PAD: usize>(Trial<'a>);

impl<const PAD: usize> Job for Sized<'_, PAD> {
    type Out = Result<Finished>;
    fn run<Q: Queue>(self, wait: Wait) -> Self::Out {
        self.0.queued::<Q, PAD>(wait)
    }
}

/// Pins, measures the usage of, and looks whether the core was left.
fn on_core(core: u32, work: impl FnOnce()) -> (Usage, Option<u32>) {
    // A thread that can't be where it should still does its part, since another waits for it; the trial is invalid.
    let pinned = affinity::pin(core).is_ok();
    let meter = UsageMeter::start();
    work();
    let usage = meter.stop();
    let there = pinned && sched_getcpu().is_ok_and(|now| u32::try_from(now) == Ok(core));
    (usage, (!there).then_some(core))
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the trial panicked"))
}

/// Counts a producer off when it ends, however it ends.
struct Leaving<'a>(&'a AtomicU32);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Ends the other producers with the first.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// From one message of another producer to the next: as many a second as the tape has.
pub(super) fn gap_of_others(tape: &Tape, schedule: &Schedule) -> Nanos {
    let messages = tape.messages_in(schedule.due().len()).max(1);
    Nanos(schedule.duration().get() / messages).max(Nanos(1))
}
