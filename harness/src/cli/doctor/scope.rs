//! Which cores and interfaces a doctor looks at: those that a run with the same arguments would use.

use std::{collections::BTreeSet, path::Path};

use anyhow::anyhow;
use tickcert_probes::{
    affinity,
    audit::{End, Finding, Scope},
    host, sysfs,
};
use tickcert_results::certificate::{Setting, Topic};
use tickcert_scenarios::profile::Profile;

use super::{
    super::{Failure, start},
    args::DoctorArgs,
};
use crate::run::certify::choose_cores;

/// What is looked at, and what is wrong about that already.
pub(super) fn find(root: &Path, args: &DoctorArgs, profile: &Profile) -> Result<(Scope, Vec<Finding>), Failure> {
    let given = args.cores.pair().or(profile.run.placement.map(|p| (p.exchange_core, p.trader_core)));
    // Of two hosts only the exchange's is this one.
    let one_end = profile.trader_host.is_some();
    let (cores, wrong) = if one_end { one_core(root, given)? } else { cores(root, given)? };
    let interfaces = interfaces(root, args, profile, one_end)?;
    let named = !interfaces.is_empty();
    let (exchange_memory, trader_memory) = profile.run.memory_nodes();
    let ends = [("exchange", exchange_memory), ("trader", trader_memory)];
    let ends = ends.into_iter().zip(cores).enumerate().map(|(index, ((name, memory), core))| End {
        name: name.to_owned(),
        core,
        interface: interfaces.get(index).cloned(),
        memory,
    });
    let others = if named { Vec::new() } else { host::with_device(root) };
    Ok((Scope { ends: ends.collect(), others, defers: profile.deferral.is_some() }, wrong))
}

/// The cores of exchange and trader; where there is only one, that one, and what is wrong with it.
fn cores(root: &Path, given: Option<(u32, u32)>) -> Result<(Vec<u32>, Vec<Finding>), Failure> {
    let live = root == Path::new("/");
    match given {
        Some((exchange, trader)) if live => {
            affinity::check_pair(exchange, trader).map_err(Failure::usage)?;
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
            let last: Vec<u32> = online.iter().rev().take(2).rev().copied().collect();
            Ok(if last.len() == 2 { (last, Vec::new()) } else { alone(&online) })
        }
    }
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

/// The exchange's core; the trader's is another host's matter.
fn one_core(root: &Path, given: Option<(u32, u32)>) -> Result<(Vec<u32>, Vec<Finding>), Failure> {
    let given = given.map(|(exchange, _)| exchange);
    let core = if root == Path::new("/") {
        start::one_core(given)?
    } else {
        let online = affinity::online(root);
        let last = online.last().copied();
        given.or(last).ok_or_else(|| Failure::usage(anyhow!("{} has no cores on line", root.display())))?
    };
    Ok((vec![core], Vec::new()))
}

/// Of exchange and trader, as far as they are on this host; none if none are named. Those of the command line must be there;
/// those of a profile may be meant for another host, and are looked for.
fn interfaces(root: &Path, args: &DoctorArgs, profile: &Profile, one_end: bool) -> Result<Vec<String>, Failure> {
    let here = if one_end { 1 } else { 2 };
    let pair = |exchange: &String, trader: &String| [exchange, trader].into_iter().take(here).cloned().collect();
    let Some((exchange, trader)) = args.exchange_interface.as_ref().zip(args.trader_interface.as_ref()) else {
        return Ok(profile.interfaces.as_ref().map(|of| pair(&of.exchange, &of.trader)).unwrap_or_default());
    };
    let named: Vec<String> = pair(exchange, trader);
    let there_are = sysfs::names(root, "sys/class/net");
    match named.iter().find(|name| !there_are.is_empty() && !there_are.contains(name)) {
        Some(name) => Err(Failure::usage(anyhow!("there is no interface {name}; there are: {}", there_are.join(", ")))),
        None => Ok(named),
    }
}
