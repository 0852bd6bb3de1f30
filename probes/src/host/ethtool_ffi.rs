//! The one question that only an ioctl answers: a NIC's firmware version.
#![expect(unsafe_code, reason = "SIOCETHTOOL passes a pointer inside a struct")]

use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// Driver and firmware as the driver names them.
pub(super) struct DriverInfo {
    pub(super) driver: String,
    pub(super) firmware: String,
}

/// `linux/sockios.h`
const SIOCETHTOOL: libc::Ioctl = 0x8946;
/// `linux/ethtool.h`
const ETHTOOL_GDRVINFO: u32 = 3;

/// `struct ethtool_drvinfo` of `linux/ethtool.h`.
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

const _: () = assert!(size_of::<DrvInfo>() == 196, "the kernel writes this many bytes");

/// Asks the driver of `interface`; `None` where it doesn't answer.
pub(super) fn driver_info(interface: &str) -> Option<DriverInfo> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).ok()?;
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
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut info).cast() },
    };
    // One byte stays zero, as the end of the name.
    if interface.len() >= libc::IFNAMSIZ {
        return None;
    }
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: the request lives across the call, its name is terminated, and its pointer is to a writable
    // `ethtool_drvinfo` of the size asserted above, which is all that this command writes.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    (answer == 0).then(|| DriverInfo { driver: text(&info.driver), firmware: text(&info.fw_version) })
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_exist_or_has_too_long_a_name_has_no_driver() {
        assert!(driver_info("nosuchinterface").is_none());
        assert!(driver_info("a-name-that-is-longer-than-any").is_none());
    }

    #[test]
    fn a_field_ends_at_its_first_zero() {
        assert_eq!(text(b"22.31\0garbage"), "22.31");
        assert_eq!(text(b"full"), "full");
    }
}
