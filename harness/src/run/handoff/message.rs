//! What crosses from decode to decide.

use std::hint::black_box;

use tickcert_results::time::Nanos;
use tickcert_scenarios::{
    handoff::MessageSize,
    trader::{Change, Event},
};

/// A message of the feed, read, with what the measurement needs, and `PAD` bytes more that nobody looks at.
#[derive(Clone, Copy)]
pub(super) struct Crossing<const PAD: usize> {
    pub(super) event: Event,
    /// The tick that it came in, counted through all passes.
    pub(super) packet: u32,
    /// Who put it in: 0 decodes the tape, the others number their own messages in `event.sequence`.
    pub(super) producer: u32,
    /// The counter just before it was put in, raw.
    pub(super) pushed: u64,
    pad: [u8; PAD],
}

/// Bytes without anything added.
pub(super) const PLAIN: usize = size_of::<Crossing<0>>();
const _: () = assert!(PLAIN == MessageSize::Bytes64.bytes() as usize, "a message is as large as a cache line");

impl<const PAD: usize> Crossing<PAD> {
    #[inline(always)]
    pub(super) const fn new(event: Event, packet: u32, producer: u32, pushed: u64) -> Self {
        Self { event, packet, producer, pushed, pad: [0; PAD] }
    }

    /// Has all of it copied, as a message that is looked at would be: of what nobody looks at the compiler makes no copy.
    #[inline(always)]
    pub(super) fn whole(&self) {
        if PAD > 0 {
            black_box(&self.pad);
        }
    }
}

impl<const PAD: usize> Default for Crossing<PAD> {
    fn default() -> Self {
        Self::new(NOTHING, 0, 0, 0)
    }
}

/// What a message says that says nothing.
pub(super) const NOTHING: Event = Event { time: Nanos::ZERO, sequence: 0, change: Change::Packet };
