//! Which counters of processor and kernel can't be read here.

use std::io;

use tickcert_probes::counters::{Counters, is_hardware};
use tickcert_results::certificate::{NotRun, NotRunKind};

/// A row for the processor's, and one for the kernel's, where some are missing.
#[must_use]
pub(super) fn missing() -> Vec<NotRun> {
    rows(Counters::open().missing())
}

fn rows(missing: &[(&'static str, io::Error)]) -> Vec<NotRun> {
    let row = |name: &str, hardware: bool, how: &str| {
        let of: Vec<_> = missing.iter().filter(|(n, _)| is_hardware(n) == hardware).collect();
        let (_, why) = of.first()?;
        let names: Vec<&str> = of.iter().map(|(n, _)| *n).collect();
        let needs = format!("the events {} of perf_event_open(2): {why}", names.join(", "));
        Some(NotRun::new(NotRunKind::Probe, name, needs, how))
    };
    let processor = "in a virtual machine, give it a virtual PMU (QEMU/KVM: -cpu host,pmu=on; clouds: a metal instance); else run as \
                     root, or set kernel.perf_event_paranoid to 1 or less";
    let kernel = "run as root (CAP_PERFMON), or set kernel.perf_event_paranoid to 1 or less; in a container allow perf_event_open";
    [row("the processor's counters", true, processor), row("the kernel's counters", false, kernel)]
        .into_iter()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_a_row_of_the_processor_or_of_the_kernel_with_the_remedy_of_each() {
        assert_eq!(rows(&[]), []);
        let refused = |name| (name, io::Error::from_raw_os_error(libc::EACCES));
        let found = rows(&[refused("cycles"), refused("page faults"), refused("instructions")]);
        let [processor, kernel] = found.as_slice() else { panic!("{found:?}") };
        assert!(
            processor.needs.starts_with("the events cycles, instructions of perf_event_open(2): Permission"),
            "{processor:?}"
        );
        assert!(processor.how.contains("virtual PMU"), "{processor:?}");
        assert!(kernel.needs.contains("the events page faults of") && kernel.how.contains("CAP_PERFMON"), "{kernel:?}");
    }
}
