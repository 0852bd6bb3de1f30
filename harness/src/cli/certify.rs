//! `tickcert certify`.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use jiff::Timestamp;
use tickcert_probes::isolated;
use tickcert_results::{certificate::Certificate, report::render_terminal, sign::SigningKey};
use tickcert_scenarios::profile::{PlacementSelection, Profile, parse_placements, resolve_lanes};
use tickcert_transports::Lane;

use super::{Failure, Outcome, args::CertifyArgs, out, places, start, ticks};
use crate::bench::Wire;
use crate::run::{
    certify::{self, Order},
    output,
    placements::Seats,
    progress::{Progress, Voice},
    workload,
};

pub(super) fn main(args: &CertifyArgs) -> Result<Outcome, Failure> {
    let profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    run(args, profile, Vec::new())
}

/// As [`main`], in every placement if the profile doesn't say in which.
pub(super) fn of_placements(args: &CertifyArgs) -> Result<Outcome, Failure> {
    let mut profile = Profile::load(&args.profile).map_err(Failure::usage)?;
    let mut overrides = Vec::new();
    if profile.sweep.is_some() {
        return Err(Failure::usage(anyhow!(
            "the profile {} has a [sweep], which is of one placement: name another profile, or a copy without it",
            profile.name
        )));
    }
    if profile.run.placements.is_none() {
        // Those of the command line are put down with it.
        overrides.extend(args.placements.is_empty().then(|| "placements = all".to_owned()));
        profile.run.placement = None;
        profile.run.placements = Some(PlacementSelection::All);
    }
    run(args, profile, overrides)
}

/// `overrides` are what was changed of the profile so far, in words.
fn run(args: &CertifyArgs, profile: Profile, overrides: Vec<String>) -> Result<Outcome, Failure> {
    let voice = start::voice(&args.common);
    let mut progress = Progress::new(voice);
    for warning in &profile.warnings {
        progress.say(&format!("warning: {warning}"));
    }
    let (mut order, trader_core) = order(args, profile, overrides)?;
    let (store, key) = (places::store(args.store.file.as_ref()), places::key(args.key.as_ref()));
    let (store, key) = (store.map_err(Failure::usage)?, key.map_err(Failure::usage)?);
    let ready = start::bench(&order.wire, &args.wire)?;
    // Who can't measure needs no lock, and may have no right to it either.
    let _lock = ready.is_ok().then(|| start::lock(&args.common, &progress)).transpose()?;
    order.no_bench = ready.err();
    start::listen()?;
    order.far = args.wire.session(&order.profile, &order.wire, trader_core, args.common.no_wait, &progress)?;
    if let Some(far) = &order.far {
        order.cores.1 = far.survey().core;
    }
    // Before the run: its results would be lost if it turned out only then that they can't be signed.
    let key = SigningKey::load_or_create(&key).map_err(Failure::cannot_run)?;
    let mut certificate = certify::certify(&order, &mut progress).map_err(broken_off)?;
    let written = output::write(&mut certificate, &order.profile.text, &order.out, &key);
    if let Err(e) = &written {
        output::mark_unwritten(&mut certificate, e);
    }
    let stored = output::store(&certificate, &order.out, &store);
    if let Err(e) = &stored {
        progress.say(&format!("warning: the certificate is not in the store: {e:#}"));
    }
    match written {
        Ok(written) => {
            say(args, &certificate, &written, voice)?;
            Ok(certificate.verdict.into())
        }
        Err(e) => {
            say_unwritten(args, &certificate, stored.is_ok(), voice)?;
            Err(Failure::after(certificate.verdict, e))
        }
    }
}

/// What the user gave was not fit for it, or the host was not.
fn broken_off(error: anyhow::Error) -> Failure {
    if workload::is_at_fault(&error) || error.is::<output::Occupied>() {
        return Failure::usage(error);
    }
    Failure::cannot_run(error)
}

fn say(args: &CertifyArgs, certificate: &Certificate, written: &output::Written, voice: Voice) -> Result<(), Failure> {
    if args.common.json {
        return out::json(certificate);
    }
    if voice != Voice::Quiet {
        out::line(render_terminal(certificate, 100))?;
        let what = if written.key_is_new { "A signing key was made:" } else { "Signed by" };
        out::line(format_args!("{what} {} ({})", written.key.display(), written.fingerprint))?;
    }
    out::line(format_args!("{}: {}", certificate.verdict, written.html.display()))
}

