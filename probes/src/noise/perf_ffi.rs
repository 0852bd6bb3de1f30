//! A counter of one core by perf_event_open(2), of which the C library has no wrapper.
#![expect(unsafe_code, reason = "a system call without a wrapper, which takes a pointer to its argument")]

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{FromRawFd, OwnedFd, RawFd},
};

/// The first published form of `struct perf_event_attr` (`PERF_ATTR_SIZE_VER0`, linux/perf_event.h): every kernel takes it.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    config1: u64,
}

const SIZE: u32 = 64;
const _: () = assert!(size_of::<Attributes>() == SIZE as usize, "the kernel reads this many bytes");

/// `PERF_FLAG_FD_CLOEXEC`
const CLOSE_ON_EXEC: libc::c_ulong = 8;

/// Begins to count an event of a unit, by their numbers in `/sys/bus/event_source/devices`, on one core, whatever runs there.
///
/// # Errors
/// Of the system call: without root (CAP_PERFMON) or a lower `perf_event_paranoid` it is refused.
pub(super) fn open(kind: u32, config: u64, core: u32) -> io::Result<File> {
    let attributes = Attributes { kind, size: SIZE, config, ..Attributes::default() };
    let core = libc::c_int::try_from(core).map_err(io::Error::other)?;
    let (all_processes, no_group): (libc::pid_t, libc::c_int) = (-1, -1);
    // SAFETY: the structure lives across the call, its `size` is its own, and the kernel reads no more than that.
    let answer = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const attributes, all_processes, core, no_group, CLOSE_ON_EXEC)
    };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = RawFd::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows of it.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// What has been counted since.
///
/// # Errors
/// Of reading.
pub(super) fn count(mut event: &File) -> io::Result<u64> {
    let mut value = [0; 8];
    event.read_exact(&mut value)?;
    Ok(u64::from_ne_bytes(value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{affinity, noise::smi::event_of};

    #[test]
    fn an_event_of_the_same_unit_counts_on_this_host() {
        let core = *affinity::allowed().unwrap().first().unwrap();
        let Some((kind, config)) = event_of(Path::new("/"), "tsc") else {
            println!("SKIPPED: counting by perf's msr unit: needs a kernel that has it");
            return;
        };
        match open(kind, config, core) {
            Ok(event) => {
                let first = count(&event).unwrap();
                assert!(count(&event).unwrap() > first);
            }
            Err(e) => {
                println!("SKIPPED: counting by perf's msr unit: needs root, or a lower perf_event_paranoid ({e})");
            }
        }
    }

    #[test]
    fn an_event_that_there_is_not_is_an_error() {
        open(u32::MAX, 0, 0).unwrap_err();
    }
}
