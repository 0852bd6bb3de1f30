//! What parent and endpoint say to each other: one JSON object a line, on the endpoint's standard input and output.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tickcert_probes::numa::MemoryByNode;
use tickcert_results::{
    certificate::{CounterValues, MessageBytes},
    time::{Nanos, TickScale, Ticks},
};
use tickcert_scenarios::{handoff::MessageSize, load::Arrival};
use tickcert_transports::{
    api::{Link, Role, Unmet},
    wrap::{fake_stamps::FakeStamps, faults::FaultPlan},
};

/// Parent to endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Open the lane and make ready for a trial.
    Open(Box<TrialSpec>),
    /// Open the lane and make ready for a ping-pong.
    OpenPingPong(Box<PingPongSpec>),
    /// Begin.
    Go,
    /// Nothing more is wanted.
    Quit,
}

/// Endpoint to parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
pub enum Report {
    /// The lane is open on this side.
    Ready,
    /// The timed loop has begun.
    Running,
    /// The trial is over; the samples lie where the command said.
    Exchanged(Box<ExchangeReport>),
    /// As above, from the trader.
    Traded(Box<TraderReport>),
    /// The ping-pong is over.
    PingPonged(PingPongReport),
    /// The lane can't run here after all.
    Unmet(Unmet),
    /// It can't go on.
    Failed {
        /// What went wrong, with causes and remedy.
        error: String,
    },
}

/// One trial, for one end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrialSpec {
    /// The lane's name.
    pub lane: String,
    /// The transport's own settings; `null` for its defaults.
    pub settings: serde_json::Value,
    /// Which end this is.
    pub role: Role,
    /// The wire.
    pub link: Link,
    /// The core to run on.
    pub core: u32,
    /// The memory node that memory is bound to; `None` leaves it to the kernel.
    #[serde(default)]
    pub memory_node: Option<u32>,
    /// The tape's file.
    pub tape: PathBuf,
    /// Its digest; the endpoint refuses any other.
    pub tape_sha256: String,
    /// How ticks arrive.
    pub load: Arrival,
    /// How often the tape is played…
    pub passes: u32,
    /// …and after how many packets in all it ends.
    pub packets: u32,
    /// Seed of random loads.
    pub seed: u64,
    /// An order later than this is late.
    pub late_after: Nanos,
    /// Without a tick for this long the trader takes the exchange for gone.
    pub silence: Nanos,
    /// Speed of the time-stamp counter.
    pub scale: TickScale,
    /// Stamp every stage.
    pub staged: bool,
    /// Where the link has frames stamped: a stamp that comes later than this after its frame is late.
    pub stamp_timeout: Nanos,
    /// What goes wrong on purpose; nothing, in a certification.
    pub injection: Injection,
    /// How the trader's work is shared out; `None` where one thread does all.
    #[serde(default)]
    pub threads: Option<Threads>,
    /// Where this end's samples go.
    pub samples: PathBuf,
}

/// The trader's work in three threads, with a queue of the same kind between each two. The first, which receives and decodes, is on
/// the endpoint's own core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threads {
    /// The kind of queue, by its name.
    pub handoff: String,
    /// Messages for which each has room: a power of two.
    pub capacity: usize,
    /// How large a message is in it, at least.
    pub message_size: MessageSize,
    /// Core of the thread that keeps the book and decides.
    pub decide_core: u32,
    /// Core of the one that writes orders and sends them.
    pub send_core: u32,
}

