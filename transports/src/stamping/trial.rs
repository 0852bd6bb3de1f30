//! Real frames that cross the wire, to see what is stamped: some drivers claim stamps and deliver none.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    os::fd::{AsFd, AsRawFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use tickcert_results::{
    stamp::{Stamp, StampClock},
    time::Ticks,
};

use crate::{
    api::{EndStamping, TxToken},
    kernel::stamping::{self, Received, Stamper},
};

/// What the frames carry, and its length: as much as a tick.
const FRAME: [u8; 64] = *b"tickcert looks whether this frame is stamped, both ways........ ";

/// A socket at one end of the wire that asks for every stamp there is.
pub struct TrialSocket {
    socket: UdpSocket,
    received: Received,
    stamper: Stamper,
    sent: u32,
}

/// What was seen when frames crossed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossing {
    /// Frames sent.
    pub sent: u32,
    /// Frames that arrived.
    pub arrived: u32,
    /// Hardware stamps of frames that left, each later than the one before.
    pub left: u32,
    /// Hardware stamps of frames that arrived, each later than the one before.
    pub came: u32,
    /// The kernel's own stamps of frames that left.
    pub left_by_kernel: u32,
    /// Hardware stamps that were not later than the one before: of another frame, or of no clock.
    pub stale: u32,
}

impl TrialSocket {
    /// Opens one in the calling thread's network namespace, at this address and any port.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open(address: Ipv4Addr, clock: Option<StampClock>) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddrV4::new(address, 0))?;
        socket.set_nonblocking(true)?;
        let (received, stamper) = stamping::both(&socket, EndStamping { clock, transmit: true, receive: true })?;
        Ok(Self { socket, received, stamper, sent: 0 })
    }

    fn send_to(&mut self, to: SocketAddr) -> io::Result<TxToken> {
        self.socket.send_to(&FRAME, to)?;
        self.sent += 1;
        self.stamper.datagram(TxToken(self.sent));
        Ok(TxToken(self.sent))
    }

    /// Waits for a frame; its hardware stamp, if it has one.
    fn receive(&mut self, until: Instant) -> io::Result<Option<Option<Stamp>>> {
        let mut buffer = [0; FRAME.len()];
        loop {
            match self.received.receive(self.socket.as_raw_fd(), &mut buffer) {
                Ok((_, meta)) if buffer == FRAME => return Ok(Some(meta.hw)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if self.wait(PollFlags::POLLIN, until)? => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// Waits for the hardware stamp of a frame, and counts the kernel's.
    fn stamp(&mut self, frame: TxToken, until: Instant, by_kernel: &mut u32) -> io::Result<Option<Stamp>> {
        let mut found = None;
        loop {
            self.stamper.take(self.socket.as_raw_fd(), |of, stamp| {
                if of == frame && stamp.clock.is_hardware() {
                    found = Some(stamp);
                } else if of == frame {
                    *by_kernel += 1;
                }
            });
            // The error queue shows as an error, which is reported unasked.
            if found.is_some() || !self.wait(PollFlags::empty(), until)? {
                return Ok(found);
            }
        }
    }

    /// Until something is there; false when nothing was by then.
    fn wait(&self, wanted: PollFlags, until: Instant) -> io::Result<bool> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.socket.as_fd(), wanted)], timeout) {
            Ok(0) => Ok(false),
            Ok(_) | Err(Errno::EINTR) => Ok(!left.is_zero()),
            Err(e) => Err(e.into()),
        }
    }
}

/// Sends frames from one end to the other, one after the other, and waits at most `patience` for each, and as long for the
/// stamps of those that left if any are `expected`.
///
/// # Errors
/// The kernel's. Frames and stamps that don't come are no failure but what was to be seen.
pub fn cross(
    from: &mut TrialSocket,
    to: &mut TrialSocket,
    frames: u32,
    patience: Duration,
    expected: bool,
) -> io::Result<Crossing> {
    let target = to.socket.local_addr()?;
    let mut seen = Crossing::default();
    let (mut last_left, mut last_came) = (None, None);
    for _ in 0..frames {
        let until = Instant::now() + patience;
        let frame = from.send_to(target)?;
        seen.sent += 1;
        let arrived = to.receive(until)?;
        seen.arrived += u32::from(arrived.is_some());
        let came = count(arrived.flatten(), &mut last_came, &mut seen.stale);
        let until = if expected { until } else { Instant::now() };
        let left = from.stamp(frame, until, &mut seen.left_by_kernel)?;
        let left = count(left, &mut last_left, &mut seen.stale);
        seen.came += u32::from(came);
        seen.left += u32::from(left);
    }
    Ok(seen)
}

/// Whether a stamp is one: later than the last.
fn count(stamp: Option<Stamp>, last: &mut Option<Ticks>, stale: &mut u32) -> bool {
    let Some(stamp) = stamp else { return false };
    let rises = last.is_none_or(|last| stamp.at > last);
    *stale += u32::from(!rises);
    *last = Some(stamp.at);
    rises
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_loopback_frames_cross_with_the_kernels_stamps_and_none_of_hardware() {
        let open = || TrialSocket::open(Ipv4Addr::LOCALHOST, None).unwrap();
        let (mut here, mut there) = (open(), open());
        let seen = cross(&mut here, &mut there, 3, Duration::from_millis(20), true).unwrap();
        assert_eq!(seen, Crossing { sent: 3, arrived: 3, left_by_kernel: 3, ..Crossing::default() });
    }

    #[test]
    fn a_stamp_that_is_not_later_than_the_last_is_stale() {
        let stamp = |at| Some(Stamp::new(Ticks::new(at).unwrap(), StampClock::Phc(0)));
        let (mut last, mut stale) = (None, 0);
        let seen = [stamp(5), stamp(5), None, stamp(4), stamp(9)].map(|stamp| count(stamp, &mut last, &mut stale));
        assert_eq!((seen, stale), ([true, false, false, false, true], 2));
    }
}
