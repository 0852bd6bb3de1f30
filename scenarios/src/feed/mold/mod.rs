//! MoldUDP64 1.00: the datagram framing of the feed, after the exchange's specification of that version.
//!
//! A packet is a 20-byte header (session, sequence number of the first message, count) and `count` blocks, each a
//! big-endian u16 length and that many bytes.

mod packet;
mod sequence;
mod write;

pub use packet::{HEADER_LEN, Kind, MAX_MESSAGES, Messages, MoldError, MoldPacket, Session, split_blocks};
pub use sequence::{Arrival, Sequencer};
pub use write::{Request, append_block, write_header};
