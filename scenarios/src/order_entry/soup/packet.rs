//! Reading and writing single packets.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, big_endian::U16};

/// Bytes before the payload: length and type.
pub const HEADER: usize = 3;
/// Type of a packet that carries one numbered message from the server.
pub const SEQUENCED_DATA: u8 = b'S';
/// Type of a packet that carries one message from the client.
pub const UNSEQUENCED_DATA: u8 = b'U';
/// Type of a packet that is to be skipped.
pub const DEBUG: u8 = b'+';
/// The server is alive.
pub const SERVER_HEARTBEAT: [u8; HEADER] = [0, 1, b'H'];
/// The client is alive.
pub const CLIENT_HEARTBEAT: [u8; HEADER] = [0, 1, b'R'];
/// The session is over for good.
pub const END_OF_SESSION: [u8; HEADER] = [0, 1, b'Z'];
/// The client leaves.
pub const LOGOUT_REQUEST: [u8; HEADER] = [0, 1, b'O'];

/// Bytes that are no SoupBinTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoupError {
    /// A packet of length 0, which has no room for its type.
    #[error("SoupBinTCP packet at stream byte {offset} has length 0, but the type alone takes 1")]
    EmptyPacket {
        /// Where its length field starts.
        offset: u64,
    },
    /// A packet larger than the session allows.
    #[error("SoupBinTCP packet at stream byte {offset} has {length} bytes; this session takes at most {limit}")]
    Oversize {
        /// Where its length field starts.
        offset: u64,
        /// Bytes of the packet, length field included.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A type that SoupBinTCP 3.00 does not have.
    #[error("unknown SoupBinTCP packet type 0x{byte:02x}")]
    UnknownType {
        /// The type byte.
        byte: u8,
    },
    /// A packet whose length is not its type's.
    #[error("SoupBinTCP packet `{kind}` has {expected} bytes, but {found} were sent", kind = char::from(*kind))]
    Length {
        /// The type byte.
        kind: u8,
        /// Bytes it has, length field included.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Bytes that end before the packet does, or go on behind it.
    #[error("SoupBinTCP packet announces {announced} bytes, but {found} are there")]
    Framing {
        /// Bytes announced, length field included.
        announced: usize,
        /// Bytes there.
        found: usize,
    },
    /// A number field that is not made of digits.
    #[error("SoupBinTCP packet `{kind}` has a sequence number that is not a number", kind = char::from(*kind))]
    Number {
        /// The type byte.
        kind: u8,
    },
    /// A reason that SoupBinTCP 3.00 does not list.
    #[error("login rejected for the unlisted reason 0x{byte:02x}")]
    UnknownReason {
        /// The reason byte.
        byte: u8,
    },
}

/// `L`: the client's first packet. 49 bytes.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LoginRequest {
    /// 47.
    pub length: U16,
    /// `L`.
    pub kind: u8,
    /// Right-padded with spaces; case does not matter.
    pub username: [u8; 6],
    /// Right-padded with spaces; case does not matter.
    pub password: [u8; 10],
    /// Blank for the current session.
    pub session: [u8; 10],
    /// The next wanted sequence number in digits; 0 for the most recent message.
    pub sequence: [u8; 20],
}

/// The password stays out of logs.
impl std::fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginRequest")
            .field("username", &self.username.escape_ascii().to_string())
            .field("session", &self.session.escape_ascii().to_string())
            .field("sequence", &self.sequence.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

impl LoginRequest {
    /// The packet of a login.
    #[must_use]
    pub fn new(username: [u8; 6], password: [u8; 10], session: [u8; 10], sequence: u64) -> Self {
        Self { length: 47.into(), kind: b'L', username, password, session, sequence: padded_left(sequence) }
    }
}

/// `A`: the server's answer to a good login. 33 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LoginAccepted {
    /// 31.
    pub length: U16,
    /// `A`.
    pub kind: u8,
    /// The session, left-padded with spaces.
    pub session: [u8; 10],
    /// Number of the next sequenced message, in digits.
    pub sequence: [u8; 20],
}

impl LoginAccepted {
    /// The packet of an accepted login.
    #[must_use]
    pub fn new(session: [u8; 10], sequence: u64) -> Self {
        Self { length: 31.into(), kind: b'A', session, sequence: padded_left(sequence) }
    }
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Wrong username or password.
    NotAuthorised,
    /// No such session, or no such place in it.
    SessionNotAvailable,
}

impl RejectReason {
    /// As on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::NotAuthorised => b'A',
            Self::SessionNotAvailable => b'S',
        }
    }
}

