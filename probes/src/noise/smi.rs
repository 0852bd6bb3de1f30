//! System management interrupts: the firmware takes a whole core away, and no kernel is told. Intel's processors count them.

use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt, path::Path};

use perf_event::{Builder, Counter, events::Raw};
use tickcert_results::certificate::{NotRun, NotRunKind};

use crate::{host, sysfs};

/// `MSR_SMI_COUNT`, "SMI Count (R/O)", bits 31:0 (Intel, Software Developer's Manual, volume 4, since Nehalem).
const MSR_SMI_COUNT: u64 = 0x34;
const UNIT: &str = "sys/bus/event_source/devices/msr";

/// Whether they can be counted here.
#[derive(Debug)]
pub(super) enum SmiCounter {
    /// By the processor's register, of each core.
    Register,
    /// By perf's event of that register, begun on each core.
    Event(BTreeMap<u32, Counter>),
    /// The processor has none; who makes it.
    NotApplicable(String),
    /// It has one, which can't be read: what is needed, and the remedy.
    Unreadable(String, &'static str),
}

impl SmiCounter {
    /// Looks at the processor below `root`, tries the register of the cores, and then perf's event of it.
    pub(super) fn find(root: &Path, cores: &[u32]) -> Self {
        let cpuinfo = sysfs::read(root, "proc/cpuinfo").unwrap_or_default();
        match host::cpuinfo_field(&cpuinfo, "vendor_id") {
            Some("GenuineIntel") => {}
            Some(other) => return Self::NotApplicable(other.to_owned()),
            None => {
                return Self::Unreadable(
                    "/proc/cpuinfo, which says who makes the processor".to_owned(),
                    "in a container, run with the host's /proc",
                );
            }
        }
        let first = cores.first().copied().unwrap_or_default();
        let Err(e) = cores.iter().try_for_each(|core| register(root, *core).map(drop)) else { return Self::Register };
        let begin = |event| cores.iter().map(|&core| Ok((core, count(event, core)?))).collect();
        match event_of(root, "smi").map(begin) {
            Some(Ok::<_, io::Error>(events)) => Self::Event(events),
            _ => Self::Unreadable(format!("/dev/cpu/{first}/msr ({e}), or perf's event msr/smi/"), remedy(&e)),
        }
    }

    /// For the certificate.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Register => "counted by MSR 0x34".to_owned(),
            Self::Event(_) => "counted by perf's event msr/smi/".to_owned(),
            Self::NotApplicable(vendor) => {
                format!("not applicable: a processor of {vendor} has no register that counts them")
            }
            Self::Unreadable(needs, _) => format!("not counted: needs {needs}"),
        }
    }

    /// The row where they are not counted. What no setting of the host can change limits no verdict.
    pub(super) fn unmet(&self) -> Option<NotRun> {
        let row = |needs: &str, how| NotRun::new(NotRunKind::Probe, "SMIs", needs, how);
        match self {
            Self::Register | Self::Event(_) => None,
            Self::NotApplicable(vendor) => {
                let needs = format!("a processor with a register that counts them; one of {vendor} has none");
                let how = "none here: of what firmware takes, the gaps tell that no event of the kernel accounts for";
                Some(NotRun { optional: true, ..row(&needs, how) })
            }
            Self::Unreadable(needs, remedy) => Some(row(needs, remedy)),
        }
    }

    /// The count of `core` now, of 32 bits.
    pub(super) fn read(&mut self, root: &Path, core: u32) -> Option<u32> {
        match self {
            Self::Register => register(root, core).ok(),
            Self::Event(events) => u32::try_from(events.get_mut(&core)?.read().ok()? & u64::from(u32::MAX)).ok(),
            Self::NotApplicable(_) | Self::Unreadable(..) => None,
        }
    }
}

/// The numbers of perf's unit for such registers and of an event of it, which its file gives as `event=0x04`.
fn event_of(root: &Path, event: &str) -> Option<(u32, u64)> {
    let kind = sysfs::read_number(root, &format!("{UNIT}/type"))?;
    let text = sysfs::read(root, &format!("{UNIT}/events/{event}"))?;
    Some((kind, u64::from_str_radix(text.strip_prefix("event=0x")?, 16).ok()?))
}

/// Begins to count an event of a unit on one core, whatever runs there.
fn count((unit, config): (u32, u64), core: u32) -> io::Result<Counter> {
    let mut builder = Builder::new(Raw::new(config));
    builder.attrs_mut().type_ = unit;
    // The unit leaves nothing out: one that is asked to refuses.
    builder.any_pid().one_cpu(usize::try_from(core).map_err(io::Error::other)?).include_kernel().include_hv();
    let mut counter = builder.build()?;
    counter.enable()?;
    Ok(counter)
}

