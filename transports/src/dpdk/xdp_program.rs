//! Whether an interface has an XDP program, by rtnetlink in the calling thread's network namespace: DPDK's driver for AF_XDP
//! doesn't look, takes one that is there for its own, and takes it off at the end.

use std::io;

use crate::{
    api::{OpenError, Unmet},
    interface::{self, Description},
    netlink,
};

/// `linux/if_link.h`
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;

/// That the interface has none.
///
/// # Errors
/// [`Unmet`] where it has one, with the way to take it off; or netlink's own.
pub(super) fn none_on(interface: &str) -> Result<(), OpenError> {
    let failed = |e: io::Error| io::Error::new(e.kind(), format!("ask for the XDP program on {interface}: {e}"));
    let index = nix::net::if_::if_nametoindex(interface).map_err(|e| failed(e.into()))?;
    let description = interface::describe(index).map_err(failed)?;
    if !has_one(&description).map_err(failed)? {
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

/// Whether the interface described has a program.
fn has_one(description: &Description) -> io::Result<bool> {
    let xdp = description.value(IFLA_XDP).unwrap_or_default();
    let attached = netlink::nested(&xdp, IFLA_XDP_ATTACHED)?;
    Ok(attached.is_some_and(|how| how.first().is_some_and(|how| *how != 0)))
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{DefaultNla, Emitable};

    use super::*;
    use crate::interface::tests::description;

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
    fn a_description_that_does_not_describe_the_program_is_an_error() {
        // Longer than it is, and shorter than its own head.
        for broken in [vec![255, 0, 2, 0], vec![0, 0, 2, 0], vec![1]] {
            assert!(has_one(&description(vec![DefaultNla::new(IFLA_XDP, broken)])).is_err());
        }
    }

    #[test]
    fn the_loopback_has_none_and_one_that_is_not_there_is_an_error() {
        none_on("lo").unwrap();
        assert!(none_on("nosuchinterface").is_err());
    }
}
