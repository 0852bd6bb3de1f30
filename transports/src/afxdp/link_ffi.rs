//! A BPF link between a program and a device, by libbpf's own call: `libbpf-rs` can't choose between driver and stack.
#![expect(unsafe_code, reason = "a call of the C library")]

use std::{
    io, mem,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

use libbpf_rs::libbpf_sys::{BPF_XDP, bpf_link_create, bpf_link_create_opts};

/// Puts the program on the interface with that number, in the calling thread's network namespace, with
/// `XDP_FLAGS_*_MODE`; it stays as long as the descriptor is open.
pub(super) fn create(program: BorrowedFd<'_>, interface: u32, flags: u32) -> io::Result<OwnedFd> {
    let size = mem::size_of::<bpf_link_create_opts>().try_into().map_err(io::Error::other)?;
    let options = bpf_link_create_opts { sz: size, flags, ..Default::default() };
    let interface = interface.try_into().map_err(io::Error::other)?;
    // SAFETY: the options live across the call and say how long they are; the program's descriptor is open.
    let fd = unsafe { bpf_link_create(program.as_raw_fd(), interface, BPF_XDP, &raw const options) };
    if fd < 0 {
        // libbpf answers with the negative number of the error.
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the descriptor is new, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use libbpf_rs::libbpf_sys::{bpf_xdp_query, bpf_xdp_query_opts};

    use super::*;
    use crate::afxdp::{
        netdev,
        transmit_tests::{SENDER, index, on_veth},
    };

    /// `NETDEV_A_DEV_XDP_FEATURES` of `linux/netdev.h`, beside which the features of AF_XDP stand.
    const XDP_FEATURES: u16 = 3;

    #[test]
    fn what_the_kernel_says_of_a_device_is_what_libbpf_hears_of_it() {
        on_veth("a device's XDP features", || {
            for name in ["lo", SENDER] {
                let size = mem::size_of::<bpf_xdp_query_opts>().try_into().unwrap();
                let mut heard = bpf_xdp_query_opts { sz: size, ..Default::default() };
                // SAFETY: the options live across the call and say how long they are.
                let status = unsafe { bpf_xdp_query(index(name).try_into().unwrap(), 0, &raw mut heard) };
                assert_eq!(status, 0, "{name}");
                match netdev::feature(index(name), XDP_FEATURES).unwrap() {
                    Some(features) => assert_eq!(features, heard.feature_flags, "{name}"),
                    None => println!("SKIPPED: a device's XDP features: needs Linux 6.3"),
                }
            }
        });
    }
}
