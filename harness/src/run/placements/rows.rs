//! What a host can't have of placements, with what it would take.

use tickcert_probes::{affinity, sysfs};
use tickcert_results::certificate::{CoreRelation, NotRun, NotRunKind};
use tickcert_scenarios::profile::PlacementSelection;

use super::{Seat, facts::HostFacts};

/// Of a host with these placements: what was asked for by name and isn't there, or, where all was asked for, every dimension and
/// every relation of cores that the host lacks, which keeps nothing from passing.
pub(super) fn of(host: &HostFacts, seats: &[Seat], wanted: &PlacementSelection) -> Vec<NotRun> {
    let row = |name: &str, (needs, how): (String, String)| NotRun::new(NotRunKind::Placement, name, needs, how);
    let mut rows: Vec<NotRun> = Vec::new();
    match wanted {
        PlacementSelection::Named(names) => {
            let there = |name: &str| seats.iter().filter_map(|s| s.class).any(|class| class.is_meant_by(name));
            rows.extend(names.iter().filter(|name| !there(name)).map(|name| row(name, whole(host, seats, name))));
        }
        PlacementSelection::All => {
            let lacks = |word: &&&str| !seats.iter().filter_map(|s| s.class).any(|class| class.words().contains(word));
            let rows_of = WORDS.iter().filter(lacks).filter_map(|word| Some(row(word, need(host, seats, word)?)));
            rows.extend(rows_of.map(|row| NotRun { optional: true, ..row }));
        }
    }
    rows.extend(cores(host).into_iter().map(|row| NotRun { optional: true, ..row }));
    rows
}

/// Of a lane with these placements, where lanes of the other kind have `others`: the names that mean none of its own. One that is
/// measured in what applies to it passes without the rest; one that is left with nothing does not.
pub(super) fn of_lane(lane: &str, [own, others]: [&[Seat]; 2], wanted: &PlacementSelection) -> Vec<NotRun> {
    let row = |what: &str, needs, how| NotRun::new(NotRunKind::Placement, format!("{what} of {lane}"), needs, how);
    match wanted {
        PlacementSelection::Named(names) => {
            let has =
                |seats: &[Seat], name: &str| seats.iter().filter_map(|s| s.class).any(|class| class.is_meant_by(name));
            let lacking = names.iter().filter(|name| !has(own, name) && has(others, name));
            let how = "add one without words of the interface, or leave the lane out";
            lacking
                .map(|name| NotRun {
                    optional: !own.is_empty(),
                    ..row(name, "a lane that crosses the interfaces", how)
                })
                .collect()
        }
        PlacementSelection::All if own.is_empty() => {
            let needs = "two usable cores of which the kernel says how near they are";
            vec![row("placements", needs, "widen the cpuset, or run on the machine itself")]
        }
        PlacementSelection::All => Vec::new(),
    }
}

/// Of a lane whose devices are not the wire's interfaces: nobody looks where they are.
pub(super) fn own_device(lane: &str) -> NotRun {
    let needs =
        "the memory nodes of its own devices, which placements don't know yet: nor are their interrupts sent anywhere";
    let how = "choose a placement on their node: cat /sys/bus/pci/devices/ADDRESS/numa_node";
    NotRun { optional: true, ..NotRun::new(NotRunKind::Placement, format!("nic-remote of {lane}"), needs, how) }
}

/// What every matrix would have.
const WORDS: [&str; 8] =
    ["smt-sibling", "same-l3", "other-l3", "other-socket", "mem-remote", "nic-remote", "irq-same", "irq-other"];

/// Of a name, what its words need that is not there; each may be there without the others.
fn whole(host: &HostFacts, seats: &[Seat], name: &str) -> (String, String) {
    let lacking = |word: &&str| !seats.iter().filter_map(|s| s.class).any(|class| class.words().contains(word));
    let said: Vec<_> = name.split('+').filter(lacking).filter_map(|word| need(host, seats, word)).collect();
    if said.is_empty() {
        let there: Vec<String> = seats.iter().map(Seat::name).collect();
        return ("a host where these go together".to_owned(), format!("choose of {}", there.join(", ")));
    }
    let (needs, how): (Vec<String>, Vec<String>) = said.into_iter().unzip();
    (needs.join("; "), how.join("; "))
}

/// What a word needs, and how to get it; `None` of one that no host needs.
fn need(host: &HostFacts, seats: &[Seat], word: &str) -> Option<(String, String)> {
    let said = |needs: &str, how: &str| Some((needs.to_owned(), how.to_owned()));
    let untold = seats.iter().filter_map(|s| s.class).any(|class| class.cores == CoreRelation::SameSocket);
    match word {
        "smt-sibling" => said(
            "two usable threads of one core",
            "only if the trader is to run so: SMT on in the firmware, and `echo on > /sys/devices/system/cpu/smt/control`",
        ),
        "same-l3" | "other-l3" if untold => said(
            "a kernel that says which cores share a last-level cache",
            "run on the machine itself, or have the hypervisor pass the caches on",
        ),
        "same-l3" => said("two usable cores of one last-level cache", "widen the cpuset, or put cores on line"),
        "other-l3" => said(
            "a socket with usable cores of more than one last-level cache",
            "a processor of several complexes, or a wider cpuset",
        ),
        "same-socket" => said("nothing: the kernel says which caches the cores share", "write `same-l3` or `other-l3`"),
        "other-socket" => Some((
            format!("a second socket with usable cores; there is {}", host.topology.packages.len()),
            "a host of two sockets, or a wider cpuset".into(),
        )),
        "mem-local" | "mem-remote" => said(
            "a second memory node; this host has one",
            "a host of two sockets, or nodes within one: NPS or SNC in the firmware's set-up",
        ),
        "nic-local" | "nic-remote" | "irq-same" | "irq-other" if host.interfaces.is_none() => said(
            "interfaces of devices: the wire is virtual",
            "name two that are cabled to each other: --exchange-interface, --trader-interface",
        ),
        "nic-local" | "nic-remote" => said(
            "usable cores both on the node of the trader's interface and on another",
            "a host of two memory nodes whose firmware says where the NIC is",
        ),
        "irq-same" => said("an interface with interrupts that may be sent elsewhere", "another NIC or driver"),
        "irq-other" if seats.iter().any(|seat| !seat.interrupts.is_empty()) => {
            said("a third usable core, for the interrupts", "a wider cpuset, or a host with more cores")
        }
        "irq-other" => said("an interface with interrupts that may be sent elsewhere", "another NIC or driver"),
        _ => None,
    }
}

/// Cores that no placement can use.
fn cores(host: &HostFacts) -> Vec<NotRun> {
    let (off_line, forbidden) = (host.topology.off_line(), host.topology.forbidden());
    let row = |cores: &_, needs: &str, how: String| {
        NotRun::new(NotRunKind::Placement, format!("cores {}", sysfs::write_core_list(cores)), needs, how)
    };
    let first = off_line
        .first()
        .map(|first| row(&off_line, "cores on line; these are off line", affinity::take_on_line(*first)));
    let how = affinity::widen_cpuset(&format!("cores {}", sysfs::write_core_list(&forbidden)));
    let others = (!forbidden.is_empty())
        .then(|| row(&forbidden, "cores that this process may use; these are not among them", how));
    first.into_iter().chain(others).collect()
}
