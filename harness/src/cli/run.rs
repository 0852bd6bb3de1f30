//! `tickcert run` and the hidden `tickcert bench`.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::Path,
    process::Command,
};

use anyhow::{Context, anyhow};
use tickcert_probes::{clocks, latency_hold::LatencyHold};
use tickcert_results::certificate::Quantiles;
use tickcert_scenarios::profile::{Profile, resolve_lanes};
use tickcert_transports::{
    Lane,
    api::{Link, SoftRdma},
};

use super::{
    Failure, Outcome,
    args::{BenchAction, BenchArgs},
    out,
    run_args::{RunArgs, Scenario, ServiceTimeArgs},
    run_handoff, run_rate, start,
    wired::{EXCHANGE_NETNS, LINK, TRADER_NETNS, Wired, clocks_held},
};
use crate::{
    bench::{
        Bench, BenchSpec,
        lock::{self, IfHeld, RunLock},
    },
    run::{
        progress::Progress,
        scratch::Scratch,
        service_time::{self, Order, ServiceTimes},
    },
};

pub(super) fn main(args: &RunArgs) -> Result<Outcome, Failure> {
    match &args.scenario {
        Scenario::ServiceTime(args) => service_time(args),
        Scenario::Rate(args) => run_rate::main(args),
        Scenario::HandOff(args) => run_handoff::main(args),
    }
}

fn service_time(args: &ServiceTimeArgs) -> Result<Outcome, Failure> {
    let names = resolve_lanes(&args.lanes, &Lane::names()).map_err(Failure::usage)?;
    let lanes: Vec<Lane> = names.iter().filter_map(|n| Lane::by_name(n)).collect();
    let profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    start::transports(&profile)?;
    let progress = Progress::new(start::voice(&args.common));
    let (wired, cores) = Wired::find(&args.wire, &args.cores, &profile, &lanes, &args.common, &progress)?;
    start::listen()?;
    let link = wired.link();
    // A ping-pong tool's frames are unicast: so are these.
    let link = Link { ticks: SocketAddrV4::new(*link.trader.ip(), link.ticks.port()), ..link.clone() };
    let (mut clock, scale) = clocks::start(Path::new("/")).map_err(Failure::cannot_run)?;
    let (virtualised, logs) = (wired.hypervisor(), Scratch::new().map_err(Failure::cannot_run)?);
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
        homes: &wired.homes(logs.path()),
        scale,
        virtualised: &virtualised,
        hold: &hold,
    })
    .map_err(Failure::cannot_run)?;
    clocks_held(&mut clock, wired.far())?;
    wired.take_down(&progress);
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
    let BenchAction::Exec { soft_rdma, command } = &args.action;
    start::privilege()?;
    let lock = RunLock::take(&lock::default_path(), IfHeld::Wait, |_| ()).map_err(Failure::cannot_run)?;
    let spec = BenchSpec { soft_rdma: *soft_rdma, ..BenchSpec::default() };
    let bench = Bench::set_up(&spec).map_err(Failure::cannot_run)?;
    let device = match &bench.link.soft_rdma {
        SoftRdma::Refused(unmet) => return Err(Failure::cannot_run(unmet.clone())),
        // The device has the name of its interface.
        SoftRdma::Over(interface) => interface.as_str(),
        SoftRdma::NotMade => "",
    };
    let Some((program, rest)) = command.split_first() else { return Err(Failure::usage(anyhow!("no command"))) };
    let address = |ip: &Ipv4Addr| ip.to_string();
    let link = serde_json::to_string(&bench.link).context("can't write the link").map_err(Failure::cannot_run)?;
    let status = Command::new(program)
        .args(rest)
        .env(EXCHANGE_NETNS, &bench.exchange_netns)
        .env(TRADER_NETNS, &bench.trader_netns)
        .env("TICKCERT_EXCHANGE_ADDR", address(bench.link.orders.ip()))
        .env("TICKCERT_TRADER_ADDR", address(bench.link.trader.ip()))
        .env("TICKCERT_SOFT_RDMA", device)
        .env(LINK, link)
        .status()
        .with_context(|| format!("can't start {program}"))
        .map_err(Failure::cannot_run)?;
    drop(lock);
    Ok(Outcome(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
