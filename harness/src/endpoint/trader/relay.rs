//! The answers of the order session on their way from the thread that receives to the one that sends: the session is the
//! sender's, and the lane's receiving half isn't.

use std::io;

use anyhow::{Context, Result, bail};
use rtrb::{Consumer, Producer, RingBuffer};
use tickcert_transports::api::{Flow, Frame, Interest, Rx, RxMeta};

/// Bytes on their way.
const ROOM: usize = 1 << 20;
/// Nothing is taken off the lane unless there is so much room: more than a lane hands over at once.
const RUN: usize = 256 << 10;
/// Runs of bytes taken in one go.
const READS: u32 = 4;

/// The receiver's end.
pub(super) struct Relay(Producer<u8>);

/// The sender's: as if it were the lane's receiving half, with answers only.
pub(super) struct Relayed(Consumer<u8>);

/// Both ends, with their memory there already.
pub(super) fn open() -> (Relay, Relayed) {
    let (mut producer, mut consumer) = RingBuffer::new(ROOM);
    if let Ok(chunk) = producer.write_chunk_uninit(ROOM) {
        chunk.fill_from_iter(std::iter::repeat(1));
    }
    if let Ok(chunk) = consumer.read_chunk(ROOM) {
        chunk.commit_all();
    }
    (Relay(producer), Relayed(consumer))
}

impl Relay {
    /// Takes what the lane has of the session. What finds no room waits with the lane.
    pub(super) fn pump(&mut self, rx: &mut impl Rx) -> Result<()> {
        let mut too_long = None;
        for _ in 0..READS {
            if self.0.slots() < RUN {
                return Ok(());
            }
            let ring = &mut self.0;
            let polled = rx.poll(Interest::Orders, 1, |frame| match ring.write_chunk_uninit(frame.bytes.len()) {
                Ok(chunk) => drop(chunk.fill_from_iter(frame.bytes.iter().copied())),
                Err(_) => too_long = Some(frame.bytes.len()),
            });
            if let Some(len) = too_long {
                bail!(
                    "the lane handed over {len} bytes of the order session at once, more than the {RUN} that it is known to"
                );
            }
            if polled.context("while reading the order session")? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Rx for Relayed {
    fn poll(&mut self, interest: Interest, _budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        if interest != Interest::Orders {
            return Ok(0);
        }
        let Ok(chunk) = self.0.read_chunk(self.0.slots()) else { return Ok(0) };
        let (first, second) = chunk.as_slices();
        let mut runs = 0;
        for bytes in [first, second].into_iter().filter(|bytes| !bytes.is_empty()) {
            on_frame(Frame { flow: Flow::Orders, bytes, meta: RxMeta::default() });
            runs += 1;
        }
        chunk.commit_all();
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands over one run after the other.
    struct Runs(Vec<Vec<u8>>);

    impl Rx for Runs {
        fn poll(&mut self, interest: Interest, _: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
            assert_eq!(interest, Interest::Orders);
            let Some(bytes) = self.0.pop() else { return Ok(0) };
            on_frame(Frame { flow: Flow::Orders, bytes: &bytes, meta: RxMeta::default() });
            Ok(1)
        }
    }

    fn taken(relayed: &mut Relayed) -> Vec<u8> {
        let mut all = Vec::new();
        relayed.poll(Interest::Orders, 1, |frame| all.extend_from_slice(frame.bytes)).unwrap();
        all
    }

    #[test]
    fn what_goes_in_comes_out_in_order_around_the_rings_end_too() {
        let (mut relay, mut relayed) = open();
        let run = |first: u8| (0..=250_u8).cycle().take(RUN - 7).map(|n| first.wrapping_add(n)).collect::<Vec<u8>>();
        for round in 0..20 {
            relay.pump(&mut Runs(vec![run(round + 1), run(round)])).unwrap();
            let expected = [run(round), run(round + 1)].concat();
            assert!(taken(&mut relayed) == expected, "round {round}");
            assert_eq!(relayed.poll(Interest::Orders, 1, |_| ()).unwrap(), 0);
        }
    }

    #[test]
    fn without_room_the_lane_keeps_what_it_has() {
        let (mut relay, mut relayed) = open();
        let mut lane = Runs(vec![vec![7; RUN]; 6]);
        relay.pump(&mut lane).unwrap();
        relay.pump(&mut lane).unwrap();
        assert_eq!(lane.0.len(), 2, "four runs fill the ring");
        assert_eq!(taken(&mut relayed).len(), 4 * RUN);
        relay.pump(&mut lane).unwrap();
        assert_eq!((lane.0.len(), taken(&mut relayed).len()), (0, 2 * RUN));
    }

    #[test]
    fn a_run_longer_than_any_lane_has_is_an_error_and_not_a_hole_in_the_session() {
        let (mut relay, _relayed) = open();
        let said = relay.pump(&mut Runs(vec![vec![7; ROOM + 1]])).unwrap_err().to_string();
        assert!(said.contains(&(ROOM + 1).to_string()), "{said}");
    }
}
