//! `tickcert verify` and `tickcert clean`.

use tickcert_results::sign;

use super::{
    Failure, Outcome,
    args::{CleanArgs, VerifyArgs},
    out,
};
use crate::{
    bench::{journal, run_dir},
    run::scratch,
};

pub(super) fn main(args: &VerifyArgs) -> Result<Outcome, Failure> {
    let allowed = args.signers.as_deref().map(sign::parse_allowed_signers).transpose().map_err(Failure::usage)?;
    // What can't be looked at is wrong use; what was looked at and refused is a no.
    let refused = if args.dir.is_dir() { Failure::negative } else { Failure::usage };
    let report = sign::verify_dir(&args.dir, allowed.as_deref()).map_err(refused)?;
    if args.print.json {
        let value = serde_json::json!({
            "ok": report.ok(), "run_id": report.run_id, "verdict": report.verdict, "signer": report.signer.to_string(),
            "signed_by": report.signed_by(), "checks": report.checks,
        });
        out::json(&value)?;
    } else {
        out::line(&report)?;
        out::line(format_args!("run {}, verdict {}", report.run_id, report.verdict))?;
    }
    Ok(Outcome(u8::from(!report.ok())))
}

pub(super) fn clean(args: &CleanArgs) -> Result<Outcome, Failure> {
    let dir = run_dir::default_path();
    let found = journal::clean(&dir).map_err(Failure::cannot_run)?;
    let left = scratch::sweep_left_behind();
    if found.is_empty() && left.is_empty() && !args.quiet {
        out::line(format_args!("Nothing to undo: no run has left a journal in {} or files of its own", dir.display()))?;
    }
    for folder in &left {
        out::line(format_args!("Removed {}, which a killed run had left", folder.display()))?;
    }
    for journal in &found {
        out::line(journal)?;
    }
    Ok(if found.iter().any(journal::Cleaned::failed) { Outcome(1) } else { Outcome::OK })
}
