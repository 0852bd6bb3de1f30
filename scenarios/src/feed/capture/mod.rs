//! Captures: from frames to the ticks of the one feed in them.

mod flow;
mod frames;
mod link;
mod sift;

use std::io::Read;

use super::error::Located;
use super::read::ReadLimits;
use super::stream::TickStream;

pub(super) use frames::Format;

/// Reads a capture whole: the flow (group, port, session) with most messages becomes the stream.
pub(super) fn read(reader: &mut impl Read, format: Format, limits: ReadLimits) -> Result<TickStream, Located> {
    let mut sifting = sift::Sifting::new(limits);
    frames::each(reader, format, |frame| sifting.frame(frame))?;
    sifting.finish()
}