/// What was measured is not lost with the folder that it was for.
fn say_unwritten(args: &CertifyArgs, certificate: &Certificate, stored: bool, voice: Voice) -> Result<(), Failure> {
    if args.common.json {
        return out::json(certificate);
    }
    if voice != Voice::Quiet {
        out::line(render_terminal(certificate, 100))?;
    }
    let (verdict, run_id) = (certificate.verdict, &certificate.run_id);
    let how = if stored {
        format!("the store has it, `tickcert report {run_id} --out FILE` writes its report")
    } else {
        "nor is it in the store".to_owned()
    };
    out::line(format_args!("{verdict}: no certificate was written; {how}"))
}

/// The order, and the trader's core where it was asked for.
fn order(
    args: &CertifyArgs,
    mut profile: Profile,
    mut overrides: Vec<String>,
) -> Result<(Order, Option<u32>), Failure> {
    let lanes = lanes(args, &mut profile, &mut overrides)?;
    if let Some(n) = args.repetitions {
        overrides.push(format!("repetitions = {n}"));
        profile.run.repetitions = n;
    }
    if let Some(policy) = args.stamps {
        overrides.push(format!("stamps {policy}"));
        profile.stamps.policy = policy;
    }
    ticks::apply(&args.ticks, &mut profile)?;
    if args.ticks.file.is_some() {
        overrides.push("ticks from a file".to_owned());
    }
    if args.ticks.from.is_some() || args.ticks.until.is_some() {
        overrides.push(format!("ticks {}", profile.excerpt));
    }
    if !args.placements.is_empty() {
        overrides.push(format!("placements = {}", args.placements.join(", ")));
        profile.run.placement = None;
        profile.run.placements = Some(parse_placements(&args.placements).map_err(Failure::usage)?);
    }
    let (exchange_core, trader_core) = args.wire.cores(&args.cores, &profile)?;
    let run_id = run_id();
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("tickcert-out").join(&run_id));
    output::check_vacant(&out).map_err(Failure::usage)?;
    let (label, ticks) = (args.label.clone(), args.ticks.file.clone());
    let wire = args.wire.wire(&profile)?;
    let mut cores = (exchange_core, trader_core.unwrap_or_default());
    let seats = seats(args, &profile, &wire, cores)?;
    if let Some(first) = seats.as_ref().and_then(|seats| seats.all().next()) {
        cores = first.cores;
    }
    let two_hosts = matches!(wire, Wire::TwoHosts { .. });
    let (crews, no_crews) = args.crew.crews(&mut profile, &mut overrides, cores, two_hosts)?;
    let (far, no_bench) = (None, None);
    let order = Order {
        profile,
        ticks,
        lanes,
        cores,
        seats,
        crews,
        no_crews,
        wire,
        far,
        no_bench,
        label,
        overrides,
        out,
        run_id,
    };
    Ok((order, trader_core))
}

/// Every placement of this host that is asked for, where several are; one pair of cores that is given outdoes a profile's.
fn seats(args: &CertifyArgs, profile: &Profile, wire: &Wire, cores: (u32, u32)) -> Result<Option<Seats>, Failure> {
    let Some(wanted) = profile.run.placements.as_ref().filter(|_| args.cores.pair().is_none()) else { return Ok(None) };
    if matches!(wire, Wire::TwoHosts { .. }) {
        return Err(Failure::usage(anyhow!(
            "placements are those of one host, and the trader is on another: leave --trader-host out, or the placements"
        )));
    }
    let usable = isolated::placeable().map_err(Failure::cannot_run)?;
    Ok(Some(Seats::find(Path::new("/"), &usable, wire, wanted, cores)))
}

fn lanes(args: &CertifyArgs, profile: &mut Profile, overrides: &mut Vec<String>) -> Result<Vec<Lane>, Failure> {
    start::transports(profile)?;
    let known = Lane::names();
    // Also for the lanes that requirements name, whichever are run.
    let of_profile = profile.check_lanes(&known).map_err(Failure::usage)?;
    let names = if args.lanes.is_empty() {
        of_profile
    } else {
        let names = resolve_lanes(&args.lanes, &known).map_err(Failure::usage)?;
        overrides.push(format!("lanes = {}", names.join(", ")));
        // Who names a lane wants it.
        profile.run.optional_lanes.clear();
        names
    };
    Ok(names.iter().filter_map(|name| Lane::by_name(name)).collect())
}

/// Time and process: two runs of one second differ.
fn run_id() -> String {
    format!("{}-{:04x}", Timestamp::now().strftime("%Y%m%dT%H%M%SZ"), std::process::id() & 0xffff)
}
