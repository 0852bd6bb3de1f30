//! `TCP_INFO` of a socket, by `getsockopt`: nix has no option for it. The only `unsafe` of the lanes over kernel sockets.
#![expect(unsafe_code, reason = "getsockopt into a C structure")]

use std::{
    io,
    mem::{self, MaybeUninit},
    net::TcpStream,
    os::fd::AsRawFd,
};

/// What is of use here of the kernel's `struct tcp_info` (linux/tcp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TcpInfo {
    /// `tcpi_data_segs_out`: segments with data that left, those sent again included (RFC 4898, `DataSegsOut`).
    pub(crate) segments_with_data: u64,
    /// `tcpi_total_retrans`: segments sent again.
    pub(crate) sent_again: u64,
}

/// Byte offset of `tcpi_total_retrans` in `struct tcp_info`: 8 one-byte fields, then 23 of 4 bytes before it.
const TOTAL_RETRANS: usize = 100;
/// Byte offset of `tcpi_data_segs_out`, which kernels have since 4.6.
const DATA_SEGS_OUT: usize = 156;
const LENGTH: usize = 160;

/// Asks the kernel.
pub(crate) fn get(stream: &TcpStream) -> io::Result<TcpInfo> {
    let mut info = MaybeUninit::<[u8; LENGTH]>::zeroed();
    let mut len = libc::socklen_t::try_from(LENGTH).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `len` bytes, the size of `info`, and says in `len` how many; both live until
    // the call returns. The descriptor is open as long as `stream` is borrowed.
    let status = unsafe {
        libc::getsockopt(stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut len)
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    if (len as usize) < LENGTH {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this kernel doesn't count segments (needs Linux 4.6)"));
    }
    // SAFETY: every bit pattern is a valid byte, and the array began as zeros.
    let info = unsafe { info.assume_init() };
    let word = |at: usize| {
        let mut bytes = [0; mem::size_of::<u32>()];
        bytes.copy_from_slice(&info[at..at + mem::size_of::<u32>()]);
        u64::from(u32::from_ne_bytes(bytes))
    };
    Ok(TcpInfo { segments_with_data: word(DATA_SEGS_OUT), sent_again: word(TOTAL_RETRANS) })
}
