//! `tickcert run` and the hidden `tickcert bench`.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, anyhow};
use tickcert_probes::{clocks, host, latency_hold::LatencyHold};
use tickcert_results::certificate::Quantiles;
use tickcert_scenarios::profile::{Profile, resolve_lanes};
use tickcert_transports::{Lane, api::Link};

use super::{
    Failure, Outcome,
    args::{BenchAction, BenchArgs, Common, WireArgs},
    out,
    run_args::{RunArgs, Scenario, ServiceTimeArgs},
    run_rate, start,
};
use crate::{
    bench::{
        Bench, BenchSpec,
        lock::{self, IfHeld, RunLock},
    },
    run::{
        progress::Progress,
        service_time::{self, Order, ServiceTimes},
    },
};

const EXCHANGE_NETNS: &str = "TICKCERT_EXCHANGE_NETNS";
const TRADER_NETNS: &str = "TICKCERT_TRADER_NETNS";
const LINK: &str = "TICKCERT_LINK";

pub(super) fn main(args: &RunArgs) -> Result<Outcome, Failure> {
    match &args.scenario {
        Scenario::ServiceTime(args) => service_time(args),
        Scenario::Rate(args) => run_rate::main(args),
    }
}

/// A wire: one of our own, or that of the `tickcert bench exec` around us, which holds the lock too.
pub(super) enum Wired {
    Own { bench: Bench, _lock: RunLock },
    Given { link: Link, exchange: PathBuf, trader: PathBuf },
}

impl Wired {
    /// Of our own it is made as the command line says, else of the profile's interfaces, whose interrupts are put off as the
    /// profile says.
    pub(super) fn find(
        wire: &WireArgs,
        profile: &Profile,
        common: &Common,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        if let (Some(exchange), Some(trader), Ok(link)) =
            (std::env::var_os(EXCHANGE_NETNS), std::env::var_os(TRADER_NETNS), std::env::var(LINK))
        {
            if wire.exchange_interface.is_some() || wire.force_interfaces {
                return Err(Failure::usage(anyhow!(
                    "the wire is given by `tickcert bench exec`: leave the interfaces out"
                )));
            }
            let link =
                serde_json::from_str(&link).context("TICKCERT_LINK is not understood").map_err(Failure::usage)?;
            return Ok(Self::Given { link, exchange: exchange.into(), trader: trader.into() });
        }
        let made_of = start::wire(wire, profile.interfaces.as_ref())?;
        start::bench(&made_of, wire)?.map_err(Failure::cannot_run)?;
        let lock = start::lock(common, progress)?;
        let spec = BenchSpec { wire: made_of, deferral: profile.deferral, ..BenchSpec::default() };
        let bench = Bench::set_up(&spec).map_err(Failure::cannot_run)?;
        Ok(Self::Own { bench, _lock: lock })
    }

    pub(super) fn parts(&self) -> (&Link, &Path, &Path) {
        match self {
            Self::Own { bench, .. } => (&bench.link, &bench.exchange_netns, &bench.trader_netns),
            Self::Given { link, exchange, trader } => (link, exchange, trader),
        }
    }
}

fn service_time(args: &ServiceTimeArgs) -> Result<Outcome, Failure> {
    let names = resolve_lanes(&args.lanes, &Lane::names()).map_err(Failure::usage)?;
    let lanes: Vec<Lane> = names.iter().filter_map(|n| Lane::by_name(n)).collect();
    let profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    start::transports(&profile)?;
    let cores = start::cores_of(&args.cores, &profile)?;
    let progress = Progress::new(start::voice(&args.common));
    let wired = Wired::find(&args.wire, &profile, &args.common, &progress)?;
    start::listen()?;
    let (link, exchange, trader) = wired.parts();
    // A ping-pong tool's frames are unicast: so are these.
    let link = Link { ticks: SocketAddrV4::new(*link.trader.ip(), link.ticks.port()), ..link.clone() };
    let (mut clock, scale) = clocks::start(Path::new("/")).map_err(Failure::cannot_run)?;
    let virtualised = host::read(Path::new("/")).virtualised;
    let hold = LatencyHold::take();
    progress.detail(&hold.describe());
    progress.say(&format!("Service time of {}, {} each", names.join(", "), args.duration));
    let times = service_time::measure(&Order {
        lanes: &lanes,
        profile: Some(&profile),
        frame_bytes: args.frame_bytes,
        duration: args.duration,
        cores,
        link: &link,
        exchange,
        trader,
        scale,
        virtualised: &virtualised,
        hold: &hold,
    })
    .map_err(Failure::cannot_run)?;
    start::clock_held(&mut clock)?;
    print(&times, &profile, args.common.json)?;
    Ok(if times.cells.is_empty() { Outcome(4) } else { Outcome::OK })
}

fn print(times: &ServiceTimes, profile: &Profile, json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(times).context("can't write JSON").map_err(Failure::cannot_run)?;
        return out::line(text);
    }
    out::line("Service time (closed loop, round trip at the initiating side); not tick-to-trade under load")?;
    for cell in &times.cells {
        let rtt = line(&cell.rtt_ns);
        out::line(format_args!("{:<14} {} bytes, {}: {rtt}", cell.lane, cell.frame_bytes, cell.evidence))?;
        let set = Lane::by_name(&cell.lane).map(|lane| profile.settings_of(lane.transport())).unwrap_or_default();
        for (key, value) in set {
            out::line(format_args!("{:<14} with {key} = {value}", ""))?;
        }
    }
    for row in &times.not_run {
        out::line(format_args!("{:<14} not-run: needs {} ({})", row.name, row.needs, row.how))?;
    }
    Ok(())
}

fn line(q: &Quantiles) -> String {
    let shown = |name: &str| q.by_name(name).map_or_else(|| "needs more samples".to_owned(), |n| n.to_string());
    let parts = ["min", "p50", "p90", "p99", "p99_9", "max"].map(|name| format!("{name} {}", shown(name)));
    format!("n {}, {}", q.n, parts.join(", "))
}

/// Runs a command beside a wired pair of namespaces.
pub(super) fn bench(args: &BenchArgs) -> Result<Outcome, Failure> {
    let BenchAction::Exec { command } = &args.action;
    start::privilege()?;
    let lock = RunLock::take(&lock::default_path(), IfHeld::Wait, |_| ()).map_err(Failure::cannot_run)?;
    let bench = Bench::set_up(&BenchSpec::default()).map_err(Failure::cannot_run)?;
    let Some((program, rest)) = command.split_first() else { return Err(Failure::usage(anyhow!("no command"))) };
    let address = |ip: &Ipv4Addr| ip.to_string();
    let link = serde_json::to_string(&bench.link).context("can't write the link").map_err(Failure::cannot_run)?;
    let status = Command::new(program)
        .args(rest)
        .env(EXCHANGE_NETNS, &bench.exchange_netns)
        .env(TRADER_NETNS, &bench.trader_netns)
        .env("TICKCERT_EXCHANGE_ADDR", address(bench.link.orders.ip()))
        .env("TICKCERT_TRADER_ADDR", address(bench.link.trader.ip()))
        .env(LINK, link)
        .status()
        .with_context(|| format!("can't start {program}"))
        .map_err(Failure::cannot_run)?;
    drop(lock);
    Ok(Outcome(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
