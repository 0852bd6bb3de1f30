//! Where TCP's segments leave: smoltcp's device, which gets single packets and never waits.
//!
//! Segments are built in memory of their own and copied into the device's: so one that finds the device full is not
//! lost, which would cost its second of waiting for the retransmission, but leaves before anything else.

use std::io;

use smoltcp::{
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken as TxSlot},
    time::Instant,
};

use super::{
    ethernet::{Ethernet, IPV4},
    frame::IP_HEADER,
    port::FrameTx,
};
use crate::api::{TxError, TxToken};

/// Longest IPv4 packet.
pub(super) const MTU: usize = 1500;
/// Room for the longest frame.
const FRAME: usize = 2048;

/// The way out.
#[derive(Debug)]
pub(super) struct Wire<X> {
    pub(super) port: X,
    ethernet: Ethernet,
    /// Starts with the Ethernet header, which is always the same.
    frame: Box<[u8; FRAME]>,
    /// Bytes of `frame` that wait for room in the device; zero when none do.
    held: usize,
    /// For what can't be sent and not be held either.
    spare: Box<[u8; FRAME]>,
    /// Whether something was queued since the last kick.
    queued: bool,
    last: TxToken,
    broken: Option<io::Error>,
    /// Where the stream has got to, by sequence number.
    reached: Option<u32>,
    segments: u64,
}

impl<X: FrameTx> Wire<X> {
    pub(super) fn new(port: X, ethernet: Ethernet) -> Self {
        let mut frame = Box::new([0; FRAME]);
        let header = ethernet.header(IPV4);
        frame[..header.len()].copy_from_slice(&header);
        Self {
            port,
            ethernet,
            frame,
            held: 0,
            spare: Box::new([0; FRAME]),
            queued: false,
            last: TxToken(0),
            broken: None,
            reached: None,
            segments: 0,
        }
    }

    /// Sends what is held. True when nothing is any more.
    ///
    /// # Errors
    /// When the device is gone.
    pub(super) fn release(&mut self) -> io::Result<bool> {
        if let Some(e) = self.broken.take() {
            return Err(e);
        }
        self.retry();
        Ok(self.held == 0)
    }

    /// Whether something waits for room.
    pub(super) const fn holds(&self) -> bool {
        self.held > 0
    }

    /// Tries again to send what is held; a device that is gone shows in the next [`Wire::release`].
    pub(super) fn retry(&mut self) {
        if self.held == 0 {
            return;
        }
        let held = &self.frame[..self.held];
        match self.port.transmit(held.len(), |frame| frame.copy_from_slice(held)) {
            Ok(token) => {
                self.last = token;
                self.queued = true;
                self.held = 0;
            }
            Err(TxError::Full) => {}
            Err(TxError::Io(e)) => {
                self.held = 0;
                self.broken = Some(e);
            }
        }
    }

    /// Builds a packet of `len` bytes, at most [`MTU`], and sends or holds it.
    fn put<R>(&mut self, len: usize, build: impl FnOnce(&mut [u8]) -> R) -> R {
        if self.held > 0 {
            // Only an immediate reply (a reset, a repeated acknowledgement) comes here, and TCP does without.
            return build(&mut self.spare[..len]);
        }
        let start = self.ethernet.len();
        let packet = &mut self.frame[start..start + len];
        let built = build(packet);
        self.count(start, len);
        self.held = self.ethernet.frame_len(len);
        self.frame[start + len..self.held.max(start + len)].fill(0);
        self.retry();
        built
    }

    /// Counts the segment if it carries anything that none before has carried.
    fn count(&mut self, start: usize, len: usize) {
        let segment = &self.frame[start + IP_HEADER..start + len];
        let Some(header) = segment.first_chunk::<20>() else { return };
        let payload = segment.len().saturating_sub(usize::from(header[12] >> 4) * 4);
        if payload == 0 {
            return;
        }
        let first = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        #[expect(clippy::cast_possible_truncation, reason = "no longer than a packet")]
        let end = first.wrapping_add(payload as u32);
        // Sequence numbers go round: ahead is what is less than half of the circle away.
        if self.reached.is_none_or(|reached| end != reached && end.wrapping_sub(reached) < 1 << 31) {
            self.reached = Some(end);
            self.segments += 1;
        }
    }

    /// Has the device send what was queued since the last time.
    pub(super) fn kick(&mut self) -> Result<(), TxError> {
        if self.queued {
            self.port.kick()?;
            self.queued = false;
        }
        Ok(())
    }

    /// That something was queued past this type.
    pub(super) const fn was_queued(&mut self) {
        self.queued = true;
    }

    /// The device's name for the last segment.
    pub(super) const fn last(&self) -> TxToken {
        self.last
    }

    /// Segments with something new in them.
    pub(super) const fn segments(&self) -> u64 {
        self.segments
    }
}

/// One look of smoltcp at the wire: at most one packet to receive.
pub(super) struct Look<'w, 'p, X> {
    pub(super) wire: &'w mut Wire<X>,
    pub(super) packet: Option<&'p [u8]>,
}

impl<X: FrameTx> Device for Look<'_, '_, X> {
    type RxToken<'a>
        = Packet<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Slot<'a, X>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Packet<'_>, Slot<'_, X>)> {
        let packet = self.packet.take()?;
        Some((Packet(packet), Slot(self.wire)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Slot<'_, X>> {
        self.wire.retry();
        (self.wire.held == 0 && self.wire.broken.is_none()).then_some(Slot(self.wire))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        // Ethernet headers are ours: smoltcp knows no VLANs, and would ask for addresses that the link tells.
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A packet that arrived.
pub(super) struct Packet<'a>(&'a [u8]);

impl RxToken for Packet<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Room for a packet to leave.
pub(super) struct Slot<'a, X>(&'a mut Wire<X>);

impl<X: FrameTx> TxSlot for Slot<'_, X> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, build: F) -> R {
        self.0.put(len, build)
    }
}
