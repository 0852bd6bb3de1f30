//! What the kernel counts of an AF_XDP socket. DPDK's driver asks for it too, but leaves out the frames that found the ring
//! full, and keeps its socket to itself: it is looked for among the descriptors of this process.
#![expect(unsafe_code, reason = "options that nix doesn't know")]

use std::{fs, mem, os::fd::RawFd};

/// Frames that found the ring of an AF_XDP socket of this process full, of all together.
pub(super) fn ring_full() -> u64 {
    let names = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let descriptors = names.filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    descriptors.filter(|fd| is_xdp(*fd)).map(rx_ring_full).sum()
}

fn is_xdp(fd: RawFd) -> bool {
    let mut domain: libc::c_int = 0;
    get(fd, libc::SOL_SOCKET, libc::SO_DOMAIN, &mut domain) && domain == libc::AF_XDP
}

fn rx_ring_full(fd: RawFd) -> u64 {
    let mut found = libc::xdp_statistics {
        rx_dropped: 0,
        rx_invalid_descs: 0,
        tx_invalid_descs: 0,
        rx_ring_full: 0,
        rx_fill_ring_empty_descs: 0,
        tx_ring_empty_descs: 0,
    };
    get(fd, libc::SOL_XDP, libc::XDP_STATISTICS, &mut found);
    found.rx_ring_full
}

/// Only for types of plain integers: the kernel writes over the value. Whether it did.
fn get<T: Copy>(fd: RawFd, level: libc::c_int, name: libc::c_int, value: &mut T) -> bool {
    let Ok(mut len) = libc::socklen_t::try_from(mem::size_of::<T>()) else { return false };
    // SAFETY: the kernel writes at most `len` bytes, the size of the value, and every bit pattern is one of its type; a
    // descriptor that is closed or no socket is refused.
    unsafe { libc::getsockopt(fd, level, name, std::ptr::from_mut(value).cast(), &raw mut len) == 0 }
}
