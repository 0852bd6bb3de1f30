//! Rules that lead frames to a queue pair.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{io, mem, net::SocketAddrV4, ptr::NonNull};

use rdma_mummy_sys::{
    ibv_create_flow, ibv_destroy_flow, ibv_flow, ibv_flow_attr, ibv_flow_attr_type, ibv_flow_spec_eth,
    ibv_flow_spec_ipv4, ibv_flow_spec_tcp_udp, ibv_flow_spec_type, ibv_qp,
};

use crate::api::{MacAddress, OpenError, Unmet};

/// Frames for this hardware address, with a UDP datagram for that address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) mac: MacAddress,
    pub(super) to: SocketAddrV4,
}

/// As the driver reads it: the attributes, then what must fit, without gaps.
#[repr(C)]
struct Specification {
    attributes: ibv_flow_attr,
    ethernet: ibv_flow_spec_eth,
    ip: ibv_flow_spec_ipv4,
    udp: ibv_flow_spec_tcp_udp,
}

/// A rule in force. Dropping it takes it off.
pub(super) struct Steering(NonNull<ibv_flow>);

// SAFETY: a rule may be taken off by any thread.
unsafe impl Send for Steering {}

/// Bytes of one of the parts.
#[expect(clippy::cast_possible_truncation, reason = "of structures of some dozen bytes")]
const fn size<T>() -> u16 {
    mem::size_of::<T>() as u16
}

impl Steering {
    /// Leads frames to a queue pair, which must live for longer.
    ///
    /// # Errors
    /// [`OpenError::Unmet`] where the device has no such rules.
    pub(super) fn new(pair: NonNull<ibv_qp>, port: u8, rule: Rule) -> Result<Self, OpenError> {
        let mut specification = specification(port, rule);
        // SAFETY: a pair that there is, and attributes that their parts follow, of which they say how many.
        let made = unsafe { ibv_create_flow(pair.as_ptr(), (&raw mut specification).cast()) };
        NonNull::new(made).map(Self).ok_or_else(|| refused(&io::Error::last_os_error()))
    }
}

fn specification(port: u8, rule: Rule) -> Specification {
    // SAFETY: a structure of C of which all zero is a value: nothing must fit.
    let mut all: Specification = unsafe { mem::zeroed() };
    all.attributes.type_ = ibv_flow_attr_type::IBV_FLOW_ATTR_NORMAL;
    all.attributes.size = size::<Specification>();
    all.attributes.num_of_specs = 3;
    all.attributes.port = port;
    all.ethernet.type_ = ibv_flow_spec_type::IBV_FLOW_SPEC_ETH;
    all.ethernet.size = size::<ibv_flow_spec_eth>();
    all.ethernet.val.dst_mac = rule.mac;
    all.ethernet.mask.dst_mac = [0xff; 6];
    all.ip.type_ = ibv_flow_spec_type::IBV_FLOW_SPEC_IPV4;
    all.ip.size = size::<ibv_flow_spec_ipv4>();
    all.ip.val.dst_ip = u32::from_ne_bytes(rule.to.ip().octets());
    all.ip.mask.dst_ip = u32::MAX;
    all.udp.type_ = ibv_flow_spec_type::IBV_FLOW_SPEC_UDP;
    all.udp.size = size::<ibv_flow_spec_tcp_udp>();
    all.udp.val.dst_port = rule.to.port().to_be();
    all.udp.mask.dst_port = u16::MAX;
    all
}

fn refused(e: &io::Error) -> OpenError {
    match e.raw_os_error() {
        Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ENOSYS) => OpenError::Unmet(Unmet {
            needs: format!("a device that steers frames to raw packet queue pairs ({e})"),
            how: "a ConnectX (mlx5; older ones need `options mlx4_core log_num_mgm_entry_size=-1`), or leave this lane out".to_owned(),
        }),
        _ => io::Error::new(e.kind(), format!("frames can't be steered to this end: {e}; it takes root (CAP_NET_RAW)")).into(),
    }
}

impl Drop for Steering {
    fn drop(&mut self) {
        // SAFETY: a rule that is in force.
        unsafe { ibv_destroy_flow(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_parts_of_a_rule_follow_each_other_and_are_in_the_wires_order() {
        let to = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 1), 0x1234);
        let all = specification(1, Rule { mac: [1, 2, 3, 4, 5, 6], to });
        let parts = size::<ibv_flow_attr>() + all.ethernet.size + all.ip.size + all.udp.size;
        assert_eq!((all.attributes.size, all.attributes.num_of_specs), (parts, 3));
        assert_eq!(all.ip.val.dst_ip.to_ne_bytes(), [10, 77, 0, 1]);
        assert_eq!(all.udp.val.dst_port.to_ne_bytes(), [0x12, 0x34]);
        assert_eq!(all.udp.mask.src_port, 0, "wherever it comes from");
    }
}
