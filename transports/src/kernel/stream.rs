//! TCP streams for orders.

use std::{
    io,
    net::{SocketAddr, SocketAddrV4, TcpStream},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv, send},
};
use socket2::{Domain, Protocol, Socket, Type};
use tickcert_results::{stamp::Stamp, time::Nanos};

use super::{
    MAX_FRAME, bind, busy_poll, explain,
    halves::{OrdersIn, OrdersOut},
    stamping::{self, Received, Stamper},
    tcp_info_ffi,
};
use crate::api::{EndStamping, Flow, Frame, Link, Role, RxMeta, Segments, TxError, TxToken};

const READ_BUFFER: usize = 64 * 1024;

/// The reading side of a stream.
pub struct StreamRx {
    stream: TcpStream,
    buffer: Box<[u8]>,
    stamps: Option<Received>,
}

impl StreamRx {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; READ_BUFFER].into_boxed_slice(), stamps: None }
    }

    /// The next run of bytes, and the stamps of the frame in which the last of them came.
    #[inline]
    fn receive(&mut self) -> Result<(usize, RxMeta), Errno> {
        let fd = self.stream.as_raw_fd();
        match &mut self.stamps {
            None => recv(fd, &mut self.buffer, MsgFlags::MSG_DONTWAIT).map(|len| (len, RxMeta::default())),
            Some(stamps) => stamps.receive(fd, &mut self.buffer),
        }
    }
}

impl OrdersIn for StreamRx {
    /// Each frame is a run of bytes. One read a call: more would only find what has arrived since.
    #[inline]
    fn poll(&mut self, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        if budget == 0 {
            return Ok(0);
        }
        match self.receive() {
            Ok((0, _)) => {
                let what = "the other end closed the order stream";
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, what))
            }
            Ok((len, meta)) => {
                on_frame(Frame { flow: Flow::Orders, bytes: &self.buffer[..len], meta });
                Ok(1)
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(e) => Err(explain("receive on the order stream")(e.into())),
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if let Some(how) = busy_poll::describe(&self.stream) {
            note("orders_busy_poll", how);
        }
    }
}

/// The writing side. What the kernel took only in part is kept and goes out before anything else, so that a full
/// send buffer can't tear a packet.
pub struct StreamTx {
    stream: TcpStream,
    buffer: Box<[u8; MAX_FRAME]>,
    unsent: std::ops::Range<usize>,
    sent: u64,
    token: u32,
    /// Bytes that were or will be written, all in all, as the kernel numbers them: round and round.
    bytes: u32,
    stamps: Option<Stamper>,
}

impl StreamTx {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let buffer = Box::new([0; MAX_FRAME]);
        Self { stream, buffer, unsent: 0..0, sent: 0, token: 0, bytes: 0, stamps: None }
    }

    /// Names a frame of which at least a part is on its way, and all of which will be.
    #[inline]
    fn name(&mut self, len: usize) -> TxToken {
        self.sent += 1;
        self.token = self.token.wrapping_add(1);
        if let Some(stamps) = &mut self.stamps {
            #[expect(clippy::cast_possible_truncation, reason = "at most MAX_FRAME")]
            let len = len as u32;
            self.bytes = self.bytes.wrapping_add(len);
            stamps.bytes(self.bytes, TxToken(self.token));
        }
        TxToken(self.token)
    }
}

impl OrdersOut for StreamTx {
    /// One write, and with `TCP_NODELAY` one segment, unless the stream is held up; see [`Segments`].
    #[inline]
    fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        if !self.unsent.is_empty() {
            self.write()?;
        }
        let Some(frame) = self.buffer.get_mut(..len) else {
            let what = format!("{len} bytes at once are more than the {MAX_FRAME} that this lane writes");
            return Err(TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what)));
        };
        fill(frame);
        self.unsent = 0..len;
        match self.write() {
            // Nothing of it went: the caller keeps it. A part of it went: the rest is ours to send.
            Err(TxError::Full) if self.unsent.start == 0 => {
                self.unsent = 0..0;
                return Err(TxError::Full);
            }
            Ok(()) | Err(TxError::Full) => {}
            Err(e) => return Err(e),
        }
        Ok(self.name(len))
    }

    fn flush(&mut self) -> Result<(), TxError> {
        self.write()
    }

    fn segments(&self) -> Option<Segments> {
        segments(&self.stream, self.sent)
    }

    fn stamps(&mut self, on_stamp: impl FnMut(TxToken, Stamp)) {
        if let Some(stamps) = &mut self.stamps {
            stamps.take(self.stream.as_raw_fd(), on_stamp);
        }
    }

    fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        if let Some(stamps) = &self.stamps {
            stamps.facts(note);
        }
    }
}

impl StreamTx {
    /// Sends what is left over.
    fn write(&mut self) -> Result<(), TxError> {
        while !self.unsent.is_empty() {
            match send(
                self.stream.as_raw_fd(),
                &self.buffer[self.unsent.clone()],
                MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
            ) {
                Ok(n) => self.unsent.start += n,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return Err(TxError::Full),
                Err(e) => return Err(TxError::Io(explain("send on the order stream")(e.into()))),
            }
        }
        Ok(())
    }
}

