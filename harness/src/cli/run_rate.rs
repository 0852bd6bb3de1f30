//! `tickcert run rate`.

use std::path::Path;

use serde::Serialize;
use tickcert_probes::{clocks, latency_hold::LatencyHold};
use tickcert_results::certificate::{NotRun, NotRunKind, RateSearch, TapeSummary, compare_to_kernel_udp};
use tickcert_scenarios::{
    profile::{Profile, resolve_lanes},
    tape::Tape,
};
use tickcert_transports::{
    Lane,
    api::{Link, Unmet},
};

use super::{
    Failure, Outcome, out,
    run_args::RateArgs,
    start, ticks,
    wired::{Wired, clocks_held},
};
use crate::{
    bench::huge_pages::HugePages,
    run::{
        huge_pages,
        limits::Limits,
        progress::Progress,
        rate::{self, Found, Quest},
        scratch::Scratch,
        trial::Stage,
        two_hosts, workload,
    },
};

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Rates {
    /// The workload.
    tape: TapeSummary,
    /// One search of each lane that ran.
    rates: Vec<RateSearch>,
    /// Lanes that did not run, and those of which no rate held.
    not_run: Vec<NotRun>,
    /// What to know when reading the rates.
    warnings: Vec<String>,
    /// Whether the cores were kept out of deep sleep, or why not.
    cpu_dma_latency: String,
    /// True when the user broke it off.
    interrupted: bool,
}

pub(super) fn main(args: &RateArgs) -> Result<Outcome, Failure> {
    let names = resolve_lanes(&args.lanes, &Lane::names()).map_err(Failure::usage)?;
    let lanes: Vec<Lane> = names.iter().filter_map(|n| Lane::by_name(n)).collect();
    let mut profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    ticks::apply(&args.ticks, &mut profile)?;
    start::transports(&profile)?;
    let progress = Progress::new(start::voice(&args.common));
    let (wired, cores) = Wired::find(&args.wire, &args.cores, &profile, &lanes, &args.common, &progress)?;
    start::listen()?;
    let link = wired.link();
    let (mut clock, scale) = clocks::start(Path::new("/")).map_err(Failure::cannot_run)?;
    let folder = Scratch::new().map_err(Failure::cannot_run)?;
    let tape_path = folder.path().join("tape");
    let tape = workload::make_tape(&profile, args.ticks.file.as_deref(), &tape_path)
        .map_err(|e| if workload::is_at_fault(&e) { Failure::usage(e) } else { Failure::cannot_run(e) })?;
    if let Some(far) = wired.far() {
        far.send_tape(&tape_path, tape.sha256()).map_err(Failure::cannot_run)?;
    }
    let hold = LatencyHold::take();
    progress.detail(&hold.describe());
    let link = Link { meeting: folder.path().to_owned(), ..link.clone() };
    let stage = Stage {
        link: &link,
        homes: wired.homes(folder.path()),
        tape: &tape,
        tape_path: &tape_path,
        scale,
        folder: folder.path(),
        exchange_core: cores.0,
        trader_core: cores.1,
        memory_nodes: profile.run.memory_nodes(),
        late_after: profile.run.orders_late_after,
        stamp_timeout: profile.stamps.timeout,
        stamps: None,
        speeds: [None; 2],
        seed: profile.run.seed,
        tail: None,
    };
    let rates = search(args, &lanes, &stage, &profile, (&hold, &wired.hypervisor()), &progress)?;
    clocks_held(&mut clock, wired.far())?;
    wired.take_down(&progress);
    print(&rates, &tape, args)?;
    let found = !rates.interrupted && rates.rates.iter().any(|s| s.highest_pps.is_some());
    Ok(if found { Outcome::OK } else { Outcome(4) })
}

