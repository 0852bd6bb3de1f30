//! Commands and their arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use tickcert_results::stamp::StampPolicy;
use tickcert_scenarios::profile::parse_policy;

use super::{
    crew_args::CrewArgs,
    doctor::{DOCTOR_EXAMPLES, DoctorArgs},
    matrix::{MATRIX_EXAMPLES, MatrixArgs},
    probe::{self, ProbeArgs},
    run_args::{RUN_EXAMPLES, RunArgs},
    ticks::TicksArgs,
    wire_args::WireArgs,
};

/// Measures how long this host takes from a market-data tick to an order, and certifies it.
#[derive(Debug, Parser)]
#[command(name = "tickcert", version = crate::version::LONG, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 pass, 1 fail, 2 wrong use or configuration, 3 not certifiable, 4 could not run."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a profile and issue a certificate
    #[command(after_help = CERTIFY_EXAMPLES)]
    Certify(CertifyArgs),
    /// Run one scenario without judging it
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Run the same work in every distinct placement of this host, and say which one is best
    #[command(after_help = MATRIX_EXAMPLES)]
    Matrix(MatrixArgs),
    /// List the lanes, and what each needs that this host lacks
    #[command(after_help = LANES_EXAMPLES)]
    Lanes(LanesArgs),
    /// List the hand-offs: the queues that may stand between decode and decide
    #[command(after_help = HANDOFFS_EXAMPLES)]
    Handoffs(LanesArgs),
    /// Say what on this host spoils measurements, and what sets it right; changes nothing
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Look at this host's parts, and measure what lies between them
    #[command(after_help = probe::EXAMPLES)]
    Probe(ProbeArgs),
    /// Put known delays, stalls and faults into the trader and show that the method finds them
    #[command(after_help = SELFTEST_EXAMPLES)]
    Selftest(SelftestArgs),
    /// Compare two certificates
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// List earlier runs from the store
    #[command(after_help = HISTORY_EXAMPLES)]
    History(HistoryArgs),
    /// Write the HTML of an earlier run again
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Check a certificate's signature and files
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Undo what a run that was killed has left on this host
    #[command(after_help = CLEAN_EXAMPLES)]
    Clean(CleanArgs),
    /// Print shell completions
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// One end of a trial; started by the other commands
    #[command(hide = true)]
    Endpoint(EndpointArgs),
    /// Run a command beside a wired pair of namespaces, for comparing with other tools
    #[command(hide = true)]
    Bench(BenchArgs),
}

const CERTIFY_EXAMPLES: &str = "Examples:
  tickcert certify                                  the built-in profile `ci`, generated ticks
  tickcert certify --profile colo --label srv-17    qualify a server
  tickcert certify --exchange-interface eth2 --trader-interface eth3    over two NICs, cabled to each other
  tickcert certify --trader-host root@server2 --exchange-interface eth2 --trader-interface eth2    between two hosts
  tickcert certify --profile threads --handoffs inline,rtrb    a trader in one thread beside one in three, on four cores
  tickcert certify --profile threads --queue-message-bytes 1024    three threads that hand on larger messages
  tickcert certify --ticks 01302019.NASDAQ_ITCH50.gz --from 09:30:00 --until 09:35:00
  tickcert certify --profile ./mine.toml --json > certificate.json";

const HANDOFFS_EXAMPLES: &str = "Examples:
  tickcert handoffs
  tickcert handoffs --json";

const LANES_EXAMPLES: &str = "Examples:
  tickcert lanes
  tickcert lanes --json";

const HISTORY_EXAMPLES: &str = "Examples:
  tickcert history
  tickcert history --profile colo --lane kernel-udp --limit 50
  tickcert history --json > runs.json";

const REPORT_EXAMPLES: &str = "Examples:
  tickcert report last --out last.html
  tickcert report out/ > certificate.html";

const CLEAN_EXAMPLES: &str = "Examples:
  tickcert clean
  tickcert clean --quiet       for a start-up script";

const COMPLETIONS_EXAMPLES: &str = "Examples:
  tickcert completions bash > ~/.local/share/bash-completion/completions/tickcert
  tickcert completions zsh > ~/.zfunc/_tickcert";

const SELFTEST_EXAMPLES: &str = "Examples:
  tickcert selftest            the whole proof, about half an hour
  tickcert selftest --short    the short form, about two minutes
  tickcert selftest --only busy,faults";

