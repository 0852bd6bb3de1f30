//! Arguments of `tickcert run`.

use clap::Subcommand;
use tickcert_results::time::Nanos;
use tickcert_scenarios::profile::{parse_duration, parse_resolution, parse_trial};

use super::{
    args::{Common, CoreArgs},
    run_handoff_args::{HANDOFF_EXAMPLES, HandoffArgs},
    ticks::TicksArgs,
    wire_args::WireArgs,
};

pub(super) const RUN_EXAMPLES: &str = "Examples:
  tickcert run service-time --lanes kernel-udp --json
  tickcert run service-time --lanes kernel-udp,kernel-tcp --frame-bytes 64 --duration 2s
  tickcert run service-time --lanes dpdk-pci --profile ./desk7.toml
  tickcert run service-time --trader-host root@server2 --exchange-interface eth2 --trader-interface eth2
  tickcert run rate --lanes kernel-udp,kernel-tcp
  tickcert run hand-off --queues rtrb,mutex";

const RATE_EXAMPLES: &str = "Examples:
  tickcert run rate --lanes kernel-udp,kernel-tcp
  tickcert run rate --lanes all --ticks 01302019.NASDAQ_ITCH50.gz --from 09:30:00 --until 09:35:00
  tickcert run rate --resolution '2 %' --trial 2s";

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Closed loop: one frame there and back; service time, not tick-to-trade under load
    #[command(after_help = RUN_EXAMPLES)]
    ServiceTime(ServiceTimeArgs),
    /// Search for the highest tick rate that loses nothing and leaves nobody behind
    #[command(after_help = RATE_EXAMPLES)]
    Rate(RateArgs),
    /// Compare the queues between decode and decide, on two cores, with ticks from memory
    #[command(after_help = HANDOFF_EXAMPLES)]
    HandOff(HandoffArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RateArgs {
    /// Lanes
    #[arg(long, value_delimiter = ',', value_name = "LANE,…", default_value = "kernel-udp")]
    pub(crate) lanes: Vec<String>,
    /// Profile whose ticks, strategy and limits are used; its loads and requirements are not
    #[arg(long, default_value = "ci")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) ticks: TicksArgs,
    /// How near the highest rate that held and the lowest that failed must come, 1 % to 50 %
    #[arg(long, value_name = "SHARE", default_value = "5 %", value_parser = args_resolution)]
    pub(crate) resolution: f64,
    /// How long each trial sends: less where 8 million packets are fewer, more where 100 orders take longer
    #[arg(long, value_name = "TIME", default_value = "1 s", value_parser = args_trial)]
    pub(crate) trial: Nanos,
    #[command(flatten)]
    pub(crate) cores: CoreArgs,
    #[command(flatten)]
    pub(crate) wire: WireArgs,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ServiceTimeArgs {
    /// Lanes
    #[arg(long, value_delimiter = ',', value_name = "LANE,…", default_value = "kernel-udp")]
    pub(crate) lanes: Vec<String>,
    /// Profile whose [transport.*], [bench] and placement are used; the rest of it is not
    #[arg(long, value_name = "NAME|FILE", default_value = "ci")]
    pub(crate) profile: String,
    /// Payload of the frame
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1472))]
    pub(crate) frame_bytes: u32,
    /// How long to measure each lane
    #[arg(long, value_name = "TIME", default_value = "2 s", value_parser = args_duration)]
    pub(crate) duration: Nanos,
    #[command(flatten)]
    pub(crate) cores: CoreArgs,
    #[command(flatten)]
    pub(crate) wire: WireArgs,
    #[command(flatten)]
    pub(crate) common: Common,
}

pub(super) fn args_duration(text: &str) -> Result<Nanos, String> {
    parse_duration(text).map_err(|e| e.to_string())
}

fn args_trial(text: &str) -> Result<Nanos, String> {
    parse_trial(text).map_err(|e| e.to_string())
}

fn args_resolution(text: &str) -> Result<f64, String> {
    parse_resolution(text).map_err(|e| e.to_string())
}
