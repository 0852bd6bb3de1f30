//! The driver's receive stamp, which the XDP program puts in front of a frame.

use tickcert_results::time::Ticks;

/// Bytes in front of the frame: `struct stamp` of `steer.bpf.c`.
pub(super) const LENGTH: usize = 16;

/// What distinguishes them from whatever else a driver puts there.
const MARK: u64 = 0x7469_636b_6365_7274;

/// The stamp, if there is one: in nanoseconds of the device's clock.
#[inline]
pub(super) fn read(before: &[u8]) -> Option<Ticks> {
    let (mark, at) = before.split_first_chunk::<8>()?;
    let at = at.first_chunk::<8>()?;
    if u64::from_ne_bytes(*mark) == MARK { Ticks::new(u64::from_ne_bytes(*at)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_and_what_is_none_is_not() {
        let bytes = |mark: u64, at: u64| [mark.to_ne_bytes(), at.to_ne_bytes()].concat();
        assert_eq!(read(&bytes(MARK, 77)), Ticks::new(77));
        assert_eq!(read(&bytes(MARK, 0)), None);
        assert_eq!(read(&bytes(0, 77)), None);
        assert_eq!(read(&bytes(MARK, 77)[..15]), None);
        assert_eq!(read(&[]), None);
    }
}
