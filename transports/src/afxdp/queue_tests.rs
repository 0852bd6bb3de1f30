use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::afxdp::{ring_ffi::tests::ring, transmit_stamp::Request};

const CHUNK: u32 = 2048;
const BEFORE: u64 = transmit_stamp::LENGTH as u64;

/// The kernel's part of sending.
struct Kernel {
    umem: Arc<Umem>,
    queued: Consumer<xdp_desc>,
    completed: Producer<u64>,
}

impl Kernel {
    fn take(&mut self) -> Option<xdp_desc> {
        let entry = self.queued.pop();
        self.queued.release();
        entry
    }

    /// What lies in front of a frame that it has.
    fn before<R>(&self, frame: &xdp_desc, look: impl FnOnce(&mut [u8]) -> R) -> R {
        // SAFETY: the right to this chunk was given away when the frame was queued, and nobody else makes it anew before
        // the frame is given back.
        let (mut chunk, at) = unsafe { self.umem.came_back(frame.addr) }.unwrap();
        look(&mut self.umem.bytes_mut(&mut chunk, at).unwrap()[at - transmit_stamp::LENGTH..])
    }

    fn give_back(&mut self, frame: &xdp_desc, stamp: Option<u64>) {
        if let Some(stamp) = stamp {
            self.before(frame, |bytes| bytes[8..16].copy_from_slice(&stamp.to_ne_bytes()));
        }
        assert!(self.completed.push(frame.addr));
        self.completed.publish();
    }
}

/// Both parts, with rings for as many frames as there are chunks, and room for so many stamps if they are asked for.
fn sides(chunks: u32, stamps: Option<usize>) -> (Sending, Kernel) {
    let (umem, free) = Umem::new(CHUNK, chunks).unwrap();
    let umem = Arc::new(umem);
    let (mine, queued) = ring(chunks, u32::MAX - 3);
    let (completed, its) = ring(chunks, u32::MAX - 3);
    let stamps = stamps.map(|most| Stamps::new(Request::stamp(), most));
    (Sending::new(Arc::clone(&umem), mine, its, free, stamps), Kernel { umem, queued, completed })
}

fn queue(sending: &mut Sending, name: u32) -> Result<(), NotQueued> {
    sending.queue(TxToken(name), 60, |frame| frame.fill(0xab))
}

fn stamps(sending: &mut Sending) -> Vec<(u32, u64)> {
    let mut stamps = Vec::new();
    sending.stamps(|name, at| stamps.push((name.0, at.raw())));
    stamps
}

#[test]
fn a_frame_of_which_no_stamp_is_asked_begins_with_its_chunk_and_has_no_options() {
    let (mut sending, mut kernel) = sides(4, None);
    queue(&mut sending, 1).unwrap();
    let entry = kernel.take().unwrap();
    assert_eq!((entry.addr % u64::from(CHUNK), entry.len, entry.options), (0, 60, 0));
    kernel.give_back(&entry, None);
    assert_eq!((stamps(&mut sending), sending.coverage()), (Vec::new(), None));
}

#[test]
fn the_question_stands_in_front_of_the_frame_and_the_descriptor_says_so() {
    let (mut sending, mut kernel) = sides(4, Some(4));
    queue(&mut sending, 1).unwrap();
    let entry = kernel.take().unwrap();
    assert_eq!((entry.addr % u64::from(CHUNK), entry.len, entry.options), (BEFORE, 60, abi::XDP_TX_METADATA));
    kernel.before(&entry, |before| {
        assert_eq!(before[..8], u64::from(abi::XDP_TXMD_FLAGS_TIMESTAMP).to_ne_bytes());
        assert_eq!(before[8..24], [0; 16]);
    });
}

