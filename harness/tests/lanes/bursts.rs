//! Claims about more frames than the rings between two ends hold.

use std::time::{Duration, Instant};

use tickcert_transports::api::{Flow, Interest, Rx, Transport, Tx, TxError};

use crate::claims::{Ends, flush, put};

/// Of each flow: more than any ring or buffer of the default settings holds, in frames or in bytes.
const FRAMES: u32 = 2_000;
/// Sent before the reader looks again; no ring is smaller.
const AT_ONCE: u32 = 8;

/// Of different lengths, so that frames lie across the end of a ring of bytes.
const fn length(n: u32) -> usize {
    4 + (n as usize * 37) % 1_400
}

/// Its number, then bytes that follow from it.
fn fill(n: u32, frame: &mut [u8]) {
    for (at, byte) in frame.iter_mut().enumerate() {
        *byte = byte_of(n, at);
    }
}

fn byte_of(n: u32, at: usize) -> u8 {
    n.to_be_bytes().get(at).copied().unwrap_or_else(|| n.to_le_bytes()[0].wrapping_add(at.to_le_bytes()[0]))
}

/// The number of a frame, if it is whole.
#[track_caller]
fn number(frame: &[u8]) -> u32 {
    let n = u32::from_be_bytes(*frame.first_chunk().unwrap());
    assert_eq!(frame.len(), length(n), "frame {n}");
    assert!(frame.iter().enumerate().all(|(at, byte)| *byte == byte_of(n, at)), "frame {n} has other bytes");
    n
}

/// What the reader of one flow has had so far: whole frames, or bytes of a stream.
#[derive(Default)]
struct Reader {
    rest: Vec<u8>,
    next: u32,
}

impl Reader {
    /// Takes what came; the frames are those expected, in order.
    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while self.rest.len() >= length(self.next) {
            let frame: Vec<u8> = self.rest.drain(..length(self.next)).collect();
            assert_eq!(number(&frame), self.next);
            self.next += 1;
        }
    }
}

pub(crate) fn more_frames_than_a_ring_holds_arrive_whole_and_in_order_if_they_are_read_along<T: Transport>(
    ends: &mut Ends<T>,
) {
    let Ends { exchange: (exchange_rx, exchange_tx), trader: (trader_rx, trader_tx) } = ends;
    let deadline = Instant::now() + Duration::from_secs(20);
    let (mut ticks, mut orders, mut answers) = (Reader::default(), Reader::default(), Reader::default());
    for n in 0..FRAMES {
        put(exchange_tx, Flow::Ticks, length(n), |frame| fill(n, frame));
        flush(exchange_tx);
        put(trader_tx, Flow::Orders, length(n), |frame| fill(n, frame));
        flush(trader_tx);
        put(exchange_tx, Flow::Orders, length(n), |frame| fill(n, frame));
        flush(exchange_tx);
        if n % AT_ONCE != AT_ONCE - 1 {
            continue;
        }
        while ticks.next.min(orders.next).min(answers.next) <= n {
            let had = [&ticks, &orders, &answers].map(|r| r.next);
            assert!(Instant::now() < deadline, "of {} of each flow, {had:?} came", n + 1);
            trader_rx.poll(Interest::Ticks, 4, |frame| ticks.take(frame.bytes)).unwrap();
            exchange_rx.poll(Interest::Orders, 4, |frame| orders.take(frame.bytes)).unwrap();
            trader_rx.poll(Interest::Orders, 4, |frame| answers.take(frame.bytes)).unwrap();
        }
    }
}

pub(crate) fn after_more_ticks_than_fit_what_came_is_whole_and_in_order_and_the_lane_lives_on<T: Transport>(
    ends: &mut Ends<T>,
) {
    let (tx, rx) = (&mut ends.exchange.1, &mut ends.trader.0);
    let (mut sent, mut refused) = (0, 0);
    for n in 0..20_000 {
        match tx.send(Flow::Ticks, length(n), |frame| fill(n, frame)) {
            Ok(_) => sent = n + 1,
            Err(TxError::Full) => {
                // Some make room while they refuse.
                refused += 1;
                if refused > 100 {
                    break;
                }
            }
            Err(e) => panic!("{e}"),
        }
        match tx.flush() {
            Ok(()) | Err(TxError::Full) => {}
            Err(e) => panic!("{e}"),
        }
    }
    // Sent again and again while it is waited for, since there may be no room at first.
    let mut last = None;
    let deadline = Instant::now() + Duration::from_secs(10);
    while last < Some(sent) {
        assert!(Instant::now() < deadline, "nothing that was sent afterwards came; the last was {last:?} of {sent}");
        match tx.send(Flow::Ticks, length(sent), |frame| fill(sent, frame)).and_then(|_| tx.flush()) {
            Ok(()) | Err(TxError::Full) => {}
            Err(e) => panic!("{e}"),
        }
        rx.poll(Interest::Ticks, 16, |frame| {
            let n = number(frame.bytes);
            assert!(last < Some(n) || (last, n) == (Some(sent), sent), "{n} came after {last:?}");
            last = Some(n);
        })
        .unwrap();
    }
}
