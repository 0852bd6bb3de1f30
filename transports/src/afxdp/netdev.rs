//! What the kernel says of a device's AF_XDP, by generic netlink in the calling thread's network namespace.

use std::io;

use netlink_packet_core::DefaultNla;

use super::abi;
use crate::generic_netlink::{ask_family, value};

/// The family, as the kernel wants its name.
const FAMILY: &[u8] = b"netdev\0";

/// What AF_XDP may ask of the driver for each frame sent, as bits; `None` where the kernel is too old to know.
///
/// # Errors
/// `ENODEV` where there is no interface of that number, and whatever fails of the socket.
pub(super) fn transmit_features(interface: u32) -> io::Result<Option<u64>> {
    feature(interface, abi::NETDEV_A_DEV_XSK_FEATURES)
}

/// What an XDP program may ask of the driver for each frame received, as bits; `None` where the kernel is too old to know.
///
/// # Errors
/// As [`transmit_features`].
pub(super) fn receive_features(interface: u32) -> io::Result<Option<u64>> {
    feature(interface, abi::NETDEV_A_DEV_XDP_RX_METADATA_FEATURES)
}

/// An attribute of 64 bits that the kernel has for a device.
pub(super) fn feature(interface: u32, attribute: u16) -> io::Result<Option<u64>> {
    let of_interface = DefaultNla::new(abi::NETDEV_A_DEV_IFINDEX, interface.to_ne_bytes().to_vec());
    let answers = ask_family(FAMILY, abi::NETDEV_CMD_DEV_GET, of_interface)?;
    Ok(answers.and_then(|answers| value(&answers, attribute)).map(u64::from_ne_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_has_no_transmit_stamps_and_what_is_no_interface_no_answer() {
        let loopback = nix::net::if_::if_nametoindex("lo").unwrap();
        match transmit_features(loopback).unwrap() {
            Some(features) => assert_eq!(features, 0),
            None => println!("SKIPPED: a device's AF_XDP features: needs Linux 6.8"),
        }
        if let Err(e) = transmit_features(u32::MAX >> 1) {
            assert_eq!(e.raw_os_error(), Some(libc::ENODEV));
        }
    }
}
