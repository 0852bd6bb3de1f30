//! What a run stands on: the wire and the evidence that it can give, the receive buffers, and what is said of the lanes
//! when there is no bench.

use std::path::Path;

use anyhow::Result;
use tickcert_results::{
    certificate::{NotRun, NotRunKind, Sut},
    evidence::Evidence,
    time::Nanos,
};
use tickcert_scenarios::{load::Arrival, tape::Tape};
use tickcert_transports::{
    api::{Caps, Unmet, buffer_for},
    dispatch,
};

use super::{
    certify::Order,
    plan::{self, PlannedCell},
};
use crate::{
    bench::{BenchSpec, user_namespace},
    cli::Preflight,
};

/// What is known of the ground before anything is set up.
pub(super) struct Ground {
    /// Why the wire gives emulated evidence only, if so.
    virtual_wire: Option<String>,
    /// Why the host does.
    virtual_host: Option<String>,
    /// Most bytes that a receive buffer gets; `None` for no such limit.
    buffer_limit: Option<usize>,
}

impl Ground {
    pub(super) fn new(order: &Order, sut: &Sut) -> Self {
        let hypervisor = &sut.host.virtualised;
        Self {
            // Of interfaces that can't be looked at, nothing is promised; the bench will say what is wrong with them.
            virtual_wire: order.wire.virtual_because().unwrap_or_else(|e| Some(e.to_string())),
            virtual_host: (hypervisor != "none").then(|| format!("the host is a virtual machine ({hypervisor})")),
            buffer_limit: buffer_limit(),
        }
    }

    /// Lanes x loads that can run here; what can't goes into `not_run`.
    ///
    /// # Errors
    /// Where a load can't be planned on this tape.
    pub(super) fn plan_cells(&self, order: &Order, tape: &Tape, not_run: &mut Vec<NotRun>) -> Result<Vec<PlannedCell>> {
        let mut cells = Vec::new();
        for lane in &order.lanes {
            let settings = lane.settings(&order.profile.settings_of(lane.transport()))?;
            let virtual_link = self.virtual_wire.is_some();
            match dispatch(*lane, Preflight { settings: &settings, virtual_link })? {
                Err(unmet) => not_run.push(lane_not_run(lane.name(), unmet)),
                Ok(caps) => {
                    let caps = self.capped(caps);
                    if let Some(sweep) = &order.profile.sweep {
                        // Of its loads this one sends least: whether an order is due in it is known before the search.
                        let idle = Arrival::Constant { rate: sweep.idle };
                        plan::schedule(&idle, tape, sweep.window, order.profile.run.seed)?;
                    }
                    for load in &order.profile.loads {
                        let (schedule, passes) =
                            plan::schedule(&load.arrival, tape, load.window, order.profile.run.seed)?;
                        cells.push(PlannedCell {
                            lane: *lane,
                            settings: settings.clone(),
                            caps: caps.clone(),
                            load: load.arrival,
                            schedule,
                            passes,
                            sweep: None,
                        });
                    }
                }
            }
        }
        Ok(cells)
    }

    /// No lane gives better evidence than the ground that it stands on, and the certificate says which ground that is.
    fn capped(&self, caps: Caps) -> Caps {
        match (&self.virtual_wire, &self.virtual_host) {
            (Some(why), _) if caps.own_wire.is_none() && caps.evidence >= Evidence::Emulated => {
                Caps { evidence: Evidence::Emulated, evidence_why: why.clone(), ..caps }
            }
            // Whatever the wire, a virtual machine's clock and cores are not the hardware's own.
            (_, Some(why)) if caps.evidence > Evidence::Emulated => {
                Caps { evidence: Evidence::Emulated, evidence_why: why.clone(), ..caps }
            }
            _ => caps,
        }
    }

    /// That receive buffers are smaller than what was asked for, if so.
    pub(super) fn buffer_warning(&self, wanted: usize, stall: Nanos) -> Option<String> {
        buffer_warning(self.buffer_limit, wanted, stall)
    }
}

/// Most bytes that a receive buffer gets here; `None` for no such limit.
pub(super) fn buffer_limit() -> Option<usize> {
    if user_namespace::can_force_buffers() { None } else { user_namespace::receive_buffer_limit(Path::new("/")) }
}

