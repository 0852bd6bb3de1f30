//! Memory that is there before the measured window starts: locked against paging, and touched.

use std::hint::black_box;

use nix::{
    errno::Errno,
    sys::{
        mman::{MlockAllFlags, mlockall},
        resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit},
    },
};

use crate::privilege::{self, Capability};

/// Why memory was not locked. Nothing is locked then.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The limit on locked memory is finite. Locking future mappings under it would make a later allocation fail in
    /// the middle of a run, so it isn't tried.
    #[error(
        "memory can't be locked: the limit is {limit_bytes} bytes. Run as root, or set it with `ulimit -l unlimited`, \
         LimitMEMLOCK=infinity (systemd), --ulimit memlock=-1 (containers) or `* - memlock unlimited` in /etc/security/limits.d"
    )]
    Limited {
        /// `RLIMIT_MEMLOCK`.
        limit_bytes: u64,
    },
    /// The kernel refused.
    #[error("mlockall failed: is there enough free memory for all that is mapped?")]
    Refused(#[source] Errno),
    /// The limit can't be read.
    #[error("the limit on locked memory can't be read")]
    Unreadable(#[source] Errno),
}

/// Locks everything that is mapped and everything that will be.
///
/// # Errors
/// [`MemoryError`], with the remedy.
pub fn lock_all() -> Result<(), MemoryError> {
    // Allowed with CAP_SYS_RESOURCE, or where the hard limit is infinite already; a refusal shows in the limit below.
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
    let (soft, _) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(MemoryError::Unreadable)?;
    let above_limits = privilege::has(Capability::IpcLock) && privilege::in_initial_user_namespace();
    if soft != RLIM_INFINITY && !above_limits {
        return Err(MemoryError::Limited { limit_bytes: soft });
    }
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE).map_err(MemoryError::Refused)
}

/// Smallest page size of x86-64: a step of this size touches every page, of whatever size it is.
const PAGE_BYTES: usize = 4096;

/// Writes to every page of `memory`, so that none is missing (or shared with the zero page) when it is used.
pub fn prefault<T: Copy>(memory: &mut [T]) {
    let step = (PAGE_BYTES / size_of::<T>().max(1)).max(1);
    let last = memory.len().saturating_sub(1);
    for index in (0..memory.len()).step_by(step).chain(std::iter::once(last)) {
        if let Some(item) = memory.get_mut(index) {
            // The black box keeps the compiler from seeing that nothing changes.
            *item = black_box(*item);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn minor_faults() -> u64 {
        // /proc/thread-self/stat: field 10 is minflt; the name in field 2 ends at the last parenthesis.
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let rest = &stat[stat.rfind(')').unwrap() + 2..];
        rest.split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    #[test]
    fn memory_that_was_prefaulted_faults_no_more() {
        const PAGES: usize = 512;
        let mut memory = vec![0_u64; PAGES * PAGE_BYTES / 8];
        prefault(&mut memory);
        let before = minor_faults();
        for item in memory.iter_mut().step_by(PAGE_BYTES / 8) {
            *item = black_box(1);
        }
        let faults = minor_faults() - before;
        assert!(faults < PAGES as u64 / 8, "{faults} faults in {PAGES} pages");
    }

    #[test]
    fn prefaulting_changes_nothing_and_takes_any_length() {
        for len in [0_usize, 1, 4096, 10_000] {
            let mut memory: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let before = memory.clone();
            prefault(&mut memory);
            assert_eq!(memory, before);
        }
        prefault(&mut [(); 3]);
    }

    #[test]
    fn a_limit_is_an_error_that_names_its_remedy() {
        let e = MemoryError::Limited { limit_bytes: 8 << 20 };
        assert!(e.to_string().contains("8388608") && e.to_string().contains("ulimit -l unlimited"));
    }
}
