//! Why a file gives no ticks: where, what is wrong, and what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

use pcap_file::PcapError;

use super::excerpt::{Excerpt, TimeOfDay};
use super::itch::{ItchError, message_len};
use super::mold::MoldError;

/// A file that cannot be replayed.
#[derive(Debug)]
pub struct FeedError {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}. To mend it: {}", self.path.display(), self.place, self.problem, self.problem.remedy())
    }
}

impl std::error::Error for FeedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.problem.source_error()
    }
}

/// Where in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// An offset from the file's start.
    Byte(u64),
    /// An offset from the start of what the compressed file unpacks to.
    UnpackedByte(u64),
    /// A packet of a capture, counted from 1 as capture tools do.
    Packet(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Byte(offset) => write!(f, ", byte {offset}"),
            Self::UnpackedByte(offset) => write!(f, ", byte {offset} of the unpacked data"),
            Self::Packet(number) => write!(f, ", packet {number}"),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug)]
pub enum Problem {
    /// It cannot be opened or read.
    Unreadable(io::Error),
    /// Compressed data that does not unpack.
    Corrupt {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// What the unpacker says.
        source: io::Error,
    },
    /// Nothing in it.
    Empty,
    /// A known format of another kind.
    Foreign {
        /// Its name.
        format: &'static str,
    },
    /// The file ends inside a record.
    CutOff {
        /// Bytes that the record needs.
        need: usize,
        /// Bytes that are left.
        have: usize,
    },
    /// Data after the length of 0 that ends a session.
    AfterEnd {
        /// Whether any message came before it.
        any_message: bool,
    },
    /// A record that is not an ITCH 5.0 message.
    NotItch(ItchError),
    /// Messages back to back, without length prefixes.
    NoPrefix {
        /// The first byte, a message type.
        kind: u8,
    },
    /// The capture's own framing is damaged.
    DamagedCapture(PcapError),
    /// The capture ends inside a record.
    CutCapture,
    /// A packet of which the capture holds a part only.
    CutPacket {
        /// Bytes in the capture.
        captured: usize,
        /// Bytes on the wire.
        original: usize,
    },
    /// A packet among the ticks that is not MoldUDP64.
    NotMold(MoldError),
    /// A capture without a single tick.
    NoTicks {
        /// What it holds instead.
        seen: String,
    },
    /// More than may be held in memory.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// When the first message that it holds is from, and when the last.
        span: Option<(TimeOfDay, TimeOfDay)>,
    },
    /// No message in the part that is wanted.
    NothingInExcerpt {
        /// That part.
        excerpt: Excerpt,
        /// When the first message that was read is from, and when the last.
        span: (TimeOfDay, TimeOfDay),
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(_) => f.write_str("the file cannot be read"),
            Self::Corrupt { format, source } => write!(f, "the {format} data is corrupt or cut off ({source})"),
            Self::Empty => f.write_str("the file is empty"),
            Self::Foreign { format } => write!(f, "this is {format}, not a BinaryFILE or a capture"),
            Self::CutOff { need, have } => {
                write!(f, "the file ends inside a message: {need} bytes are needed, {have} are left")
            }
            Self::AfterEnd { any_message: true } => {
                f.write_str("data follows a length of 0, which marks the end of the session")
            }
            Self::AfterEnd { any_message: false } => f.write_str("the first length is 0, yet data follows it"),
            Self::NotItch(error) => write!(f, "{error}"),
            Self::NoPrefix { kind } => write!(
                f,
                "the messages have no length prefix: `{}`, a message type, stands where the first length should be",
                char::from(*kind)
            ),
            Self::DamagedCapture(error) => write!(f, "the capture is damaged ({error})"),
            Self::CutCapture => {
                f.write_str("the capture ends inside a record that begins here, or that record's length is damaged")
            }
            Self::CutPacket { captured, original } => {
                write!(f, "the capture holds {captured} of the packet's {original} bytes")
            }
            Self::NotMold(error) => write!(f, "not MoldUDP64, though others of its flow are: {error}"),
            Self::NoTicks { seen } => write!(f, "the capture holds no MoldUDP64 packet of ITCH 5.0, but {seen}"),
            Self::TooLarge { limit, span } => {
                write!(f, "its messages take more than the {limit} bytes that they may have in memory")?;
                span.map_or(Ok(()), |(first, last)| write!(f, "; those from {first} to {last} fill them"))
            }
            Self::NothingInExcerpt { excerpt, span: (first, last) } => {
                write!(f, "no message of it is {excerpt}: those read are from {first} to {last}")
            }
        }
    }
}

impl Problem {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable(_) => "check the path and its permissions".into(),
            Self::Corrupt { format, .. } => format!("fetch it again, and test it with `{format} -t`"),
            Self::Empty => "give an ITCH 5.0 BinaryFILE or a capture of MoldUDP64, or none to use the generator".into(),
            Self::Foreign { .. } => "unpack or convert it first; plain, .gz and .zst files can be read".into(),
            Self::CutOff { .. } => "fetch it again, or keep what precedes this offset (`head -c OFFSET`)".into(),
            Self::AfterEnd { any_message: true } => {
                "keep what precedes this offset (`head -c OFFSET`), or split the file into its sessions".into()
            }
            Self::AfterEnd { any_message: false } => {
                "write each message's true length before it, 2 bytes, big-endian; some tools write 0 there".into()
            }
            Self::NotItch(ItchError::Empty | ItchError::UnknownType { .. }) => {
                "give an ITCH 5.0 file; other versions and other exchanges' feeds have other messages".into()
            }
            Self::NotItch(ItchError::WrongLength { .. } | ItchError::UnknownSide { .. }) => {
                "the data is damaged before this point, or of another ITCH version: fetch it again, or give ITCH 5.0"
                    .into()
            }
            Self::NoPrefix { kind } => format!(
                "write each message's length before it, 2 bytes, big-endian ({} for the first)",
                message_len(*kind).unwrap_or_default()
            ),
            Self::DamagedCapture(_) | Self::CutCapture => {
                "copy it again, or save what is readable with `editcap IN OUT`".into()
            }
            Self::CutPacket { .. } => "capture whole packets (`tcpdump -s 0`)".into(),
            Self::NotMold(_) => "filter the capture to the feed's group and port, or capture it again".into(),
            Self::NoTicks { .. } => {
                "capture the UDP feed (TotalView-ITCH 5.0 over MoldUDP64), not an order session or another feed".into()
            }
            Self::TooLarge { .. } => {
                "take a part of the day: `from` and `until` under [tape] of the profile, or on the \
                                      command line, as in `--from 09:30:00 --until 09:35:00`"
                    .into()
            }
            Self::NothingInExcerpt { .. } => {
                "choose `from` and `until` (under [tape], or --from and --until) within the file's own day".into()
            }
        }
    }

    fn source_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(source) | Self::Corrupt { source, .. } => Some(source),
            Self::NotItch(source) => Some(source),
            Self::DamagedCapture(source) => Some(source),
            Self::NotMold(source) => Some(source),
            _ => None,
        }
    }
}

/// A problem and its place, before the path is known.
pub(super) type Located = (Place, Problem);
