//! Device interrupts that arrive on a measured core, and who moves them about.

use std::{collections::BTreeSet, path::Path};

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding},
    remedy::Remedy,
};
use crate::{affinity, irq, numa, sysfs};

const IRQ: &str = "proc/irq";
/// Interrupts named in the value; the rest is counted.
const SHOWN: usize = 4;

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let irqs = in_use(root);
    // Stopped before they are moved and started after they are moved back, or it would move them itself.
    let mut findings = vec![balancer(root)];
    findings.extend(cores.iter().map(|&core| on_core(root, core, cores, &irqs)));
    findings
}

/// An interrupt with a handler.
struct Irq {
    number: u32,
    handler: String,
    /// Where it goes now, or where it may go on a kernel that doesn't say.
    cores: BTreeSet<u32>,
}

/// Interrupts that have a handler: a folder of its name stands beside the affinity files.
fn in_use(root: &Path) -> Vec<Irq> {
    let mut irqs: Vec<Irq> = sysfs::names(root, IRQ)
        .iter()
        .filter_map(|name| {
            let dir = format!("{IRQ}/{name}");
            let handler = sysfs::names(root, &dir).into_iter().find(|n| root.join(&dir).join(n).is_dir())?;
            let list = |file| sysfs::read(root, &format!("{dir}/{file}")).filter(|l| !l.is_empty());
            let cores = list("effective_affinity_list").or_else(|| list("smp_affinity_list")).unwrap_or_default();
            Some(Irq { number: name.parse().ok()?, handler, cores: sysfs::core_list(&cores) })
        })
        .collect();
    irqs.sort_by_key(|irq| irq.number);
    irqs
}

/// Cores that aren't measured on, nor kept free for somebody else, nor threads of a measured core; of the same memory node if
/// it has any.
fn elsewhere(root: &Path, core: u32, measured: &[u32]) -> BTreeSet<u32> {
    let list = |file: &str| sysfs::read(root, &format!("sys/devices/system/cpu/{file}")).unwrap_or_default();
    let mut taken: BTreeSet<u32> = measured.iter().copied().collect();
    for file in ["isolated", "nohz_full"] {
        taken.extend(sysfs::core_list(&list(file)));
    }
    for one in measured {
        taken.extend(sysfs::core_list(&list(&format!("cpu{one}/topology/thread_siblings_list"))));
    }
    let mut all = affinity::online(root);
    all.retain(|c| !taken.contains(c));
    let own = numa::nodes(root).into_iter().find(|node| node.cores.contains(&core));
    let near: BTreeSet<u32> = own.map(|node| node.cores.intersection(&all).copied().collect()).unwrap_or_default();
    if near.is_empty() { all } else { near }
}

fn on_core(root: &Path, core: u32, measured: &[u32], irqs: &[Irq]) -> Finding {
    let here: Vec<&Irq> = irqs.iter().filter(|irq| irq.cores.contains(&core)).collect();
    let mut shown: Vec<String> = here.iter().take(SHOWN).map(|irq| format!("{} {}", irq.number, irq.handler)).collect();
    if here.len() > SHOWN {
        shown.push(format!("{} more", here.len() - SHOWN));
    }
    let elsewhere = elsewhere(root, core, measured);
    let remedy = match (here.is_empty(), elsewhere.is_empty()) {
        (true, _) => Remedy::none(),
        (_, true) => Remedy::start("measure on fewer cores than there are, so that interrupts have one to go to"),
        _ => {
            let to = sysfs::write_core_list(&elsewhere);
            let numbers: Vec<String> = here.iter().map(|irq| irq.number.to_string()).collect();
            let file = |number: &String| format!("{IRQ}/{number}/smp_affinity_list");
            Remedy::writes(numbers.iter().map(|number| (file(number), to.clone())).collect())
                .in_words(format!(
                    "for i in {}; do echo {to} > /proc/irq/$i/smp_affinity_list; done",
                    numbers.join(" ")
                ))
                .lasts_by(&format!("irqaffinity={to} on the kernel's command line, and no irqbalance"))
        }
    };
    Ask {
        topic: Topic::OperatingSystem,
        name: &format!("cpu{core}/irqs"),
        why: "an interrupt takes a spinning core away for microseconds, and its softirq for longer",
        remedy,
    }
    .judged(if shown.is_empty() { "none".into() } else { shown.join(", ") }, "none", here.is_empty())
}

/// A process of that name; it moves interrupts back within seconds.
fn balancer(root: &Path) -> Finding {
    let running = irq::is_balanced(root);
    Ask {
        topic: Topic::OperatingSystem,
        name: "irqbalance",
        why: "it moves interrupts about every ten seconds, also onto the measured cores",
        remedy: Remedy::run(
            "systemctl stop irqbalance",
            "systemctl start irqbalance",
            "systemctl disable irqbalance, or IRQBALANCE_BANNED_CPULIST in /etc/default/irqbalance",
        ),
    }
    .judged(if running { "runs" } else { "doesn't run" }.to_owned(), "doesn't run", !running)
}
