//! `afxdp-*`: Ethernet frames through AF_XDP sockets, past the kernel's protocol layers.
//!
//! In layers, each a file: `abi` (types of the kernel's interface), `syscalls_ffi`, `ring_ffi` (one ring) and `umem`
//! (the frames' memory), `queue_ffi` (a direction: two rings and their chunks), `port` (the device), `program` (what
//! sorts the frames). `stamp` and `transmit_stamp` are what a driver puts in front of frames, `netdev` whether it does.

mod abi;
mod config;
pub(crate) mod device_ffi;
#[cfg(feature = "bpf")]
mod link_ffi;
mod netdev;
pub(crate) mod port;
#[cfg(feature = "bpf")]
mod program;
#[cfg(not(feature = "bpf"))]
#[path = "program_absent.rs"]
mod program;
mod queue_ffi;
mod refusal;
mod ring_ffi;
mod stamp;
mod steer;
pub(crate) mod syscalls_ffi;
mod transmit_stamp;
#[cfg(test)]
mod transmit_tests;
mod umem;

pub use config::{Config, Copying, Mode};

use port::AfXdpPort;
use tickcert_results::evidence::Evidence;

use crate::{
    api::{Caps, Link, OpenError, Role, Transport, UDP_HEADERS, Unmet, Variant},
    raw::{self, Framing, RawRx, RawTx},
};

/// The transport.
pub struct AfXdp;

impl Transport for AfXdp {
    type Config = Config;
    type Rx = RawRx<AfXdpPort>;
    type Tx = RawTx<AfXdpPort>;

    const NAME: &'static str = "afxdp";
    const DECIDED_BY_LANE: &'static str =
        r#"{"mode": "native", "copy": "copy", "busy_poll": false, "orders": "datagram"}"#;
    const VARIANTS: &'static [Variant] = &[
        Variant {
            lane: "afxdp-copy",
            summary: "AF_XDP, program in the driver, frames copied by the kernel; orders as UDP datagrams",
            settings: "{}",
        },
        Variant {
            lane: "afxdp-copy/skb",
            summary: "the same with the program in the network stack, for drivers without XDP",
            settings: r#"{"mode": "skb"}"#,
        },
        Variant {
            lane: "afxdp-copy/busypoll",
            summary: "afxdp-copy, the device polled by the receiving process",
            settings: r#"{"busy_poll": true}"#,
        },
        Variant {
            lane: "afxdp-copy/tcp",
            summary: "afxdp-copy, orders in a SoupBinTCP session on a TCP of its own",
            settings: r#"{"orders": "tcp"}"#,
        },
        Variant {
            lane: "afxdp-zc",
            summary: "AF_XDP without copies, where the driver can; orders as UDP datagrams",
            settings: r#"{"copy": "zero-copy"}"#,
        },
    ];

    fn queue(config: &Config) -> Option<u32> {
        Some(config.queue)
    }

    fn headers_before_ticks(_config: &Config) -> Option<u32> {
        Some(UDP_HEADERS)
    }

    fn preflight(config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        program::preflight()?;
        config.check()?;
        if config.receive_stamps && link_is_virtual {
            return Err(Unmet {
                needs: "a NIC for receive_stamps: a virtual wire's stamps are software".to_owned(),
                how: "set receive_stamps = false in [transport.afxdp], or name two real interfaces".to_owned(),
            });
        }
        let (evidence, why) = if link_is_virtual {
            (Evidence::Emulated, "the wire is a veth pair: no NIC took part")
        } else {
            (Evidence::Software, "stamped by the CPU's clock around AF_XDP rings on a real device")
        };
        Ok(Caps { orders: config.orders, evidence, evidence_why: why.to_owned(), own_wire: None })
    }

    fn only_opening_tells(config: &Config) -> Option<&'static str> {
        (config.copy == Copying::ZeroCopy)
            .then_some("whether the interfaces' drivers have zero-copy; veth's has none as of Linux 6.12")
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError> {
        let framing = Framing { vlan: config.vlan, orders: config.orders };
        raw::open::<AfXdpPort>(config, framing, link, role)
    }
}
