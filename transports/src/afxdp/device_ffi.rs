//! What a network device says of itself, by ioctl in the calling thread's network namespace: `/sys` shows another's.
#![expect(unsafe_code, reason = "these ioctls pass a pointer inside a struct")]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::interface;

/// `linux/sockios.h`
const SIOCETHTOOL: libc::Ioctl = 0x8946;
/// `linux/ethtool.h`
const ETHTOOL_GDRVINFO: u32 = 3;
/// `linux/ethtool.h`
const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// `struct ethtool_drvinfo` of `linux/ethtool.h`.
#[repr(C)]
struct DrvInfo {
    cmd: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}
const _: () = assert!(size_of::<DrvInfo>() == 196, "the kernel writes this many bytes");

/// `struct ethtool_channels` of `linux/ethtool.h`.
#[repr(C)]
#[derive(Default)]
struct Channels {
    cmd: u32,
    max: [u32; 4],
    rx: u32,
    tx: u32,
    other: u32,
    combined: u32,
}
const _: () = assert!(size_of::<Channels>() == 36, "the kernel writes this many bytes");

/// A device that exists.
pub(crate) struct Device {
    control: OwnedFd,
    name: String,
}

impl Device {
    /// Of that name.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        // One byte stays zero, as the end of the name.
        if name.len() >= libc::IFNAMSIZ {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        let control = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        Ok(Self { control, name: name.to_owned() })
    }

    /// Number of the interface.
    pub(super) fn index(&self) -> io::Result<u32> {
        Ok(nix::net::if_::if_nametoindex(self.name.as_str())?)
    }

    /// Longest payload of Ethernet, in bytes.
    pub(super) fn mtu(&self) -> io::Result<u32> {
        let mut request = self.request(libc::__c_anonymous_ifr_ifru { ifru_mtu: 0 });
        self.ioctl(libc::SIOCGIFMTU as libc::Ioctl, &mut request)?;
        // SAFETY: this command has written this member, and any bits are an integer.
        let mtu = unsafe { request.ifr_ifru.ifru_mtu };
        u32::try_from(mtu).map_err(io::Error::other)
    }

    /// Whether it has a carrier.
    pub(super) fn has_carrier(&self) -> io::Result<bool> {
        interface::has_carrier(self.index()?)
    }

    /// Its driver's name, as `ethtool -i` has it; `unknown` where it doesn't say.
    pub(crate) fn driver(&self) -> String {
        let mut info = DrvInfo { cmd: ETHTOOL_GDRVINFO, driver: [0; 32], rest: [0; 160] };
        let mut request = self.request(libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut info).cast() });
        if self.ioctl(SIOCETHTOOL, &mut request).is_err() {
            return "unknown".to_owned();
        }
        let end = info.driver.iter().position(|b| *b == 0).unwrap_or(info.driver.len());
        String::from_utf8_lossy(info.driver.get(..end).unwrap_or_default()).into_owned()
    }

    /// How many queues it receives on now; `None` where the driver doesn't say.
    pub(super) fn queues(&self) -> Option<u32> {
        let mut channels = Channels { cmd: ETHTOOL_GCHANNELS, ..Channels::default() };
        let mut request = self.request(libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut channels).cast() });
        self.ioctl(SIOCETHTOOL, &mut request).ok()?;
        Some(channels.rx.saturating_add(channels.combined))
    }

    fn request(&self, value: libc::__c_anonymous_ifr_ifru) -> libc::ifreq {
        let mut request = libc::ifreq { ifr_name: [0; libc::IFNAMSIZ], ifr_ifru: value };
        for (to, from) in request.ifr_name.iter_mut().zip(self.name.bytes()) {
            *to = from.cast_signed();
        }
        request
    }

    /// For the commands above only: what their request points to, if anything, is as long as they write.
    fn ioctl(&self, command: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: the request lives across the call, its name is terminated, and where its value is a pointer, that is to
        // a structure on the caller's stack of the size asserted above, which is all that the command writes.
        let status = unsafe { libc::ioctl(self.control.as_raw_fd(), command, std::ptr::from_mut(request)) };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_there_and_says_what_it_is() {
        let loopback = Device::open("lo").unwrap();
        assert!(loopback.index().unwrap() > 0);
        assert!(loopback.mtu().unwrap() >= 1500);
        assert_eq!(loopback.queues(), None);
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error() {
        assert!(Device::open("nosuchinterface").unwrap().index().is_err());
        assert!(Device::open("a-name-that-is-longer-than-any").is_err());
    }
}
