//! One entry for every kind of file; the kind is found by content, never by name.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use super::error::{FeedError, Located, Place, Problem};
use super::excerpt::Excerpt;
use super::source::{Hashing, Packing, peek, problem_of};
use super::stream::TickStream;
use super::{binary_file, capture};

/// What a reader takes, and what it may use for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The part of the file that is kept.
    pub excerpt: Excerpt,
    /// Bytes that the messages, with their length prefixes, and the table of their packets may take in memory.
    pub memory: usize,
}

impl Default for ReadLimits {
    /// The whole file, in 2 GiB: about 39 million messages. The tape that is made of them takes more than as much again.
    fn default() -> Self {
        Self { excerpt: Excerpt::default(), memory: 2 << 30 }
    }
}

/// Reads a BinaryFILE of ITCH 5.0 or a capture (pcap, pcapng) of MoldUDP64, each plain, gzip or zstd; only the `excerpt`
/// of it is ever held in memory.
///
/// # Errors
/// Whatever keeps the file from being replayed as it is, with its place and what to do.
pub fn read_ticks(path: &Path, excerpt: Excerpt) -> Result<TickStream, FeedError> {
    let file = File::open(path).map_err(|error| FeedError {
        path: path.to_owned(),
        place: Place::Whole,
        problem: Problem::Unreadable(error),
    })?;
    read_ticks_from(file, path, ReadLimits { excerpt, ..ReadLimits::default() })
}

/// Reads from any stream; `path` is what errors and the source's words name.
///
/// # Errors
/// As [`read_ticks`].
pub fn read_ticks_from(reader: impl Read, path: &Path, limits: ReadLimits) -> Result<TickStream, FeedError> {
    let mut raw = Hashing::new(reader);
    let read = read_unnamed(&mut raw, limits)
        .and_then(|read| Ok((read, raw.finish().map_err(|error| (Place::Whole, problem_of(error)))?)));
    let ((mut stream, format, packing), sha256) =
        read.map_err(|(place, problem)| FeedError { path: path.to_owned(), place, problem })?;
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    let packing = packing.name().map(|name| format!(", {name}")).unwrap_or_default();
    let excerpt = if limits.excerpt.is_whole() { String::new() } else { format!(", {}", limits.excerpt) };
    stream.source = format!("{format}{packing}: {name}, sha256 {sha256}{excerpt}");
    stream.packets.shrink_to_fit();
    stream.blocks.shrink_to_fit();
    Ok(stream)
}

fn read_unnamed(raw: &mut impl Read, limits: ReadLimits) -> Result<(TickStream, &'static str, Packing), Located> {
    let whole = |problem| (Place::Whole, problem);
    let head = peek(raw).map_err(|error| whole(problem_of(error)))?;
    let packing = Packing::of(&head);
    let mut unpacked = packing.unpack(Cursor::new(head).chain(raw)).map_err(whole)?;
    let head = peek(&mut unpacked).map_err(|error| whole(problem_of(error)))?;
    let content = Content::of(&head).map_err(whole)?;
    let mut bytes = Cursor::new(head).chain(unpacked);
    let (stream, format) = match content {
        Content::BinaryFile => (binary_file::read(&mut bytes, limits), "ITCH 5.0 BinaryFILE"),
        Content::Pcap => (capture::read(&mut bytes, capture::Format::Pcap, limits), "pcap of MoldUDP64"),
        Content::PcapNg => (capture::read(&mut bytes, capture::Format::PcapNg, limits), "pcapng of MoldUDP64"),
    };
    let stream = stream.map_err(|(place, problem)| match (place, packing) {
        (Place::Byte(offset), Packing::Gzip | Packing::Zstd) => (Place::UnpackedByte(offset), problem),
        _ => (place, problem),
    })?;
    Ok((stream, format, packing))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    BinaryFile,
    Pcap,
    PcapNg,
}

impl Content {
    /// By the first bytes, unpacked. A BinaryFILE has no magic: it is what remains.
    fn of(head: &[u8]) -> Result<Self, Problem> {
        let foreign = |format| Err(Problem::Foreign { format });
        match head {
            [] => Err(Problem::Empty),
            [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..] => Ok(Self::Pcap),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Ok(Self::PcapNg),
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => foreign("a file that is compressed twice"),
            [b'P', b'K', 3, 4, ..] => foreign("a zip archive"),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => foreign("an xz file"),
            [b'B', b'Z', b'h', ..] => foreign("a bzip2 file"),
            [0x04, 0x22, 0x4d, 0x18, ..] => foreign("an lz4 file"),
            [b'P', b'A', b'R', b'1', ..] => foreign("a Parquet file"),
            [0x34, 0xcd, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0xcd, 0x34, ..] => {
                foreign("a capture in a modified pcap format")
            }
            _ => Ok(Self::BinaryFile),
        }
    }
}
