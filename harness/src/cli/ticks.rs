//! Ticks of one's own, and the part of them that is wanted.

use std::path::PathBuf;

use anyhow::anyhow;
use tickcert_scenarios::{
    feed::TimeOfDay,
    profile::{Profile, TapeSpec},
};

use super::Failure;

/// Their arguments.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TicksArgs {
    /// Ticks: ITCH 5.0 BinaryFILE (plain, .gz, .zst) or pcap/pcapng of MoldUDP64, instead of the profile's
    #[arg(id = "ticks", long = "ticks", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Of a file of ticks, those from this time of day on, by its own messages [default: the profile's, else all]
    #[arg(long, value_name = "HH:MM:SS")]
    pub(crate) from: Option<TimeOfDay>,
    /// Of a file of ticks, those before this time of day [default: the profile's, else all]
    #[arg(long, value_name = "HH:MM:SS")]
    pub(crate) until: Option<TimeOfDay>,
}

/// Puts the excerpt of the command line in place of the profile's, and checks that there is a file that it can be of.
pub(super) fn apply(args: &TicksArgs, profile: &mut Profile) -> Result<(), Failure> {
    if let Some(file) = args.file.as_ref().filter(|f| !f.is_file()) {
        return Err(Failure::usage(anyhow!("--ticks {}: no such file", file.display())));
    }
    let given = args.from.is_some() || args.until.is_some();
    if given && args.file.is_none() && matches!(profile.tape, TapeSpec::Generator { .. }) {
        return Err(Failure::usage(anyhow!(
            "--from and --until are for ticks from a file, and the profile's are generated: add --ticks"
        )));
    }
    profile.check_excerpt(args.file.is_some()).map_err(Failure::usage)?;
    profile.excerpt = profile.excerpt.with(args.from, args.until).map_err(Failure::usage)?;
    Ok(())
}
