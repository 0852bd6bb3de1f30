//! BinaryFILE, compression, and files of other kinds.
#![cfg(test)]

use std::io::Write;
use std::path::Path;

use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::{Head, OrderDelete, SystemEvent};
use tickcert_scenarios::feed::{
    Excerpt, FeedError, PacketRecord, Place, Problem, ReadLimits, TickStream, TimeOfDay, read_ticks, read_ticks_from,
};
use zerocopy::IntoBytes;

fn read(file: &[u8]) -> Result<TickStream, FeedError> {
    read_ticks_from(file, Path::new("test.itch"), ReadLimits::default())
}

fn delete(timestamp: u64) -> Vec<u8> {
    let head = Head::of::<OrderDelete>(1, 0, Nanos(timestamp));
    OrderDelete { head, reference: 1.into() }.as_bytes().to_vec()
}

fn prefixed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// Three deletes of 21 bytes each.
fn file() -> Vec<u8> {
    [100, 250, 300].iter().flat_map(|&at| prefixed(&delete(at))).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With the checksum that the command-line tool writes too.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn refused(bytes: &[u8], place: Place, words: &str) {
    let error = read(bytes).unwrap_err();
    assert_eq!(error.place, place, "{error}");
    let text = error.to_string();
    assert!(text.starts_with("test.itch") && text.contains(words) && text.contains("To mend it: "), "{text}");
}

#[test]
fn each_message_is_a_packet_due_at_its_timestamp() {
    let stream = read(&file()).unwrap();
    let packets: Vec<_> = stream.packets.iter().map(|p| (p.at.get(), p.offset, p.len, p.messages)).collect();
    assert_eq!(packets, [(0, 0, 21, 1), (150, 21, 21, 1), (200, 42, 21, 1)]);
    assert_eq!(stream.messages(&stream.packets[1]).collect::<Vec<_>>(), [&delete(250)[..]]);
    assert_eq!(stream.blocks, file());
    assert!(stream.notes.is_empty());
}

#[test]
fn the_source_names_the_file_and_its_hash() {
    let hash = "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let stream = read(&file()).unwrap();
    assert!(stream.source.starts_with("ITCH 5.0 BinaryFILE: test.itch, sha256 "), "{}", stream.source);
    assert!(!stream.source.contains(hash), "the hash of nothing");
    assert_ne!(stream.source, read(&[file(), file()].concat()).unwrap().source);
}

#[test]
fn gzip_and_zstd_give_the_same_stream() {
    let plain = read(&file()).unwrap();
    for (name, packed) in [("gzip", gzip(&file())), ("zstd", zstd(&file()))] {
        let stream = read(&packed).unwrap();
        assert_eq!((&stream.packets, &stream.blocks), (&plain.packets, &plain.blocks));
        assert!(stream.source.contains(name), "{}", stream.source);
    }
}

#[test]
fn a_gzip_of_several_members_is_read_to_its_end() {
    let stream = read(&[gzip(&file()), gzip(&file())].concat()).unwrap();
    assert_eq!(stream.packets.len(), 6);
}

#[test]
fn files_longer_than_a_chunk_are_read_whole() {
    let long: Vec<u8> = (0..100_000).flat_map(|at| prefixed(&delete(at))).collect();
    let stream = read(&gzip(&long)).unwrap();
    assert_eq!(stream.packets.len(), 100_000);
    assert_eq!(stream.blocks, long);
}

#[test]
fn timestamps_that_run_backwards_are_held_and_noted() {
    let bytes: Vec<u8> = [100, 300, 200, 50, 400].iter().flat_map(|&at| prefixed(&delete(at))).collect();
    let stream = read(&bytes).unwrap();
    let times: Vec<_> = stream.packets.iter().map(|packet| packet.at.get()).collect();
    assert_eq!(times, [0, 200, 200, 200, 300]);
    assert!(stream.notes[0].starts_with("2 timestamps run backwards"), "{:?}", stream.notes);
}

#[test]
fn a_length_of_0_at_the_end_is_the_end_of_the_session() {
    let stream = read(&[file(), vec![0, 0]].concat()).unwrap();
    assert_eq!((stream.packets.len(), stream.blocks.len()), (3, 63));
    assert!(stream.notes[0].contains("end of session"));
}

#[test]
fn data_after_a_length_of_0_is_an_error() {
    refused(&[file(), vec![0, 0], file()].concat(), Place::Byte(63), "marks the end of the session");
    refused(&[vec![0, 0], file()].concat(), Place::Byte(0), "the first length is 0");
    // Zeros without end are refused at once, however many there are.
    let zeros = read_ticks_from(std::io::repeat(0), Path::new("zeros"), ReadLimits::default());
    assert!(matches!(zeros.unwrap_err().problem, Problem::AfterEnd { any_message: false }));
}

#[test]
fn a_truncated_record_is_an_error_that_names_its_offset() {
    let bytes = file();
    refused(&bytes[..62], Place::Byte(42), "21 bytes are needed, 20 are left");
    refused(&bytes[..43], Place::Byte(42), "2 bytes are needed, 1 are left");
    refused(&gzip(&bytes[..62]), Place::UnpackedByte(42), "21 bytes are needed");
}

#[test]
fn an_unknown_type_or_a_wrong_length_is_an_error_that_names_its_offset() {
    refused(&[file(), prefixed(b"z12")].concat(), Place::Byte(63), "`z` (0x7a) is no ITCH 5.0 message type");
    refused(&[file(), prefixed(&delete(0)[..18])].concat(), Place::Byte(63), "`D` message has 19 bytes, not 18");
    // A length far beyond the file is wrong, not a reason to wait for more.
    refused(&[file(), vec![0xff, 0xff, b'D']].concat(), Place::Byte(63), "`D` message has 19 bytes, not 65535");
}

#[test]
fn messages_without_length_prefix_are_recognised() {
    let head = Head::of::<SystemEvent>(0, 0, Nanos(1));
    let event = SystemEvent { head, event: b'O' };
    let bytes = [event.as_bytes(), &delete(2)].concat();
    refused(&bytes, Place::Byte(0), "no length prefix");
    refused(&bytes, Place::Byte(0), "12 for the first");
    refused(event.as_bytes(), Place::Byte(0), "no length prefix");
}

#[test]
fn an_empty_file_is_an_error_also_when_compressed() {
    refused(&[], Place::Whole, "the file is empty");
    refused(&gzip(&[]), Place::Whole, "the file is empty");
    refused(&[0, 0], Place::Whole, "the file is empty");
}

#[test]
fn corrupt_compressed_files_are_told_from_short_ones() {
    let long: Vec<u8> = (0..10_000).flat_map(|at| prefixed(&delete(at * 977))).collect();
    for (format, packed) in [("gzip", gzip(&long)), ("zstd", zstd(&long))] {
        let mut flipped = packed.clone();
        let middle = flipped.len() / 2;
        for byte in &mut flipped[middle..middle + 40] {
            *byte = !*byte;
        }
        let cut = &packed[..packed.len() - 5];
        for broken in [cut, &flipped] {
            let error = read(broken).unwrap_err();
            let text = error.to_string();
            // A flipped byte may also unpack to something that is no ITCH; it is never taken for good data.
            let corrupt = matches!(error.problem, Problem::Corrupt { .. });
            assert!(corrupt || matches!(error.problem, Problem::NotItch(_)), "{text}");
            assert!(!corrupt || text.contains(&format!("`{format} -t`")), "{text}");
        }
        let text = read(cut).unwrap_err().to_string();
        assert!(text.contains(&format!("{format} data is corrupt or cut off")), "{text}");
    }
    let mut trailing = gzip(&long);
    trailing.extend(b"garbage after the data");
    assert!(read(&trailing).is_err());
}

#[test]
fn files_of_other_kinds_are_named() {
    refused(b"PK\x03\x04rest", Place::Whole, "a zip archive");
    refused(&gzip(&gzip(&file())), Place::Whole, "compressed twice");
    refused(b"timestamp,price\n", Place::Byte(0), "no ITCH 5.0 message type");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = read_ticks(Path::new("/nonexistent/ticks.itch"), Excerpt::default()).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/ticks.itch: the file cannot be read"), "{error}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("No such file"));
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_fills_the_memory() {
    let whole = 63 + 3 * size_of::<PacketRecord>();
    let limits = ReadLimits { memory: whole - 1, ..ReadLimits::default() };
    let error = read_ticks_from(&file()[..], Path::new("big.itch"), limits).unwrap_err();
    assert!(matches!(error.problem, Problem::TooLarge { .. }), "{error}");
    for words in ["those from 00:00:00.0000001 to 00:00:00.0000003 fill", "[tape]", "--from 09:30:00 --until 09:35:00"]
    {
        assert!(error.to_string().contains(words), "{error}");
    }
    let exact = ReadLimits { memory: whole, ..limits };
    assert!(read_ticks_from(&file()[..], Path::new("fits.itch"), exact).is_ok());
}

fn excerpt(from: u64, until: u64) -> Excerpt {
    Excerpt::new(Some(TimeOfDay(Nanos(from))), Some(TimeOfDay(Nanos(until)))).unwrap()
}

fn read_part(file: &[u8], excerpt: Excerpt) -> Result<TickStream, FeedError> {
    read_ticks_from(file, Path::new("test.itch"), ReadLimits { excerpt, ..ReadLimits::default() })
}

#[test]
fn of_an_excerpt_only_its_messages_are_kept_and_time_begins_with_the_first_of_them() {
    let bytes: Vec<u8> = [100, 250, 300, 420, 500].iter().flat_map(|&at| prefixed(&delete(at))).collect();
    let (whole, stream) = (read(&bytes).unwrap(), read_part(&bytes, excerpt(250, 500)).unwrap());
    let packets: Vec<_> = stream.packets.iter().map(|p| (p.at.get(), p.offset)).collect();
    assert_eq!(packets, [(0, 0), (50, 21), (170, 42)]);
    assert_eq!(stream.blocks, bytes[21..84]);
    assert_eq!(stream.source, format!("{}, from 00:00:00.00000025 until 00:00:00.0000005", whole.source));
    assert!(stream.notes[0].starts_with("1 messages before 00:00:00.00000025 are left out"), "{:?}", stream.notes);
}

#[test]
fn damage_behind_an_excerpt_is_not_met_and_damage_before_it_is() {
    let damaged = |n: usize| {
        let mut bytes: Vec<u8> = [100, 250, 300].iter().flat_map(|&at| prefixed(&delete(at))).collect();
        bytes[n * 21 + 2] = b'z';
        bytes
    };
    assert_eq!(read_part(&damaged(2), excerpt(50, 200)).unwrap().packets.len(), 1);
    assert_eq!(read_part(&damaged(1), excerpt(260, 400)).unwrap_err().place, Place::Byte(21));
}

#[test]
fn an_excerpt_without_a_message_is_refused_with_the_times_that_there_are() {
    for (from, until) in [(301, 400), (10, 100), (110, 120)] {
        let error = read_part(&file(), excerpt(from, until)).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error.problem, Problem::NothingInExcerpt { .. }), "{text}");
        assert!(text.contains("from 00:00:00.0000001 to ") && text.contains("--from and --until"), "{text}");
    }
}