fn remedy(e: &io::Error) -> &'static str {
    match e.kind() {
        io::ErrorKind::NotFound => "as root: modprobe msr (a kernel with CONFIG_X86_MSR)",
        io::ErrorKind::PermissionDenied => "run as root (CAP_SYS_RAWIO), on a kernel that isn't locked down",
        _ => "a hypervisor that has the register, or bare metal",
    }
}

/// The file's position is the register's number.
fn register(root: &Path, core: u32) -> io::Result<u32> {
    let mut value = [0; 8];
    File::open(root.join(format!("dev/cpu/{core}/msr")))?.read_exact_at(&mut value, MSR_SMI_COUNT)?;
    let [a, b, c, d, ..] = value;
    Ok(u32::from_le_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{affinity, sysfs::fixture::Tree};

    const INTEL: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\n";

    fn unreadable(tree: &Tree) -> (String, &'static str) {
        match SmiCounter::find(tree.root(), &[0]) {
            SmiCounter::Unreadable(needs, remedy) => (needs, remedy),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_register_is_read_at_its_number_and_has_32_bits() {
        let tree = Tree::new().file("proc/cpuinfo", INTEL);
        let mut file = vec![0; 0x34];
        file.extend([42, 1, 0, 0, 9, 9, 9, 9]);
        std::fs::create_dir_all(tree.root().join("dev/cpu/3")).unwrap();
        std::fs::write(tree.root().join("dev/cpu/3/msr"), file).unwrap();
        let mut counter = SmiCounter::find(tree.root(), &[3]);
        assert!(matches!(counter, SmiCounter::Register), "{counter:?}");
        assert_eq!(counter.read(tree.root(), 3), Some(256 + 42));
    }

    #[test]
    fn a_processor_without_the_register_is_not_asked_for_it() {
        let tree = Tree::new().file("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
        let mut counter = SmiCounter::find(tree.root(), &[0]);
        assert!(counter.describe().starts_with("not applicable: a processor of AuthenticAMD"), "{counter:?}");
        assert_eq!(counter.read(tree.root(), 0), None);
        let row = counter.unmet().unwrap();
        assert!(row.optional && row.needs.ends_with("one of AuthenticAMD has none"), "{row:?}");
    }

    #[test]
    fn a_register_that_can_not_be_read_says_how_it_can() {
        let (needs, remedy) = unreadable(&Tree::new().file("proc/cpuinfo", INTEL));
        let row = SmiCounter::Unreadable(needs.clone(), remedy).unmet().unwrap();
        assert!(!row.optional && row.needs == needs && row.how == remedy, "{row:?}");
        assert!(needs.contains("/dev/cpu/0/msr") && remedy.contains("modprobe msr"), "{needs}: {remedy}");
    }

    #[test]
    fn a_hypervisor_that_leaves_the_register_out_is_told_from_a_missing_file() {
        let (_, remedy) = unreadable(&Tree::new().file("proc/cpuinfo", INTEL).file("dev/cpu/0/msr", "short"));
        assert!(remedy.contains("hypervisor"), "{remedy}");
    }

    #[test]
    fn an_event_of_the_same_unit_counts_on_this_host() {
        let core = *affinity::allowed().unwrap().first().unwrap();
        let Some(event) = event_of(Path::new("/"), "tsc") else {
            println!("SKIPPED: counting by perf's msr unit: needs a kernel that has it");
            return;
        };
        match count(event, core) {
            Ok(mut counter) => {
                let first = counter.read().unwrap();
                assert!(counter.read().unwrap() > first);
            }
            Err(e) => {
                println!("SKIPPED: counting by perf's msr unit: needs root, or a lower perf_event_paranoid ({e})");
            }
        }
    }

    #[test]
    fn an_event_that_there_is_not_is_an_error() {
        count((u32::MAX, 0), 0).unwrap_err();
    }

    #[test]
    fn an_event_is_named_by_the_files_of_its_unit() {
        let unit = |text| Tree::new().file(&format!("{UNIT}/type"), "9\n").file(&format!("{UNIT}/events/smi"), text);
        assert_eq!(event_of(unit("event=0x04\n").root(), "smi"), Some((9, 4)));
        assert_eq!(event_of(unit("umask=1\n").root(), "smi"), None);
        assert_eq!(event_of(Tree::new().root(), "smi"), None);
    }
}
