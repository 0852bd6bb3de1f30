//! The traits that every lane implements. They are generic on purpose (`&dyn Rx` doesn't compile): the timed loop is
//! compiled once for each lane, and nothing in it is looked up at run time.

use std::{fmt, hint, io, net::SocketAddrV4, path::PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tickcert_results::{
    certificate::OrderChannel,
    evidence::Evidence,
    stamp::{Stamp, StampClock},
    time::Nanos,
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
    /// Hardware stamp. Of a run of bytes of a stream: of the frame that its last byte came in.
    pub hw: Option<Stamp>,
    /// The kernel's software stamp of the same frame.
    pub kernel: Option<Stamp>,
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

/// Name of the fact ([`Rx::facts`]) that a device or the kernel has dropped frames because nobody took them in time: how
/// many, and which setting gives them more room. Not there where nothing was dropped.
pub const DROPPED: &str = "dropped_for_lack_of_room";

/// Name of the fact ([`Tx::facts`]) that so many transmit stamps were zero, and so none. Not there where none was.
pub const STAMPS_OF_ZERO: &str = "transmit_stamps_of_zero";

/// Name of the fact that so many transmit stamps belonged to no frame whose stamps were waited for. Not there where none did.
pub const STAMPS_OF_NOBODY: &str = "transmit_stamps_of_nobody";

/// Name of the fact ([`Rx::facts`]) that so many frames that should have had a receive stamp had a zero. Not there where none had.
pub const RECEIVED_STAMPS_OF_ZERO: &str = "receive_stamps_of_zero";

/// Receiving half of a lane.
pub trait Rx {
    /// Hands over each waiting frame of the flow asked for, at most `budget`; returns how many.
    ///
    /// A lane whose flows share a ring keeps what comes of the other flow for the call that asks for it.
    ///
    /// # Errors
    /// When the flow is broken for good (the peer closed the stream, the device is gone). Nothing waiting is `Ok(0)`.
    fn poll(&mut self, interest: Interest, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32>;

    /// What an end in a closed loop does between two looks in vain: it leaves the memory which the other end is about to write
    /// alone for a moment. A lane whose memory no processor writes to has nothing to wait for.
    #[inline]
    fn rest(&self) {
        hint::spin_loop();
    }

    /// What a reader of the certificate should know of this half (buffers granted, modes chosen, [`DROPPED`]), as
    /// pairs of name and value. Called outside the timed loop.
    fn facts(&self, _note: &mut dyn FnMut(&'static str, String)) {}
}

/// Names a sent frame until its stamps come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxToken(pub u32);

impl TxToken {
    /// Names a frame of which nothing is known, and whose stamps never come.
    pub const NONE: Self = Self(0);
}

/// Why a frame was not sent.
#[derive(Debug)]
pub enum TxError {
    /// No room now; try again after the peer or the device has made some. An answer, not a failure.
    Full,
    /// The flow is broken.
    Io(io::Error),
}

impl TxError {
    /// For who comes back later anyway: no room is no error.
    ///
    /// # Errors
    /// [`TxError::Io`].
    pub fn unless_full(self) -> Result<(), Self> {
        match self {
            Self::Full => Ok(()),
            Self::Io(_) => Err(self),
        }
    }
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

    /// As [`Tx::send`], for a frame whose stamps are wanted. Where stamping costs the sender something, the others don't pay it.
    /// An end stamps frames of one flow only: its ticks, or its orders.
    ///
    /// # Errors
    /// As [`Tx::send`].
    fn send_stamped(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        self.send(flow, len, fill)
    }

    /// Rings the doorbell of lanes that batch.
    ///
    /// # Errors
    /// As [`Tx::send`].
    fn flush(&mut self) -> Result<(), TxError> {
        Ok(())
    }

    /// Hands over transmit stamps that have arrived since, of the device and of the kernel, as they come: late, twice, or never.
    /// May cost a system call; to be called when there is time.
    fn stamps(&mut self, _on_stamp: impl FnMut(TxToken, Stamp)) {}

    /// How the orders' byte stream was cut into segments; `None` where orders don't travel on one.
    fn segments(&self) -> Option<Segments> {
        None
    }

    /// As [`Rx::facts`].
    fn facts(&self, _note: &mut dyn FnMut(&'static str, String)) {}
}

/// What became of the writes to a byte stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// Calls of [`Tx::send`] that put something on the stream.
    pub writes: u64,
    /// Segments with data that left, without those sent again. Fewer than `writes`: some shared a segment.
    pub segments: u64,
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
    /// Hardware address of the exchange's interface; zero where it has none.
    pub exchange_mac: MacAddress,
    /// Hardware address of the trader's interface.
    pub trader_mac: MacAddress,
    /// A folder in which both ends can meet (sockets, shared files), whatever network namespace they are in; it goes
    /// with the run.
    pub meeting: PathBuf,
    /// Whether both ends are on one host. Else there is no [`Link::meeting`], no clock and no memory in common: ends that have
    /// something to tell each other do it over the wire's addresses.
    #[serde(default = "on_one_host")]
    pub same_host: bool,
    /// How many packets must be able to wait so that a stall loses nothing.
    pub packets_in_a_stall: usize,
    /// How long to wait for the other end when opening.
    pub connect_timeout: Nanos,
    /// Which stamps the lane is to take; `None` for none.
    #[serde(default)]
    pub stamping: Option<Stamping>,
    /// What has been made for lanes that do RDMA in software.
    #[serde(default)]
    pub soft_rdma: SoftRdma,
}

/// RDMA in software on this host, for the lanes that want it ([`Transport::wants_soft_rdma`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoftRdma {
    /// No lane wants it.
    #[default]
    NotMade,
    /// A device over the interface of this name.
    Over(String),
    /// It can't be made.
    Refused(Unmet),
}

const fn on_one_host() -> bool {
    true
}

/// What stamps frames at each end, as has been seen on real frames before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamping {
    /// At the exchange's interface.
    pub exchange: EndStamping,
    /// At the trader's.
    pub trader: EndStamping,
}

impl Stamping {
    /// At this end.
    #[must_use]
    pub const fn of(&self, role: Role) -> EndStamping {
        match role {
            Role::Exchange => self.exchange,
            Role::Trader => self.trader,
        }
    }
}

/// What stamps frames at one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndStamping {
    /// The clock of its hardware stamps; `None` where there are none, and the kernel's have to do.
    pub clock: Option<StampClock>,
    /// Frames that leave are stamped by hardware.
    pub transmit: bool,
    /// Frames that arrive are.
    pub receive: bool,
}

/// Headers of Ethernet (14 bytes), IPv4 without options (20) and UDP (8); see [`Transport::headers_before_ticks`].
pub const UDP_HEADERS: u32 = 42;

/// What the kernel counts for a small packet that waits in a socket, in bytes.
const KERNEL_BYTES_PER_PACKET: usize = 1280;

/// Bytes of a receive buffer in which so many packets can wait, and twice that to be sure.
#[must_use]
pub fn buffer_for(packets: usize) -> usize {
    (packets * KERNEL_BYTES_PER_PACKET * 2).clamp(4 << 20, 1 << 30)
}

impl Link {
    /// Bytes of a socket's receive buffer; see [`buffer_for`].
    #[must_use]
    pub fn receive_buffer(&self) -> usize {
        buffer_for(self.packets_in_a_stall)
    }
}

/// A hardware address of Ethernet.
pub type MacAddress = [u8; 6];

/// What a lane can do on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// How orders cross.
    pub orders: OrderChannel,
    /// The best evidence it can give over a link like the one asked about.
    pub evidence: Evidence,
    /// Why that class.
    pub evidence_why: String,
    /// What it crosses in place of the bench's wire, if it brings a way of its own (`memif`, `shared memory`).
    #[serde(default)]
    pub own_wire: Option<String>,
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

/// Why a lane did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host, a driver or a device refused what the lane needs, as could only be found out by trying.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    /// Something failed that should have worked; the text says what was tried and what to do.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One lane of a transport: its name on the command line, and the settings that make it.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The lane's name: `kernel-udp-busypoll`; behind a slash what is special about it: `afxdp-copy/skb`.
    pub lane: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Settings that differ from [`Transport::DECIDED_BY_LANE`], a JSON object of some of its keys.
    pub settings: &'static str,
}

/// A way across.
pub trait Transport: Sized {
    /// Settings of its own; every one has a default, and unknown ones are refused.
    type Config: DeserializeOwned + Serialize + Default + Clone + fmt::Debug + Send + Sync;
    /// Receiving half. Both halves may be used at the same time, each by a thread of its own; a half stays with the thread that first
    /// used it.
    type Rx: Rx + Send;
    /// Sending half.
    type Tx: Tx + Send;

    /// Name of the transport, under which a profile has its settings.
    const NAME: &'static str;
    /// Settings that say which of its lanes it is, as a lane has them that says nothing else: a JSON object in the form of
    /// [`Transport::Config`]. A profile can't set them, so that a lane's name always means the same.
    const DECIDED_BY_LANE: &'static str;
    /// Its lanes; there is at least one.
    const VARIANTS: &'static [Variant];

    /// What this host can do over a link (virtual or real), or which need is unmet. Touches no device.
    ///
    /// # Errors
    /// [`Unmet`], with the remedy.
    fn preflight(config: &Self::Config, link_is_virtual: bool) -> Result<Caps, Unmet>;

    /// What of its needs no preflight can tell, since only the device knows.
    fn only_opening_tells(_config: &Self::Config) -> Option<&'static str> {
        None
    }

    /// Whether both ends must be on one host, since they meet in its memory or its files.
    fn needs_one_host(_config: &Self::Config) -> bool {
        false
    }

    /// Memory in huge pages, in MiB, that both ends together need free when they open.
    fn huge_pages_mib(_config: &Self::Config) -> u32 {
        0
    }

    /// Why its frames have no stamps of hardware, whatever the interfaces can; `None` where they may have.
    fn takes_no_stamps(_config: &Self::Config) -> Option<&'static str> {
        None
    }

    /// Whether frames come to it by rules of its own, past the interface's table of receive queues.
    fn passes_by_queues(_config: &Self::Config) -> bool {
        false
    }

    /// The only queue of both interfaces whose frames it looks at, counted from 0; `None` where it takes them from whichever.
    fn queue(_config: &Self::Config) -> Option<u32> {
        None
    }

    /// Whether it does RDMA in software, on a device that is to be made for the run ([`Link::soft_rdma`]).
    fn wants_soft_rdma(_config: &Self::Config) -> bool {
        false
    }

    /// Bytes from the first of a tick's frame, untagged, to the tick's own first; `None` where that is not known.
    fn headers_before_ticks(_config: &Self::Config) -> Option<u32> {
        None
    }

    /// Whether both ends stay in the network namespace that the run was started in, rather than in the bench's: where the
    /// devices that a lane of its own wire needs are the host's.
    fn stays_on_the_host(_config: &Self::Config) -> bool {
        false
    }

    /// Opens one end, and returns when the other end is there too (or needs not be).
    ///
    /// # Errors
    /// [`OpenError::Unmet`] when the lane can't run here after all; [`OpenError::Io`] with the call that failed and what
    /// to do, as text of the [`io::Error`].
    fn open(config: &Self::Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError>;
}

/// Something to be done with whichever lane was chosen at run time; see `dispatch`.
pub trait Job {
    /// Its result.
    type Out;
    /// Does it, compiled for this lane.
    fn run<T: Transport>(self) -> Self::Out;
}
