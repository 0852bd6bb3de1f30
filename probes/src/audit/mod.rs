//! Settings of the host that spoil latency measurements, each with the value found, the value wanted, why it matters,
//! the command that sets it and what makes that last. Nothing is changed here.
//!
//! A setting is one small function; to add one, write it in the file of its topic and name it in that file's `read`.

mod finding;
mod firmware;
mod frequency;
mod idle;
mod interrupts;
mod isolation;
mod locality;
mod memory;
mod mounts;
mod network;
mod nic;
mod pcie;
mod platform;
mod power;
mod remedy;
mod scheduling;
mod scope;
pub mod script;
#[cfg(test)]
mod tests;
mod tuning;
mod uncore;

use std::path::Path;

pub use finding::Finding;
pub use remedy::{NicParameter, Step};
pub use scope::{End, Scope};
use tickcert_results::certificate::Setting;

/// Reads every setting below `root` (`/`, or a recorded tree) that isn't one of an interface; those of a core, for each
/// of `cores`, the ones that will be measured on.
#[must_use]
pub fn read(root: &Path, cores: &[u32]) -> Vec<Setting> {
    findings(root, &Scope::of_cores(cores)).into_iter().map(|finding| finding.setting).collect()
}

/// Reads every setting below `root` (`/`, or a recorded tree) that matters to `scope`.
#[must_use]
pub fn findings(root: &Path, scope: &Scope) -> Vec<Finding> {
    let of_cores = [
        mounts::read,
        platform::read,
        firmware::read,
        frequency::read,
        isolation::read,
        interrupts::read,
        scheduling::read,
        tuning::read,
        memory::read,
        network::read,
    ];
    let cores = scope.cores();
    let mut findings: Vec<Finding> = of_cores.iter().flat_map(|part| part(root, &cores)).collect();
    findings.extend(locality::read(root, scope));
    for interface in scope.interfaces() {
        let mut of_it: Vec<Finding> =
            [pcie::read, power::read, nic::read].iter().flat_map(|part| part(root, &interface)).collect();
        of_it.push(nic::deferral(root, &interface, scope.defers));
        if scope.others.contains(&interface) {
            // Nobody has named it: it may be the one that somebody is logged in by, and setting it may take its link down.
            of_it.iter_mut().for_each(|finding| finding.steps.clear());
        }
        findings.extend(of_it);
    }
    findings
}
