//! Device interrupts that arrive on a measured core.

use std::path::Path;

use tickcert_results::certificate::Setting;

use crate::{affinity, sysfs};

const IRQ: &str = "proc/irq";
/// Interrupts named in the value; the rest is counted.
const SHOWN: usize = 4;

pub(super) fn read(root: &Path, cores: &[u32]) -> Vec<Setting> {
    let irqs = in_use(root);
    cores.iter().map(|&core| on_core(root, core, cores, &irqs)).collect()
}

/// An interrupt with a handler.
struct Irq {
    number: u32,
    handler: String,
    /// Where it goes now, or where it may go on a kernel that doesn't say.
    cores: std::collections::BTreeSet<u32>,
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

fn on_core(root: &Path, core: u32, measured: &[u32], irqs: &[Irq]) -> Setting {
    let here: Vec<&Irq> = irqs.iter().filter(|irq| irq.cores.contains(&core)).collect();
    let mut shown: Vec<String> = here.iter().take(SHOWN).map(|irq| format!("{} {}", irq.number, irq.handler)).collect();
    if here.len() > SHOWN {
        shown.push(format!("{} more", here.len() - SHOWN));
    }
    let mut elsewhere = affinity::online(root);
    elsewhere.retain(|c| !measured.contains(c));
    let numbers: Vec<String> = here.iter().map(|irq| irq.number.to_string()).collect();
    let fix = match (here.is_empty(), elsewhere.is_empty()) {
        (true, _) => "none needed".to_owned(),
        (_, true) => "measure on fewer cores than there are, so that interrupts have one to go to".to_owned(),
        _ => format!(
            "systemctl stop irqbalance; for i in {}; do echo {} > /proc/irq/$i/smp_affinity_list; done",
            numbers.join(" "),
            sysfs::write_core_list(&elsewhere)
        ),
    };
    Setting {
        name: format!("cpu{core}/irqs"),
        value: if shown.is_empty() { "none".into() } else { shown.join(", ") },
        wanted: "none".into(),
        ok: here.is_empty(),
        why: "an interrupt takes a spinning core away for microseconds, and its softirq for longer".into(),
        fix,
    }
}
