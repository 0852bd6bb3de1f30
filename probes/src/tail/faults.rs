//! The kernel's software counters of minor and major page faults: they count when a fault is done, which no tracepoint says.

use std::os::fd::IntoRawFd;

use libbpf_rs::{Link, ProgramMut};
use perf_event::{Builder, events::Software};

/// Runs `program` at each fault of its kind on these cores, for as long as the links are kept.
pub(super) fn attach(program: &ProgramMut<'_>, major: bool, cores: [u32; 2]) -> Result<Vec<Link>, String> {
    let event = if major { Software::PAGE_FAULTS_MAJ } else { Software::PAGE_FAULTS_MIN };
    let on = |core: u32| {
        let core = usize::try_from(core).map_err(|e| e.to_string())?;
        let mut builder = Builder::new(event);
        builder.any_pid().one_cpu(core).sample_period(1).include_kernel();
        let counter = builder.build().map_err(|e| e.to_string())?;
        // libbpf closes it with the link, and begins it.
        program.attach_perf_event(counter.into_raw_fd()).map_err(|e| e.to_string())
    };
    cores.into_iter().map(on).collect()
}
