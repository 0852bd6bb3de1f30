//! The receiver's rule: what a packet's sequence number means against the one expected.

/// How a packet stands to what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Begins with the expected message.
    InOrder,
    /// Its first `skip` messages are known already; the rest is new.
    Straddles {
        /// Messages to skip, fewer than the packet holds.
        skip: u16,
    },
    /// Nothing in it is new: drop it.
    Duplicate,
    /// Messages are missing before it: request them, or give up with [`Sequencer::resume_at`].
    Gap {
        /// The first that is missing.
        first: u64,
        /// How many are missing.
        missing: u64,
    },
}

/// Follows one session's sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequencer {
    expected: u64,
}

impl Default for Sequencer {
    /// From the start of a session, whose first message has number 1.
    fn default() -> Self {
        Self { expected: 1 }
    }
}

impl Sequencer {
    /// Expects `sequence` next.
    #[must_use]
    pub const fn expecting(sequence: u64) -> Self {
        Self { expected: sequence }
    }

    /// The next sequence number.
    #[must_use]
    pub const fn expected(&self) -> u64 {
        self.expected
    }

    /// Takes a packet of `count` messages from `sequence` on; moves forward when it is in order or straddles. A
    /// heartbeat is a packet of no messages.
    #[inline]
    pub const fn on_packet(&mut self, sequence: u64, count: u16) -> Arrival {
        if sequence == self.expected {
            self.expected = sequence.saturating_add(count as u64);
            return Arrival::InOrder;
        }
        if sequence > self.expected {
            return Arrival::Gap { first: self.expected, missing: sequence - self.expected };
        }
        let end = sequence.saturating_add(count as u64);
        if end <= self.expected {
            return Arrival::Duplicate;
        }
        #[expect(clippy::cast_possible_truncation, reason = "less than count, which is a u16")]
        let skip = (self.expected - sequence) as u16;
        self.expected = end;
        Arrival::Straddles { skip }
    }

    /// Gives up what is missing before `sequence`.
    pub const fn resume_at(&mut self, sequence: u64) {
        self.expected = sequence;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_in_order_moves_the_expectation_by_its_count() {
        let mut sequencer = Sequencer::default();
        assert_eq!(sequencer.on_packet(1, 3), Arrival::InOrder);
        assert_eq!(sequencer.expected(), 4);
    }

    #[test]
    fn a_gap_names_what_is_missing_and_moves_nothing_until_it_is_given_up() {
        let mut sequencer = Sequencer::expecting(4);
        assert_eq!(sequencer.on_packet(9, 1), Arrival::Gap { first: 4, missing: 5 });
        assert_eq!(sequencer.expected(), 4);
        sequencer.resume_at(9);
        assert_eq!(sequencer.on_packet(9, 1), Arrival::InOrder);
    }

    #[test]
    fn a_packet_whose_end_is_known_is_a_duplicate() {
        let mut sequencer = Sequencer::expecting(10);
        assert_eq!(sequencer.on_packet(7, 3), Arrival::Duplicate);
        assert_eq!(sequencer.expected(), 10);
    }

    #[test]
    fn a_straddling_packet_skips_what_is_known() {
        let mut sequencer = Sequencer::expecting(10);
        assert_eq!(sequencer.on_packet(8, 5), Arrival::Straddles { skip: 2 });
        assert_eq!(sequencer.expected(), 13);
    }

    #[test]
    fn a_heartbeat_shows_a_loss_and_uses_no_number() {
        let mut sequencer = Sequencer::expecting(10);
        assert_eq!(sequencer.on_packet(10, 0), Arrival::InOrder);
        assert_eq!(sequencer.on_packet(12, 0), Arrival::Gap { first: 10, missing: 2 });
        assert_eq!(sequencer.expected(), 10);
    }

    #[test]
    fn the_last_sequence_numbers_do_not_overflow() {
        let mut sequencer = Sequencer::expecting(u64::MAX - 1);
        assert_eq!(sequencer.on_packet(u64::MAX - 1, 9), Arrival::InOrder);
        assert_eq!(sequencer.expected(), u64::MAX);
    }
}
