//! The traits that every lane implements. They are generic on purpose (`&dyn Rx` doesn't compile): the timed loop is
//! compiled once for each lane, and nothing in it is looked up at run time.

use std::{fmt, io, net::SocketAddrV4};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tickcert_results::{
    certificate::OrderChannel,
    evidence::Evidence,
    time::{Nanos, Ticks},
};

/// Which of the two streams a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Market data, exchange to trader.
    Ticks,
    /// Order entry: orders one way, the exchange's answers the other.
    Orders,
}

/// Which flows a call of [`Rx::poll`] should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Market data only.
    Ticks,
    /// Order entry only.
    Orders,
}

/// What came with a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxMeta {
    /// Hardware stamp, in ticks of the device's clock.
    pub hw: Option<Ticks>,
    /// Whether that clock was locked to its reference when it stamped.
    pub clock_locked: bool,
}

/// What arrived. On a byte stream (see [`Caps::orders`]) it is a run of bytes that respects no boundaries.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Where it belongs.
    pub flow: Flow,
    /// Payload, in the lane's own memory; valid during the call only.
    pub bytes: &'a [u8],
    /// Stamps.
    pub meta: RxMeta,
}

/// Receiving half of a lane.
pub trait Rx {
    /// Hands over each waiting frame of the flows asked for, at most `budget`; returns how many.
    ///
    /// A lane with a socket for each flow touches only those asked for; a lane whose flows share a ring hands over
    /// whatever is next in it, so the caller looks at [`Frame::flow`].
    ///
    /// # Errors
    /// When the flow is broken for good (the peer closed the stream, the device is gone). Nothing waiting is `Ok(0)`.
    fn poll(&mut self, interest: Interest, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32>;
}

/// Names a sent frame until its hardware stamp comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxToken(pub u32);

/// Why a frame was not sent.
#[derive(Debug)]
pub enum TxError {
    /// No room now; try again after the peer or the device has made some. An answer, not a failure.
    Full,
    /// The flow is broken.
    Io(io::Error),
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no room to send"),
            Self::Io(_) => f.write_str("the flow is broken"),
        }
    }
}

impl std::error::Error for TxError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Full => None,
            Self::Io(e) => Some(e),
        }
    }
}

/// Sending half of a lane.
pub trait Tx {
    /// Builds `len` bytes in place and sends them as one frame (on a byte stream: as one segment, if the stream allows).
    ///
    /// # Errors
    /// [`TxError::Full`] when nothing of it went out; [`TxError::Io`] when the flow is broken or the frame too long.
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError>;

    /// Rings the doorbell of lanes that batch.
    ///
    /// # Errors
    /// As [`Tx::send`].
    fn flush(&mut self) -> Result<(), TxError> {
        Ok(())
    }

    /// Hands over hardware transmit stamps that have arrived since; they come late, or never.
    fn stamps(&mut self, _on_stamp: impl FnMut(TxToken, Ticks)) {}
}

/// Which end of the lane a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends ticks, receives orders.
    Exchange,
    /// Receives ticks, sends orders.
    Trader,
}

/// The wire between the endpoints, as the bench has set it up. Both ends get the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Interface on the exchange's side.
    pub exchange_interface: String,
    /// Interface on the trader's side.
    pub trader_interface: String,
    /// Where ticks are sent to: a multicast group and port, or the trader's address.
    pub ticks: SocketAddrV4,
    /// Where the exchange listens for orders.
    pub orders: SocketAddrV4,
    /// The trader's address; the port is the source port of datagram orders.
    pub trader: SocketAddrV4,
    /// True when the wire is virtual (veth), so that nothing better than emulated evidence can come of it.
    pub is_virtual: bool,
    /// Bytes that a receive buffer must hold so that a stall loses nothing.
    pub receive_buffer: usize,
    /// How long to wait for the other end when opening.
    pub connect_timeout: Nanos,
}

/// What a lane can do on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// How orders cross.
    pub orders: OrderChannel,
    /// The best evidence it can give over a link like the one asked about.
    pub evidence: Evidence,
    /// Why that class.
    pub evidence_why: String,
}

/// A need that this host does not meet, and how to meet it. Becomes a `not-run` row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("needs {needs} ({how})")]
pub struct Unmet {
    /// What is missing.
    pub needs: String,
    /// The command or step that provides it.
    pub how: String,
}

/// A way across.
pub trait Transport: Sized {
    /// Settings of the lane's own; every one has a default.
    type Config: DeserializeOwned + Serialize + Default + Clone + fmt::Debug + Send + Sync;
    /// Receiving half.
    type Rx: Rx + Send;
    /// Sending half.
    type Tx: Tx + Send;

    /// Name of the lane, as in `--lanes`.
    const NAME: &'static str;
    /// What it is, in a line.
    const SUMMARY: &'static str;

    /// What this host can do over a link (virtual or real), or which need is unmet. Touches no device.
    ///
    /// # Errors
    /// [`Unmet`], with the remedy.
    fn preflight(config: &Self::Config, link_is_virtual: bool) -> Result<Caps, Unmet>;

    /// Opens one end, and returns when the other end is there too (or needs not be).
    ///
    /// # Errors
    /// With the call that failed and what to do, as text of the [`io::Error`].
    fn open(config: &Self::Config, link: &Link, role: Role) -> io::Result<(Self::Rx, Self::Tx)>;
}

/// Something to be done with whichever lane was chosen at run time; see `dispatch`.
pub trait Job {
    /// Its result.
    type Out;
    /// Does it, compiled for this lane.
    fn run<T: Transport>(self) -> Self::Out;
}
