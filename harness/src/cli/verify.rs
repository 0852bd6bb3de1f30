//! `tickcert verify` and `tickcert clean`.

use anyhow::Context;
use tickcert_results::sign;

use super::{
    Failure, Outcome,
    args::{CleanArgs, VerifyArgs},
};
use crate::bench::journal;

#[expect(clippy::print_stdout, reason = "the command's result")]
pub(super) fn main(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let allowed = args.signers.as_deref().map(sign::parse_allowed_signers).transpose().map_err(Failure::usage)?;
    let report = sign::verify_dir(&args.dir, allowed.as_deref()).map_err(Failure::negative)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).context("can't write JSON").map_err(Failure::cannot_run)?);
    } else {
        print!("{report}");
    }
    Ok(Outcome(u8::from(!report.ok())))
}

#[expect(clippy::print_stdout, reason = "the command's result")]
pub(super) fn clean(args: &CleanArgs) -> Result<Outcome, Failure> {
    let report = journal::clean().map_err(Failure::cannot_run)?;
    if !(args.quiet && report.is_empty()) {
        print!("{report}");
    }
    Ok(if report.failed() { Outcome(1) } else { Outcome::OK })
}
