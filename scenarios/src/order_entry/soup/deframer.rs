//! From a byte stream to whole packets.

use super::{HEADER, MAX_PACKET, SoupError, packet_length};

/// Puts packets together from runs of bytes that respect no boundaries.
///
/// Allocates once, when made. A packet that lies whole in the bytes handed in is handed out from there; only one that
/// is split is copied. After an error the stream cannot be followed any more, and every further call gives the error
/// again, until [`Deframer::reset`].
#[derive(Debug)]
pub struct Deframer {
    /// The packet begun; `filled` bytes of it are there.
    partial: Box<[u8]>,
    filled: usize,
    /// Stream offset at which the packet begun, or the next one, starts.
    offset: u64,
    failed: Option<SoupError>,
}

impl Deframer {
    /// For packets of at most `limit` bytes, length field included; held between [`HEADER`] and [`MAX_PACKET`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.clamp(HEADER, MAX_PACKET);
        Self { partial: vec![0; limit].into(), filled: 0, offset: 0, failed: None }
    }

    /// Forgets what came, for a new connection.
    pub const fn reset(&mut self) {
        self.filled = 0;
        self.offset = 0;
        self.failed = None;
    }

    /// True when the stream stands between two packets.
    #[must_use]
    pub const fn is_at_boundary(&self) -> bool {
        self.filled == 0 && self.failed.is_none()
    }

    /// Takes the next bytes of the stream and hands out each packet that they complete, head included.
    ///
    /// # Errors
    /// [`SoupError::EmptyPacket`] or [`SoupError::Oversize`]; packets before the bad one have been handed out.
    #[inline]
    pub fn push(&mut self, mut bytes: &[u8], mut on_packet: impl FnMut(&[u8])) -> Result<(), SoupError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        while self.filled > 0 && !bytes.is_empty() {
            bytes = self.complete(bytes, &mut on_packet)?;
        }
        while let Some(length) = packet_length(bytes) {
            self.check(length)?;
            let Some((packet, rest)) = bytes.split_at_checked(length) else {
                break;
            };
            on_packet(packet);
            self.offset += length as u64;
            bytes = rest;
        }
        self.keep(bytes);
        Ok(())
    }

    /// Adds to the packet begun, hands it out if that completes it, and returns what is left of `bytes`.
    fn complete<'a>(&mut self, bytes: &'a [u8], on_packet: &mut impl FnMut(&[u8])) -> Result<&'a [u8], SoupError> {
        let begun = self.partial.get(..self.filled).unwrap_or_default();
        let length = packet_length(begun);
        let (more, rest) = bytes.split_at(length.unwrap_or(2).saturating_sub(self.filled).min(bytes.len()));
        self.keep(more);
        match length {
            // Both bytes of the length may be there only now.
            None => {
                if let Some(length) = packet_length(self.partial.get(..self.filled).unwrap_or_default()) {
                    self.check(length)?;
                }
            }
            Some(length) if length == self.filled => {
                on_packet(self.partial.get(..length).unwrap_or_default());
                self.offset += length as u64;
                self.filled = 0;
            }
            Some(_) => {}
        }
        Ok(rest)
    }

    /// Appends to the packet begun. What is kept is shorter than a packet that was checked, so that it fits.
    fn keep(&mut self, bytes: &[u8]) {
        if let Some(room) = self.partial.get_mut(self.filled..self.filled + bytes.len()) {
            room.copy_from_slice(bytes);
            self.filled += bytes.len();
        }
    }

    const fn check(&mut self, length: usize) -> Result<(), SoupError> {
        let error = if length < HEADER {
            SoupError::EmptyPacket { offset: self.offset }
        } else if length > self.partial.len() {
            SoupError::Oversize { offset: self.offset, length, limit: self.partial.len() }
        } else {
            return Ok(());
        };
        self.failed = Some(error);
        Err(error)
    }
}