/// Known truths, put into an endpoint so that the method can be shown to find them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Injection {
    /// The trader burns this long before it sends an order…
    pub busy: Nanos,
    /// …but only in blocks of so many orders, every second block; 0 for all orders.
    pub busy_blocks: u32,
    /// The trader stops for this long…
    pub stall: Nanos,
    /// …once in this time.
    pub stall_every: Nanos,
    /// Faults in the orders' flow.
    pub faults: Option<FaultPlan>,
    /// Faults in the ticks' flow.
    pub tick_faults: Option<FaultPlan>,
    /// The exchange stops for this long, once in `stall_every`.
    pub stall_exchange: Nanos,
    /// The exchange burns this long for each packet, so that it can't keep its schedule.
    pub slow_exchange: Nanos,
    /// Before every fiftieth order the trader touches so many pages that it has given back to the kernel before.
    pub fresh_pages: u32,
    /// Before every fiftieth order the trader sleeps for so long in a system call, which before all others it makes without.
    pub slow_calls: Nanos,
    /// Stamps that no hardware took, at the exchange.
    pub stamps_at_exchange: Option<FakeStamps>,
    /// The same at the trader.
    pub stamps_at_trader: Option<FakeStamps>,
}

/// Names and values, as a lane gives them.
pub type Facts = BTreeMap<String, String>;

/// What the exchange knows after a trial.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExchangeReport {
    /// Packets of the schedule that could not be sent.
    pub skipped: u64,
    /// How often the lane had no room.
    pub full: u64,
    /// Arrivals that found no room in the log.
    pub overflowed: u64,
    /// Stamps, or frames to be stamped, that found no room in the log.
    #[serde(default)]
    pub stamps_overflowed: u64,
    /// Faults put into the ticks on purpose.
    pub injected: u64,
    /// Cost of a poll that finds nothing, 99 %; the sender stops polling that long before a due time.
    pub poll_cost: Nanos,
    /// What the lane says of itself at the end: as it was opened, and what it had no room for.
    pub facts: Facts,
    /// When it stalled on purpose.
    pub stalls: Vec<Ticks>,
    /// Why the trial ended early, if it did.
    pub broken: Option<String>,
    /// The process as the kernel accounts for it.
    pub usage: Usage,
    /// What processor and kernel counted over the timed loop.
    #[serde(default)]
    pub counters: CounterValues,
    /// Where its memory lies, on a host with several memory nodes.
    #[serde(default)]
    pub memory: Option<MemoryByNode>,
}

/// What the trader knows after a trial.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TraderReport {
    /// Packets that arrived.
    pub packets: u64,
    /// Gaps in the sequence numbers.
    pub gaps: u64,
    /// Messages that were missing in them.
    pub missing: u64,
    /// Packets that had been seen before.
    pub duplicates: u64,
    /// Packets or messages that could not be read.
    pub malformed: u64,
    /// Orders sent.
    pub orders: u64,
    /// Orders that the risk check held back.
    pub held_back: u64,
    /// How often the lane had no room.
    pub full: u64,
    /// Orders that could not be sent for lack of room.
    pub unsent: u64,
    /// Messages that found no room in a queue between two of the trader's threads.
    #[serde(default)]
    pub queue_full: u64,
    /// What a message took in its queues; `None` in one thread.
    #[serde(default)]
    pub message_bytes: Option<MessageBytes>,
    /// Cores that one of its threads was put on and did not keep.
    #[serde(default)]
    pub strayed: Vec<u32>,
    /// Answers of the exchange that were read; `None` where there is no session.
    pub answers: Option<u64>,
    /// Stamps, or frames to be stamped, that found no room in the log.
    #[serde(default)]
    pub stamps_overflowed: u64,
    /// Faults put into the orders on purpose.
    pub injected: u64,
    /// Orders that shared a segment of the byte stream with another; `None` where they don't travel on one.
    pub merged: Option<u64>,
    /// What the lane says of itself at the end: as it was opened, and what it had no room for.
    pub facts: Facts,
    /// When it stalled on purpose.
    pub stalls: Vec<Ticks>,
    /// Why the trial ended early, if it did.
    pub broken: Option<String>,
    /// The process as the kernel accounts for it.
    pub usage: Usage,
    /// What processor and kernel counted over the timed loop.
    #[serde(default)]
    pub counters: CounterValues,
    /// Where its memory lies, on a host with several memory nodes.
    #[serde(default)]
    pub memory: Option<MemoryByNode>,
}

