//! Market data: the ITCH 5.0 and MoldUDP64 codecs, and readers that turn a file into ticks.

pub mod itch;
pub mod mold;
mod stream;

pub use stream::{MAX_BLOCK_BYTES, PacketRecord, TickStream};
