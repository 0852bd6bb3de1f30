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

use super::super::Failure;
use super::args::DoctorArgs;
use crate::run::certify::choose_cores;

/// What is looked at, and what is wrong about that already.
pub(super) fn find(root: &Path, args: &DoctorArgs, profile: &Profile) -> Result<(Scope, Vec<Finding>), Failure> {
    let given = args.cores.pair().or(profile.run.placement.map(|p| (p.exchange_core, p.trader_core)));
    let (cores, wrong) = cores(root, given)?;
    let interfaces = interfaces(root, args, profile)?;
    let named = interfaces.is_some();
    let of = |exchange: bool| interfaces.as_ref().map(|(e, t)| if exchange { e.clone() } else { t.clone() });
    let memory = profile.run.memory_nodes();
    // Of two hosts only the exchange's is this one.
    let here = if profile.trader_host.is_some() { 1 } else { 2 };
    let ends = [("exchange", of(true), memory.0), ("trader", of(false), memory.1)];
    let ends = ends.into_iter().zip(cores).take(here).map(|((name, interface, memory), core)| End {
        name: name.to_owned(),
        core,
        interface,
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

/// Those of the command line must be there; those of a profile may be meant for another host, and are looked for.
fn interfaces(root: &Path, args: &DoctorArgs, profile: &Profile) -> Result<Option<(String, String)>, Failure> {
    let given = args.exchange_interface.clone().zip(args.trader_interface.clone());
    let there_are = sysfs::names(root, "sys/class/net");
    for name in given.iter().flat_map(|(exchange, trader)| [exchange, trader]) {
        if !there_are.is_empty() && !there_are.contains(name) {
            return Err(Failure::usage(anyhow!("there is no interface {name}; there are: {}", there_are.join(", "))));
        }
    }
    Ok(given.or(profile.interfaces.as_ref().map(|pair| (pair.exchange.clone(), pair.trader.clone()))))
}
