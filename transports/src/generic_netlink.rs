//! Generic netlink: families that have names, and numbers of the kernel's choice.

use std::io;

use netlink_packet_core::DefaultNla;
use netlink_sys::protocols::NETLINK_GENERIC;

use crate::netlink::{self, ask};

/// The family that knows the others (`linux/genetlink.h`), its question, and the attributes of its answer.
const CONTROLLER: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// Of all families asked here.
const VERSION: u8 = 1;

/// A message of generic netlink, whose type is its family and whose header is `struct genlmsghdr` of `linux/genetlink.h`:
/// command, version, and two bytes for later.
pub(crate) type Generic = netlink::Message<4>;

/// Asks a family, by its name as the kernel wants it, with the zero at its end; `None` where the kernel has no such family.
///
/// # Errors
/// As [`ask`].
pub(crate) fn ask_family(family: &[u8], command: u8, key: DefaultNla) -> io::Result<Option<Vec<Generic>>> {
    let Some(number) = number(family)? else { return Ok(None) };
    ask(NETLINK_GENERIC, question(number, command, key), 0).map(Some)
}

fn number(family: &[u8]) -> io::Result<Option<u16>> {
    let by_name = question(CONTROLLER, GET_FAMILY, DefaultNla::new(FAMILY_NAME, family.to_vec()));
    match ask(NETLINK_GENERIC, by_name, 0) {
        Ok(answers) => Ok(value(&answers, FAMILY_ID).map(u16::from_ne_bytes)),
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

fn question(family: u16, command: u8, key: DefaultNla) -> Generic {
    Generic { kind: family, header: [command, VERSION, 0, 0], attributes: vec![key] }
}

/// The first attribute of that kind, if it has that length.
pub(crate) fn value<const LENGTH: usize>(answers: &[Generic], kind: u16) -> Option<[u8; LENGTH]> {
    answers.iter().find_map(|answer| answer.value(kind)?.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_that_the_kernel_has_not_is_no_failure() {
        assert_eq!(ask_family(b"no-such\0", 1, DefaultNla::new(1, Vec::new())).unwrap(), None);
    }

    #[test]
    fn an_attribute_is_found_by_kind_and_length_and_an_answer_without_it_is_an_old_kernels() {
        let interface = DefaultNla::new(1, 3_u32.to_ne_bytes().to_vec());
        let answer = |attributes| [Generic { kind: 30, header: [1, VERSION, 0, 0], attributes }];
        let old = answer(vec![interface.clone()]);
        assert_eq!(value::<8>(&old, 6), None);
        let new = answer(vec![interface, DefaultNla::new(6, 5_u64.to_ne_bytes().to_vec())]);
        assert_eq!(value(&new, 6).map(u64::from_ne_bytes), Some(5));
        assert_eq!(value::<4>(&new, 6), None);
    }
}
