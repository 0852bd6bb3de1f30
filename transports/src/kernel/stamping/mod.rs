//! Stamps of sockets (`SO_TIMESTAMPING`, Documentation/networking/timestamping.rst): what is asked for, and what comes.
//!
//! A frame received brings its stamps along. Those of a frame sent come into the socket's error queue, some time later, in
//! any order: the kernel numbers what was sent (`OPT_ID`) and gives back the number and no bytes (`OPT_TSONLY`). Of each
//! frame both are asked for, the device's and the kernel's (`OPT_TX_SWHW`). `OPT_CMSG` would add the interface's number,
//! which is known here.

mod control;
mod names;
mod queue;
mod sender;

use std::{io, os::fd::AsFd};

use libc::{
    SO_TIMESTAMPING, SOF_TIMESTAMPING_OPT_ID, SOF_TIMESTAMPING_OPT_ID_TCP, SOF_TIMESTAMPING_OPT_TSONLY,
    SOF_TIMESTAMPING_OPT_TX_SWHW, SOF_TIMESTAMPING_RAW_HARDWARE, SOF_TIMESTAMPING_RX_HARDWARE,
    SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE, SOF_TIMESTAMPING_TX_HARDWARE,
    SOF_TIMESTAMPING_TX_SOFTWARE,
};
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use tickcert_results::stamp::StampClock;

pub(crate) use control::Received;
pub(crate) use sender::Stamper;

use super::{explain, socket_option_ffi};
use crate::api::EndStamping;

/// Of both directions: report the stamps of kernel and device.
const REPORT: u32 = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
/// Of frames sent.
const NUMBERED: u32 = SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_TX_SWHW;

/// Stamps wait in the receive buffer, and what finds no room there is lost without a word. Two for a frame, each of less
/// than a KiB as the kernel counts: room for 20,000 frames between two looks. It is only a limit; nothing is allocated.
const ROOM_FOR_STAMPS: usize = 32 << 20;

/// Asks for the stamps of what arrives on a socket.
///
/// # Errors
/// The kernel's.
pub(crate) fn receive(socket: &impl AsFd, end: EndStamping) -> io::Result<Received> {
    let hardware = if end.receive { SOF_TIMESTAMPING_RX_HARDWARE } else { 0 };
    ask(socket, REPORT | SOF_TIMESTAMPING_RX_SOFTWARE | hardware)?;
    Ok(Received::new(end.clock))
}

/// Asks for the stamps of datagrams sent from a socket from now on.
///
/// # Errors
/// The kernel's.
pub(crate) fn send_datagrams(socket: &impl AsFd, end: EndStamping) -> io::Result<Stamper> {
    make_room(socket);
    ask(socket, transmit(end))?;
    Ok(Stamper::new(end.clock))
}

/// Asks for the stamps of bytes sent on a stream that is connected, before the first: their numbers count from it.
///
/// # Errors
/// The kernel's.
pub(crate) fn send_bytes(socket: &impl AsFd, end: EndStamping) -> io::Result<Stamper> {
    make_room(socket);
    match ask(socket, transmit(end) | SOF_TIMESTAMPING_OPT_ID_TCP) {
        // Before Linux 6.2 the numbers count from the first byte that isn't acknowledged, which here is the same.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => ask(socket, transmit(end))?,
        asked => asked?,
    }
    Ok(Stamper::new(end.clock))
}

/// Both, of a socket that sends and receives datagrams.
///
/// # Errors
/// The kernel's.
pub(crate) fn both(socket: &impl AsFd, end: EndStamping) -> io::Result<(Received, Stamper)> {
    let hardware = if end.receive { SOF_TIMESTAMPING_RX_HARDWARE } else { 0 };
    ask(socket, transmit(end) | SOF_TIMESTAMPING_RX_SOFTWARE | hardware)?;
    Ok((Received::new(end.clock), Stamper::new(end.clock)))
}

const fn transmit(end: EndStamping) -> u32 {
    let hardware = if end.transmit { SOF_TIMESTAMPING_TX_HARDWARE } else { 0 };
    REPORT | NUMBERED | SOF_TIMESTAMPING_TX_SOFTWARE | hardware
}

fn ask(socket: &impl AsFd, flags: u32) -> io::Result<()> {
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    socket_option_ffi::set(socket, SO_TIMESTAMPING, flags)
        .map_err(|e| explain("set SO_TIMESTAMPING on a socket of the lane")(e))
}

/// As much as this process may ask for: with less, stamps are missed, which their coverage shows.
fn make_room(socket: &impl AsFd) {
    if setsockopt(socket, RcvBufForce, &ROOM_FOR_STAMPS).is_err() {
        let _ = setsockopt(socket, nix::sys::socket::sockopt::RcvBuf, &ROOM_FOR_STAMPS);
    }
}

/// The clock of hardware stamps; where nobody knows it, one of the device's own.
const fn clock_of(known: Option<StampClock>) -> StampClock {
    match known {
        Some(clock) => clock,
        None => StampClock::Device,
    }
}

#[cfg(test)]
mod tests;