/// That receive buffers are smaller than what was asked for, if so.
pub(super) fn buffer_warning(limit: Option<usize>, wanted: usize, stall: Nanos) -> Option<String> {
    let limit = limit.filter(|limit| *limit < wanted)?;
    Some(format!(
        "receive buffers hold {limit} bytes, not the {wanted} that outlast a stall of {stall}: beyond net.core.rmem_max goes only root on the host (run as root, or `sysctl -w net.core.rmem_max={wanted}`)"
    ))
}

/// A row for each lane that was planned: what it needs is a bench.
pub(super) fn none_runs(planned: &[PlannedCell], unmet: &Unmet, not_run: &mut Vec<NotRun>) {
    for cell in planned {
        let name = cell.lane.name();
        if !not_run.iter().any(|row| row.name == name) {
            not_run.push(lane_not_run(name, unmet.clone()));
        }
    }
}

pub(super) fn lane_not_run(lane: &str, unmet: Unmet) -> NotRun {
    NotRun::new(NotRunKind::Lane, lane, unmet.needs, unmet.how)
}

/// Says of the lanes that the profile can do without that it can.
pub(super) fn mark_optional(optional: &[String], not_run: &mut [NotRun]) {
    for row in not_run.iter_mut().filter(|row| row.kind == NotRunKind::Lane) {
        row.optional = optional.contains(&row.name);
    }
}

/// Receive buffers hold the most that any load sends within the length of a stall.
pub(super) fn bench_spec(order: &Order, cells: &[PlannedCell]) -> BenchSpec {
    let receive_buffer = buffer_for(most_within(cells, order.profile.run.stall));
    let deferral = order.profile.deferral;
    BenchSpec { wire: order.wire.clone(), receive_buffer, deferral, ..BenchSpec::default() }
}

/// The most packets that any of the cells sends within the length of a stall.
pub(super) fn most_within(cells: &[PlannedCell], stall: Nanos) -> usize {
    cells.iter().map(|c| c.schedule.most_within(stall)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tickcert_results::certificate::OrderChannel;

    use super::*;

    fn ground(wire: Option<&str>, host: Option<&str>, buffer_limit: Option<usize>) -> Ground {
        Ground { virtual_wire: wire.map(str::to_owned), virtual_host: host.map(str::to_owned), buffer_limit }
    }

    fn capped(ground: &Ground, evidence: Evidence) -> (Evidence, String) {
        let caps = ground.capped(Caps {
            orders: OrderChannel::Tcp,
            evidence,
            evidence_why: "the lane's own".to_owned(),
            own_wire: None,
        });
        (caps.evidence, caps.evidence_why)
    }

    #[test]
    fn evidence_is_that_of_the_lane_on_real_devices_and_bare_metal_only() {
        let own = |evidence| (evidence, "the lane's own".to_owned());
        let emulated = |why: &str| (Evidence::Emulated, why.to_owned());
        assert_eq!(capped(&ground(None, None, None), Evidence::Software), own(Evidence::Software));
        assert_eq!(capped(&ground(Some("a veth"), None, None), Evidence::Software), emulated("a veth"));
        assert_eq!(capped(&ground(None, Some("a kvm"), None), Evidence::Wire), emulated("a kvm"));
        assert_eq!(capped(&ground(Some("a veth"), Some("a kvm"), None), Evidence::Emulated), emulated("a veth"));
        assert_eq!(capped(&ground(Some("a veth"), Some("a kvm"), None), Evidence::Simulated), own(Evidence::Simulated));
    }

    #[test]
    fn a_receive_buffer_that_the_kernel_limits_is_a_warning_with_the_sysctl_that_mends_it() {
        let warning = |limit| ground(None, None, limit).buffer_warning(4_000_000, Nanos::MILLI * 200);
        assert_eq!(warning(None), None);
        assert_eq!(warning(Some(4_000_000)), None);
        let text = warning(Some(212_992)).unwrap();
        assert!(text.contains("212992 bytes") && text.contains("sysctl -w net.core.rmem_max=4000000"), "{text}");
    }
}
