//! What an encoded histogram must be before the library decodes it. The library trusts its input: it sets aside as much
//! memory as the first bytes say (up to 4 GiB), and some counts make it overflow.
//!
//! The layout is that of `encodeIntoByteBuffer` in `HdrHistogram` for Java: cookie, length of the counts in bytes, offset of
//! normalisation, digits (4 bytes each), lowest and highest value, ratio (8 bytes each), all big-endian; then the counts
//! as LEB128 of at most nine bytes, zigzag: a negative one is so many empty buckets.

use std::io;

use hdrhistogram::serialization::DeserializeError;

use super::{DIGITS, HistogramError, LONGEST};

const COOKIE: u32 = 0x1c84_9313;
const HEADER: usize = 40;
/// Up to this a count is exact as a float, which the statistics take it for: 2^53.
const MOST_SAMPLES: u64 = 1 << 53;

/// Checks cookie, bounds, length and every count.
pub(super) fn check(bytes: &[u8]) -> Result<(), HistogramError> {
    let short = || DeserializeError::IoError(io::ErrorKind::UnexpectedEof.into());
    let (header, counts) = bytes.split_first_chunk::<HEADER>().ok_or_else(short)?;
    let word = |at: usize| header[at..].first_chunk().map_or(0, |w| u32::from_be_bytes(*w));
    let double = |at: usize| header[at..].first_chunk().map_or(0, |w| u64::from_be_bytes(*w));
    if word(0) != COOKIE {
        return Err(DeserializeError::InvalidCookie.into());
    }
    let (digits, low, high) = (word(12), double(16), double(24));
    if digits != u32::from(DIGITS) || low != 1 || high != LONGEST.0 {
        return Err(HistogramError::Bounds { digits, high });
    }
    match usize::try_from(word(4)) {
        Ok(length) if length == counts.len() => check_counts(counts),
        Ok(length) if length < counts.len() => Err(DeserializeError::EncodedArrayTooLong.into()),
        _ => Err(short().into()),
    }
}

fn check_counts(mut counts: &[u8]) -> Result<(), HistogramError> {
    let mut samples = 0_u64;
    while !counts.is_empty() {
        let (number, rest) = leb128(counts).ok_or(DeserializeError::InvalidParameters)?;
        counts = rest;
        // The number of empty buckets whose negative does not exist.
        if number == u64::MAX {
            return Err(DeserializeError::InvalidParameters.into());
        }
        if number & 1 == 0 {
            samples = samples.saturating_add(number >> 1);
        }
    }
    if samples > MOST_SAMPLES {
        return Err(DeserializeError::UnsuitableCounterType.into());
    }
    Ok(())
}

/// The first number and what follows it. Of a ninth byte all eight bits belong to the number.
fn leb128(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (n, byte) in bytes.iter().enumerate().take(9) {
        let last = n == 8;
        let bits = if last { *byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * n);
        if last || byte & 0x80 == 0 {
            return Some((number, bytes.get(n + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::{hist::Histogram, time::Nanos};

    fn encoded() -> Vec<u8> {
        let h = Histogram::of([7, 900, 1_000_000].map(Nanos)).unwrap();
        STANDARD.decode(h.to_base64().unwrap()).unwrap()
    }

    fn with_counts(counts: &[u8]) -> Result<Histogram, HistogramError> {
        let mut bytes = encoded();
        bytes.truncate(HEADER);
        bytes[4..8].copy_from_slice(&u32::try_from(counts.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(counts);
        Histogram::from_base64(&STANDARD.encode(bytes))
    }

    #[test]
    fn a_length_of_four_gigabytes_is_refused_before_any_memory_is_set_aside() {
        let mut bytes = encoded();
        bytes[4..8].fill(0xff);
        assert!(matches!(Histogram::from_base64(&STANDARD.encode(bytes)), Err(HistogramError::Decode(_))));
    }

    #[test]
    fn as_many_empty_buckets_as_no_histogram_has_are_refused() {
        assert!(matches!(with_counts(&[0xff; 9]), Err(HistogramError::Decode(DeserializeError::InvalidParameters))));
    }

    #[test]
    fn more_samples_than_a_float_counts_exactly_are_refused() {
        assert!(with_counts(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]).is_ok(), "2^53");
        let more = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x02];
        assert!(matches!(with_counts(&more), Err(HistogramError::Decode(DeserializeError::UnsuitableCounterType))));
    }

    #[test]
    fn a_number_without_its_end_and_bytes_after_the_counts_are_refused() {
        assert!(matches!(with_counts(&[0x80]), Err(HistogramError::Decode(_))));
        let mut bytes = encoded();
        bytes.push(0);
        assert!(matches!(Histogram::from_base64(&STANDARD.encode(bytes)), Err(HistogramError::Decode(_))));
    }
}
