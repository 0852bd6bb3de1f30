//! Orders that have come and wait for their answer.

use crate::order_entry::soup::packet_length;

/// A queue of whole packets in one piece of memory. Allocates once.
#[derive(Debug)]
pub(super) struct Pending {
    bytes: Box<[u8]>,
    head: usize,
    tail: usize,
}

impl Pending {
    /// Room for `capacity` bytes of packets.
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into(), head: 0, tail: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// Adds a whole packet; false when there is no room until some have been taken.
    #[inline]
    pub(super) fn push(&mut self, packet: &[u8]) -> bool {
        if self.tail + packet.len() > self.bytes.len() {
            // Moves what waits to the front. Rare: the queue starts over whenever it runs empty.
            self.bytes.copy_within(self.head..self.tail, 0);
            self.tail -= self.head;
            self.head = 0;
        }
        match self.bytes.get_mut(self.tail..self.tail + packet.len()) {
            Some(room) => {
                room.copy_from_slice(packet);
                self.tail += packet.len();
                true
            }
            None => false,
        }
    }

    /// The oldest packet.
    pub(super) fn front(&self) -> Option<&[u8]> {
        let waiting = self.bytes.get(self.head..self.tail)?;
        waiting.get(..packet_length(waiting)?)
    }

    /// Drops the oldest packet, of `length` bytes.
    pub(super) const fn pop(&mut self, length: usize) {
        self.head += length;
        if self.head >= self.tail {
            self.head = 0;
            self.tail = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_in_the_order_they_went_in_and_a_full_queue_says_so() {
        let mut pending = Pending::new(9);
        assert!(pending.push(b"\0\x02Ua") && pending.push(b"\0\x02Ub"));
        assert!(!pending.push(b"\0\x02Uc"));
        assert_eq!(pending.front(), Some(&b"\0\x02Ua"[..]));
        pending.pop(4);
        assert!(pending.push(b"\0\x02Uc"));
        assert_eq!(pending.front(), Some(&b"\0\x02Ub"[..]));
        pending.pop(4);
        assert_eq!(pending.front(), Some(&b"\0\x02Uc"[..]));
        pending.pop(4);
        assert_eq!((pending.front(), pending.is_empty()), (None, true));
    }
}