/// A closed loop: one frame there and back, again and again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PingPongSpec {
    /// The lane's name.
    pub lane: String,
    /// The transport's own settings; `null` for its defaults.
    pub settings: serde_json::Value,
    /// Which end this is: the exchange begins, the trader echoes.
    pub role: Role,
    /// The wire.
    pub link: Link,
    /// The core to run on.
    pub core: u32,
    /// As in [`TrialSpec::memory_node`].
    #[serde(default)]
    pub memory_node: Option<u32>,
    /// Payload of the frame.
    pub frame_bytes: u32,
    /// How long to measure.
    pub duration: Nanos,
    /// How long to warm up before.
    pub warm_up: Nanos,
    /// Speed of the time-stamp counter.
    pub scale: TickScale,
}

/// What the ping-pong gave; of the trader, `rtt`, `round_trips` and `lost` mean nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PingPongReport {
    /// Round trips, HDR V2 base64, nanoseconds.
    pub rtt: String,
    /// Round trips in all, the warm-up's too.
    pub round_trips: u64,
    /// Round trips that were given up after a second without an answer.
    pub lost: u64,
    /// What the lane says of itself when the loop is over.
    pub facts: Facts,
    /// Why it ended early, if it did.
    pub broken: Option<String>,
    /// The process as the kernel accounts for it.
    pub usage: Usage,
}

/// What the process used during the timed loop, as the kernel and its own allocator account for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The core was given away because of waiting.
    pub voluntary_switches: u64,
    /// The core was taken away.
    pub involuntary_switches: u64,
    /// Page faults without input or output.
    pub minor_faults: u64,
    /// Page faults with.
    pub major_faults: u64,
    /// Calls of the allocator: memory asked for, resized, or given back.
    pub allocator_calls: u64,
    /// Whether memory is locked.
    pub memory_locked: bool,
    /// The core that the thread is on when the loop is over, where the kernel says.
    pub core: Option<u32>,
}

impl Usage {
    /// That of this thread and of another; the core is this one's.
    #[must_use]
    pub const fn and(self, other: &Self) -> Self {
        Self {
            voluntary_switches: self.voluntary_switches + other.voluntary_switches,
            involuntary_switches: self.involuntary_switches + other.involuntary_switches,
            minor_faults: self.minor_faults + other.minor_faults,
            major_faults: self.major_faults + other.major_faults,
            allocator_calls: self.allocator_calls + other.allocator_calls,
            memory_locked: self.memory_locked && other.memory_locked,
            core: self.core,
        }
    }
}

/// Writes one message and its end of line at once.
///
/// # Errors
/// When the other side is gone.
pub fn send(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}

/// Bytes of a line. The longest true one is a report with a histogram: far below a megabyte.
const LONGEST_LINE: u64 = 16 << 20;

/// Characters of a line that isn't understood, as shown.
const SHOWN: usize = 300;

/// The next message; `None` when the other side has closed.
///
/// # Errors
/// When the line can't be read or understood (its beginning is shown), or is longer than any message.
pub fn receive<M: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<M>> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut line = Vec::new();
    // Whoever has gone mad at the other end shall not take this process's memory along.
    if io::Read::take(&mut *from, LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
        return Err(invalid(format!("a line of more than {LONGEST_LINE} bytes")));
    }
    serde_json::from_slice(&line).map(Some).map_err(|e| {
        let start: String = String::from_utf8_lossy(&line).trim_end().chars().take(SHOWN).collect();
        invalid(format!("not understood ({e}): {start}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_memory_on_several_nodes_arrives_as_it_was_sent() {
        let memory = Some(MemoryByNode(BTreeMap::from([(0, 4096), (1, 1 << 30)])));
        let report =
            Report::Exchanged(Box::new(ExchangeReport { memory: memory.clone(), ..ExchangeReport::default() }));
        let mut line = Vec::new();
        send(&mut line, &report).unwrap();
        let Report::Exchanged(received) = receive(&mut line.as_slice()).unwrap().unwrap() else {
            panic!("another report")
        };
        assert_eq!(received.memory, memory);
    }
}
