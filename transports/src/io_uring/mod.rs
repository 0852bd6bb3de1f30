//! `io-uring`: kernel sockets through io_uring: multishot receive into provided buffers, registered files, and one
//! submission for each frame sent. Each flow and direction has a ring of its own, so that an order can be sent while a
//! tick is looked at.
//!
//! Layers: `ring_ffi` wraps the ring, `buffers_ffi` the memory that the kernel reads and writes, `receive` and
//! `send` one flow each, `halves` puts them together.

mod buffers_ffi;
mod halves;
mod preflight;
mod receive;
mod ring_ffi;
mod send;

use serde::{Deserialize, Serialize};
use tickcert_results::certificate::OrderChannel;

use crate::{
    api::{Caps, Link, OpenError, Role, Transport, UDP_HEADERS, Unmet, Variant},
    kernel, values,
};
use halves::{UringRx, UringTx};

/// The lanes.
pub struct IoUring;

/// Their settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How orders cross.
    pub orders: OrderChannel,
    /// Frames go out without being copied into the kernel (`IORING_OP_SEND_ZC`), from registered buffers.
    pub zero_copy: bool,
    /// A poll that finds nothing polls the device's queue (`IORING_REGISTER_NAPI`).
    pub napi: bool,
    /// Buffers that the kernel can receive into, of 2048 bytes, for each flow; a power of two.
    #[serde(deserialize_with = "values::power_of_two::<_, _, 1, 32_768>")]
    pub buffers: u16,
    /// Buffers that can be on their way out, for each flow; more than one matters with `zero_copy` only.
    #[serde(deserialize_with = "values::between::<_, _, 1, 65_535>")]
    pub send_buffers: u16,
    /// Completions are worked off when the program asks for them (`IORING_SETUP_DEFER_TASKRUN`), and not when the
    /// kernel next crosses over to it.
    pub defer_taskrun: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            orders: OrderChannel::Datagram,
            zero_copy: false,
            napi: false,
            buffers: 1024,
            send_buffers: 256,
            defer_taskrun: true,
        }
    }
}

impl Transport for IoUring {
    type Config = Config;
    type Rx = UringRx;
    type Tx = UringTx;

    const NAME: &'static str = "io-uring";
    const DECIDED_BY_LANE: &'static str = r#"{"orders": "datagram", "zero_copy": false, "napi": false}"#;
    const VARIANTS: &'static [Variant] = &[
        Variant {
            lane: "io-uring",
            summary: "io_uring: ticks as UDP multicast, orders as UDP datagrams; multishot receive",
            settings: "{}",
        },
        Variant {
            lane: "io-uring/tcp",
            summary: "io_uring: ticks as UDP multicast, orders in a SoupBinTCP session on TCP",
            settings: r#"{"orders": "tcp"}"#,
        },
        Variant {
            lane: "io-uring/zc",
            summary: "io-uring, whose frames are sent without copying them",
            settings: r#"{"zero_copy": true}"#,
        },
        Variant {
            lane: "io-uring/napi",
            summary: "io-uring, whose polls poll the device",
            settings: r#"{"napi": true}"#,
        },
    ];

    fn takes_no_stamps(_config: &Config) -> Option<&'static str> {
        Some(
            "its receives come without control messages, in which the kernel hands stamps over; kernel-udp and kernel-tcp have them",
        )
    }

    fn headers_before_ticks(_config: &Config) -> Option<u32> {
        Some(UDP_HEADERS)
    }

    fn preflight(config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        preflight::check(config)?;
        let (evidence, evidence_why) = kernel::evidence(link_is_virtual);
        Ok(Caps { orders: config.orders, evidence, evidence_why, own_wire: None })
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(UringRx, UringTx), OpenError> {
        halves::open(config, link, role)
    }
}
