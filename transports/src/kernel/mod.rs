//! What the lanes over kernel sockets share. The calls go through `nix` and `socket2`, but for those in [`tcp_info_ffi`]
//! and [`socket_option_ffi`].

pub(crate) mod busy_poll;
pub(crate) mod datagram;
pub(crate) mod halves;
mod socket_option_ffi;
pub(crate) mod stamping;
pub(crate) mod stream;
mod tcp_info_ffi;

use std::{
    io,
    net::SocketAddrV4,
    thread,
    time::{Duration, Instant},
};

use socket2::Socket;
use tickcert_results::evidence::Evidence;

/// Largest frame that a lane over sockets carries: one Ethernet payload with room to spare.
pub(crate) const MAX_FRAME: usize = 2048;

/// Puts what was tried, and what to do about it, in front of what the kernel said.
pub(crate) fn explain(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |e| io::Error::new(e.kind(), format!("{what}: {e}{}", remedy(e.kind())))
}

/// How long a port may still be held by the trial before: the kernel closes sockets that io_uring had a receive waiting on
/// some time after their process is gone.
const STILL_CLOSING: Duration = Duration::from_secs(1);
/// Between two attempts to bind.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(2);

/// Binds, waiting for a port that is just being given up.
///
/// # Errors
/// As `bind`, with the address.
pub(crate) fn bind(socket: &Socket, address: SocketAddrV4) -> io::Result<()> {
    let deadline = Instant::now() + STILL_CLOSING;
    loop {
        match socket.bind(&address.into()) {
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                thread::sleep(BETWEEN_ATTEMPTS);
            }
            done => return done.map_err(explain(format!("bind to {address}"))),
        }
    }
}

fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => "; another program holds this port: end it, or choose other ports",
        io::ErrorKind::AddrNotAvailable => "; the address is not on this interface: check the bench's link",
        io::ErrorKind::PermissionDenied => "; run as root, or where user namespaces are allowed",
        io::ErrorKind::ConnectionRefused => "; the other end is not listening: did it end early?",
        _ => "",
    }
}

/// The class of evidence that a CPU's clock around kernel sockets can give.
pub(crate) fn evidence(link_is_virtual: bool) -> (Evidence, String) {
    if link_is_virtual {
        (Evidence::Emulated, "the wire is a veth pair: no NIC took part".to_owned())
    } else {
        (Evidence::Software, "stamped by the CPU's clock around kernel sockets on a real device".to_owned())
    }
}