#[test]
fn a_frame_has_what_the_question_leaves_of_its_chunk() {
    let (mut sending, _kernel) = sides(2, Some(2));
    let room = CHUNK as usize - transmit_stamp::LENGTH;
    for len in [room + 1, usize::MAX] {
        assert_eq!(sending.queue(TxToken(1), len, |_| panic!("there is no room")), Err(NotQueued::TooLong));
    }
    for _ in 0..2 {
        assert_eq!(sending.queue(TxToken(1), room, |frame| assert_eq!(frame.len(), room)), Ok(()));
    }
}

#[test]
fn a_stamp_is_handed_over_once_by_its_frames_name_whichever_frame_comes_back_first() {
    let (mut sending, mut kernel) = sides(4, Some(4));
    for name in [7, 8, 9] {
        queue(&mut sending, name).unwrap();
    }
    assert_eq!(stamps(&mut sending), []);
    let [first, second, third] = [kernel.take(), kernel.take(), kernel.take()].map(Option::unwrap);
    kernel.give_back(&third, Some(300));
    kernel.give_back(&first, Some(100));
    assert_eq!(stamps(&mut sending), [(9, 300), (7, 100)]);
    kernel.give_back(&second, Some(200));
    assert_eq!(stamps(&mut sending), [(8, 200)]);
    assert_eq!((stamps(&mut sending), sending.coverage()), (Vec::new(), Some((3, 3))));
}

#[test]
fn a_stamp_is_read_before_its_chunk_is_used_again_and_is_not_the_next_frames_too() {
    let (mut sending, mut kernel) = sides(1, Some(1));
    queue(&mut sending, 1).unwrap();
    assert_eq!(queue(&mut sending, 2), Err(NotQueued::Full));
    let entry = kernel.take().unwrap();
    kernel.give_back(&entry, Some(55));
    queue(&mut sending, 2).unwrap();
    assert_eq!(stamps(&mut sending), [(1, 55)]);
    let again = kernel.take().unwrap();
    assert_eq!(again.addr, entry.addr);
    kernel.give_back(&again, None);
    assert_eq!((stamps(&mut sending), sending.coverage()), (Vec::new(), Some((1, 2))));
}

#[test]
fn of_stamps_that_nobody_takes_the_last_are_kept() {
    let (mut sending, mut kernel) = sides(4, Some(4));
    for name in 1..=10 {
        queue(&mut sending, name).unwrap();
        let entry = kernel.take().unwrap();
        kernel.give_back(&entry, Some(u64::from(name) * 10));
    }
    assert_eq!(stamps(&mut sending), [(7, 70), (8, 80), (9, 90), (10, 100)]);
    assert_eq!(sending.coverage(), Some((10, 10)));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    /// Gives back one of the frames that the kernel has.
    Return(prop::sample::Index, Option<u64>),
    Look,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Send),
        3 => (any::<prop::sample::Index>(), prop::option::of(1_u64..)).prop_map(|(which, stamp)| Step::Return(which, stamp)),
        1 => Just(Step::Look),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Held against a map from names to stamps, with frames coming back in any order and some without a stamp.
    #[test]
    fn every_stamp_that_comes_is_handed_over_with_its_frames_name(steps in steps()) {
        let (mut sending, mut kernel) = sides(8, Some(200));
        let (mut name, mut away, mut due, mut got) = (0, Vec::new(), BTreeMap::new(), BTreeMap::new());
        for step in steps.into_iter().chain([Step::Look]) {
            match step {
                Step::Send => {
                    let room = away.len() < 8;
                    prop_assert_eq!(queue(&mut sending, name).is_ok(), room);
                    if room {
                        away.push((name, kernel.take().unwrap()));
                        name += 1;
                    }
                }
                Step::Return(which, stamp) if !away.is_empty() => {
                    let (name, entry) = away.swap_remove(which.index(away.len()));
                    kernel.give_back(&entry, stamp);
                    due.extend(stamp.map(|stamp| (name, stamp)));
                }
                Step::Return(..) => {}
                Step::Look => {
                    for (name, stamp) in stamps(&mut sending) {
                        prop_assert_eq!(got.insert(name, stamp), None);
                    }
                    prop_assert_eq!(&got, &due);
                }
            }
        }
    }
}
