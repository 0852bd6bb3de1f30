//! What can be wrong with the bytes of an OUCH message.

/// Bytes that are no OUCH 5.0 message. Offsets count from the message's type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OuchError {
    /// No bytes at all.
    #[error("an OUCH message of no bytes; the packet around it should have been a heartbeat")]
    Empty,
    /// A type that this direction of OUCH 5.0 does not have.
    #[error("unknown OUCH 5.0 message type 0x{byte:02x} ({direction}); is the peer speaking OUCH 4.2?")]
    UnknownType {
        /// The first byte.
        byte: u8,
        /// Which way the message goes.
        direction: &'static str,
    },
    /// Too short, or too long for a message without appendage.
    #[error("{message} has {expected} bytes before any appendage, but {found} were sent")]
    Length {
        /// Name in the specification.
        message: &'static str,
        /// Bytes of the fixed part.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The appendage length disagrees with the packet.
    #[error("{message} announces an appendage of {announced} bytes, but {found} follow")]
    Appendage {
        /// Name in the specification.
        message: &'static str,
        /// Bytes announced.
        announced: usize,
        /// Bytes there.
        found: usize,
    },
    /// A tag value of length 0, which has no room for its tag.
    #[error("tag value at byte {offset} of the appendage has length 0, but the tag alone takes 1")]
    EmptyTag {
        /// Where its length byte lies in the appendage.
        offset: usize,
    },
    /// A tag value that reaches beyond the appendage.
    #[error("tag value at byte {offset} of the appendage announces {announced} bytes, but {found} are left")]
    TruncatedTag {
        /// Where its length byte lies in the appendage.
        offset: usize,
        /// Bytes announced, the tag among them.
        announced: usize,
        /// Bytes left behind the length byte.
        found: usize,
    },
    /// A listed tag whose value has not the listed size.
    #[error("tag {tag} at byte {offset} of the appendage has a value of {found} bytes instead of {expected}")]
    TagLength {
        /// Where its length byte lies in the appendage.
        offset: usize,
        /// The tag.
        tag: u8,
        /// Size listed.
        expected: usize,
        /// Size found.
        found: usize,
    },
}
