//! Whether an interface has an XDP program, by rtnetlink in the calling thread's network namespace: DPDK's driver for AF_XDP
//! doesn't look, takes one that is there for its own, and takes it off at the end.

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;

use crate::{
    api::{OpenError, Unmet},
    netlink,
};

/// `linux/rtnetlink.h`
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
/// `linux/if_link.h`
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;
/// Bytes of `struct ifinfomsg` of `linux/rtnetlink.h`, and where in it the interface's number stands.
const INFO: usize = 16;
const INDEX: usize = 4;

/// A message about an interface.
type Description = netlink::Message<INFO>;

/// That the interface has none.
///
/// # Errors
/// [`Unmet`] where it has one, with the way to take it off; or netlink's own.
pub(super) fn none_on(interface: &str) -> Result<(), OpenError> {
    let failed = |e: io::Error| io::Error::new(e.kind(), format!("ask for the XDP program on {interface}: {e}"));
    let index = nix::net::if_::if_nametoindex(interface).map_err(|e| failed(e.into()))?;
    let answers = netlink::ask(NETLINK_ROUTE, question(index), 0).map_err(failed)?;
    if !has_one(&answers).map_err(failed)? {
        return Ok(());
    }
    Err(Unmet {
        needs: format!("{interface} without an XDP program: another one is on it already, which DPDK's driver would take for its own"),
        how: format!(
            "end the program that put it there, or take it off: ip link set dev {interface} xdp off (it is shown by: ip link show dev {interface})"
        ),
    }
    .into())
}

/// What the interface of that number is.
fn question(index: u32) -> Description {
    let mut header = [0; INFO];
    header[INDEX..INDEX + 4].copy_from_slice(&index.to_ne_bytes());
    Description { kind: RTM_GETLINK, header, attributes: Vec::new() }
}

/// Whether the interface described has a program.
fn has_one(answers: &[Description]) -> io::Result<bool> {
    let Some(description) = answers.iter().find(|answer| answer.kind == RTM_NEWLINK) else {
        return Err(io::Error::other("the kernel's answer describes no interface"));
    };
    let xdp = description.value(IFLA_XDP).unwrap_or_default();
    let attached = netlink::nested(&xdp, IFLA_XDP_ATTACHED)?;
    Ok(attached.is_some_and(|how| how.first().is_some_and(|how| *how != 0)))
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{DefaultNla, Emitable};

    use super::*;

    fn description(attributes: Vec<DefaultNla>) -> [Description; 1] {
        [Description { kind: RTM_NEWLINK, attributes, ..question(2) }]
    }

    fn name() -> DefaultNla {
        DefaultNla::new(3, b"eth2\0".to_vec())
    }

    #[test]
    fn an_interface_has_a_program_where_the_kernel_says_how_it_is_attached() {
        for (how, there) in [(0, false), (1, true), (2, true), (4, true)] {
            let inner = [DefaultNla::new(IFLA_XDP_ATTACHED, vec![how])];
            let mut bytes = vec![0; inner.as_slice().buffer_len()];
            inner.as_slice().emit(&mut bytes);
            for flags in [0, 0x8000] {
                let xdp = DefaultNla::new(IFLA_XDP | flags, bytes.clone());
                assert_eq!(has_one(&description(vec![name(), xdp])).unwrap(), there);
            }
        }
        assert!(!has_one(&description(vec![name()])).unwrap());
    }

    #[test]
    fn an_answer_that_describes_no_interface_or_not_its_program_is_an_error() {
        assert!(has_one(&[]).is_err());
        assert!(has_one(&[question(2)]).is_err());
        // Longer than it is, and shorter than its own head.
        for broken in [vec![255, 0, 2, 0], vec![0, 0, 2, 0], vec![1]] {
            assert!(has_one(&description(vec![DefaultNla::new(IFLA_XDP, broken)])).is_err());
        }
    }

    #[test]
    fn the_loopback_has_none_and_one_that_is_not_there_is_an_error() {
        none_on("lo").unwrap();
        assert!(none_on("nosuchinterface").is_err());
        let refused = netlink::ask(NETLINK_ROUTE, question(u32::MAX >> 1), 0).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ENODEV));
    }
}
