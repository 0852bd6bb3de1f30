//! What the ring promises: against a model, between two threads, and with a peer that writes nonsense.

use std::{collections::VecDeque, thread};

use proptest::prelude::*;

use super::*;
use crate::{
    api::{Flow, Frame, Interest, Rx, Tx, TxError},
    kernel::MAX_FRAME,
};

/// The smallest ring, so that it wraps often.
fn small() -> (Writer, Reader, Arc<memmap2::MmapRaw>) {
    let shared = memory::create(Geometry::new(0)).unwrap();
    let map = Arc::new(shared.map);
    let writer = Writer::new(Arc::clone(&map), shared.geometry, Which::Ticks).unwrap();
    let reader = Reader::new(Arc::clone(&map), shared.geometry, Which::Ticks).unwrap();
    (writer, reader, map)
}

/// Bytes of a frame that tell which one it is, and that look like headers wherever a line begins.
fn content(number: u32, len: usize) -> impl Iterator<Item = u8> {
    let word = (number % 40 + 1).to_ne_bytes();
    word.into_iter().cycle().take(len)
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Poll(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..=MAX_FRAME).prop_map(Step::Send),
        2 => (0_usize..130).prop_map(Step::Send),
        2 => (0_u32..8).prop_map(Step::Poll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_was_sent_whatever_the_lengths_and_the_order(steps in prop::collection::vec(step(), 0..600)) {
        let (mut writer, mut reader, _map) = small();
        let mut waiting = VecDeque::new();
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                Step::Send(len) => {
                    let sent = writer.send(len, |to| to.iter_mut().zip(content(number, len)).for_each(|(t, c)| *t = c));
                    match sent {
                        Ok(()) => waiting.push_back((number, len)),
                        // The ring holds at least 28 of the longest frames.
                        Err(TxError::Full) => prop_assert!(waiting.len() >= 28, "full with {}", waiting.len()),
                        Err(e) => panic!("{e}"),
                    }
                }
                Step::Poll(budget) => {
                    let expected = waiting.len().min(budget as usize);
                    let frames = reader.poll(budget, |bytes| {
                        let (number, len) = waiting.pop_front().expect("a frame that was never sent");
                        assert_eq!(bytes.len(), len);
                        assert!(bytes.iter().copied().eq(content(number, len)));
                    });
                    prop_assert_eq!(frames.unwrap() as usize, expected);
                }
            }
        }
    }

    /// The reader may come to any wrong end, but to an end, and within the ring.
    #[test]
    fn a_peer_that_writes_nonsense_gives_an_error_or_nonsense_but_no_access_outside(
        words in prop::collection::vec((0_usize..17_000, prop_oneof![0_u32..4000, any::<u32>()]), 1..200),
    ) {
        let (mut writer, mut reader, map) = small();
        for (at, word) in words {
            scribble(&map, at * 4, word);
            for _ in 0..4 {
                if reader.poll(8, |bytes| assert!(bytes.len() <= MAX_FRAME)).is_err() {
                    break;
                }
            }
            for _ in 0..40 {
                if writer.send(MAX_FRAME, |to| to.fill(1)).is_err() {
                    break;
                }
            }
        }
    }
}

/// What another process could do at any time.
fn scribble(map: &memmap2::MmapRaw, at: usize, word: u32) {
    let file_offset = at.min(map.len() - 4) / 4 * 4;
    ring::store_for_test(map, file_offset, word);
}

#[test]
fn a_length_beyond_the_longest_frame_breaks_the_flow() {
    let (_writer, mut reader, map) = small();
    scribble(&map, Geometry::new(0).ring(Which::Ticks), u32::MAX);
    let e = reader.poll(1, |_| panic!("handed over")).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_counter_ahead_of_the_writer_breaks_the_flow_once_the_ring_is_full() {
    let (mut writer, _reader, map) = small();
    scribble(&map, Geometry::new(0).counter(Which::Ticks), u32::MAX);
    let broken = (0..100).map(|_| writer.send(MAX_FRAME, |_| ())).find_map(Result::err).unwrap();
    assert!(matches!(broken, TxError::Io(e) if e.kind() == io::ErrorKind::InvalidData));
}

#[test]
fn a_full_ring_takes_more_after_one_frame_was_read() {
    let (mut writer, mut reader, _map) = small();
    while writer.send(MAX_FRAME, |to| to.fill(2)).is_ok() {}
    assert!(matches!(writer.send(MAX_FRAME, |_| ()), Err(TxError::Full)));
    assert_eq!(reader.poll(2, |bytes| assert_eq!(bytes.len(), MAX_FRAME)).unwrap(), 2);
    writer.send(MAX_FRAME, |to| to.fill(3)).unwrap();
}

#[test]
fn between_two_threads_every_byte_comes_once_and_in_order() {
    const FRAMES: u32 = 300_000;
    let (mut writer, mut reader, _map) = small();
    let len_of = |number: u32| (number as usize).wrapping_mul(2_654_435_761) % 300;
    thread::scope(|s| {
        s.spawn(move || {
            for number in 0..FRAMES {
                let len = len_of(number);
                while let Err(e) =
                    writer.send(len, |to| to.iter_mut().zip(content(number, len)).for_each(|(t, c)| *t = c))
                {
                    assert!(matches!(e, TxError::Full), "{e}");
                    thread::yield_now();
                }
            }
        });
        let mut number = 0;
        while number < FRAMES {
            let frames = reader.poll(16, |bytes| {
                assert_eq!(bytes.len(), len_of(number), "frame {number}");
                assert!(bytes.iter().copied().eq(content(number, bytes.len())), "frame {number}");
                number += 1;
            });
            if frames.unwrap() == 0 {
                thread::yield_now();
            }
        }
    });
}

#[test]
fn only_the_exchange_sends_ticks() {
    let end = |role| {
        let shared = memory::create(Geometry::new(0)).unwrap();
        ends(shared, role).unwrap()
    };
    let (mut rx, mut tx) = end(Role::Exchange);
    tx.send(Flow::Ticks, 1, |_| ()).unwrap();
    assert_eq!(rx.poll(Interest::Ticks, 1, |_: Frame<'_>| panic!("the exchange has no ticks to receive")).unwrap(), 0);
    let refused = end(Role::Trader).1.send(Flow::Ticks, 1, |_| ()).unwrap_err();
    assert!(matches!(refused, TxError::Io(e) if e.kind() == io::ErrorKind::Unsupported));
}

#[test]
fn a_ring_of_a_size_that_there_is_not_is_refused() {
    let read = |text: &str| serde_json::from_str::<Config>(text).map(|c| c.ring_bytes).map_err(|e| e.to_string());
    assert_eq!(read("{}"), Ok(1 << 20));
    assert_eq!(read(r#"{"ring_bytes": 65536}"#), Ok(65536));
    assert!(read(r#"{"ring_bytes": 1}"#).unwrap_err().contains("between 65536 and"));
}
