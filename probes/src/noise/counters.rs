//! What the kernel counts of one core: interrupts, softirqs, time that the hypervisor gave to others. Read before and after.

use std::path::Path;

use tickcert_results::{
    certificate::{Counted, Topic},
    time::Nanos,
};

use crate::{steal::steal, sysfs};

/// Counters of a core at one moment, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// `None` where `/proc/interrupts` can't be read.
    interrupts: Option<Vec<(String, u64)>>,
    softirqs: Vec<(String, u64)>,
    steal: Option<Nanos>,
}

impl Counters {
    /// Those of `core`, below `root`.
    pub(super) fn read(root: &Path, core: u32) -> Self {
        let file = |name: &str| sysfs::read(root, &format!("proc/{name}")).unwrap_or_default();
        let (interrupts, softirqs) = (file("interrupts"), file("softirqs"));
        Self {
            interrupts: column(&interrupts, core).map(|lines| lines.iter().map(interrupt).collect()),
            softirqs: column(&softirqs, core).unwrap_or_default().iter().map(softirq).collect(),
            steal: steal(root, core),
        }
    }

    /// What has moved since `earlier`, in the order hardware, operating system; and how many interrupts came, where that can be
    /// told.
    pub(super) fn since(&self, earlier: &Self) -> (Vec<Counted>, Option<u64>) {
        let mut moved = Vec::new();
        if let (Some(before), Some(after)) = (earlier.steal, self.steal) {
            let (by, what) = (after.saturating_sub(before).get(), "stolen by the hypervisor".to_owned());
            moved.push(Counted { layer: Topic::Hardware, what, by, is_time: true });
        }
        let came = differences(earlier.interrupts.as_deref(), self.interrupts.as_deref());
        let all = came.as_ref().map(|came| came.iter().map(|(_, by)| by).sum());
        let counted = |(what, by): (String, u64)| Counted { layer: layer(&what), what, by, is_time: false };
        moved.extend(came.into_iter().flatten().filter(|(_, by)| *by > 0).map(counted));
        let soft = differences(Some(&earlier.softirqs), Some(&self.softirqs)).unwrap_or_default();
        moved.extend(soft.into_iter().filter(|(_, by)| *by > 0).map(counted));
        moved.sort_by_key(|counted| counted.layer);
        (moved, all)
    }
}

/// By name: an interrupt may be set up or given back in between, which moves the lines.
fn differences(before: Option<&[(String, u64)]>, after: Option<&[(String, u64)]>) -> Option<Vec<(String, u64)>> {
    let (before, after) = (before?, after?);
    let earlier = |name: &str| before.iter().find(|(n, _)| n == name).map_or(0, |(_, count)| *count);
    Some(after.iter().map(|(name, count)| (name.clone(), count.saturating_sub(earlier(name)))).collect())
}

/// What the machine sends by itself is its own; the rest is asked for by the kernel.
fn layer(what: &str) -> Topic {
    let of_machine = ["Non-maskable", "Machine check", "Thermal event", "Threshold APIC", "Spurious", "Hypervisor"];
    if of_machine.iter().any(|start| what.starts_with(start)) { Topic::Hardware } else { Topic::OperatingSystem }
}

/// Label, count and description of each line, of the column that is headed `CPUn`; `None` without such a column. Lines that
/// count for the whole machine (`ERR`, `MIS`) have one figure, which isn't the core's.
fn column(text: &str, core: u32) -> Option<Vec<(&str, u64, &str)>> {
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next()?.split_whitespace().collect();
    let at = heads.iter().position(|head| head.strip_prefix("CPU").and_then(|n| n.parse().ok()) == Some(core))?;
    let one = |line| -> Option<(&str, u64, &str)> {
        let (label, rest): (&str, &str) = str::split_once(line, ':')?;
        let (mut rest, mut count) = (rest, None);
        for index in 0..heads.len() {
            let trimmed = rest.trim_start();
            let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
            let (figure, after) = trimmed.split_at_checked(end)?;
            let figure: u64 = figure.parse().ok()?;
            if index == at {
                count = Some(figure);
            }
            rest = after;
        }
        Some((label.trim(), count?, rest.trim()))
    };
    Some(lines.filter_map(one).collect())
}