/// `J`: the server's answer to a bad login, after which it closes. 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct LoginRejected {
    /// 2.
    pub length: U16,
    /// `J`.
    pub kind: u8,
    /// `A` or `S`.
    pub reason: u8,
}

impl LoginRejected {
    /// The packet of a refused login.
    #[must_use]
    pub fn new(reason: RejectReason) -> Self {
        Self { length: 2.into(), kind: b'J', reason: reason.code() }
    }
}

const _: () = assert!(size_of::<LoginRequest>() == 49);
const _: () = assert!(size_of::<LoginAccepted>() == 33);
const _: () = assert!(size_of::<LoginRejected>() == 4);

/// Any packet, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `+`, text to be skipped.
    Debug(&'a [u8]),
    /// `A`.
    LoginAccepted(&'a LoginAccepted),
    /// `J`.
    LoginRejected(RejectReason),
    /// `S`, one message.
    SequencedData(&'a [u8]),
    /// `H`.
    ServerHeartbeat,
    /// `Z`.
    EndOfSession,
    /// `L`.
    LoginRequest(&'a LoginRequest),
    /// `U`, one message.
    UnsequencedData(&'a [u8]),
    /// `R`.
    ClientHeartbeat,
    /// `O`.
    LogoutRequest,
}

impl<'a> Packet<'a> {
    /// Reads one packet that fills `bytes`.
    ///
    /// # Errors
    /// [`SoupError`] for an unknown type, or a length that is not the type's or not that of `bytes`.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SoupError> {
        let (Some(announced), Some((header, payload))) = (packet_length(bytes), bytes.split_first_chunk::<HEADER>())
        else {
            return Err(SoupError::Framing { announced: HEADER, found: bytes.len() });
        };
        if announced != bytes.len() {
            return Err(SoupError::Framing { announced, found: bytes.len() });
        }
        let kind = header[2];
        let fixed = |expected| SoupError::Length { kind, expected, found: bytes.len() };
        let bare = |packet| {
            if payload.is_empty() { Ok(packet) } else { Err(fixed(HEADER)) }
        };
        match kind {
            SEQUENCED_DATA => Ok(Self::SequencedData(payload)),
            UNSEQUENCED_DATA => Ok(Self::UnsequencedData(payload)),
            DEBUG => Ok(Self::Debug(payload)),
            b'H' => bare(Self::ServerHeartbeat),
            b'R' => bare(Self::ClientHeartbeat),
            b'Z' => bare(Self::EndOfSession),
            b'O' => bare(Self::LogoutRequest),
            b'L' => LoginRequest::ref_from_bytes(bytes).map(Self::LoginRequest).map_err(|_| fixed(49)),
            b'A' => LoginAccepted::ref_from_bytes(bytes).map(Self::LoginAccepted).map_err(|_| fixed(33)),
            b'J' => match payload {
                [b'A'] => Ok(Self::LoginRejected(RejectReason::NotAuthorised)),
                [b'S'] => Ok(Self::LoginRejected(RejectReason::SessionNotAvailable)),
                &[byte] => Err(SoupError::UnknownReason { byte }),
                _ => Err(fixed(4)),
            },
            byte => Err(SoupError::UnknownType { byte }),
        }
    }
}

/// Bytes of the packet that starts `bytes`, its length field included; `None` before both bytes of that are there.
#[inline]
#[must_use]
pub fn packet_length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|&length| 2 + usize::from(u16::from_be_bytes(length)))
}

/// Writes a data packet around `message` to the front of `out` and returns its bytes; `None`, with `out` untouched,
/// where it does not fit `out` or the length field.
pub fn write_data<'a>(out: &'a mut [u8], kind: u8, message: &[u8]) -> Option<&'a [u8]> {
    let [high, low] = u16::try_from(1 + message.len()).ok()?.to_be_bytes();
    let packet = out.get_mut(..HEADER + message.len())?;
    let (header, payload) = packet.split_at_mut(HEADER);
    header.copy_from_slice(&[high, low, kind]);
    payload.copy_from_slice(message);
    Some(packet)
}

/// A number in digits, left-padded with spaces, as seen on the wire. Twenty characters hold any `u64`.
#[must_use]
pub fn padded_left(mut number: u64) -> [u8; 20] {
    let mut field = [b' '; 20];
    for byte in field.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    field
}

/// Text in a field of `N` characters, right-padded with spaces; `None` when it is longer or not printable ASCII.
#[must_use]
pub fn padded_right<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut field = [b' '; N];
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return None;
    }
    field.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(field)
}

/// The number in a field of digits padded with spaces on either side; `None` for anything else.
#[must_use]
pub fn parse_sequence(field: &[u8; 20]) -> Option<u64> {
    let digits = field.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
