//! Interfaces, addresses and routes by rtnetlink. A [`Connection`] belongs to the network namespace of the thread that
//! opened it, and stays with it wherever the thread goes afterwards.

mod address;
mod link;
mod route;

use std::io;

use netlink_packet_core::{
    DecodeError, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

pub use address::Address;
pub use link::{Interface, XdpProgram};
pub use route::Route;

/// Why the kernel did not do what was asked, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// It answered with an errno.
    #[error("{what}: {}{}", source, remedy(source))]
    Refused {
        /// What was asked for.
        what: String,
        /// The errno.
        source: io::Error,
    },
    /// The socket failed.
    #[error("{what}: the netlink socket failed")]
    Socket {
        /// What was asked for.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// An answer can't be read.
    #[error("{what}: the kernel's answer can't be read (a kernel newer than this build knows?)")]
    Unreadable {
        /// What was asked for.
        what: String,
        /// Why.
        source: DecodeError,
    },
    /// An interface hasn't come up.
    #[error("{interface} has no carrier after {waited_ms} ms: is it cabled, and is the other end up?")]
    NoCarrier {
        /// Which.
        interface: String,
        /// How long was waited.
        waited_ms: u128,
    },
}

impl NetlinkError {
    /// The errno that the kernel answered with.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// Whether what was to be taken away is gone already, or what was to be added is there.
    #[must_use]
    pub fn is_already_so(&self) -> bool {
        const SO: [i32; 6] = [libc::EEXIST, libc::ENODEV, libc::ENOENT, libc::ESRCH, libc::EADDRNOTAVAIL, libc::ENXIO];
        self.errno().is_some_and(|e| SO.contains(&e))
    }
}

/// What to do, in parentheses; empty where the errno says it all.
fn remedy(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(libc::EPERM) => " (needs CAP_NET_ADMIN: run as root)",
        Some(libc::EOPNOTSUPP) => " (the kernel lacks it: is CONFIG_VETH on? try `modprobe veth`)",
        Some(libc::ENODEV) => " (see `ip link` for the interfaces that there are)",
        Some(libc::EBUSY) => " (something else holds the interface: is it part of a bond or a bridge?)",
        Some(libc::EINVAL) => " (the interface can't be moved or set so: some drivers are tied to their namespace)",
        _ => "",
    }
}

/// A netlink socket.
pub struct Connection {
    socket: Socket,
    sequence: u32,
}

impl Connection {
    /// Opens one in the network namespace of the calling thread.
    ///
    /// # Errors
    /// [`NetlinkError::Socket`].
    pub fn open() -> Result<Self, NetlinkError> {
        Self::open_socket().map_err(|source| NetlinkError::Socket { what: "open a netlink socket".into(), source })
    }

    fn open_socket() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Has something done, and waits until it is.
    fn act(&mut self, what: &str, message: RouteNetlinkMessage, flags: u16) -> Result<(), NetlinkError> {
        self.exchange(what, message, NLM_F_ACK | flags).map(drop)
    }

    /// Asks for all objects of a kind.
    fn dump(&mut self, what: &str, message: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        self.exchange(what, message, NLM_F_DUMP)
    }

    /// Sends, and collects the answers up to the acknowledgement or the end of the dump.
    fn exchange(
        &mut self,
        what: &str,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        let socket_failed = |source| NetlinkError::Socket { what: what.into(), source };
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(socket_failed)?;
        let mut answers = Vec::new();
        loop {
            let (datagram, _) = self.socket.recv_from_full().map_err(socket_failed)?;
            if self.take_datagram(what, &datagram, &mut answers)? {
                return Ok(answers);
            }
        }
    }

    /// Takes the messages of a datagram; true when the last one was among them.
    fn take_datagram(
        &self,
        what: &str,
        datagram: &[u8],
        answers: &mut Vec<RouteNetlinkMessage>,
    ) -> Result<bool, NetlinkError> {
        let mut rest = datagram;
        while !rest.is_empty() {
            let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                .map_err(|source| NetlinkError::Unreadable { what: what.into(), source })?;
            let length = usize::try_from(message.header.length).unwrap_or(usize::MAX).next_multiple_of(4);
            rest = rest.get(length.max(1)..).unwrap_or_default();
            if message.header.sequence_number != self.sequence {
                continue;
            }
            match message.payload {
                NetlinkPayload::InnerMessage(answer) => answers.push(answer),
                NetlinkPayload::Done(_) => return Ok(true),
                NetlinkPayload::Error(e) if e.code.is_none() => return Ok(true),
                NetlinkPayload::Error(e) => {
                    return Err(NetlinkError::Refused { what: what.into(), source: e.to_io() });
                }
                _ => {}
            }
        }
        Ok(false)
    }
}
