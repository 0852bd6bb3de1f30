//! The one TCP connection that carries orders, by smoltcp. Nothing here waits: packets are put in, bytes taken out, and
//! what TCP has to say leaves by the [`Wire`].

use std::{io, net::SocketAddrV4, time};

use smoltcp::{
    iface::{Config, Interface, PollResult, SocketHandle, SocketSet},
    socket::tcp::{RecvError, Socket, SocketBuffer, State},
    time::{Duration, Instant},
    wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint},
};

use super::{
    arp::{Answerer, Asker},
    datagram::too_long,
    port::FrameTx,
    segment::{Look, MTU, Wire},
    sorter::Ends,
};
use crate::api::{Role, Segments, TxError, TxToken};

/// Most bytes of one send: what one segment carries, without IP's header and TCP's.
pub(super) const MAX_SEND: usize = MTU - 40;
/// Each way: more orders than are on their way within [`ACK_DELAY`] at any rate that a trader reaches.
const BUFFER: usize = 256 * 1024;
/// An acknowledgement rides on data or waits so long, unless two full segments wait for it: sent at once, it would
/// stand between an order's arrival and what is next.
const ACK_DELAY: Duration = Duration::from_millis(1);

/// The connection and its way out, shared by the receiving and the sending half.
pub(super) struct Connection<X: FrameTx> {
    pub(super) wire: Wire<X>,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    epoch: time::Instant,
    /// When TCP wants to be called; it is asked again after whatever changed its mind.
    due: Option<Instant>,
    changed: bool,
    local: SocketAddrV4,
    peer: SocketAddrV4,
    answerer: Answerer,
    draft: Box<[u8; MAX_SEND]>,
    writes: u64,
}

impl<X: FrameTx> Connection<X> {
    /// The exchange's end listens, the trader's has yet to be told to [`Connection::connect`].
    pub(super) fn new(ends: &Ends, role: Role, port: X) -> io::Result<Self> {
        let (epoch, now) = (time::Instant::now(), Instant::from_micros(0));
        let mut wire = Wire::new(port, ends.ethernet());
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed();
        let mut interface = Interface::new(config, &mut Look { wire: &mut wire, packet: None }, now);
        interface.update_ip_addrs(|addresses| {
            // There is room for two.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(*ends.local.ip()), 32));
        });
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(Some(ACK_DELAY));
        if role == Role::Exchange {
            socket.listen(endpoint(ends.local)).map_err(io::Error::other)?;
        }
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Ok(Self {
            wire,
            interface,
            sockets,
            handle,
            epoch,
            due: None,
            changed: true,
            local: ends.local,
            peer: ends.peer,
            answerer: ends.answerer(),
            draft: Box::new([0; MAX_SEND]),
            writes: 0,
        })
    }

    /// Begins to connect, anew if it had begun.
    pub(super) fn connect(&mut self) -> io::Result<()> {
        let (local, peer) = (endpoint(self.local), endpoint(self.peer));
        self.socket().abort();
        // A reset, if there was an attempt: the other end may have seen its beginning.
        self.drive();
        let context = self.interface.context();
        self.sockets.get_mut::<Socket<'_>>(self.handle).connect(context, peer, local).map_err(io::Error::other)?;
        self.changed = true;
        self.drive();
        Ok(())
    }

    fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Whether both ends know of each other; also true when the other has closed again.
    pub(super) fn is_established(&mut self) -> bool {
        matches!(self.socket().state(), State::Established | State::CloseWait)
    }