const COMPARE_EXAMPLES: &str = "Examples:
  tickcert compare before/ after/                   folders of certificates
  tickcert compare 20261123T0730 last               runs of the store
  tickcert compare a/certificate.json b/ --json";

const VERIFY_EXAMPLES: &str = "Examples:
  tickcert verify out/
  tickcert verify out/ --signers allowed_signers
With OpenSSH alone:
  ssh-keygen -Y verify -f allowed_signers -I tickcert -n tickcert -s certificate.json.sig < certificate.json";

/// What every command that measures has.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Common {
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Say nothing but errors and the result
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Fail instead of waiting when another run is measuring on this host
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Where the ends run.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct CoreArgs {
    /// Core of the exchange, the end that sends first
    #[arg(long, value_name = "CORE", requires = "trader_core")]
    exchange_core: Option<u32>,
    /// Core of the trader, the end that answers
    #[arg(long, value_name = "CORE", requires = "exchange_core")]
    trader_core: Option<u32>,
}

impl CoreArgs {
    /// Cores of exchange and trader, where they were given.
    pub(crate) fn pair(self) -> Option<(u32, u32)> {
        self.exchange_core.zip(self.trader_core)
    }
}

/// Where past runs are kept.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StoreArg {
    /// Store [default: results.sqlite in the user's data folder]
    #[arg(long = "store", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// How commands that don't measure print their result.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Print {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CertifyArgs {
    /// Name of a built-in profile (ci, colo, matrix, threads) or path of a TOML file
    #[arg(long, default_value = "ci")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) ticks: TicksArgs,
    /// Lanes, instead of the profile's: these must run
    #[arg(long, value_delimiter = ',', value_name = "LANE,…")]
    pub(crate) lanes: Vec<String>,
    /// Repetitions of each cell, instead of the profile's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repetitions: Option<u32>,
    /// Hardware stamps, instead of the profile's policy: require, prefer or off
    #[arg(long, value_name = "POLICY", value_parser = parse_policy)]
    pub(crate) stamps: Option<StampPolicy>,
    #[command(flatten)]
    pub(crate) cores: CoreArgs,
    /// Placements to measure beside each other, instead of the profile's: all, or words as in `tickcert matrix --help`
    #[arg(long, value_delimiter = ',', value_name = "PLACEMENT,…", conflicts_with_all = ["exchange_core", "trader_core"])]
    pub(crate) placements: Vec<String>,
    #[command(flatten)]
    pub(crate) crew: CrewArgs,
    #[command(flatten)]
    pub(crate) wire: WireArgs,
    /// Folder of the certificate [default: tickcert-out/<run id>]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    /// Key that signs [default: signing-key in the user's data folder, made on first use]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Your name for this machine [default: its host name]
    #[arg(long)]
    pub(crate) label: Option<String>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LanesArgs {
    #[command(flatten)]
    pub(crate) print: Print,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SelftestArgs {
    /// The short form
    #[arg(long)]
    pub(crate) short: bool,
    /// Only these parts: busy, stall, faults, generator, comparisons
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Folder or file of a certificate, or run id (or its beginning, or `last`) from the store
    pub(crate) a: String,
    /// As above
    pub(crate) b: String,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) print: Print,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// Only runs of this profile
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Only this lane
    #[arg(long)]
    pub(crate) lane: Option<String>,
    /// At most so many runs
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) print: Print,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Folder or file of a certificate, or run id (or its beginning, or `last`) from the store
    pub(crate) which: String,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// Folder of the certificate
    pub(crate) dir: PathBuf,
    /// Keys to trust, in the form of ssh-keygen's allowed signers
    #[arg(long, value_name = "FILE")]
    pub(crate) signers: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) print: Print,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CleanArgs {
    /// Say nothing when there is nothing to undo
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EndpointArgs {
    /// Process that this one dies with
    #[arg(long, required_unless_present = "agent")]
    pub(crate) parent: Option<u32>,
    /// Network namespace to enter
    #[arg(long)]
    pub(crate) netns: Option<PathBuf>,
    /// Serve a run on another host, which has started this over ssh
    #[arg(long, conflicts_with_all = ["parent", "netns"])]
    pub(crate) agent: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) action: BenchAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchAction {
    /// Run a command with TICKCERT_EXCHANGE_NETNS, TICKCERT_TRADER_NETNS and the addresses set
    Exec {
        /// Make a soft-RoCE device too, and set TICKCERT_SOFT_RDMA to its name
        #[arg(long)]
        soft_rdma: bool,
        /// The command
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}
