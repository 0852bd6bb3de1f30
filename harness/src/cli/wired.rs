//! The wire of the commands that measure without judging.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use tickcert_scenarios::profile::Profile;
use tickcert_transports::{Lane, api::Link};

use super::{
    Failure,
    args::{Common, CoreArgs},
    start,
    wire_args::WireArgs,
};
use crate::{
    bench::{BenchSpec, Tuning, Wire, lock::RunLock},
    remote::Session,
    run::{endpoints::Homes, progress::Progress, queues, soft_rdma, wiring::Wiring},
};

pub(super) const EXCHANGE_NETNS: &str = "TICKCERT_EXCHANGE_NETNS";
pub(super) const TRADER_NETNS: &str = "TICKCERT_TRADER_NETNS";
pub(super) const LINK: &str = "TICKCERT_LINK";

/// A wire: one of our own, or that of the `tickcert bench exec` around us, which holds the lock too.
pub(super) enum Wired {
    Own { wiring: Box<Wiring>, far: Option<Arc<Session>>, _lock: RunLock },
    Given { link: Box<Link>, exchange: PathBuf, trader: PathBuf },
}

impl Wired {
    /// Of our own it is made as the command line says, else of the profile's interfaces, whose interrupts are put off as the
    /// profile says. With it, the cores of exchange and trader.
    pub(super) fn find(
        wire: &WireArgs,
        cores: &CoreArgs,
        profile: &Profile,
        lanes: &[Lane],
        common: &Common,
        progress: &Progress,
    ) -> Result<(Self, (u32, u32)), Failure> {
        let (exchange_core, trader_core) = wire.cores(cores, profile)?;
        let cores = (exchange_core, trader_core.unwrap_or_default());
        if let (Some(exchange), Some(trader), Ok(link)) =
            (std::env::var_os(EXCHANGE_NETNS), std::env::var_os(TRADER_NETNS), std::env::var(LINK))
        {
            if wire.exchange_interface.is_some() || wire.force_interfaces || wire.is_of_two_hosts(profile) {
                return Err(Failure::usage(anyhow!(
                    "the wire is given by `tickcert bench exec`: leave the interfaces and the trader's host out"
                )));
            }
            let link =
                serde_json::from_str(&link).context("TICKCERT_LINK is not understood").map_err(Failure::usage)?;
            return Ok((Self::Given { link, exchange: exchange.into(), trader: trader.into() }, cores));
        }
        let made_of = wire.wire(profile)?;
        start::bench(&made_of, wire)?.map_err(Failure::cannot_run)?;
        let lock = start::lock(common, progress)?;
        start::listen()?;
        let far = wire.session(profile, &made_of, trader_core, common.no_wait, progress)?;
        let cores = (cores.0, far.as_ref().map_or(cores.1, |far| far.survey().core));
        let soft_rdma = soft_rdma::is_wanted(lanes, profile).map_err(Failure::cannot_run)?;
        for lane in lanes {
            let settings = lane.settings(&profile.settings_of(lane.transport())).map_err(Failure::usage)?;
            let queue = profile.queue.filter(|_| made_of != Wire::Veth);
            queues::check(*lane, &settings, queue).map_err(Failure::usage)?;
        }
        let tuning = Tuning { deferral: profile.deferral, queue: profile.queue };
        let spec = BenchSpec { wire: made_of, tuning, soft_rdma, ..BenchSpec::default() };
        let wiring = Wiring::set_up(&spec, far.as_ref()).map_err(Failure::cannot_run)?;
        for unmet in wiring.tuned().iter().filter_map(|tuned| tuned.queue.as_ref()?.as_ref().err()) {
            progress.say(&format!("warning: no queue is chosen: {unmet}"));
        }
        Ok((Self::Own { wiring: Box::new(wiring), far, _lock: lock }, cores))
    }

    pub(super) fn link(&self) -> &Link {
        match self {
            Self::Own { wiring, .. } => wiring.link(),
            Self::Given { link, .. } => link,
        }
    }

    /// The session with the trader's host, where it is another.
    pub(super) fn far(&self) -> Option<&Session> {
        match self {
            Self::Own { far, .. } => far.as_deref(),
            Self::Given { .. } => None,
        }
    }

    /// Where the ends run.
    pub(super) fn homes<'a>(&'a self, logs: &'a Path) -> Homes<'a> {
        match self {
            Self::Own { wiring, .. } => wiring.homes(logs),
            Self::Given { exchange, trader, .. } => {
                Homes { exchange: Some(exchange), trader: Some(trader), logs, program: None, far: None }
            }
        }
    }

    /// The hypervisor of a host that takes part, or `none`.
    pub(super) fn hypervisor(&self) -> String {
        let here = tickcert_probes::host::hypervisor(Path::new("/"));
        match self.far() {
            Some(far) if here == "none" => far.survey().host.virtualised.clone(),
            _ => here,
        }
    }

    /// Gives back what was lent; what could not be is said.
    pub(super) fn take_down(self, progress: &Progress) {
        if let Self::Own { wiring, .. } = self {
            wiring.take_down().iter().for_each(|left| progress.say(&format!("warning: {left}")));
        }
    }
}

/// The clock once more, also that of the trader's host.
pub(super) fn clocks_held(
    clock: &mut tickcert_results::certificate::ClockProbe,
    far: Option<&Session>,
) -> Result<(), Failure> {
    start::clock_held(clock)?;
    let Some(far) = far else { return Ok(()) };
    let probe = far.calibrate_again().map_err(Failure::cannot_run)?;
    match (probe.drift_ppm, probe.drift_allowed_ppm) {
        (Some(drift), Some(allowed)) if drift <= allowed => Ok(()),
        _ => Err(Failure::cannot_run(anyhow!(
            "the clock of {} drifted while measuring: no figure is shown; run again on a host whose time-stamp counter is steady",
            far.host()
        ))),
    }
}
