//! The second thread: takes messages out, keeps the book, decides, checks, and writes the orders.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use tickcert_probes::clocks::tsc;
use tickcert_results::time::Ticks;
use tickcert_scenarios::{
    handoff::{Pop, Wait},
    order_entry::OrderTemplate,
    tape::Tape,
    trader::{Decider, Event, NoProbe},
};

use super::{
    logs::{Log, Made, Taken},
    message::Crossing,
};

/// A sleeping taker looks this often whether anybody will still wake it.
const NAP: Duration = Duration::from_millis(10);
/// A spinning one, after so many looks at an empty queue.
const TURNS: u32 = 1024;

/// What the second thread did.
pub(super) struct Decided {
    /// Each message of the tape.
    pub(super) crossed: Log<Taken>,
    /// Each order.
    pub(super) made: Log<Made>,
    /// The orders' bytes, one after the other.
    pub(super) bytes: Vec<u8>,
    /// Orders without room in the log.
    pub(super) overflowed: u64,
    /// Messages of other producers that were not the next of theirs.
    pub(super) out_of_order: u64,
    /// The next message of each other producer: how many came.
    pub(super) of_others: Vec<u64>,
}

/// Book, strategy, risk check, encoder, and the log of them.
pub(super) struct Desk {
    decider: Decider,
    template: OrderTemplate,
    out: Decided,
}

impl Desk {
    /// With room for everything, so that nothing is allocated later.
    pub(super) fn new(tape: &Tape, packets: usize, producers: u32) -> Result<Self> {
        let messages = usize::try_from(tape.messages_in(packets)).context("too many messages for this host")?;
        let expected = tape.expected(packets).len();
        let room = expected + expected / 8 + 1024;
        let mut bytes = vec![1; room * OrderTemplate::LEN];
        bytes.clear();
        Ok(Self {
            decider: Decider::new(&tape.header().trader)?,
            template: OrderTemplate::new(&tape.header().orders)?,
            out: Decided {
                crossed: Log::with_room(messages),
                made: Log::with_room(room),
                bytes,
                overflowed: 0,
                out_of_order: 0,
                of_others: vec![0; producers.saturating_sub(1) as usize],
            },
        })
    }

    /// Takes what came of the tape.
    #[inline(always)]
    pub(super) fn take(&mut self, event: &Event, packet: u32, pushed: Ticks, popped: Ticks) {
        let Self { decider, template, out } = self;
        out.crossed.push(Taken { packet, pushed, popped });
        decider.on_event(event, &mut NoProbe, &mut |order, _| {
            if out.bytes.len() + OrderTemplate::LEN > out.bytes.capacity() {
                out.overflowed += 1;
                return;
            }
            let mut packet_bytes = [0; OrderTemplate::LEN];
            template.write(&mut packet_bytes, order);
            out.bytes.extend_from_slice(&packet_bytes);
            out.made.push(Made { packet, pushed, popped, done: tsc::now() });
        });
    }

    #[inline]
    fn take_of_other(&mut self, producer: u32, number: u64) {
        let Some(next) = self.out.of_others.get_mut(producer as usize - 1) else { return };
        if *next != number {
            self.out.out_of_order += 1;
        }
        *next += 1;
    }

    /// Takes messages until no producer is left and the queue is empty.
    #[inline(always)]
    pub(super) fn work<const PAD: usize>(
        &mut self,
        pop: &mut impl Pop<Crossing<PAD>>,
        wait: Wait,
        producers: &AtomicU32,
    ) {
        let mut idle = 0_u32;
        loop {
            let got = match wait {
                Wait::Busy => pop.pop(),
                Wait::Blocking => pop.wait(NAP),
            };
            if let Some(message) = got {
                idle = 0;
                self.on_message(&message);
                continue;
            }
            idle += 1;
            if wait == Wait::Busy {
                std::hint::spin_loop();
                if idle < TURNS {
                    continue;
                }
            }
            idle = 0;
            // What they put in before they left is seen by the looks after this one.
            if producers.load(Ordering::Acquire) == 0 {
                while let Some(message) = pop.pop() {
                    self.on_message(&message);
                }
                return;
            }
        }
    }

    #[inline(always)]
    fn on_message<const PAD: usize>(&mut self, message: &Crossing<PAD>) {
        message.whole();
        let popped = tsc::arrival();
        match Ticks::new(message.pushed) {
            Some(pushed) if message.producer == 0 => self.take(&message.event, message.packet, pushed, popped),
            _ => self.take_of_other(message.producer.max(1), message.event.sequence),
        }
    }

    /// What was done.
    pub(super) fn into_decided(self) -> Decided {
        self.out
    }
}
