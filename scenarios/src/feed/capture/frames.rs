//! The frames of a pcap or pcapng file, with their times.
//!
//! `pcap-file` frames the records; their few fields are read here, because its cooked records refuse valid files (a
//! capture cut by a snap length, options without an end mark) and leave a pcapng's clock resolution to the caller.

use std::io::{self, Cursor, Read};

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::RawBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::{Endianness, PcapError, TsResolution};
use tickcert_results::time::Nanos;

use super::super::error::{Located, Place, Problem};
use super::super::source::{peek, problem_of};

// Block types of pcapng that hold a frame.
const PACKET_BLOCK: u32 = 2;
const SIMPLE_PACKET_BLOCK: u32 = 3;
const ENHANCED_PACKET_BLOCK: u32 = 6;

/// Which framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Format {
    Pcap,
    PcapNg,
}

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// From 1.
    pub(super) number: u64,
    /// Link type, after the registry of tcpdump.org.
    pub(super) link: u32,
    /// Capture time since 1970; `None` where the file gives none.
    pub(super) at: Option<Nanos>,
    pub(super) bytes: &'a [u8],
    /// Length on the wire; more than `bytes` where the capture cut it.
    pub(super) original_len: usize,
}

/// Hands every frame to `on_frame`.
pub(super) fn each(
    reader: &mut impl Read,
    format: Format,
    on_frame: impl FnMut(Frame<'_>) -> Result<(), Located>,
) -> Result<(), Located> {
    match format {
        Format::Pcap => each_of_pcap(reader, on_frame),
        Format::PcapNg => each_of_pcapng(reader, on_frame),
    }
}

fn each_of_pcap(
    reader: &mut impl Read,
    mut on_frame: impl FnMut(Frame<'_>) -> Result<(), Located>,
) -> Result<(), Located> {
    let mut offset = 0;
    let mut pcap = PcapReader::new(reader).map_err(|error| damaged(offset, error))?;
    offset += 24;
    let header = pcap.header();
    let scale = match header.ts_resolution {
        TsResolution::MicroSecond => 1_000,
        TsResolution::NanoSecond => 1,
    };
    // The upper bits of the field hold the length of the frame check sequence.
    let link = u32::from(header.datalink) & 0xffff;
    let mut number = 0;
    while let Some(packet) = pcap.next_raw_packet() {
        let packet = packet.map_err(|error| damaged(offset, error))?;
        number += 1;
        offset += 16 + packet.data.len() as u64;
        let fraction = u64::from(packet.ts_frac) * scale;
        on_frame(Frame {
            number,
            link,
            at: Some(Nanos(u64::from(packet.ts_sec) * Nanos::SECOND.get() + fraction)),
            bytes: &packet.data,
            original_len: packet.orig_len as usize,
        })?;
    }
    Ok(())
}

fn each_of_pcapng(
    reader: &mut impl Read,
    mut on_frame: impl FnMut(Frame<'_>) -> Result<(), Located>,
) -> Result<(), Located> {
    let head = peek(reader).map_err(|error| (Place::Byte(0), problem_of(error)))?;
    let mut offset = section_len(&head);
    let mut capture = PcapNgReader::new(Cursor::new(head).chain(reader)).map_err(|error| damaged(0, error))?;
    let (mut interfaces, mut number) = (Vec::new(), 0);
    loop {
        Interface::follow(&mut interfaces, capture.interfaces());
        let endianness = capture.section().endianness;
        let Some(block) = capture.next_raw_block() else {
            return Ok(());
        };
        let block = block.map_err(|error| damaged(offset, error))?;
        if matches!(block.type_, ENHANCED_PACKET_BLOCK | PACKET_BLOCK | SIMPLE_PACKET_BLOCK) {
            number += 1;
            let field = |what| (Place::Packet(number), Problem::DamagedCapture(PcapError::InvalidField(what)));
            let packet = Packet::of(&block, endianness).ok_or_else(|| field("block shorter than its fields say"))?;
            let interface: &Interface =
                interfaces.get(packet.interface).ok_or_else(|| field("interface never described"))?;
            on_frame(Frame {
                number,
                link: interface.link,
                at: packet.ticks.map(|ticks| interface.time(ticks)),
                bytes: packet.bytes,
                original_len: packet.original_len,
            })?;
        }
        offset += u64::from(block.initial_len);
    }
}

/// Length of the section header block, which the reader consumes unseen; its byte-order magic follows the length.
fn section_len(head: &[u8]) -> u64 {
    match head {
        [_, _, _, _, a, b, c, d, 0x1a, 0x2b, 0x3c, 0x4d, ..] => u32::from_be_bytes([*a, *b, *c, *d]).into(),
        [_, _, _, _, a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]).into(),
        _ => 0,
    }
}

/// What a pcapng interface says about its packets.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u32,
    ticks_per_second: u128,
    offset_seconds: u64,
}

impl Interface {
    /// Keeps `known` in step with the reader's list, which grows block by block and is emptied by a new section.
    fn follow(known: &mut Vec<Self>, described: &[InterfaceDescriptionBlock<'_>]) {
        known.truncate(described.len());
        known.extend(described.iter().skip(known.len()).map(Self::of));
    }

    fn of(block: &InterfaceDescriptionBlock<'_>) -> Self {
        let mut interface = Self { link: u32::from(block.linktype), ticks_per_second: 1_000_000, offset_seconds: 0 };
        for option in &block.options {
            match option {
                InterfaceDescriptionOption::IfTsResol(code) => {
                    let base: u128 = if code & 0x80 == 0 { 10 } else { 2 };
                    // An exponent that no clock has leaves every time at zero.
                    interface.ticks_per_second = base.checked_pow(u32::from(code & 0x7f)).unwrap_or(u128::MAX);
                }
                InterfaceDescriptionOption::IfTsOffset(seconds) => {
                    interface.offset_seconds = *seconds;
                }
                _ => {}
            }
        }
        interface
    }

    fn time(&self, ticks: u64) -> Nanos {
        let second = u128::from(Nanos::SECOND.get());
        let nanos = u128::from(ticks) * second / self.ticks_per_second;
        // The offset is signed in the file; adding modulo 2^64 does the same.
        let offset = self.offset_seconds.wrapping_mul(Nanos::SECOND.get());
        Nanos(u64::try_from(nanos).unwrap_or(u64::MAX).wrapping_add(offset))
    }
}

/// The fields of a packet block of any of the three kinds.
struct Packet<'a> {
    interface: usize,
    ticks: Option<u64>,
    original_len: usize,
    bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    fn of(block: &'a RawBlock<'_>, endianness: Endianness) -> Option<Self> {
        let body: &[u8] = &block.body;
        let word = |index: usize| {
            let bytes = *body.get(index * 4..)?.first_chunk::<4>()?;
            Some(match endianness {
                Endianness::Big => u32::from_be_bytes(bytes),
                Endianness::Little => u32::from_le_bytes(bytes),
            })
        };
        if block.type_ == SIMPLE_PACKET_BLOCK {
            let original_len = word(0)? as usize;
            let bytes = body.get(4..)?;
            let bytes = bytes.get(..original_len.min(bytes.len()))?;
            return Some(Self { interface: 0, ticks: None, original_len, bytes });
        }
        let interface = match (block.type_, endianness) {
            (ENHANCED_PACKET_BLOCK, _) => word(0)?,
            // The obsolete block holds a 16-bit interface and a count of drops in that word.
            (_, Endianness::Big) => word(0)? >> 16,
            (_, Endianness::Little) => word(0)? & 0xffff,
        };
        let ticks = u64::from(word(1)?) << 32 | u64::from(word(2)?);
        let bytes = body.get(20..)?.get(..word(3)? as usize)?;
        Some(Self { interface: interface as usize, ticks: Some(ticks), original_len: word(4)? as usize, bytes })
    }
}

fn damaged(offset: u64, error: PcapError) -> Located {
    let problem = match error {
        PcapError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => Problem::CutCapture,
        PcapError::IncompleteBuffer => Problem::CutCapture,
        PcapError::IoError(error) => problem_of(error),
        error => Problem::DamagedCapture(error),
    };
    (Place::Byte(offset), problem)
}
