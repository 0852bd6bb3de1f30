//! Service time: a closed loop over each lane, so that it can stand beside other ping-pong tools.

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use tickcert_probes::latency_hold::LatencyHold;
use tickcert_results::{
    certificate::{EndUsage, NotRun, NotRunKind, ServiceCell},
    hist::Histogram,
    stats::summarise::quantiles,
    time::{Nanos, TickScale},
};
use tickcert_scenarios::profile::Profile;
use tickcert_transports::{
    Lane,
    api::{Caps, Link, Role},
};

use super::{
    endpoints::{Homes, Pair},
    huge_pages,
    limits::Limits,
    trial::unmet_in,
    two_hosts,
};
use crate::endpoint::control::{PingPongReport, PingPongSpec};

/// Before measuring.
const WARM_UP: Nanos = Nanos(300_000_000);

/// What was asked for.
pub struct Order<'a> {
    /// Lanes, one after the other.
    pub lanes: &'a [Lane],
    /// Whose settings of transports are used; without one, their defaults.
    pub profile: Option<&'a Profile>,
    /// Payload of the frame.
    pub frame_bytes: u32,
    /// How long to measure each.
    pub duration: Nanos,
    /// Cores of the initiating and the echoing end.
    pub cores: (u32, u32),
    /// The wire.
    pub link: &'a Link,
    /// Where the initiating and the echoing end run.
    pub homes: &'a Homes<'a>,
    /// The time-stamp counter.
    pub scale: TickScale,
    /// Name of the hypervisor, or `none`.
    pub virtualised: &'a str,
    /// Keeps the cores out of deep sleep meanwhile, as in a certification; or says why not.
    pub hold: &'a LatencyHold,
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct ServiceTimes {
    /// One of each lane that ran.
    pub cells: Vec<ServiceCell>,
    /// Lanes that did not.
    pub not_run: Vec<NotRun>,
    /// Whether the cores were kept out of deep sleep, or why not.
    pub cpu_dma_latency: String,
}

/// Runs the closed loop over each lane.
///
/// # Errors
/// When an endpoint fails, or a frame was lost on the way: a mean of what was left would hide it.
pub fn measure(order: &Order<'_>) -> Result<ServiceTimes> {
    let mut times = ServiceTimes { cells: Vec::new(), not_run: Vec::new(), cpu_dma_latency: order.hold.describe() };
    let far = order.homes.far.as_ref().map(|far| far.session.as_ref());
    for lane in order.lanes {
        let wanted = order.profile.map(|profile| profile.settings_of(lane.transport())).unwrap_or_default();
        let settings = lane.settings(&wanted)?;
        let unmet = match two_hosts::preflight(*lane, &settings, order.link.is_virtual, far)? {
            Ok(caps) => match one(order, *lane, &settings, &caps) {
                Ok(cell) => {
                    times.cells.push(cell);
                    continue;
                }
                Err(e) => unmet_in(&e).cloned().ok_or(e)?,
            },
            Err(unmet) => unmet,
        };
        times.not_run.push(NotRun::new(NotRunKind::Lane, lane.name(), unmet.needs, unmet.how));
    }
    Ok(times)
}

fn one(order: &Order<'_>, lane: Lane, settings: &Value, caps: &Caps) -> Result<ServiceCell> {
    let link = Link { meeting: order.homes.logs.to_owned(), ..order.link.clone() };
    let nodes = order.profile.map(|profile| profile.run.memory_nodes()).unwrap_or_default();
    let memory = |role| match role {
        Role::Exchange => nodes.0,
        Role::Trader => nodes.1,
    };
    let spec = |role, core| PingPongSpec {
        lane: lane.name().to_owned(),
        settings: settings.clone(),
        role,
        link: link.clone(),
        core,
        memory_node: memory(role),
        frame_bytes: order.frame_bytes,
        duration: order.duration,
        warm_up: WARM_UP,
        scale: order.scale,
    };
    // Where there are none to be had, the lane itself says so.
    let far = order.homes.far.as_ref().map(|far| far.session.as_ref());
    let _pages = huge_pages::for_run(std::iter::once((lane, settings)), order.cores, far, |_| ())?;
    let homes = order.homes.of_lane(lane, settings)?;
    let fittings = homes.fittings(&link)?;
    let ended =
        Pair::start(&homes)?.ping_pong(&spec(Role::Exchange, order.cores.0), &spec(Role::Trader, order.cores.1));
    // What the ends say comes first: a lane that can't run is no fault.
    let restored = fittings.restore();
    let (exchange, trader) = ended?;
    restored?;
    if let Some(broken) = exchange.broken.as_ref().or(trader.broken.as_ref()) {
        bail!("{}: {broken}", lane.name());
    }
    if exchange.lost > 0 {
        bail!(
            "{}: {} round trips were lost: a service time without them would be too good",
            lane.name(),
            exchange.lost
        );
    }
    let rtt = Histogram::from_base64(&exchange.rtt)?;
    Ok(ServiceCell {
        lane: lane.name().to_owned(),
        settings: settings.clone(),
        evidence: Limits::new(None, order.virtualised).capped(caps.clone()).evidence,
        frame_bytes: order.frame_bytes,
        rtt_ns: quantiles(&[&rtt], 1)?,
        round_trips: exchange.round_trips,
        exchange: used(exchange),
        trader: used(trader),
    })
}

fn used(end: PingPongReport) -> EndUsage {
    EndUsage {
        voluntary_switches: end.usage.voluntary_switches,
        involuntary_switches: end.usage.involuntary_switches,
        minor_faults: end.usage.minor_faults,
        major_faults: end.usage.major_faults,
        allocator_calls: end.usage.allocator_calls,
        facts: end.facts,
    }
}