fn search(
    args: &RateArgs,
    lanes: &[Lane],
    stage: &Stage<'_>,
    profile: &Profile,
    (hold, hypervisor): (&LatencyHold, &str),
    progress: &Progress,
) -> Result<Rates, Failure> {
    let far = stage.homes.far.as_ref().map(|far| far.session.as_ref());
    let limits = Limits::new(None, hypervisor);
    let mut found = Rates {
        tape: stage.tape.summary(),
        rates: Vec::new(),
        not_run: Vec::new(),
        warnings: Vec::new(),
        cpu_dma_latency: hold.describe(),
        interrupted: false,
    };
    let settings = |lane: &Lane| lane.settings(&profile.settings_of(lane.transport())).map_err(Failure::usage);
    let settings = lanes.iter().map(settings).collect::<Result<Vec<_>, _>>()?;
    let wanted = lanes.iter().copied().zip(&settings);
    let cores = (stage.exchange_core, stage.trader_core);
    let pages = huge_pages::for_run(wanted.clone(), cores, far, |text| progress.say(text)).map_err(Failure::usage)?;
    for (lane, settings) in wanted {
        let asked = two_hosts::preflight(lane, settings, stage.link.is_virtual, far);
        let caps = match asked.map_err(Failure::usage)? {
            Ok(caps) => limits.capped(caps),
            Err(unmet) => {
                found.not_run.push(not_run(lane, unmet));
                continue;
            }
        };
        progress.say(&format!("Searching for the highest rate without loss of {}", lane.name()));
        let quest = Quest {
            lane,
            settings,
            caps: &caps,
            resolution: args.resolution,
            trial: args.trial,
            stall: profile.run.stall,
        };
        match rate::find(stage, &quest, progress).map_err(Failure::cannot_run)? {
            Found::Search(search) => {
                found.not_run.extend(rate::not_run(&search));
                found.rates.push(*search);
            }
            Found::Unmet(unmet) => found.not_run.push(not_run(lane, unmet)),
            Found::Interrupted(search) => {
                found.rates.extend(search.map(|search| *search));
                found.interrupted = true;
                break;
            }
        }
    }
    if let Some(Err(e)) = pages.map(HugePages::give_back) {
        progress.say(&e.to_string());
    }
    compare_to_kernel_udp(&mut found.rates);
    found.warnings.extend(rate::buffer_warning(&found.rates, profile.run.stall));
    Ok(found)
}

fn not_run(lane: Lane, unmet: Unmet) -> NotRun {
    NotRun::new(NotRunKind::Lane, lane.name(), unmet.needs, unmet.how)
}

fn print(rates: &Rates, tape: &Tape, args: &RateArgs) -> Result<(), Failure> {
    if args.common.json {
        return out::json(rates);
    }
    out::line(format_args!(
        "Highest rate without loss: ticks at an even rate, every order compared; tape {}",
        &tape.sha256()[..12]
    ))?;
    for search in &rates.rates {
        out::line(line(search))?;
    }
    for row in &rates.not_run {
        out::line(format_args!("{:<14} not-run: needs {} ({})", row.name, row.needs, row.how))?;
    }
    for warning in &rates.warnings {
        out::line(format_args!("warning: {warning}"))?;
    }
    if rates.interrupted {
        out::line("Interrupted: the last search is not at its end, and lanes that are missing were not searched")?;
    }
    Ok(())
}

fn line(s: &RateSearch) -> String {
    let (Some(packets), Some(messages)) = (s.highest_pps, s.highest_mps) else {
        return format!("{:<14} none held, {}: {}", s.title(), s.evidence, s.why);
    };
    let next = s.fails_at_pps.map(|r| format!(", {:.0} failed", r.0)).unwrap_or_default();
    let times = s.ratio_to_kernel_udp.map(|r| format!(", {r:.2} x kernel-udp")).unwrap_or_default();
    format!(
        "{:<14} {:.0} packets/s, {:.0} messages/s, {}{times}\n{:14} sought within {:.0} %{next}, {} trials; limited by: {} ({})",
        s.title(),
        packets.0,
        messages.0,
        s.evidence,
        "",
        s.resolution * 100.0,
        s.trials.len(),
        s.limited_by,
        s.why
    )
}
