//! Why the slowest ticks were slow: what the kernel did on the measured cores meanwhile.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::{Nanos, SignedNanos};

/// Whose core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The exchange's.
    Exchange,
    /// The trader's.
    Trader,
}

impl Side {
    /// Both, in the order of everything that is kept for each.
    pub const BOTH: [Self; 2] = [Self::Exchange, Self::Trader];

    /// Place in a pair.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Exchange => 0,
            Self::Trader => 1,
        }
    }

    /// As in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Trader => "trader",
        }
    }
}

/// What took the time of a slow tick, or what an event of the kernel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TailKind {
    /// Another thread, or none, had the core.
    Thread,
    /// The handler of a device's interrupt.
    Interrupt,
    /// Deferred work of interrupts.
    Softirq,
    /// An interrupt from the core's own timer, or from another core.
    Vector,
    /// A page fault of the timed thread.
    PageFault,
    /// A system call of the timed thread that took longer than it usually does.
    SystemCall,
    /// The timed thread was moved to another core.
    Migration,
    /// The core's frequency was changed.
    Frequency,
    /// Ticks were due faster than they are served.
    Load,
    /// Several events that take up enough of the time together, and none of which does alone.
    Several,
    /// No event of the kernel takes up enough of the time.
    Unexplained,
    /// Can't be said, because events were lost or their length isn't known.
    NotKnown,
}

impl TailKind {
    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Interrupt => "interrupt",
            Self::Softirq => "softirq",
            Self::Vector => "vector",
            Self::PageFault => "page fault",
            Self::SystemCall => "system call",
            Self::Migration => "migration",
            Self::Frequency => "frequency",
            Self::Load => "load",
            Self::Several => "several",
            Self::Unexplained => "unexplained",
            Self::NotKnown => "not known",
        }
    }
}

/// Why a tick was slow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TailCause {
    /// Of which kind.
    pub kind: TailKind,
    /// Which one of it: the thread's, the interrupt's name.
    pub name: String,
    /// On whose core; `null` where it is on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Whether it was not this tick that was disturbed but one before it, behind which this one had to queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub queued: bool,
}

impl TailCause {
    /// No event of the kernel accounts for it; `not_watched` is what might have, had it been watched.
    #[must_use]
    pub fn unexplained(queued: bool, not_watched: &[String]) -> Self {
        let mut name = "gap without a kernel event: hypervisor, SMI or hardware".to_owned();
        if !not_watched.is_empty() {
            name = format!("{name}, or what is not watched: {}", not_watched.join(", "));
        }
        Self { kind: TailKind::Unexplained, name, side: None, queued }
    }
}

/// `queued behind softirq NET_RX (trader's core)`.
impl fmt::Display for TailCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.queued {
            f.write_str("queued behind ")?;
        }
        match self.kind {
            TailKind::Unexplained => write!(f, "unexplained ({})", self.name)?,
            TailKind::Load | TailKind::Several | TailKind::NotKnown => f.write_str(&self.name)?,
            kind => write!(f, "{} {}", kind.name(), self.name)?,
        }
        self.side.map_or(Ok(()), |side| write!(f, " ({}'s core)", side.name()))
    }
}

/// The tail of a cell by cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tail {
    /// Orders of the repetitions that count and were watched.
    pub orders: u64,
    /// Those that were looked at: above p99.9 of `t2t_due`.
    pub slow: u64,
    /// Slow ones beyond the 1,000 slowest of their repetition, which were not looked at.
    #[serde(default)]
    pub not_looked_at: u64,
    /// Slow ones of which nothing is said because the trader left no stamps of them.
    #[serde(default)]
    pub without_stamps: u64,
    /// `t2t_due` of the least slow of them.
    pub above_ns: Option<Nanos>,
    /// Median of `t2t_due`: what is beyond it is the excess that wants a cause.
    pub typical_ns: Option<Nanos>,
    /// By cause, those with the most excess first.
    pub causes: Vec<TailRow>,
    /// The ten slowest ticks, slowest first.
    pub slowest: Vec<SlowTick>,
    /// How far off the place of an event may be on the endpoints' clock, at most.
    pub clock_error_ns: Option<Nanos>,
    /// Events that found no room, over all repetitions.
    pub lost_events: u64,
    /// Softirqs that the ends ran within their own system calls: part of these calls, and not timed; over all repetitions.
    #[serde(default)]
    pub untimed_softirqs: u64,
    /// Time for which the hypervisor says that it gave the cores of exchange and trader to others, over all repetitions, in
    /// steps of 10 ms; `null` on bare metal, and where the kernel doesn't say.
    pub steal_ns: Option<[Nanos; 2]>,
}

/// One cause, and what it does to the tail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TailRow {
    /// The cause.
    pub cause: TailCause,
    /// Slow ticks that have it.
    pub ticks: u64,
    /// Their time beyond the median, in sum.
    pub excess_ns: Nanos,
    /// What of that the cause took, in sum; of unexplained ones, what no event did. `null` where that isn't known.
    #[serde(default)]
    pub taken_ns: Option<Nanos>,
    /// By so much p99.9 would be lower if these ticks had not lost what the cause took; `null` where that isn't known.
    pub p99_9_ns: Option<Nanos>,
    /// The same of p99.99.
    pub p99_99_ns: Option<Nanos>,
}

/// A slow tick, with all times from when it was due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlowTick {
    /// Of which repetition.
    pub repetition: u32,
    /// Number of the order, by the oracle.
    pub order: u32,
    /// From due to the order's arrival.
    pub t2t_due_ns: Nanos,
    /// Its cause.
    pub cause: TailCause,
    /// What the cause took; of an unexplained one, what no event did. `null` where that isn't known.
    pub taken_ns: Option<Nanos>,
    /// When the tick left the exchange…
    pub sent_ns: SignedNanos,
    /// …the trader saw it…
    pub seen_ns: SignedNanos,
    /// …and had sent the order.
    pub left_ns: SignedNanos,
    /// From when on events are told: when it was due, or for one that was queued when the first was due that it queued behind.
    #[serde(default)]
    pub since_ns: SignedNanos,
    /// What the kernel did on both cores, in the order in which it began; of very many, the longest.
    pub events: Vec<TailEvent>,
    /// Events that are left out because they are too many.
    #[serde(default)]
    pub left_out: u64,
}

/// Something that the kernel did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TailEvent {
    /// On whose core.
    pub side: Side,
    /// What it is.
    pub kind: TailKind,
    /// Its name.
    pub name: String,
    /// When it began, from when the tick was due.
    pub start_ns: SignedNanos,
    /// When it ended; the same where it is a point in time.
    pub end_ns: SignedNanos,
}
