//! What the kernel counts of an AF_XDP socket. DPDK's driver asks for it too, but leaves out the frames that found the ring
//! full, and keeps its socket to itself: it is looked for among the descriptors of this process.
#![expect(unsafe_code, reason = "a descriptor that is known by its number alone")]

use std::{
    fs,
    os::fd::{BorrowedFd, RawFd},
};

use socket2::{Domain, SockRef};

use crate::afxdp::syscalls_ffi::statistics;

/// Frames that found the ring of an AF_XDP socket of this process full, of all together.
pub(super) fn ring_full() -> u64 {
    let names = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let descriptors = names.filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    descriptors.filter_map(rx_ring_full).sum()
}

/// `None` where the descriptor is something else.
fn rx_ring_full(fd: RawFd) -> Option<u64> {
    // SAFETY: the number was read from the list of this process's descriptors, so it isn't -1. The borrow ends here, and
    // only options are asked for: nothing is changed or kept, and a descriptor that was closed meanwhile, or has become
    // another, refuses or answers for itself.
    let socket = unsafe { BorrowedFd::borrow_raw(fd) };
    let is_xdp = SockRef::from(&socket).domain().is_ok_and(|domain| domain == Domain::from(libc::AF_XDP));
    is_xdp.then(|| statistics(socket).ok()).flatten().map(|counts| counts.rx_ring_full)
}
