//! Producers that only keep the queue busy: numbered messages that say nothing, at the rate of the tape's own.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tickcert_probes::{affinity, clocks::tsc};
use tickcert_results::time::{Nanos, TickScale};
use tickcert_scenarios::{handoff::Push, trader::Event};

use super::message::{Crossing, NOTHING};

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
}

/// Keeps the queue busy until it is over. `None` where it can't have its core.
pub(super) fn run<const PAD: usize>(
    this: Other,
    push: &mut impl Push<Crossing<PAD>>,
    scale: TickScale,
    over: &AtomicBool,
) -> Option<Done> {
    affinity::pin(this.core).ok()?;
    let gap = scale.ticks(this.gap).max(1);
    let mut done = Done::default();
    let mut due = tsc::now().raw();
    while !over.load(Ordering::Acquire) {
        let now = tsc::now().raw();
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
    Some(done)
}