/// The kernel's own have a description, devices' the chip, the line and the handler's name.
fn interrupt(&(label, count, description): &(&str, u64, &str)) -> (String, u64) {
    let name = if label.bytes().all(|b| b.is_ascii_digit()) {
        let handler = description.rsplit("  ").next().unwrap_or_default().trim();
        format!("interrupt {label} {handler}")
    } else if description.is_empty() {
        label.to_owned()
    } else {
        description.to_owned()
    };
    (name, count)
}

fn softirq(&(label, count, _): &(&str, u64, &str)) -> (String, u64) {
    (format!("softirq {label}"), count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sysfs::fixture::Tree;

    const INTERRUPTS: &str = "           CPU0       CPU2
 24:          1          0  IO-APIC   5-edge      ACPI:Ged
 36:          7       4411  PCI-MSIX-0000:00:02.0   1-edge      ice-eth2-TxRx-2
NMI:          0          3   Non-maskable interrupts
LOC:   28455252       1000   Local timer interrupts
ERR:          5
";
    const SOFTIRQS: &str = "                    CPU0       CPU2
          HI:          0          0
       TIMER:    1704597        100
";
    const STAT: &str = "cpu  1 1 1 1 1 1 1 9 0 0\ncpu0 1 1 1 1 1 1 1 4 0 0\ncpu2 1 1 1 1 1 1 1 5 0 0\n";

    fn tree(interrupts: &str, softirqs: &str, stat: &str) -> Tree {
        Tree::new().file("proc/interrupts", interrupts).file("proc/softirqs", softirqs).file("proc/stat", stat)
    }

    #[test]
    fn what_moved_on_the_core_is_named_and_what_moved_on_another_is_not() {
        let before = Counters::read(tree(INTERRUPTS, SOFTIRQS, STAT).root(), 2);
        let interrupts = INTERRUPTS.replace(" 1000 ", " 1250 ").replace(" 4411 ", " 4414 ").replace(" 3 ", " 4 ");
        let interrupts = interrupts.replace("28455252", "99999999");
        let after = tree(&interrupts, &SOFTIRQS.replace(" 100", " 120"), &STAT.replace("1 5 0 0", "1 7 0 0"));
        let (moved, all) = Counters::read(after.root(), 2).since(&before);
        let shown: Vec<(Topic, String)> = moved.iter().map(|m| (m.layer, m.words())).collect();
        let (machine, kernel) = (Topic::Hardware, Topic::OperatingSystem);
        assert_eq!(
            shown,
            [
                (machine, format!("stolen by the hypervisor {}", Nanos(20_000_000))),
                (machine, "Non-maskable interrupts 1".to_owned()),
                (kernel, "interrupt 36 ice-eth2-TxRx-2 3".to_owned()),
                (kernel, "Local timer interrupts 250".to_owned()),
                (kernel, "softirq TIMER 20".to_owned()),
            ]
        );
        assert_eq!(all, Some(254));
    }

    #[test]
    fn columns_go_by_their_heads_since_cores_off_line_have_none() {
        let at = |core| Counters::read(tree(INTERRUPTS, SOFTIRQS, STAT).root(), core);
        assert!(at(2).interrupts.is_some_and(|lines| lines.contains(&("Local timer interrupts".to_owned(), 1000))));
        assert_eq!(at(1), Counters::default());
    }

    #[test]
    fn without_proc_nothing_is_told_and_nothing_fails() {
        let none = Counters::read(Tree::new().root(), 0);
        assert_eq!(none.since(&none), (Vec::new(), None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[ A-Z0-9:\\n\u{e4}]{0,200}", head in "( CPU[0-3]){0,3}") {
            let text = format!("{head}\n{text}");
            let _ = Counters::read(tree(&text, &text, &text).root(), 1);
        }
    }
}
