#![allow(dead_code, reason = "until the first such lane")]
//! Lanes that make their own Ethernet frames, over whatever moves them: the rings of AF_XDP, the queues of DPDK.
//! [`port`] is what such a device must offer; the framing above it is the same for all.

pub(crate) mod port;
