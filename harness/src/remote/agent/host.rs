//! What the agent finds out about its host.

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::Value;
use tickcert_probes::{affinity, audit, clocks, host, isolated, latency_hold::LatencyHold, noise};
use tickcert_results::{
    certificate::{ClockProbe, Probes},
    time::{Nanos, TickScale},
};
use tickcert_transports::{
    Lane,
    api::{Caps, Unmet},
    dispatch,
};

use super::{Problem, failed, of_bench};
use crate::{
    bench::{
        huge_pages::HugePages,
        interfaces,
        lock::{self, IfHeld, LockError, RunLock},
        user_namespace::{self, Privilege},
        wire,
    },
    cli::Preflight,
    remote::protocol::{Probed, Survey},
    run::{ground, huge_pages as pages, overhead, settings},
};

/// The host, taken for this run.
pub(super) struct Found {
    pub(super) interface: String,
    pub(super) force: bool,
    pub(super) core: u32,
    pub(super) scale: TickScale,
    clock: ClockProbe,
    hold: LatencyHold,
    /// `None` where the run is on this host, and holds it.
    _lock: Option<RunLock>,
}

/// Of this start of this host.
#[must_use]
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

impl Found {
    /// Looks, and takes the host's lock; nothing else is touched.
    pub(super) fn look(
        interface: String,
        force: bool,
        core: Option<u32>,
        of_run: &str,
    ) -> Result<(Self, Survey), Problem> {
        if user_namespace::present() != Some(Privilege::Host) {
            return Err(Problem::Lacks {
                unmet: Unmet {
                    needs: format!("root there, to lend {interface} to the bench"),
                    how: "name a user who is root: root@HOST".to_owned(),
                },
            });
        }
        let of_host = |e: &dyn std::fmt::Display| Problem::Refused { what: e.to_string() };
        interfaces::check_one(&interface, force).map_err(of_bench)?;
        let chosen = || isolated::choose(1).map(|one| one.first().copied().unwrap_or_default());
        let core = core.map_or_else(chosen, Ok).map_err(|e| of_host(&e))?;
        affinity::check(core).map_err(|e| of_host(&e))?;
        let lock = if boot_id() == of_run {
            None
        } else {
            match RunLock::take(&lock::default_path(), IfHeld::Fail, |_| ()) {
                Ok(lock) => Some(lock),
                Err(LockError::Held { holder }) => return Err(Problem::Busy { holder }),
                Err(e) => return Err(failed(&e.into())),
            }
        };
        let root = Path::new("/");
        let virtual_because = wire::virtual_because(&[&interface]).map_err(of_bench)?;
        let (clock, scale) = clocks::start(root).map_err(|e| failed(&e.into()))?;
        let hold = LatencyHold::take();
        let survey = Survey {
            host: host::read(root),
            core,
            clock: clock.clone(),
            virtual_because,
            buffer_limit: ground::buffer_limit(),
        };
        Ok((Self { interface, force, core, scale, clock, hold, _lock: lock }, survey))
    }

    pub(super) fn probe(&self, duration: Nanos, threshold: Nanos) -> Probed {
        let mut audit = audit::read(Path::new("/"), &[self.core]);
        audit.push(settings::held(&self.hold));
        let mut probes = Probes::default();
        overhead::measure(&mut probes, self.scale);
        let watched = noise::measure(Path::new("/"), &[self.core], duration, threshold, self.scale);
        let (noise, uncounted) = match watched {
            Ok(watched) => (Ok(watched.probe), watched.uncounted),
            Err(e) => (Err(format!("{:#}", anyhow::Error::new(e))), Vec::new()),
        };
        Probed { audit, noise, uncounted, stamp_cost_ns: probes.stamp_cost_ns, record_cost_ns: probes.record_cost_ns }
    }

    /// The clock's record, with both calibrations.
    pub(super) fn calibrate_again(&mut self) -> Result<ClockProbe, Problem> {
        clocks::finish(&mut self.clock).map_err(|e| failed(&e.into()))?;
        Ok(self.clock.clone())
    }
}

/// What a lane can do here.
pub(super) fn preflight(lane: &str, settings: &Value, virtual_link: bool) -> Result<Result<Caps, Unmet>> {
    let lane = crate::endpoint::lane(lane)?;
    Ok(dispatch(lane, Preflight { settings, virtual_link })?)
}

/// Sets huge pages aside; and what there is to say about it.
pub(super) fn huge_pages(lanes: &[(String, Value)], core: u32) -> Result<(Option<HugePages>, Option<String>)> {
    let lanes = lanes.iter().map(|(name, settings)| Ok((crate::endpoint::lane(name)?, settings)));
    let lanes = lanes.collect::<Result<Vec<(Lane, &Value)>>>()?;
    let mut said = None;
    let pages = pages::for_lanes(lanes.into_iter(), (core, core), |text| said = Some(text.to_owned()))?;
    Ok((pages, said))
}
