//! Arguments of `tickcert run hand-off`.

use tickcert_results::time::{Nanos, PerSecond};
use tickcert_scenarios::{
    handoff::{Handoff, MessageSize},
    profile::{
        HandoffSpec, MOST_PRODUCERS, parse_capacity, parse_duration, parse_message_bytes, parse_packet_rate,
        parse_pause, parse_preempt,
    },
};

use super::{
    args::{Common, CoreArgs},
    ticks::TicksArgs,
};

pub(super) const HANDOFF_EXAMPLES: &str = "Examples:
  tickcert run hand-off
  tickcert run hand-off --queues rtrb,mutex,mutex-blocking
  tickcert run hand-off --queues all --capacity 1024 --message-bytes 256 --json
  tickcert run hand-off --rate '200000 packets/s' --burst 64
  tickcert run hand-off --preempt 1ms --preempt-every 20ms
  tickcert run hand-off --producers 3 --ticks 01302019.NASDAQ_ITCH50.gz --from 09:30:00 --until 09:31:00
`tickcert handoffs` lists the queues.";

#[derive(Debug, clap::Args)]
pub(crate) struct HandoffArgs {
    /// Hand-offs, or `all` [default: each queue once, and inline]
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(crate) queues: Option<Vec<String>>,
    /// Profile whose ticks, strategy and limits are used; the rest of it is not
    #[arg(long, value_name = "NAME|FILE", default_value = "ci")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) ticks: TicksArgs,
    /// Mean rate of the ticks
    #[arg(long, value_name = "RATE", default_value = "100000 packets/s", value_parser = args_rate)]
    pub(crate) rate: PerSecond,
    /// So many ticks are due at once, and then none until the mean rate is kept
    #[arg(long, value_name = "TICKS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) burst: u32,
    /// How long each repetition lasts, its warm-up included
    #[arg(long, value_name = "TIME", default_value = "1500 ms", value_parser = args_duration)]
    pub(crate) duration: Nanos,
    /// Repetitions of each hand-off; five are the fewest that carry an interval
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repetitions: u32,
    /// Messages that a queue has room for: a power of two
    #[arg(long, value_name = "MESSAGES", default_value = "4096", value_parser = args_capacity)]
    pub(crate) capacity: usize,
    /// Bytes of a message
    #[arg(long, value_name = "64|256|1024", default_value = "64", value_parser = args_message_bytes)]
    pub(crate) message_bytes: MessageSize,
    /// Threads that put in: the first decodes the tape, each other puts in as many messages that say nothing
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PRODUCERS)))]
    pub(crate) producers: u32,
    /// Let producers beyond the first run on the decoding core where there is none for them
    #[arg(long)]
    pub(crate) share_cores: bool,
    /// Take the deciding core away for so long, time after time, by a thread of real-time priority
    #[arg(long, value_name = "TIME", value_parser = args_preempt)]
    pub(crate) preempt: Option<Nanos>,
    /// From the end of one such time until the next
    #[arg(long, value_name = "TIME", default_value = "20 ms", value_parser = args_pause, requires = "preempt")]
    pub(crate) preempt_every: Nanos,
    #[command(flatten)]
    pub(crate) cores: CoreArgs,
    #[command(flatten)]
    pub(crate) common: Common,
}

impl HandoffArgs {
    /// What was asked for, with these hand-offs.
    pub(super) fn spec(&self, handoffs: Vec<Handoff>) -> HandoffSpec {
        HandoffSpec {
            handoffs,
            rate: self.rate,
            burst: self.burst,
            duration: self.duration,
            repetitions: self.repetitions,
            capacity: self.capacity,
            message_size: self.message_bytes,
            producers: self.producers,
            share_cores: self.share_cores,
            preempt: self.preempt,
            preempt_every: self.preempt_every,
        }
    }
}

fn args_duration(text: &str) -> Result<Nanos, String> {
    parse_duration(text).map_err(|e| e.to_string())
}

fn args_rate(text: &str) -> Result<PerSecond, String> {
    parse_packet_rate(text).map_err(|e| e.to_string())
}

fn args_preempt(text: &str) -> Result<Nanos, String> {
    parse_preempt(text).map_err(|e| e.to_string())
}

fn args_pause(text: &str) -> Result<Nanos, String> {
    parse_pause(text).map_err(|e| e.to_string())
}

pub(super) fn args_capacity(text: &str) -> Result<usize, String> {
    parse_capacity(text).map_err(|e| e.to_string())
}

pub(super) fn args_message_bytes(text: &str) -> Result<MessageSize, String> {
    parse_message_bytes(text).map_err(|e| e.to_string())
}
