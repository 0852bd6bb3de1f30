//! What must come: the orders of every pass, from those of the first.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::digest::hex;

/// Where `UserRefNum` stands in an order: SoupBinTCP length (2) and type (1), OUCH type (1), then 4 bytes, big-endian.
pub const USER_REF_NUM: Range<usize> = 4..8;

/// The orders expected of a repetition, numbered from 0; order `n` carries `UserRefNum` `n + 1`.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    bytes: &'a [u8],
    order_len: usize,
    packets: &'a [u32],
    packets_per_pass: usize,
    len: usize,
}

impl<'a> Expected<'a> {
    /// The orders of the first `sent` packets, counted through all passes.
    pub(super) fn new(
        bytes: &'a [u8],
        order_len: usize,
        packets: &'a [u32],
        packets_per_pass: usize,
        sent: usize,
    ) -> Self {
        let (full, rest) = (sent / packets_per_pass.max(1), sent % packets_per_pass.max(1));
        let in_rest = packets.partition_point(|p| (*p as usize) < rest);
        Self { bytes, order_len, packets, packets_per_pass, len: full * packets.len() + in_rest }
    }

    /// How many orders.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is expected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The packet (numbered through all passes) that causes order `n`.
    #[must_use]
    pub fn packet(&self, n: usize) -> Option<usize> {
        let in_pass = *self.packets.get(n.checked_rem(self.packets.len())?)?;
        let pass = n / self.packets.len();
        (n < self.len).then_some(pass * self.packets_per_pass + in_pass as usize)
    }

    /// The number of the order that carries this `UserRefNum`, if one does.
    #[must_use]
    pub fn index(&self, order: &[u8]) -> Option<usize> {
        let field = <[u8; 4]>::try_from(order.get(USER_REF_NUM)?).ok()?;
        let n = usize::try_from(u32::from_be_bytes(field)).ok()?.checked_sub(1)?;
        (n < self.len()).then_some(n)
    }

    /// Writes order `n` into `out`.
    pub fn write(&self, n: usize, out: &mut Vec<u8>) {
        out.clear();
        let at = (n % self.packets.len().max(1)) * self.order_len;
        out.extend_from_slice(&self.bytes[at..at + self.order_len]);
        if let (Some(field), Ok(number)) = (out.get_mut(USER_REF_NUM), u32::try_from(n + 1)) {
            field.copy_from_slice(&number.to_be_bytes());
        }
    }

    /// Whether `order` is order `n` to the last byte.
    #[must_use]
    pub fn is(&self, n: usize, order: &[u8]) -> bool {
        let at = (n % self.packets.len().max(1)) * self.order_len;
        let Some(wanted) = self.bytes.get(at..at + self.order_len) else { return false };
        let Range { start, end } = USER_REF_NUM;
        // On file is the number of the first pass; all else is the same in every pass.
        self.index(order) == Some(n)
            && order.get(..start) == wanted.get(..start)
            && order.get(end..) == wanted.get(end..)
    }

    /// SHA-256 of all orders, in order.
    #[must_use]
    pub fn digest(&self) -> String {
        let (mut sha, mut order) = (Sha256::new(), Vec::with_capacity(self.order_len));
        for n in 0..self.len() {
            self.write(n, &mut order);
            sha.update(&order);
        }
        hex(&sha.finalize())
    }
}
