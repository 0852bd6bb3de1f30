//! The server's memory of what it has sent, so that it can send it again.

use crate::order_entry::soup::{SEQUENCED_DATA, write_data};

/// Largest sequenced message: an acceptance that echoes 128 bytes of tag values.
pub(super) const MAX_MESSAGE: usize = 192;
/// Largest packet around one.
const SLOT: usize = 3 + MAX_MESSAGE;

/// The last messages, as whole packets, numbered from 1. Allocates once.
#[derive(Debug)]
pub(super) struct Store {
    slots: Box<[[u8; SLOT]]>,
    lengths: Box<[usize]>,
    next: u64,
}

impl Store {
    /// Holds the last `capacity` messages, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { slots: vec![[0; SLOT]; capacity].into(), lengths: vec![0; capacity].into(), next: 1 }
    }

    /// Number of the next message.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Number of the oldest message held; that of the next one when none is.
    pub(super) const fn oldest(&self) -> u64 {
        let held = self.slots.len() as u64;
        if self.next > held { self.next - held } else { 1 }
    }

    fn slot(&self, sequence: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a length")]
        let slot = (sequence % self.slots.len() as u64) as usize;
        slot
    }

    /// Numbers a message, keeps it, and gives its packet; `None` for one longer than [`MAX_MESSAGE`].
    pub(super) fn push(&mut self, message: &[u8]) -> Option<&[u8]> {
        let slot = self.slot(self.next);
        let packet = write_data(self.slots.get_mut(slot)?, SEQUENCED_DATA, message)?;
        *self.lengths.get_mut(slot)? = packet.len();
        self.next += 1;
        Some(packet)
    }

    /// The packet of a message held.
    pub(super) fn packet(&self, sequence: u64) -> Option<&[u8]> {
        if !(self.oldest()..self.next).contains(&sequence) {
            return None;
        }
        let slot = self.slot(sequence);
        self.slots.get(slot)?.get(..*self.lengths.get(slot)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_messages_are_held_and_older_ones_are_not() {
        let mut store = Store::new(2);
        assert_eq!((store.oldest(), store.next(), store.packet(1)), (1, 1, None));
        for message in [b"a", b"b", b"c"] {
            store.push(message).unwrap();
        }
        assert_eq!((store.oldest(), store.next()), (2, 4));
        assert_eq!(store.packet(1), None);
        assert_eq!(store.packet(2), Some(&b"\0\x02Sb"[..]));
        assert_eq!(store.packet(3), Some(&b"\0\x02Sc"[..]));
        assert_eq!(store.packet(4), None);
    }

    #[test]
    fn a_message_too_long_takes_no_number() {
        let mut store = Store::new(2);
        assert!(store.push(&[0; MAX_MESSAGE]).is_some());
        assert!(store.push(&[0; MAX_MESSAGE + 1]).is_none());
        assert_eq!(store.next(), 2);
    }
}
