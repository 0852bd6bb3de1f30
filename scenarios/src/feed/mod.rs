//! Market data: the ITCH 5.0 and MoldUDP64 codecs, and readers that turn a file into ticks.

mod binary_file;
mod capture;
mod error;
pub mod itch;
pub mod mold;
mod read;
mod source;
mod stream;

pub use error::{FeedError, Place, Problem};
pub use read::{ReadLimits, read_ticks, read_ticks_from};
pub use stream::{MAX_BLOCK_BYTES, PacketRecord, TickStream};
