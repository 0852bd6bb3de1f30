//! The way from one queue pair to the other.

/// What a queue pair is told of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The other's number.
    pub(super) queue: u32,
    /// The number of its first packet.
    pub(super) first_packet: u32,
    /// Its port's address.
    pub(super) gid: [u8; 16],
    /// Index of this end's own address.
    pub(super) own_gid_index: u8,
    /// Most bytes of a packet, the same at both ends.
    pub(super) mtu: u32,
    pub(super) service_level: u8,
    pub(super) traffic_class: u8,
}

/// A packet's most bytes, a power of two from 256 to 4096, as verbs count it (`enum ibv_mtu`): 1 to 5.
pub(super) const fn mtu_code(bytes: u32) -> u32 {
    bytes.ilog2().saturating_sub(7)
}

/// The other way round.
pub(super) const fn mtu_bytes(code: u32) -> u32 {
    128 << code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_256_to_4096_bytes_are_counted_from_1_to_5() {
        for (code, bytes) in [(1, 256), (2, 512), (3, 1024), (4, 2048), (5, 4096)] {
            assert_eq!((mtu_code(bytes), mtu_bytes(code)), (code, bytes));
        }
    }
}
