//! Device interrupts that arrive on a measured core, and who moves them about.

use std::{collections::BTreeSet, fs, path::Path};

use tickcert_results::certificate::Topic;

use super::{
    finding::{Ask, Finding, UNTOLD},
    mounts::Mount,
    remedy::Remedy,
};
use crate::{affinity, irq, isolated, numa, sysfs};

const IRQ: &str = "proc/irq";
/// Interrupts named in the value; the rest is counted.
const SHOWN: usize = 4;

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Finding> {
    let irqs = in_use(root);
    // Stopped before they are moved and started after they are moved back, or it would move them itself.
    let mut findings = vec![balancer(root)];
    let hidden = sysfs::names(root, IRQ).is_empty();
    let of_core = |&core: &u32| if hidden { unseen(core) } else { on_core(root, core, cores, &irqs) };
    findings.extend(cores.iter().map(of_core));
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
    taken.extend(isolated::all(root));
    taken.extend(sysfs::core_list(&list("nohz_full")));
    for one in measured {
        taken.extend(sysfs::core_list(&list(&format!("cpu{one}/topology/thread_siblings_list"))));
    }
    let mut all = affinity::online(root);
    all.retain(|c| !taken.contains(c));
    let own = numa::nodes(root).into_iter().find(|node| node.cores.contains(&core));
    let near: BTreeSet<u32> = own.map(|node| node.cores.intersection(&all).copied().collect()).unwrap_or_default();
    if near.is_empty() { all } else { near }
}

const WHY: &str = "an interrupt takes a spinning core away for microseconds, and its softirq for longer";

/// Every kernel has interrupts: where none are listed, somebody has hidden them.
fn unseen(core: u32) -> Finding {
    Ask {
        topic: Topic::OperatingSystem,
        name: &format!("cpu{core}/irqs"),
        why: WHY,
        remedy: Remedy::start("in a container, run with the host's /proc, or outside: /proc/irq is hidden here"),
    }
    .judged(UNTOLD.to_owned(), "none", false)
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
    Ask { topic: Topic::OperatingSystem, name: &format!("cpu{core}/irqs"), why: WHY, remedy }.judged(
        if shown.is_empty() { "none".into() } else { shown.join(", ") },
        "none",
        here.is_empty(),
    )
}

/// A process of that name; it moves interrupts back within seconds.
fn balancer(root: &Path) -> Finding {
    let running = irq::is_balanced(root);
    let (value, ok) = match (running, sees_all_processes(root)) {
        (true, _) => ("runs", false),
        (false, true) => ("doesn't run", true),
        (false, false) => (UNTOLD, false),
    };
    let remedy = if value == UNTOLD {
        Remedy::start("look outside this container (`pidof irqbalance`): its processes are all that is seen here")
    } else {
        Remedy::run(
            "systemctl stop irqbalance",
            "systemctl start irqbalance",
            "systemctl disable irqbalance, or IRQBALANCE_BANNED_CPULIST in /etc/default/irqbalance",
        )
    };
    Ask {
        topic: Topic::OperatingSystem,
        name: "irqbalance",
        why: "it moves interrupts about every ten seconds, also onto the measured cores",
        remedy,
    }
    .judged(value.to_owned(), "doesn't run", ok)
}

/// The number of the first PID namespace (`PROC_PID_INIT_INO`, linux/proc_ns.h).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Not within a PID namespace, nor where others' processes are hidden (`hidepid`, of proc(5)). A recorded tree has what was
/// recorded.
fn sees_all_processes(root: &Path) -> bool {
    match fs::read_link(root.join("proc/self/ns/pid")) {
        Ok(namespace) => namespace == Path::new(FIRST_PID_NAMESPACE) && sysfs::read(root, "proc/1/comm").is_some(),
        Err(_) => Mount::Proc.is_shown(root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fixture::Tree;

    fn value(tree: &Tree, name: &str) -> (String, bool) {
        let found = read(tree.root(), &[1]);
        let setting = found.iter().find(|f| f.setting.name == name).map(|f| f.setting.clone()).unwrap();
        (setting.value, setting.ok)
    }

    #[test]
    fn interrupts_that_are_hidden_are_not_taken_for_none() {
        assert_eq!(value(&Tree::new(), "cpu1/irqs"), (UNTOLD.to_owned(), false));
        let seen = Tree::new().file("proc/irq/24/smp_affinity_list", "0\n").file("proc/irq/24/eth0/x", "");
        assert_eq!(value(&seen, "cpu1/irqs"), ("none".to_owned(), true));
    }

    #[test]
    fn processes_of_another_namespace_or_hidden_ones_are_not_taken_for_absent() {
        let of = |namespace: &str| Tree::new().link("proc/self/ns/pid", namespace);
        assert_eq!(value(&of("pid:[4026532001]").file("proc/1/comm", "sh\n"), "irqbalance").0, UNTOLD);
        assert_eq!(value(&of(FIRST_PID_NAMESPACE), "irqbalance").0, UNTOLD);
        let all = of(FIRST_PID_NAMESPACE).file("proc/1/comm", "systemd\n");
        assert_eq!(value(&all, "irqbalance"), ("doesn't run".to_owned(), true));
        assert_eq!(value(&all.file("proc/40/comm", "irqbalance\n"), "irqbalance"), ("runs".to_owned(), false));
    }
}
