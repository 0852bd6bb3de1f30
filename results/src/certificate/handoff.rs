//! The comparison of hand-offs: one tape, decoded on one core and decided on another, with each queue between them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CounterOffset, Load, Quantiles};
use crate::{compare::ValueComparison, evidence::Evidence, time::Nanos};

/// What each hand-off made of the same ticks from memory, without a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffComparison {
    /// What it rests on.
    pub evidence: Evidence,
    /// Why it is that class and no stronger one.
    pub evidence_why: String,
    /// The core that decodes. Without a queue it does everything.
    pub decode_core: u32,
    /// The core that decides.
    pub decide_core: u32,
    /// How far the deciding core's counter was ahead of the decoding one's before the comparison: what is timed on both is
    /// off by that. Nothing where it could not be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_offset: Option<CounterOffset>,
    /// How ticks were due.
    pub load: Load,
    /// Messages that a queue with bounds has room for.
    pub capacity: u64,
    /// Bytes of a message.
    pub message_bytes: u32,
    /// Threads that put messages in: the first decodes the tape, and the others only keep the queue busy, with as many
    /// messages a second each.
    pub producers: u32,
    /// True where these others had no core of their own.
    pub shared_cores: bool,
    /// How the deciding core was taken away on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemption: Option<Preemption>,
    /// The hand-off that the others are held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Each hand-off that ran.
    pub cells: Vec<HandoffCell>,
}

/// A core taken away on purpose, by a thread of real-time priority that spins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preemption {
    /// For how long each time.
    pub length_ns: Nanos,
    /// From the end of one until the next.
    pub every_ns: Nanos,
}

/// Whom a thread that is taken off its core in the middle of a queue's code keeps waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HeldUp {
    /// Nobody: every step is finished by whoever began it, and none waits for another's.
    Nobody,
    /// There is no lock, but a push that is half done keeps the taker waiting.
    Taker,
    /// Everybody: there is a lock.
    Everybody,
}

/// One hand-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffCell {
    /// Its name: `rtrb`, `mutex-blocking`.
    pub name: String,
    /// In a line.
    pub summary: String,
    /// Whom a thread that is taken off its core inside keeps waiting.
    pub held_up: HeldUp,
    /// Whether it asks for memory while it is used.
    pub allocates: bool,
    /// Whether it can be full.
    pub bounded: bool,
    /// From a tick's due time until each of its messages has been taken out, of all messages of the tape. Whatever stands
    /// still, the decoding thread inside the queue or the deciding one, every tick that was due meanwhile carries its wait.
    pub taken_due_ns: Quantiles,
    /// From a tick's due time to its order's last byte.
    pub order_due_ns: Quantiles,
    /// From a tick's actual departure to its order's last byte.
    pub order_sent_ns: Quantiles,
    /// From just before a message is put in until it has been taken out, of all messages of the tape. What waits in the queue
    /// behind others is in it; what waits before it, because the decoding thread stands in it, is not.
    pub hand_off_ns: Quantiles,
    /// How long putting in took; without samples where there is no queue.
    pub push_ns: Quantiles,
    /// From a tick's due time to its actual departure, of every tick: what stood in the decoding thread's way.
    pub schedule_error_ns: Quantiles,
    /// The pieces of `order_sent_ns`: `decode`, `hand-off`, `decide` (book, decision, risk check and encoding).
    pub stages: BTreeMap<String, Quantiles>,
    /// Ratios to the reference, by distribution and quantile: `taken_due.p50`, `order_due.p99`. Each interval is at 95 % for
    /// itself, and none is corrected for the others. The reference has none.
    pub ratios: BTreeMap<String, ValueComparison>,
    /// Every repetition.
    pub repetitions: Vec<HandoffRepetition>,
}

impl HandoffCell {
    /// How often putting in stood still, and how often the core was taken away, in the repetitions that count.
    #[must_use]
    pub fn stalled(&self) -> (u64, u64) {
        let valid = self.repetitions.iter().filter(|repetition| repetition.valid);
        valid.fold((0, 0), |(stalled, taken), r| (stalled + r.stalled_pushes, taken + r.preemptions))
    }

    /// Repetitions that count.
    #[must_use]
    pub fn valid(&self) -> usize {
        self.repetitions.iter().filter(|repetition| repetition.valid).count()
    }
}

/// One repetition of a hand-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffRepetition {
    /// Which, from 1.
    pub repetition: u32,
    /// Place in the whole comparison, from 1.
    pub position: u32,
    /// Whether it counts.
    pub valid: bool,
    /// Why not, each in a line.
    pub invalid_reasons: Vec<String>,
    /// Messages of the tape that were put in.
    pub messages: u64,
    /// Times that there was no room; the message was dropped.
    pub full: u64,
    /// Orders that came of it.
    pub orders: u64,
    /// SHA-256 of these orders, one after the other.
    pub orders_sha256: String,
    /// What it must be.
    pub expected_sha256: String,
    /// Messages that each other producer put in.
    pub of_others: Vec<u64>,
    /// Times that the deciding core was taken away on purpose.
    pub preemptions: u64,
    /// Messages whose putting in took half as long as the core was taken away, or longer: what the decoding thread had to
    /// wait for. A host that takes its core away is in it too.
    #[serde(default)]
    pub stalled_pushes: u64,
    /// Involuntary context switches of the two threads.
    pub involuntary_switches: u64,
    /// Calls of the allocator in the timed loops.
    pub allocator_calls: u64,
    /// Orders discarded as warm-up.
    pub warm_up_orders: u64,
    /// Of this repetition alone.
    pub taken_due_ns: Quantiles,
    /// Of this repetition alone.
    pub order_due_ns: Quantiles,
    /// Of this repetition alone.
    pub hand_off_ns: Quantiles,
}
