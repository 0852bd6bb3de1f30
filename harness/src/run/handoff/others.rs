//! Producers that only keep the queue busy: numbered messages that say nothing, at the rate of the tape's own.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use nix::sched::sched_getcpu;
use tickcert_probes::{affinity, clocks::tsc};
use tickcert_results::time::{Nanos, TickScale};
use tickcert_scenarios::{handoff::Push, trader::Event};

use super::{
    message::{Crossing, NOTHING},
    together::Place,
};

/// Without a core of its own a producer sleeps so long, and then puts in what was due meanwhile.
const SLEEP: Nanos = Nanos(1_000_000);

/// How one of them works.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    /// Its number, from 1.
    pub(super) producer: u32,
    /// Its core.
    pub(super) core: u32,
    /// Whether it has that for itself, and may spin.
    pub(super) alone: bool,
    /// From one message to the next.
    pub(super) gap: Nanos,
}

/// What one of them did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// Messages that were put in.
    pub(super) messages: u64,
    /// Times that there was no room; the message was dropped.
    pub(super) full: u64,
    /// Messages that were due until it was over, or, asleep then, until it fell asleep.
    pub(super) due: u64,
    /// Its core, where it could not have that to the end.
    pub(super) strayed: Option<u32>,
}

/// Waits for all others, then keeps the queue busy until it is over.
pub(super) fn run<const PAD: usize>(
    this: Other,
    push: &mut impl Push<Crossing<PAD>>,
    scale: TickScale,
    place: Place<'_>,
    over: &AtomicBool,
) -> Done {
    // Without its core it still does its part, since others wait for it; the repetition is invalid.
    let pinned = affinity::pin(this.core).is_ok();
    let gap = scale.ticks(this.gap).max(1);
    let mut done = Done::default();
    if !place.pass() {
        return done;
    }
    let begun = tsc::now().raw();
    let (mut due, mut now) = (begun, begun);
    while !over.load(Ordering::Acquire) {
        now = tsc::now().raw();
        if due > now {
            if this.alone {
                std::hint::spin_loop();
            } else {
                thread::sleep(SLEEP.into());
            }
            continue;
        }
        due += gap;
        let event = Event { sequence: done.messages, ..NOTHING };
        match push.push(Crossing::new(event, 0, this.producer, now)) {
            Ok(()) => done.messages += 1,
            Err(_) => done.full += 1,
        }
    }
    done.due = (now - begun) / gap + 1;
    let there = pinned && sched_getcpu().is_ok_and(|now| u32::try_from(now) == Ok(this.core));
    done.strayed = (!there).then_some(this.core);
    done
}
