#![allow(dead_code, unreachable_pub, reason = "until the first such lane")]
//! Lanes that make their own Ethernet frames, over whatever moves them: the rings of AF_XDP, the queues of DPDK.
//! [`port`] is what such a device must offer; the framing above it is the same for all.

mod halves;
pub(crate) mod port;

use std::io;

use tickcert_results::certificate::OrderChannel;

pub(crate) use self::halves::{RawRx, RawTx};
use self::port::FramePort;
use crate::api::{Link, OpenError, Role};

/// How a lane puts its payloads into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    /// VLAN that sent frames are tagged with, 1 to 4094. Received ones may carry any tag or none.
    pub(crate) vlan: Option<u16>,
    /// How orders cross.
    pub(crate) orders: OrderChannel,
}

/// Opens this end's device and what lies above it; with orders on TCP, returns when the connection stands. To be called
/// from a lane's [`crate::api::Transport::open`], whose halves are then `RawRx<P>` and `RawTx<P>`.
///
/// # Errors
/// As [`crate::api::Transport::open`].
pub(crate) fn open<P: FramePort>(
    config: &P::Config,
    framing: Framing,
    link: &Link,
    role: Role,
) -> Result<(RawRx<P>, RawTx<P>), OpenError> {
    let (rx, tx) = P::open(config, link, role)?;
    let _ = (rx, tx, framing);
    Err(OpenError::Io(io::Error::new(io::ErrorKind::Unsupported, "no framing yet")))
}
