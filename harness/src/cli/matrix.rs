//! `tickcert matrix`: a certification in every distinct placement of this host.

use std::path::PathBuf;

use super::{
    Failure, Outcome,
    args::{CertifyArgs, Common, CoreArgs, StoreArg},
    certify,
    crew_args::CrewArgs,
    ticks::TicksArgs,
    wire_args::WireArgs,
};

pub(crate) const MATRIX_EXAMPLES: &str = "Placements are named by words; what is near is left out of names:
  smt-sibling, same-l3, other-l3, same-socket, other-socket   the cores of exchange and trader
  nic-local, nic-remote                                       the trader's interface, seen from its core
  mem-local, mem-remote                                       the trader's memory, seen from its core
  irq-same, irq-other                                         interrupts of the trader's interface: on its core, or another

Examples:
  tickcert matrix                                        over kernel-udp, all placements that there are
  tickcert matrix --lanes kernel-udp,shm --repetitions 10
  tickcert matrix --exchange-interface eth2 --trader-interface eth3 --lanes afxdp-zc
  tickcert matrix --placements same-l3,other-l3+mem-remote
  tickcert matrix --profile ./desk7.toml --json > certificate.json";

#[derive(Debug, clap::Args)]
pub(crate) struct MatrixArgs {
    /// Name of a built-in profile or path of a TOML file, whose `placements` count
    #[arg(long, default_value = "matrix")]
    profile: String,
    #[command(flatten)]
    ticks: TicksArgs,
    /// Lanes, instead of the profile's: these must run
    #[arg(long, value_delimiter = ',', value_name = "LANE,…")]
    lanes: Vec<String>,
    /// Placements, instead of the profile's: all, or some by the words below, joined by `+` where several must apply
    #[arg(long, value_delimiter = ',', value_name = "PLACEMENT,…")]
    placements: Vec<String>,
    /// Repetitions in each placement, instead of the profile's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repetitions: Option<u32>,
    #[command(flatten)]
    wire: WireArgs,
    /// Folder of the certificate [default: tickcert-out/<run id>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArg,
    /// Key that signs [default: signing-key in the user's data folder, made on first use]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Your name for this machine [default: its host name]
    #[arg(long)]
    label: Option<String>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn main(args: MatrixArgs) -> Result<Outcome, Failure> {
    let MatrixArgs { profile, ticks, lanes, placements, repetitions, wire, out, store, key, label, common } = args;
    let (stamps, cores, crew) = (None, CoreArgs::default(), CrewArgs::default());
    let args = CertifyArgs {
        profile,
        ticks,
        lanes,
        repetitions,
        stamps,
        cores,
        placements,
        crew,
        wire,
        out,
        store,
        key,
        label,
        common,
    };
    certify::of_placements(&args)
}
