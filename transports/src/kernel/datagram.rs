//! UDP sockets: market data (multicast or unicast) and orders as datagrams.

use std::{
    io,
    net::{SocketAddrV4, UdpSocket},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv, send},
};
use socket2::{Domain, Protocol, Socket, Type};
use tickcert_results::stamp::Stamp;

use super::{
    MAX_FRAME, bind, busy_poll, explain,
    halves::{OrdersIn, OrdersOut},
    stamping::{self, Received, Stamper},
};
use crate::api::{EndStamping, Flow, Frame, Link, Role, RxMeta, TxError, TxToken};

/// A UDP socket that is read without waiting.
pub struct DatagramRx {
    socket: UdpSocket,
    flow: Flow,
    buffer: Box<[u8; MAX_FRAME]>,
    stamps: Option<Received>,
}

impl DatagramRx {
    pub(crate) fn new(socket: UdpSocket, flow: Flow) -> Self {
        Self { socket, flow, buffer: Box::new([0; MAX_FRAME]), stamps: None }
    }

    /// With the stamps of each frame, if this end is to take any.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn stamped(mut self, end: Option<EndStamping>) -> io::Result<Self> {
        self.stamps = end.map(|end| stamping::receive(&self.socket, end)).transpose()?;
        Ok(self)
    }

    /// As [`crate::api::Rx::poll`]. One system call for each frame, and one that finds nothing unless `budget` is met.
    #[inline]
    pub(crate) fn poll(&mut self, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        if self.stamps.is_some() {
            return self.poll_stamped(budget, on_frame);
        }
        let fd = self.socket.as_raw_fd();
        let mut frames = 0;
        while frames < budget {
            match recv(fd, &mut self.buffer[..], MsgFlags::MSG_DONTWAIT) {
                Ok(len) => {
                    on_frame(Frame { flow: self.flow, bytes: &self.buffer[..len], meta: RxMeta::default() });
                    frames += 1;
                }
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Err(e) => return Err(explain("receive on the UDP socket")(e.into())),
            }
        }
        Ok(frames)
    }

    /// The same, with stamps.
    fn poll_stamped(&mut self, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        let Some(stamps) = &mut self.stamps else { return Ok(0) };
        let fd = self.socket.as_raw_fd();
        let mut frames = 0;
        while frames < budget {
            match stamps.receive(fd, &mut self.buffer[..]) {
                Ok((len, meta)) => {
                    on_frame(Frame { flow: self.flow, bytes: &self.buffer[..len], meta });
                    frames += 1;
                }
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Err(e) => return Err(explain("receive on the UDP socket")(e.into())),
            }
        }
        Ok(frames)
    }
}

impl DatagramRx {
    /// Bytes that the kernel lets wait in the socket, which may be fewer than were asked for.
    pub(crate) fn buffer_granted(&self) -> String {
        use nix::sys::socket::{getsockopt, sockopt::RcvBuf};
        // The kernel answers with twice what it was asked for: the rest is for its own bookkeeping (socket(7)).
        getsockopt(&self.socket, RcvBuf)
            .map_or_else(|e| format!("unknown ({e})"), |bytes| format!("{} bytes", bytes / 2))
    }

    /// How the socket polls its device, if it does.
    pub(crate) fn busy_poll(&self) -> Option<String> {
        busy_poll::describe(&self.socket)
    }
}

impl AsFd for DatagramRx {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl OrdersIn for DatagramRx {
    #[inline]
    fn poll(&mut self, budget: u32, on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        Self::poll(self, budget, on_frame)
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        note("orders_receive_buffer", self.buffer_granted());
        if let Some(how) = self.busy_poll() {
            note("orders_busy_poll", how);
        }
    }
}

/// A connected UDP socket that is written without waiting.
pub struct DatagramTx {
    socket: UdpSocket,
    buffer: Box<[u8; MAX_FRAME]>,
    sent: u32,
    stamps: Option<Stamper>,
}

impl DatagramTx {
    pub(crate) fn new(socket: UdpSocket) -> Self {
        Self { socket, buffer: Box::new([0; MAX_FRAME]), sent: 0, stamps: None }
    }

    /// All of whose datagrams are stamped, if this end is to take any stamps.
    ///
    /// # Errors
    /// The kernel's.
    pub(crate) fn stamped(mut self, end: Option<EndStamping>) -> io::Result<Self> {
        self.stamps = end.map(|end| stamping::send_datagrams(&self.socket, end)).transpose()?;
        Ok(self)
    }

    /// Datagrams sent so far, by whose number the last one is called.
    pub(crate) const fn sent(&self) -> u32 {
        self.sent
    }

    /// The same, when another socket's are counted with them.
    pub(crate) const fn set_sent(&mut self, sent: u32) {
        self.sent = sent;
    }

    /// As [`crate::api::Tx::send`].
    #[inline]
    pub(crate) fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let Some(frame) = self.buffer.get_mut(..len) else {
            let what = format!("a frame of {len} bytes is longer than the {MAX_FRAME} that a datagram lane carries");
            return Err(TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what)));
        };
        fill(frame);
        match send(self.socket.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT) {
            Ok(_) => {
                self.sent = self.sent.wrapping_add(1);
                let frame = TxToken(self.sent);
                if let Some(stamps) = &mut self.stamps {
                    stamps.datagram(frame);
                }
                Ok(frame)
            }
            Err(Errno::EAGAIN | Errno::ENOBUFS) => {
                if let Some(stamps) = &mut self.stamps {
                    stamps.refused();
                }
                Err(TxError::Full)
            }
            Err(e) => Err(TxError::Io(explain("send on the UDP socket")(e.into()))),
        }
    }
}

