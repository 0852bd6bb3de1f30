//! What every command that measures does first: privileges, the host's lock, signals, cores.

use anyhow::{Context, anyhow};
use tickcert_probes::{
    affinity::{self, AffinityError},
    clocks, isolated,
};
use tickcert_results::certificate::ClockProbe;
use tickcert_scenarios::profile::{Profile, SettingRefused};
use tickcert_transports::{Lane, api::Unmet};

use super::{Failure, args::Common, wire_args::WireArgs};
use crate::{
    bench::{
        BenchError, Wire,
        interfaces::InterfaceError,
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

/// Whether each transport that the profile has settings of is one of this build, and takes them.
pub(crate) fn transports(profile: &Profile) -> Result<(), Failure> {
    let known: Vec<&str> = Lane::all().iter().map(|lane| lane.transport()).collect();
    let read = |transport: &str, settings: &_| match Lane::all().iter().find(|lane| lane.transport() == transport) {
        Some(lane) => {
            lane.settings(settings).map(drop).map_err(|e| SettingRefused { what: e.to_string(), remedy: e.remedy() })
        }
        None => Ok(()),
    };
    profile.check_transports(&known, read).map_err(Failure::usage)
}

/// Calibrates the clock once more after measuring: figures of a clock that disagrees with itself are not shown.
pub(crate) fn clock_held(clock: &mut ClockProbe) -> Result<(), Failure> {
    let again = clocks::finish(clock).map_err(Failure::cannot_run)?;
    if again.holds() {
        return Ok(());
    }
    Err(Failure::cannot_run(anyhow!(
        "the clock drifted by {:.2} ppm while measuring, of which {:.2} ppm is explained: no figure is shown; run again on a host whose time-stamp counter is steady",
        again.drift_ppm,
        again.allowed_ppm
    )))
}

/// The right to make network namespaces. Must come before any thread.
pub(crate) fn privilege() -> Result<Privilege, Failure> {
    user_namespace::enter().map_err(Failure::cannot_run)
}

/// The right to set up a bench with this wire, or what this host lacks for it. Must come before any thread.
///
/// An interface that must not be used is wrong use, and so is one that is not there if the command line names it; if
/// the profile does, which may be meant for other hosts too, this host lacks it.
pub(crate) fn bench(wire: &Wire, args: &WireArgs) -> Result<Result<Privilege, Unmet>, Failure> {
    match wire.check() {
        Ok(()) => {}
        Err(BenchError::Interface(InterfaceError::Missing { interface, there_are }))
            if args.exchange_interface.is_none() =>
        {
            return Ok(Err(Unmet {
                needs: format!("the interface {interface}, which the profile names"),
                how: format!(
                    "name others with --exchange-interface and --trader-interface; there are: {}",
                    there_are.join(", ")
                ),
            }));
        }
        Err(e @ BenchError::Interface(_)) => return Err(Failure::usage(e)),
        Err(e) => return Ok(Err(e.into_unmet())),
    }
    if user_namespace::present().is_none()
        && let Some(unmet) = wire.unmet_without_root()
    {
        return Ok(Err(unmet));
    }
    Ok(user_namespace::enter())
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
    affinity::check_pair(exchange, trader).map_err(unusable)?;
    Ok((exchange, trader))
}

/// The exchange's core where the trader is on another host: the one asked for, or a chosen one, as for both.
pub(crate) fn one_core(given: Option<u32>) -> Result<u32, Failure> {
    let chosen = || isolated::choose(1).map(|one| one.first().copied().unwrap_or_default());
    let core = given.map_or_else(chosen, Ok).map_err(Failure::cannot_run)?;
    affinity::check(core).map_err(unusable)?;
    Ok(core)
}

/// A core that there is and that this process may use, and that can't be had nevertheless, is the host's matter.
pub(crate) fn unusable(e: AffinityError) -> Failure {
    match e {
        AffinityError::Held { .. } | AffinityError::NoThread { .. } => {
            let remedy = e.remedy();
            Failure::cannot_run(anyhow::Error::new(e).context(format!("a core can't be used; {remedy}")))
        }
        e => Failure::usage(e),
    }
}
