//! Questions that ethtool's ioctl answers on every kernel (`linux/ethtool.h`).
#![expect(unsafe_code, reason = "SIOCETHTOOL passes a pointer inside a struct")]

use std::{io, os::fd::AsRawFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::Answer;

/// `linux/sockios.h`
const SIOCETHTOOL: libc::Ioctl = 0x8946;
const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GCOALESCE: u32 = 0x0e;
const ETHTOOL_GPAUSEPARAM: u32 = 0x12;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_GGRO: u32 = 0x2b;
const ETH_FLAG_LRO: u32 = 1 << 15;

/// `struct ethtool_drvinfo`.
#[repr(C)]
#[derive(Clone, Copy)]
struct DrvInfo {
    cmd: u32,
    driver: [u8; 32],
    version: [u8; 32],
    fw_version: [u8; 32],
    bus_info: [u8; 32],
    erom_version: [u8; 32],
    reserved2: [u8; 12],
    counts: [u32; 5],
}

/// `struct ethtool_coalesce`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CoalesceInfo {
    cmd: u32,
    rx_usecs: u32,
    rx_frames: u32,
    rx_irq: [u32; 2],
    tx_usecs: u32,
    tx_frames: u32,
    tx_irq: [u32; 2],
    stats_block: u32,
    adaptive_rx: u32,
    adaptive_tx: u32,
    rates: [u32; 11],
}

/// `struct ethtool_pauseparam`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PauseInfo {
    cmd: u32,
    autoneg: u32,
    rx: u32,
    tx: u32,
}

/// `struct ethtool_value`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Value {
    cmd: u32,
    data: u32,
}

const _: () = assert!(size_of::<DrvInfo>() == 196, "the kernel writes this many bytes");
const _: () = assert!(size_of::<CoalesceInfo>() == 92, "the kernel writes this many bytes");
const _: () = assert!(size_of::<PauseInfo>() == 16, "the kernel writes this many bytes");
const _: () = assert!(size_of::<Value>() == 8, "the kernel writes this many bytes");

/// Driver, its version and its firmware's, as the driver names them.
pub(super) fn driver(interface: &str) -> Option<[String; 3]> {
    let mut info = DrvInfo {
        cmd: ETHTOOL_GDRVINFO,
        driver: [0; 32],
        version: [0; 32],
        fw_version: [0; 32],
        bus_info: [0; 32],
        erom_version: [0; 32],
        reserved2: [0; 12],
        counts: [0; 5],
    };
    // SAFETY: this command writes a `DrvInfo`, whose size is asserted above.
    unsafe { ask(interface, &mut info) }?;
    Some([text(&info.driver), text(&info.version), text(&info.fw_version)])
}

/// Microseconds of receive and transmit, frames of receive, and whether each adapts itself.
pub(super) fn coalescing(interface: &str) -> Answer<([u32; 4], [bool; 2])> {
    let mut info = CoalesceInfo { cmd: ETHTOOL_GCOALESCE, ..CoalesceInfo::default() };
    // SAFETY: this command writes a `CoalesceInfo`, whose size is asserted above.
    let answer = answer(unsafe { call(interface, &mut info) })?;
    let numbers = [info.rx_usecs, info.tx_usecs, info.rx_frames, info.tx_frames];
    Ok(answer.map(|()| (numbers, [info.adaptive_rx != 0, info.adaptive_tx != 0])))
}

/// Whether pause frames are negotiated with the other end, honoured, and sent.
pub(super) fn pause(interface: &str) -> Answer<[bool; 3]> {
    let mut info = PauseInfo { cmd: ETHTOOL_GPAUSEPARAM, ..PauseInfo::default() };
    // SAFETY: this command writes a `PauseInfo`, whose size is asserted above.
    let answer = answer(unsafe { call(interface, &mut info) })?;
    Ok(answer.map(|()| [info.autoneg != 0, info.rx != 0, info.tx != 0]))
}

/// Whether frames are put together on receipt: by the kernel (GRO), by the device (LRO).
pub(super) fn receive_offloads(interface: &str) -> Answer<[bool; 2]> {
    let (gro, flags) = (value(interface, ETHTOOL_GGRO)?, value(interface, ETHTOOL_GFLAGS)?);
    Ok(gro.zip(flags).map(|(gro, flags)| [gro != 0, flags & ETH_FLAG_LRO != 0]))
}

fn value(interface: &str, cmd: u32) -> Answer<u32> {
    let mut info = Value { cmd, data: 0 };
    // SAFETY: both commands that this is called with write a `Value`, whose size is asserted above.
    Ok(answer(unsafe { call(interface, &mut info) })?.map(|()| info.data))
}

/// What a driver says, or that it has no such thing.
fn answer(answer: io::Result<()>) -> Answer<()> {
    match answer {
        Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(None),
        answered => answered.map(Some),
    }
}

/// `None` where there is no such interface, or its driver has no answer.
///
/// # Safety
/// As for [`call`].
pub(super) unsafe fn ask<T>(interface: &str, info: &mut T) -> Option<()> {
    // SAFETY: the caller answers for the same.
    unsafe { call(interface, info) }.ok()
}

/// Has the kernel carry out a command.
///
/// # Safety
/// `info` begins with a command that reads and writes no more than a `T`, and leaves a valid one.
pub(super) unsafe fn call<T>(interface: &str, info: &mut T) -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: std::ptr::from_mut(info).cast() },
    };
    // One byte stays zero, as the end of the name.
    if interface.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: the request and what it points to live across the call, the name is terminated, and the caller answers for
    // what is behind the pointer.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub(super) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_exist_or_has_too_long_a_name_has_no_answers() {
        for name in ["nosuchinterface", "a-name-that-is-longer-than-any"] {
            assert!(driver(name).is_none() && coalescing(name).is_err());
            assert!(pause(name).is_err() && receive_offloads(name).is_err());
        }
    }

    #[test]
    fn the_loopback_puts_frames_together_in_the_kernel_and_gathers_no_interrupts() {
        assert_eq!(receive_offloads("lo").unwrap().map(|[_, device]| device), Some(false));
        assert_eq!(coalescing("lo").unwrap(), None);
    }

    #[test]
    fn a_field_ends_at_its_first_zero() {
        assert_eq!(text(b"22.31\0garbage"), "22.31");
        assert_eq!(text(b"full"), "full");
    }
}