impl OrdersOut for DatagramTx {
    #[inline]
    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        Self::send(self, len, fill)
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        if let Some(stamps) = &mut self.stamps {
            stamps.take(self.socket.as_raw_fd(), on_stamp);
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if let Some(stamps) = &self.stamps {
            stamps.facts(note);
        }
    }
}

/// The exchange's sending socket for ticks.
pub(crate) fn ticks_out(link: &Link) -> io::Result<UdpSocket> {
    ticks_from(link, SocketAddrV4::new(*link.orders.ip(), 0), false)
}

/// A sending socket for ticks, from an address that others may share.
fn ticks_from(link: &Link, from: SocketAddrV4, shared: bool) -> io::Result<UdpSocket> {
    let socket = udp()?;
    if link.ticks.ip().is_multicast() {
        socket.set_multicast_if_v4(from.ip()).map_err(explain(format!("send multicast from {}", from.ip())))?;
        socket.set_multicast_loop_v4(false)?;
        socket.set_multicast_ttl_v4(1)?;
    }
    if shared {
        socket.set_reuse_port(true).map_err(explain("set SO_REUSEPORT"))?;
    }
    bind(&socket, from)?;
    socket.connect(&link.ticks.into()).map_err(explain(format!("send ticks to {}", link.ticks)))?;
    Ok(socket.into())
}

/// The exchange's ticks, those that are stamped on a socket of their own: the others, and whoever waits for them, pay nothing.
/// Both send from one address and port, so that a device with several queues sorts them into one and their order stays.
pub(crate) struct TicksOut {
    plain: DatagramTx,
    stamped: Option<DatagramTx>,
}

impl TicksOut {
    fn open(link: &Link, end: Option<EndStamping>) -> io::Result<Self> {
        if end.is_none() {
            return Ok(Self { plain: DatagramTx::new(ticks_out(link)?), stamped: None });
        }
        let plain = ticks_from(link, SocketAddrV4::new(*link.orders.ip(), 0), true)?;
        let std::net::SocketAddr::V4(from) = plain.local_addr()? else {
            return Err(io::Error::other("a socket of IPv4 has an address of another kind"));
        };
        let stamped = DatagramTx::new(ticks_from(link, from, true)?).stamped(end)?;
        Ok(Self { plain: DatagramTx::new(plain), stamped: Some(stamped) })
    }

    /// As [`crate::api::Tx::send`].
    #[inline]
    pub(crate) fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        self.plain.send(len, fill)
    }

    /// As [`crate::api::Tx::send_stamped`].
    #[inline]
    pub(crate) fn send_stamped(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        let Some(stamped) = &mut self.stamped else { return self.plain.send(len, fill) };
        // One count for both, so that no two frames have the same name.
        stamped.set_sent(self.plain.sent());
        let frame = stamped.send(len, fill)?;
        self.plain.set_sent(stamped.sent());
        Ok(frame)
    }

    /// As [`crate::api::Tx::stamps`].
    pub(crate) fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        if let Some(stamped) = &mut self.stamped {
            OrdersOut::stamps(stamped, on_stamp);
        }
    }

    /// As [`crate::api::Tx::facts`].
    pub(crate) fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if let Some(stamped) = &self.stamped {
            OrdersOut::facts(stamped, note);
        }
    }
}

/// The sockets for ticks that this end needs: the trader receives, the exchange sends.
pub(crate) fn ticks(link: &Link, role: Role) -> io::Result<(Option<DatagramRx>, Option<TicksOut>)> {
    let end = link.stamping.map(|stamping| stamping.of(role));
    Ok(match role {
        Role::Exchange => (None, Some(TicksOut::open(link, end)?)),
        Role::Trader => (Some(DatagramRx::new(ticks_in(link)?, Flow::Ticks).stamped(end)?), None),
    })
}

/// The trader's receiving socket for ticks: joins the group if it is one.
pub(crate) fn ticks_in(link: &Link) -> io::Result<UdpSocket> {
    let socket = udp()?;
    receive_buffer(&socket, link.receive_buffer())?;
    bind(&socket, link.ticks)?;
    if link.ticks.ip().is_multicast() {
        let (group, local) = (link.ticks.ip(), link.trader.ip());
        socket.join_multicast_v4(group, local).map_err(explain(format!("join {group} on {local}")))?;
        // Only the groups joined on this socket, not those that any other program on the host has joined.
        socket.set_multicast_all_v4(false)?;
    }
    Ok(socket.into())
}

/// One end of the orders' datagram flow, bound here and connected there.
fn orders(local: SocketAddrV4, peer: SocketAddrV4, buffer: usize) -> io::Result<UdpSocket> {
    let socket = udp()?;
    receive_buffer(&socket, buffer)?;
    bind(&socket, local)?;
    socket.connect(&peer.into()).map_err(explain(format!("connect to {peer}")))?;
    Ok(socket.into())
}

/// This end's of [`orders`].
pub(crate) fn orders_of(link: &Link, role: Role) -> io::Result<UdpSocket> {
    let (local, peer) = match role {
        Role::Exchange => (link.orders, link.trader),
        Role::Trader => (link.trader, link.orders),
    };
    orders(local, peer, link.receive_buffer())
}

fn udp() -> io::Result<Socket> {
    Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).map_err(explain("open a UDP socket"))
}

/// Asks for a receive buffer of `bytes`: beyond the system's limit where this process may, up to it otherwise.
fn receive_buffer(socket: &Socket, bytes: usize) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
    if setsockopt(socket, RcvBufForce, &bytes).is_err() {
        socket.set_recv_buffer_size(bytes).map_err(explain("set the receive buffer"))?;
    }
    Ok(())
}
