//! Which cores and interfaces a doctor looks at: those that a run with the same arguments would use.

use std::{collections::BTreeSet, path::Path};

use anyhow::anyhow;
use tickcert_probes::{
    affinity,
    audit::{End, Finding, Scope},
    host, isolated, sysfs,
};
use tickcert_results::certificate::{Setting, Topic};
use tickcert_scenarios::profile::Profile;

use super::{
    super::{Failure, start},
    args::{DoctorArgs, EndArg},
};
use crate::run::certify::choose_cores;

/// An end of the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Exchange,
    Trader,
}

impl Which {
    const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Trader => "trader",
        }
    }
}

fn pick<T>((exchange, trader): (T, T), end: Which) -> T {
    if end == Which::Exchange { exchange } else { trader }
}

/// The ends that are on this host.
fn here(args: &DoctorArgs, profile: &Profile) -> &'static [Which] {
    match args.end {
        Some(EndArg::Trader) => &[Which::Trader],
        None if args.wire.is_of_two_hosts(profile) => &[Which::Exchange],
        None => &[Which::Exchange, Which::Trader],
    }
}

/// What is looked at, and what is wrong about that already.
pub(super) fn find(root: &Path, args: &DoctorArgs, profile: &Profile) -> Result<(Scope, Vec<Finding>), Failure> {
    let given = args.cores.pair().or(profile.run.placement.map(|p| (p.exchange_core, p.trader_core)));
    let here = here(args, profile);
    // Of two hosts one end is here.
    let (cores, wrong) =
        if let [end] = *here { one_core(root, given.map(|pair| pick(pair, end)))? } else { cores(root, given)? };
    let interfaces = interfaces(root, args, profile, here)?;
    let named = !interfaces.is_empty();
    let memory = profile.run.memory_nodes();
    let ends = here.iter().zip(cores).enumerate().map(|(index, (&end, core))| End {
        name: end.name().to_owned(),
        core,
        interface: interfaces.get(index).cloned(),
        memory: pick(memory, end),
    });
    let others = if named { Vec::new() } else { host::with_device(root) };
    Ok((Scope { ends: ends.collect(), others, defers: profile.deferral.is_some() || args.run_defers }, wrong))
}

/// The cores of exchange and trader; where there is only one, that one, and what is wrong with it.
fn cores(root: &Path, given: Option<(u32, u32)>) -> Result<(Vec<u32>, Vec<Finding>), Failure> {
    let live = root == Path::new("/");
    match given {
        Some((exchange, trader)) if live => {
            affinity::check_pair(exchange, trader).map_err(start::unusable)?;
            Ok((vec![exchange, trader], Vec::new()))
        }
        Some((exchange, trader)) => {
            let online = affinity::online(root);
            match [exchange, trader].iter().find(|core| !online.contains(core)) {
                Some(core) => Err(Failure::usage(anyhow!(
                    "core {core} doesn't exist or is off line in {}; cores on line are {}",
                    root.display(),
                    sysfs::write_core_list(&online)
                ))),
                None => Ok((vec![exchange, trader], Vec::new())),
            }
        }
        None if live => Ok(match choose_cores() {
            Ok((exchange, trader)) => (vec![exchange, trader], Vec::new()),
            Err(_) => alone(&affinity::allowed().map_err(Failure::cannot_run)?),
        }),
        None => {
            let online = affinity::online(root);
            let chosen = isolated::preferred(root, &kept_free(root, &online), &online, 2);
            Ok(if chosen.len() == 2 { (chosen, Vec::new()) } else { alone(&online) })
        }
    }
}

/// Of a recorded tree, where nobody can be asked what a process may use.
fn kept_free(root: &Path, online: &BTreeSet<u32>) -> BTreeSet<u32> {
    isolated::all(root).intersection(online).copied().collect()
}

fn alone(cores: &BTreeSet<u32>) -> (Vec<u32>, Vec<Finding>) {
    let setting = Setting {
        name: "cores".to_owned(),
        value: format!("only {}", sysfs::write_core_list(cores)),
        wanted: "two that this process may use".to_owned(),
        ok: false,
        why: "a spinning exchange and a spinning trader need a core each".to_owned(),
        fix: "more cores, or a wider cpuset (a container's --cpuset-cpus, a systemd AllowedCPUs=)".to_owned(),
        topic: Some(Topic::Application),
        survives_reboot: Some(true),
        lasting: String::new(),
    };
    (cores.iter().copied().collect(), vec![Finding { setting, steps: Vec::new(), boot: String::new() }])
}

/// The core of the one end that is here; the other's is another host's matter.
fn one_core(root: &Path, given: Option<u32>) -> Result<(Vec<u32>, Vec<Finding>), Failure> {
    let core = if root == Path::new("/") {
        start::one_core(given)?
    } else {
        let online = affinity::online(root);
        let chosen = isolated::preferred(root, &kept_free(root, &online), &online, 1).first().copied();
        given.or(chosen).ok_or_else(|| Failure::usage(anyhow!("{} has no cores on line", root.display())))?
    };
    Ok((vec![core], Vec::new()))
}

/// Those of the ends that are here; none if none are named. Those of the command line must be there; those of a profile may be
/// meant for another host, and are looked for.
fn interfaces(root: &Path, args: &DoctorArgs, profile: &Profile, here: &[Which]) -> Result<Vec<String>, Failure> {
    let of = |pair: (&String, &String)| here.iter().map(|&end| pick(pair, end).clone()).collect::<Vec<_>>();
    let Some(given) = args.wire.exchange_interface.as_ref().zip(args.wire.trader_interface.as_ref()) else {
        return Ok(profile.interfaces.as_ref().map(|pair| of((&pair.exchange, &pair.trader))).unwrap_or_default());
    };
    let named = of(given);
    let there_are = sysfs::names(root, "sys/class/net");
    match named.iter().find(|name| !there_are.is_empty() && !there_are.contains(name)) {
        Some(name) => Err(Failure::usage(anyhow!("there is no interface {name}; there are: {}", there_are.join(", ")))),
        None => Ok(named),
    }
}
