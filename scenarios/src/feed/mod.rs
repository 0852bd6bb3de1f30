//! Market data: the ITCH 5.0 and MoldUDP64 codecs, and readers that turn a file into ticks.

mod binary_file;
mod capture;
mod error;
mod excerpt;
pub mod itch;
pub mod mold;
mod read;
mod source;
mod stream;

pub use error::{FeedError, Place, Problem};
pub use excerpt::{EmptyExcerpt, Excerpt, NoTimeOfDay, TimeOfDay};
pub use read::{ReadLimits, read_ticks, read_ticks_from};
pub use stream::{MAX_BLOCK_BYTES, PacketRecord, TickStream};
