//! An interface described by the kernel, by rtnetlink in the calling thread's network namespace.

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::netlink;

/// `linux/rtnetlink.h`
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
/// `linux/if_link.h`: one byte, whether the driver sees a carrier.
const IFLA_CARRIER: u16 = 33;
/// Bytes of `struct ifinfomsg` of `linux/rtnetlink.h`, and where in it the interface's number stands.
const INFO: usize = 16;
const INDEX: usize = 4;

/// A message about an interface.
pub(crate) type Description = netlink::Message<INFO>;

/// What the interface of that number is.
///
/// # Errors
/// `ENODEV` where there is none, and whatever fails of the socket.
pub(crate) fn describe(index: u32) -> io::Result<Description> {
    described(netlink::ask(NETLINK_ROUTE, message(RTM_GETLINK, index), 0)?)
}

fn described(answers: Vec<Description>) -> io::Result<Description> {
    answers
        .into_iter()
        .find(|answer| answer.kind == RTM_NEWLINK)
        .ok_or_else(|| io::Error::other("the kernel's answer describes no interface"))
}

/// Whether its driver sees a carrier now. `IFF_RUNNING` doesn't say so: the kernel brings that up to date later, up to a second
/// after a driver has lost the carrier (`net/core/link_watch.c`), and drops what is sent in between.
///
/// # Errors
/// As of [`describe`].
pub(crate) fn has_carrier(index: u32) -> io::Result<bool> {
    Ok(carrier_in(&describe(index)?))
}

fn carrier_in(description: &Description) -> bool {
    description.value(IFLA_CARRIER).is_some_and(|carrier| carrier.first().is_some_and(|there| *there != 0))
}

fn message(kind: u16, index: u32) -> Description {
    let mut header = [0; INFO];
    header[INDEX..INDEX + 4].copy_from_slice(&index.to_ne_bytes());
    Description { kind, header, attributes: Vec::new() }
}

#[cfg(test)]
pub(crate) mod tests {
    use netlink_packet_core::DefaultNla;

    use super::*;

    /// A description as the kernel would send it.
    pub(crate) fn description(attributes: Vec<DefaultNla>) -> Description {
        Description { attributes, ..message(RTM_NEWLINK, 2) }
    }

    #[test]
    fn the_loopback_has_a_carrier_while_it_is_up_and_says_its_name() {
        const IFLA_IFNAME: u16 = 3;
        let index = nix::net::if_::if_nametoindex("lo").unwrap();
        assert_eq!(describe(index).unwrap().value(IFLA_IFNAME), Some(b"lo\0".to_vec()));
        has_carrier(index).unwrap();
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        assert_eq!(has_carrier(u32::MAX >> 1).unwrap_err().raw_os_error(), Some(libc::ENODEV));
    }

    #[test]
    fn an_answer_that_describes_no_interface_is_an_error() {
        assert!(described(Vec::new()).is_err());
        assert!(described(vec![message(RTM_GETLINK, 2)]).is_err());
    }

    #[test]
    fn a_carrier_is_there_where_the_kernel_says_so() {
        for (said, there) in [(vec![1], true), (vec![0], false), (vec![], false)] {
            assert_eq!(carrier_in(&description(vec![DefaultNla::new(IFLA_CARRIER, said)])), there);
        }
        assert!(!carrier_in(&description(Vec::new())));
    }
}
