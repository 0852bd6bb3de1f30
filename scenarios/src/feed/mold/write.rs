//! Writing packets, and the request for lost ones.

use zerocopy::{FromBytes, IntoBytes};

use super::packet::{HEADER_LEN, Header, MoldError, Session};

/// Writes a header into the first [`HEADER_LEN`] bytes. `count` 0 makes a heartbeat, 0xffff an end of session.
///
/// # Errors
/// Fewer bytes than a header.
#[inline]
pub fn write_header(packet: &mut [u8], session: Session, sequence: u64, count: u16) -> Result<(), MoldError> {
    let have = packet.len();
    let header = Header { session, sequence: sequence.into(), count: count.into() };
    header.write_to_prefix(packet).map_err(|_| MoldError::NoRoom { need: HEADER_LEN, have })
}

/// Writes one block at `offset` and gives the offset after it.
///
/// # Errors
/// No room in the packet, or a message longer than its 16-bit length can say.
#[inline]
pub fn append_block(packet: &mut [u8], offset: usize, message: &[u8]) -> Result<usize, MoldError> {
    let need = message.len() + 2;
    let have = packet.len().saturating_sub(offset);
    let no_room = MoldError::NoRoom { need, have };
    let len = u16::try_from(message.len()).map_err(|_| no_room)?;
    let block = packet.get_mut(offset..).and_then(|rest| rest.get_mut(..need)).ok_or(no_room)?;
    let (prefix, body) = block.split_at_mut(2);
    prefix.copy_from_slice(&len.to_be_bytes());
    body.copy_from_slice(message);
    Ok(offset + need)
}

/// Asks the re-request server for lost messages; the answer is an ordinary packet, unicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Session.
    pub session: Session,
    /// First message wanted.
    pub sequence: u64,
    /// How many are wanted.
    pub count: u16,
}

impl Request {
    /// Reads a request, which must be exactly 20 bytes.
    ///
    /// # Errors
    /// Fewer bytes, or more.
    pub fn parse(bytes: &[u8]) -> Result<Self, MoldError> {
        let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| MoldError::ShortHeader { got: bytes.len() })?;
        if !rest.is_empty() {
            return Err(MoldError::TrailingBytes { count: 0, offset: HEADER_LEN, extra: rest.len() });
        }
        Ok(Self { session: header.session, sequence: header.sequence.get(), count: header.count.get() })
    }

    /// The wire bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let header = Header { session: self.session, sequence: self.sequence.into(), count: self.count.into() };
        zerocopy::transmute!(header)
    }
}