/// Deletes, a microsecond apart, as they are asked for.
struct Day {
    messages: u64,
    sent: u64,
    rest: Vec<u8>,
}

impl std::io::Read for Day {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() {
            let end = self.messages.min(self.sent + 4_096);
            self.rest = (self.sent..end).flat_map(|n| prefixed(&delete(n * 1_000))).collect();
            self.sent = end;
        }
        let n = buffer.len().min(self.rest.len());
        buffer[..n].copy_from_slice(&self.rest[..n]);
        self.rest.drain(..n);
        Ok(n)
    }
}

/// 105 MB: more than twenty times what may be held.
#[test]
fn a_day_far_larger_than_the_memory_is_read_through_an_excerpt() {
    const MESSAGES: u64 = 5_000_000;
    let day = || Day { messages: MESSAGES, sent: 0, rest: Vec::new() };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut day(), &mut packed).unwrap();
    let packed = packed.finish().unwrap();
    let read = |excerpt| {
        let limits = ReadLimits { excerpt, memory: 4 << 20 };
        read_ticks_from(&packed[..], Path::new("day.gz"), limits)
    };
    let stream = read(excerpt(4_900_000_000, 4_910_000_000)).unwrap();
    assert_eq!(stream.packets.len(), 10_000);
    assert_eq!(stream.messages(&stream.packets[0]).next().unwrap(), delete(4_900_000_000));
    assert!(matches!(read(Excerpt::default()).unwrap_err().problem, Problem::TooLarge { .. }));
    assert!(matches!(read(excerpt(0, 4_910_000_000)).unwrap_err().problem, Problem::TooLarge { .. }));
}
