//! What a run stands on: the wire and the evidence that it can give, the receive buffers, and what is said of the lanes
//! when there is no bench.

use std::path::Path;

use anyhow::Result;
use tickcert_results::{
    certificate::{NotRun, NotRunKind},
    time::Nanos,
};
use tickcert_scenarios::{load::Arrival, tape::Tape};
use tickcert_transports::{
    Lane,
    api::{Caps, Unmet},
};

use super::{
    certify::Order,
    limits::Limits,
    plan::{self, PlannedCell},
    queues, soft_rdma, two_hosts,
};
use crate::{
    bench::{BenchSpec, Tuning, Wire, user_namespace},
    remote::protocol::Survey,
};

/// What is known of the ground before anything is set up.
pub(super) struct Ground {
    /// How good the evidence can be.
    limits: Limits,
    /// Most bytes that a receive buffer gets; `None` for no such limit.
    buffer_limit: Option<usize>,
}

impl Ground {
    /// On hosts of which one is under this hypervisor (or `none`).
    pub(super) fn new(order: &Order, hypervisor: &str) -> Self {
        let far = order.far.as_deref().map(|far| (far.host(), far.survey()));
        // Of interfaces that can't be looked at, nothing is promised; the bench will say what is wrong with them.
        let here = order.wire.virtual_because().unwrap_or_else(|e| Some(e.to_string()));
        let there = |(host, survey): (&str, &Survey)| Some(format!("on {host}, {}", survey.virtual_because.as_ref()?));
        let limits = Limits::new(here.or_else(|| far.and_then(there)), hypervisor);
        let buffers = [buffer_limit(), far.and_then(|(_, survey)| survey.buffer_limit)];
        Self { limits, buffer_limit: buffers.into_iter().flatten().min() }
    }

    /// Lanes x loads x placements that can run here; what can't goes into `not_run`.
    ///
    /// # Errors
    /// Where a load can't be planned on this tape.
    pub(super) fn plan_cells(&self, order: &Order, tape: &Tape, not_run: &mut Vec<NotRun>) -> Result<Vec<PlannedCell>> {
        let mut cells = Vec::new();
        for lane in &order.lanes {
            let settings = lane.settings(&order.profile.settings_of(lane.transport()))?;
            let virtual_link = self.limits.is_wire_virtual();
            let caps = two_hosts::preflight(*lane, &settings, virtual_link, order.far.as_deref())?;
            // Over a virtual wire nothing is sent to any.
            let queue = order.profile.queue.filter(|_| order.wire != Wire::Veth);
            let in_reach = queues::check(*lane, &settings, queue);
            match caps.and_then(|caps| in_reach.map(|()| caps)) {
                Err(unmet) => not_run.push(lane_not_run(lane.name(), unmet)),
                Ok(caps) => {
                    not_run.extend(order.lacked_by_lane(*lane, &caps));
                    let caps = self.limits.capped(caps);
                    if let Some(sweep) = &order.profile.sweep {
                        // Of its loads this one sends least: whether an order is due in it is known before the search.
                        let idle = Arrival::Constant { rate: sweep.idle };
                        plan::schedule(&idle, tape, sweep.window, order.profile.run.seed)?;
                    }
                    cells.extend(cells_of_lane(order, tape, *lane, &settings, &caps)?);
                }
            }
        }
        Ok(cells)
    }

    /// That receive buffers are smaller than what was asked for, if so.
    pub(super) fn buffer_warning(&self, wanted: usize, stall: Nanos) -> Option<String> {
        buffer_warning(self.buffer_limit, wanted, stall)
    }
}

/// The loads of a lane, each in every placement, with every kind of trader.
fn cells_of_lane(
    order: &Order,
    tape: &Tape,
    lane: Lane,
    settings: &serde_json::Value,
    caps: &Caps,
) -> Result<Vec<PlannedCell>> {
    let mut cells = Vec::new();
    for load in &order.profile.loads {
        let (schedule, passes) = plan::schedule(&load.arrival, tape, load.window, order.profile.run.seed)?;
        let seats = order.seats_of_lane(caps).into_iter();
        let with_crews = seats.flat_map(|seat| order.crews.iter().map(move |crew| (seat.clone(), crew.clone())));
        cells.extend(with_crews.map(|(seat, crew)| PlannedCell {
            lane,
            settings: settings.clone(),
            caps: caps.clone(),
            load: load.arrival,
            schedule: schedule.clone(),
            passes,
            sweep: None,
            seat,
            crew,
        }));
    }
    Ok(cells)
}

/// Most bytes that a receive buffer gets here; `None` for no such limit.
pub(crate) fn buffer_limit() -> Option<usize> {
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
    let packets_in_a_stall = most_within(cells, order.profile.run.stall);
    // Why none is wanted is said where the trials are.
    let tuning = Tuning { deferral: order.profile.deferral, queue: queues::wanted(order, cells).unwrap_or_default() };
    let stamps = order.profile.stamps.policy;
    // Settings that are not understood have been refused before.
    let soft_rdma = cells.iter().any(|cell| soft_rdma::is_wanted_by(cell.lane, &cell.settings).unwrap_or_default());
    BenchSpec { wire: order.wire.clone(), packets_in_a_stall, tuning, stamps, soft_rdma, ..BenchSpec::default() }
}

/// The most packets that any of the cells sends within the length of a stall.
pub(super) fn most_within(cells: &[PlannedCell], stall: Nanos) -> usize {
    cells.iter().map(|c| c.schedule.most_within(stall)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receive_buffer_that_the_kernel_limits_is_a_warning_with_the_sysctl_that_mends_it() {
        let warning = |limit| buffer_warning(limit, 4_000_000, Nanos::MILLI * 200);
        assert_eq!(warning(None), None);
        assert_eq!(warning(Some(4_000_000)), None);
        let text = warning(Some(212_992)).unwrap();
        assert!(text.contains("212992 bytes") && text.contains("sysctl -w net.core.rmem_max=4000000"), "{text}");
    }
}