    fn now(&self) -> Instant {
        Instant::from_micros(i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    /// Takes an IPv4 packet in.
    #[inline]
    pub(super) fn take(&mut self, packet: &[u8]) {
        let now = self.now();
        let mut look = Look { wire: &mut self.wire, packet: Some(packet) };
        self.interface.poll_ingress_single(now, &mut look, &mut self.sockets);
        self.changed = true;
    }

    /// Sends what TCP has to send by now: acknowledgements, what is lost, what waited for room.
    #[inline]
    pub(super) fn drive(&mut self) {
        let now = self.now();
        if self.changed || self.wire.holds() || self.due.is_some_and(|due| due <= now) {
            self.wire.retry();
            self.send_all(now);
            self.due = self.interface.poll_at(now, &self.sockets);
            self.changed = false;
            // A full device is kicked again by the next.
            let _ = self.wire.kick();
        }
    }

    fn send_all(&mut self, now: Instant) {
        let mut look = Look { wire: &mut self.wire, packet: None };
        while self.interface.poll_egress(now, &mut look, &mut self.sockets) == PollResult::SocketStateChanged {}
    }

    /// Moves bytes that have arrived into `run`; returns how many.
    ///
    /// # Errors
    /// When none are left and none will come.
    #[inline]
    pub(super) fn read(&mut self, run: &mut [u8]) -> io::Result<usize> {
        let socket = self.socket();
        if !socket.can_recv() && socket.may_recv() {
            return Ok(0);
        }
        let read = socket.recv_slice(run).map_err(gone)?;
        // Room was made, which the other end may have to be told.
        self.changed = true;
        Ok(read)
    }

    /// As [`crate::api::Tx::send`] for orders.
    #[inline]
    pub(super) fn write(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        if len > MAX_SEND {
            return Err(too_long(len, MAX_SEND));
        }
        if !self.wire.release().map_err(TxError::Io)? {
            return Err(TxError::Full);
        }
        let socket = self.sockets.get_mut::<Socket<'_>>(self.handle);
        if !socket.may_send() {
            return Err(TxError::Io(gone(RecvError::InvalidState)));
        }
        if socket.send_capacity() - socket.send_queue() < len {
            self.drive();
            return Err(TxError::Full);
        }
        let draft = &mut self.draft[..len];
        fill(draft);
        // There is room for all of it, as was just seen.
        socket.send_slice(draft).map_err(|e| TxError::Io(io::Error::new(io::ErrorKind::ConnectionAborted, e)))?;
        self.writes += 1;
        let before = self.wire.last();
        self.send_all(self.now());
        self.changed = true;
        // What the window holds back leaves in a frame of later, and isn't named after one of before.
        let frame = self.wire.last();
        Ok(if frame == before { TxToken::NONE } else { frame })
    }

    /// As [`crate::api::Tx::flush`].
    pub(super) fn flush(&mut self) -> Result<(), TxError> {
        let released = self.wire.release().map_err(TxError::Io)?;
        self.wire.kick()?;
        if released { Ok(()) } else { Err(TxError::Full) }
    }

    /// Answers an ARP request, if there is room: who gets no answer asks again.
    pub(super) fn answer(&mut self, asker: Asker) {
        let answerer = self.answerer;
        if self.wire.port.transmit(answerer.frame_len(), |frame| answerer.reply(asker, frame)).is_ok() {
            self.wire.was_queued();
            self.changed = true;
        }
    }

    /// As [`crate::api::Tx::segments`].
    pub(super) const fn segments(&self) -> Segments {
        Segments { writes: self.writes, segments: self.wire.segments() }
    }
}

/// Both halves are gone: the other end is told, once. No one is left to send it again.
impl<X: FrameTx> Drop for Connection<X> {
    fn drop(&mut self) {
        self.socket().close();
        self.changed = true;
        self.drive();
    }
}

/// Why there is nothing more to be had.
#[cold]
fn gone(why: RecvError) -> io::Error {
    let what = match why {
        RecvError::Finished => "the other end closed the order stream",
        RecvError::InvalidState => "the order stream is closed, or the other end has reset it: did it end early?",
    };
    io::Error::new(io::ErrorKind::ConnectionAborted, what)
}

fn buffer() -> SocketBuffer<'static> {
    // Not zero, so that the memory is written to now and not at the first order.
    SocketBuffer::new(vec![0xff; BUFFER])
}

fn endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(*address.ip()), address.port())
}

/// For the first sequence number: other than that of the connection before, so that its leftovers don't fit this one.
fn seed() -> u64 {
    let since = time::SystemTime::now().duration_since(time::UNIX_EPOCH).unwrap_or_default();
    (u64::from(since.subsec_nanos()) << 32) ^ since.as_secs() ^ (u64::from(std::process::id()) << 16)
}
