//! What every command that measures does first: privileges, the host's lock, signals, cores.

use anyhow::Context;
use tickcert_probes::affinity;

use super::{Failure, args::Common};
use crate::{
    bench::{
        lock::{self, IfHeld, RunLock},
        user_namespace::{self, Privilege},
    },
    run::{
        certify::choose_cores,
        interrupt,
        progress::{Progress, Voice},
    },
};

/// How much to say.
pub(crate) fn voice(common: &Common) -> Voice {
    match (common.quiet, common.verbose) {
        (true, _) => Voice::Quiet,
        (_, true) => Voice::Verbose,
        _ => Voice::Normal,
    }
}

/// The right to make network namespaces. Must come before any thread.
pub(crate) fn privilege() -> Result<Privilege, Failure> {
    user_namespace::enter().map_err(Failure::cannot_run)
}

/// One measuring run at a time.
pub(crate) fn lock(common: &Common, progress: &Progress) -> Result<RunLock, Failure> {
    let if_held = if common.no_wait { IfHeld::Fail } else { IfHeld::Wait };
    RunLock::take(&lock::default_path(), if_held, |holder| {
        let who = holder.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        progress.say(&format!("Another run is measuring on this host{who}: waiting for it to end"));
    })
    .map_err(Failure::cannot_run)
}

/// Ctrl-C ends the run in good order.
pub(crate) fn listen() -> Result<(), Failure> {
    interrupt::listen().context("can't listen for signals").map_err(Failure::cannot_run)
}

/// The cores asked for, or two chosen ones; both exist and differ.
pub(crate) fn cores(given: Option<(u32, u32)>) -> Result<(u32, u32), Failure> {
    let (exchange, trader) = match given {
        Some(pair) => pair,
        None => choose_cores().map_err(Failure::cannot_run)?,
    };
    affinity::check_pair(exchange, trader).map_err(Failure::usage)?;
    Ok((exchange, trader))
}
