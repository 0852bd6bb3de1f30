//! Whether an interface has an XDP program, by rtnetlink in the calling thread's network namespace: DPDK's driver for AF_XDP
//! doesn't look, takes one that is there for its own, and takes it off at the end.

use std::{io, os::fd::AsRawFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use crate::api::{OpenError, Unmet};

/// `linux/rtnetlink.h`
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
/// `linux/netlink.h`
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const HEADER: usize = 16;
/// `linux/if_link.h`
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;
/// `struct ifinfomsg`
const INFO: usize = 16;
/// Two bits at the top of an attribute's type are no part of it.
const NLA_TYPE: u16 = 0x3fff;
/// A description of an interface may be long.
const ANSWER: usize = 64 << 10;

/// That the interface has none.
///
/// # Errors
/// [`Unmet`] where it has one, with the way to take it off; or netlink's own.
pub(super) fn none_on(interface: &str) -> Result<(), OpenError> {
    let failed = |e: io::Error| io::Error::new(e.kind(), format!("ask for the XDP program on {interface}: {e}"));
    let index = nix::net::if_::if_nametoindex(interface).map_err(|e| failed(e.into()))?;
    if !has_one(&ask(index).map_err(failed)?).map_err(failed)? {
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

/// The kernel's answer to what the interface is.
fn ask(index: u32) -> io::Result<Vec<u8>> {
    let netlink = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let mut request = Vec::with_capacity(HEADER + INFO);
    request.extend_from_slice(&32_u32.to_ne_bytes());
    request.extend_from_slice(&RTM_GETLINK.to_ne_bytes());
    request.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    // Sequence and port of the header; family and type of the interface.
    request.extend_from_slice(&[0; 12]);
    request.extend_from_slice(&index.to_ne_bytes());
    // Flags, and which of them to change.
    request.extend_from_slice(&[0; 8]);
    send(netlink.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut answer = vec![0; ANSWER];
    let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    answer.truncate(length);
    Ok(answer)
}

/// Whether the interface described has a program.
fn has_one(answer: &[u8]) -> io::Result<bool> {
    match (word(answer, 4), answer.get(HEADER + INFO..)) {
        (Some(RTM_NEWLINK), Some(attributes)) => {
            let xdp = attribute(attributes, IFLA_XDP).unwrap_or_default();
            Ok(attribute(xdp, IFLA_XDP_ATTACHED).and_then(<[u8]>::first).is_some_and(|how| *how != 0))
        }
        (Some(NLMSG_ERROR), _) => {
            let error = answer.get(HEADER..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
            Err(io::Error::from_raw_os_error(i32::from_ne_bytes(error).saturating_abs()))
        }
        _ => Err(io::Error::other("the kernel's answer can't be read")),
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

/// The contents of the first attribute of that type.
fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(word(rest, 0)?);
        let contents = rest.get(4..length)?;
        if word(rest, 2)? & NLA_TYPE == wanted {
            return Some(contents);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute_of(kind: u16, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + contents.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend_from_slice(contents);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn answer(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + INFO];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(attributes);
        bytes
    }

    #[test]
    fn an_interface_has_a_program_where_the_kernel_says_how_it_is_attached() {
        let name = attribute_of(3, b"eth2\0");
        for (how, there) in [(0, false), (1, true), (2, true), (4, true)] {
            let xdp = attribute_of(IFLA_XDP | 0x8000, &attribute_of(IFLA_XDP_ATTACHED, &[how]));
            assert_eq!(has_one(&answer(RTM_NEWLINK, &[name.clone(), xdp].concat())).unwrap(), there);
        }
        assert!(!has_one(&answer(RTM_NEWLINK, &name)).unwrap());
    }

    #[test]
    fn an_errno_is_an_error_and_so_is_an_answer_that_is_none() {
        let mut gone = answer(NLMSG_ERROR, &[]);
        gone[HEADER..HEADER + 4].copy_from_slice(&(-libc::ENODEV).to_ne_bytes());
        assert_eq!(has_one(&gone).unwrap_err().raw_os_error(), Some(libc::ENODEV));
        for broken in [vec![], answer(77, &[]), answer(RTM_NEWLINK, &[])[..20].to_vec()] {
            assert!(has_one(&broken).is_err());
        }
        // Longer than it is.
        assert!(!has_one(&answer(RTM_NEWLINK, &[255, 0, 43, 0])).unwrap());
        assert!(!has_one(&answer(RTM_NEWLINK, &[0, 0, 1, 0])).unwrap());
    }

    #[test]
    fn the_loopback_has_none_and_one_that_is_not_there_is_an_error() {
        none_on("lo").unwrap();
        assert!(none_on("nosuchinterface").is_err());
    }
}
