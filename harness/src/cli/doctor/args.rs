//! Arguments of `tickcert doctor`.

use std::path::PathBuf;

use super::super::{args::CoreArgs, wire_args::WireArgs};

pub(crate) const DOCTOR_EXAMPLES: &str = "Examples:
  tickcert doctor                                   this host, and all of its NICs
  tickcert doctor --profile colo --exchange-interface eth2 --trader-interface eth3
  tickcert doctor --trader-host root@server2 --exchange-interface eth2 --trader-interface eth2    both hosts
  tickcert doctor --fix-script fix.sh               then read it, and: bash fix.sh apply; bash fix.sh undo
  tickcert doctor --json > findings.json
Exit status: 0 nothing is wrong, 1 something is, or the profile wants a lane that can't run here, 2 wrong use, 4 could not look.";

/// An end of the wire that may be on a host of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EndArg {
    /// Where ticks go to.
    Trader,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Profile whose cores, interfaces and lanes are looked at
    #[arg(long, value_name = "NAME|FILE", default_value = "ci")]
    pub(crate) profile: String,
    #[command(flatten)]
    pub(crate) cores: CoreArgs,
    #[command(flatten)]
    pub(crate) wire: WireArgs,
    /// Look at this end alone, as the doctor of the other host asks
    #[arg(long, value_enum, hide = true)]
    pub(crate) end: Option<EndArg>,
    /// The run sets how the interface puts off its interrupts
    #[arg(long, hide = true)]
    pub(crate) run_defers: bool,
    /// Write a script that sets what is wrong, and sets it back: to be read, then run by you
    #[arg(long, value_name = "FILE")]
    pub(crate) fix_script: Option<PathBuf>,
    /// Look at a recorded tree of another host (its /proc and /sys) instead of this one
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Print the findings as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Say only what is wrong
    #[arg(long, short)]
    pub(crate) quiet: bool,
}