/// What became of so many writes to a stream.
pub(crate) fn segments(stream: &TcpStream, writes: u64) -> Option<Segments> {
    let info = tcp_info_ffi::get(stream).ok()?;
    Some(Segments { writes, segments: info.segments_with_data.saturating_sub(info.sent_again) })
}

/// This end of the order session's stream, set up for small packets without delay.
pub(crate) fn open(link: &Link, role: Role) -> io::Result<TcpStream> {
    let stream = match role {
        Role::Exchange => accept(link.orders, link.trader, link.connect_timeout)?,
        Role::Trader => connect(link.trader, link.orders, link.connect_timeout)?,
    };
    stream.set_nodelay(true).map_err(explain("set TCP_NODELAY"))?;
    Ok(stream)
}

/// Both sides of one stream.
pub(crate) fn halves(stream: TcpStream) -> io::Result<(StreamRx, StreamTx)> {
    let writer = stream.try_clone().map_err(explain("duplicate the order stream"))?;
    Ok((StreamRx::new(stream), StreamTx::new(writer)))
}

/// The same, with the stamps that this end is to take: of the orders that the trader sends, and that the exchange receives.
pub(crate) fn stamped_halves(
    stream: TcpStream,
    role: Role,
    end: Option<EndStamping>,
) -> io::Result<(StreamRx, StreamTx)> {
    let (mut rx, mut tx) = halves(stream)?;
    match (role, end) {
        (Role::Exchange, Some(end)) => rx.stamps = Some(stamping::receive(&rx.stream, end)?),
        (Role::Trader, Some(end)) => tx.stamps = Some(stamping::send_bytes(&tx.stream, end)?),
        (_, None) => {}
    }
    Ok((rx, tx))
}

/// Waits for the one connection that `peer` makes to `local`.
fn accept(local: SocketAddrV4, peer: SocketAddrV4, timeout: Nanos) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).map_err(explain("open a TCP socket"))?;
    socket.set_reuse_address(true)?;
    bind(&socket, local)?;
    socket.listen(8).map_err(explain(format!("listen on {local}")))?;
    socket.set_read_timeout(Some(timeout.into()))?;
    let deadline = Instant::now() + Duration::from(timeout);
    loop {
        match socket.accept() {
            Ok((stream, from)) if from.as_socket_ipv4().is_some_and(|a| a.ip() == peer.ip()) => {
                return Ok(stream.into());
            }
            Ok(_) if Instant::now() < deadline => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted && Instant::now() < deadline => {}
            Ok(_) => return Err(nobody_came(local, peer, timeout)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(nobody_came(local, peer, timeout)),
            Err(e) => return Err(explain(format!("accept on {local}"))(e)),
        }
    }
}

fn nobody_came(local: SocketAddrV4, peer: SocketAddrV4, timeout: Nanos) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no order session from {} on {local} within {timeout}: did the trader end early?", peer.ip()),
    )
}

/// Connects from `local`'s address to `peer`, trying again while nobody listens there yet.
fn connect(local: SocketAddrV4, peer: SocketAddrV4, timeout: Nanos) -> io::Result<TcpStream> {
    let deadline = Instant::now() + Duration::from(timeout);
    loop {
        let socket =
            Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).map_err(explain("open a TCP socket"))?;
        let from = SocketAddrV4::new(*local.ip(), 0);
        bind(&socket, from)?;
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match socket.connect_timeout(&SocketAddr::V4(peer).into(), left) {
            Ok(()) => return Ok(socket.into()),
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(e) => return Err(explain(format!("connect the order session to {peer}"))(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener};

    use super::*;

    /// Writes `n` orders, all of which arrive; in lockstep, each is read before the next is written.
    fn segments_of(n: u64, lockstep: bool, prepare: impl FnOnce(&TcpStream)) -> Segments {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let before = stream.try_clone().unwrap();
        let (_rx, mut tx) = halves(stream).unwrap();
        prepare(&before);
        let mut all = Vec::new();
        for _ in 0..n {
            tx.send(50, |frame| frame.fill(1)).unwrap();
            if lockstep {
                let mut order = [0; 50];
                peer.read_exact(&mut order).unwrap();
                all.extend(order);
            }
        }
        let counted = tx.segments().unwrap();
        drop((before, _rx, tx));
        peer.read_to_end(&mut all).unwrap();
        assert_eq!(all.len() as u64, 50 * n);
        counted
    }

    #[test]
    fn each_write_that_nothing_holds_up_has_a_segment_of_its_own() {
        // Not all twenty at once: beyond the initial congestion window the kernel gathers them.
        assert_eq!(segments_of(20, true, |_| ()), Segments { writes: 20, segments: 20 });
    }

    #[test]
    fn writes_that_the_kernel_gathers_share_segments() {
        let gathered = segments_of(20, false, |stream| socket2::SockRef::from(stream).set_tcp_cork(true).unwrap());
        assert!(gathered.writes == 20 && gathered.segments < 20, "{gathered:?}");
    }
}
