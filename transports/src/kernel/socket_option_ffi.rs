//! Socket options that hold an integer and that nix has no names for.
#![expect(unsafe_code, reason = "setsockopt and getsockopt")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

use libc::{SOL_SOCKET, c_int, socklen_t};

/// Bytes of a C `int`.
const LENGTH: socklen_t = 4;

/// Sets an option of the level `SOL_SOCKET`.
pub(crate) fn set(socket: &impl AsFd, option: c_int, value: i32) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel reads `LENGTH` bytes, the size of `value`, which lives until the call returns; the descriptor
    // is open as long as `socket` is borrowed.
    let status = unsafe { libc::setsockopt(fd, SOL_SOCKET, option, (&raw const value).cast(), LENGTH) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads one.
pub(crate) fn get(socket: &impl AsFd, option: c_int) -> io::Result<i32> {
    let fd = socket.as_fd().as_raw_fd();
    let (mut value, mut len): (c_int, socklen_t) = (0, LENGTH);
    // SAFETY: the kernel writes at most `len` bytes, the size of `value`; both live until the call returns, and the
    // descriptor is open as long as `socket` is borrowed.
    let status = unsafe { libc::getsockopt(fd, SOL_SOCKET, option, (&raw mut value).cast(), &raw mut len) };
    if status == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}
