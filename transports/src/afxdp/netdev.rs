//! What the kernel says of a device's AF_XDP, by generic netlink in the calling thread's network namespace.

use std::io;

use netlink_packet_core::DefaultNla;
use netlink_sys::protocols::NETLINK_GENERIC;

use super::abi;
use crate::netlink::{self, ask};

/// The family, as the kernel wants its name; its number is the kernel's to choose.
const FAMILY: &[u8] = b"netdev\0";
/// The family that knows the others (`linux/genetlink.h`), its question, and the attributes of its answer.
const CONTROLLER: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// Of both families.
const VERSION: u8 = 1;

/// A message of generic netlink, whose type is its family and whose header is `struct genlmsghdr` of `linux/genetlink.h`:
/// command, version, and two bytes for later.
type Generic = netlink::Message<4>;

/// What AF_XDP may ask of the driver for each frame sent, as bits; `None` where the kernel is too old to know.
///
/// # Errors
/// `ENODEV` where there is no interface of that number, and whatever fails of the socket.
pub(super) fn transmit_features(interface: u32) -> io::Result<Option<u64>> {
    feature(interface, abi::NETDEV_A_DEV_XSK_FEATURES)
}

/// An attribute of 64 bits that the kernel has for a device.
pub(super) fn feature(interface: u32, attribute: u16) -> io::Result<Option<u64>> {
    let Some(family) = family()? else { return Ok(None) };
    let of_interface = DefaultNla::new(abi::NETDEV_A_DEV_IFINDEX, interface.to_ne_bytes().to_vec());
    let answers = ask(NETLINK_GENERIC, question(family, abi::NETDEV_CMD_DEV_GET, of_interface), 0)?;
    Ok(value(&answers, attribute).map(u64::from_ne_bytes))
}

/// The family's number; `None` where the kernel has no such family.
fn family() -> io::Result<Option<u16>> {
    match ask(NETLINK_GENERIC, family_named(FAMILY), 0) {
        Ok(answers) => Ok(value(&answers, FAMILY_ID).map(u16::from_ne_bytes)),
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

fn family_named(name: &[u8]) -> Generic {
    question(CONTROLLER, GET_FAMILY, DefaultNla::new(FAMILY_NAME, name.to_vec()))
}

fn question(family: u16, command: u8, key: DefaultNla) -> Generic {
    Generic { kind: family, header: [command, VERSION, 0, 0], attributes: vec![key] }
}

/// The first attribute of that kind, if it has that length.
fn value<const LENGTH: usize>(answers: &[Generic], kind: u16) -> Option<[u8; LENGTH]> {
    answers.iter().find_map(|answer| answer.value(kind)?.try_into().ok())
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

    #[test]
    fn a_family_that_the_kernel_has_not_is_no_failure() {
        let refused = ask(NETLINK_GENERIC, family_named(b"no-such\0"), 0);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn an_attribute_is_found_by_kind_and_length_and_an_answer_without_it_is_an_old_kernels() {
        let interface = DefaultNla::new(1, 3_u32.to_ne_bytes().to_vec());
        let kind = abi::NETDEV_A_DEV_XSK_FEATURES;
        let answer = |attributes| [Generic { kind: 30, header: [1, VERSION, 0, 0], attributes }];
        let old = answer(vec![interface.clone()]);
        assert_eq!(value::<8>(&old, kind), None);
        let new = answer(vec![interface, DefaultNla::new(kind, 5_u64.to_ne_bytes().to_vec())]);
        assert_eq!(value(&new, kind).map(u64::from_ne_bytes), Some(5));
        assert_eq!(value::<4>(&new, kind), None);
    }
}
