//! Arguments of `tickcert run hand-off`.

use tickcert_results::time::{Nanos, PerSecond};
use tickcert_scenarios::profile::{parse_duration, parse_packet_rate};

use super::{
    args::{Common, CoreArgs},
    ticks::TicksArgs,
};
use crate::run::handoff::SIZES;

pub(super) const HANDOFF_EXAMPLES: &str = "Examples:
  tickcert run hand-off
  tickcert run hand-off --queues rtrb,mutex,mutex-blocking
  tickcert run hand-off --queues all --capacity 4096 --message-bytes 256 --json
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
    #[arg(long, value_name = "MESSAGES", default_value = "1024", value_parser = args_capacity)]
    pub(crate) capacity: usize,
    /// Bytes of a message
    #[arg(long, value_name = "64|256|1024", default_value = "64", value_parser = args_message_bytes)]
    pub(crate) message_bytes: u32,
    /// Threads that put in: the first decodes the tape, each other puts in as many messages that say nothing
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) producers: u32,
    /// Let producers beyond the first run on the decoding core where there is none for them
    #[arg(long)]
    pub(crate) share_cores: bool,
    /// Take the deciding core away for so long, time after time, by a thread of real-time priority
    #[arg(long, value_name = "TIME", value_parser = args_preempt)]
    pub(crate) preempt: Option<Nanos>,
    /// From the end of one such time until the next
    #[arg(long, value_name = "TIME", default_value = "20 ms", value_parser = args_duration, requires = "preempt")]
    pub(crate) preempt_every: Nanos,
    #[command(flatten)]
    pub(crate) cores: CoreArgs,
    #[command(flatten)]
    pub(crate) common: Common,
}

fn args_duration(text: &str) -> Result<Nanos, String> {
    parse_duration(text).map_err(|e| e.to_string())
}

fn args_rate(text: &str) -> Result<PerSecond, String> {
    parse_packet_rate(text).map_err(|e| e.to_string())
}

/// Longer than this, and the kernel's own limit on real-time threads takes part.
const LONGEST: Nanos = Nanos(100_000_000);

fn args_preempt(text: &str) -> Result<Nanos, String> {
    let length = args_duration(text)?;
    if length > LONGEST { Err(format!("`{text}` is too long: at most {LONGEST}")) } else { Ok(length) }
}

fn args_capacity(text: &str) -> Result<usize, String> {
    let capacity = text.parse::<usize>().ok().filter(|n| n.is_power_of_two() && (2..=1 << 20).contains(n));
    capacity.ok_or_else(|| format!("`{text}` is no capacity: write a power of two from 2 to {}", 1 << 20))
}

fn args_message_bytes(text: &str) -> Result<u32, String> {
    let size = text.parse::<u32>().ok().filter(|n| SIZES.contains(n));
    size.ok_or_else(|| format!("`{text}` is no size of a message: write 64, 256 or 1024"))
}
