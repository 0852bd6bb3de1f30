//! The ioctls about an interface's stamps: how it is set, and what it can where the kernel has no netlink for that.
#![expect(unsafe_code, reason = "ioctls that pass a pointer inside a struct")]

use std::{io, os::fd::AsRawFd};

use libc::{Ioctl, hwtstamp_config};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// `linux/sockios.h`
const SIOCETHTOOL: Ioctl = 0x8946;
const SIOCSHWTSTAMP: Ioctl = 0x89b0;
const SIOCGHWTSTAMP: Ioctl = 0x89b1;
/// `linux/ethtool.h`
const ETHTOOL_GET_TS_INFO: u32 = 0x41;

/// `struct ethtool_ts_info` of `linux/ethtool.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TsInfo {
    cmd: u32,
    pub(super) flags: u32,
    pub(super) phc: i32,
    pub(super) transmit_types: u32,
    transmit_reserved: [u32; 3],
    pub(super) filters: u32,
    filters_reserved: [u32; 3],
}

const _: () = assert!(size_of::<TsInfo>() == 44, "the kernel writes this many bytes");
const _: () = assert!(size_of::<hwtstamp_config>() == 12, "the kernel reads and writes this many bytes");

/// What the driver says that it can.
pub(super) fn info(interface: &str) -> io::Result<TsInfo> {
    let mut info = TsInfo { cmd: ETHTOOL_GET_TS_INFO, ..TsInfo::default() };
    // SAFETY: this command reads and writes a `TsInfo`, whose size is asserted above.
    unsafe { ask(interface, SIOCETHTOOL, &mut info) }?;
    Ok(info)
}

/// How the interface is set.
pub(super) fn get(interface: &str) -> io::Result<hwtstamp_config> {
    let mut config = hwtstamp_config { flags: 0, tx_type: 0, rx_filter: 0 };
    // SAFETY: this request writes a `hwtstamp_config`, whose size is asserted above.
    unsafe { ask(interface, SIOCGHWTSTAMP, &mut config) }?;
    Ok(config)
}

/// Sets it; what the driver has made of it.
pub(super) fn set(interface: &str, mut config: hwtstamp_config) -> io::Result<hwtstamp_config> {
    // SAFETY: this request reads and writes a `hwtstamp_config`, whose size is asserted above.
    unsafe { ask(interface, SIOCSHWTSTAMP, &mut config) }?;
    Ok(config)
}

/// # Safety
/// The request reads and writes no more behind the pointer than a `T`, and leaves a valid one.
unsafe fn ask<T>(interface: &str, request: Ioctl, data: &mut T) -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut ifreq = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: std::ptr::from_mut(data).cast() },
    };
    // One byte stays zero, as the end of the name.
    if interface.len() >= libc::IFNAMSIZ {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in ifreq.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: the request and what it points to live across the call, the name is terminated, and the caller answers for
    // what is behind the pointer.
    let status = unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut ifreq) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
