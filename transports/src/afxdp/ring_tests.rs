use std::{collections::VecDeque, thread};

use proptest::prelude::*;

use super::*;

/// Two sides of one ring in memory that no kernel shares, with indices that begin at `first`.
pub(in crate::afxdp) fn ring<T: Copy>(entries: u32, first: u32) -> (Producer<T>, Consumer<T>) {
    let layout = Layout { producer: 0, consumer: 64, flags: 128, entries_at: 192, entries };
    let memory = Arc::new(Mapping::anonymous(192 + entries as usize * size_of::<T>()).unwrap());
    let shared = Shared::<T>::new(Arc::clone(&memory), layout).unwrap();
    shared.producer().store(first, Ordering::Relaxed);
    shared.consumer().store(first, Ordering::Relaxed);
    (Producer::new(Arc::clone(&memory), layout).unwrap(), Consumer::new(memory, layout).unwrap())
}

#[derive(Clone, Debug)]
enum Step {
    Push(u64),
    Publish,
    Pop,
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => any::<u64>().prop_map(Step::Push),
        1 => Just(Step::Publish),
        3 => Just(Step::Pop),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    /// Held against a queue that is no ring, across the wrap of the indices too.
    #[test]
    fn what_comes_out_is_what_went_in_and_no_more_than_there_is_room_for(
        steps in steps(), power in 0_u32..6, first in prop_oneof![Just(0_u32), Just(u32::MAX - 20), any::<u32>()]
    ) {
        let entries = 1_u32 << power;
        let (mut producer, mut consumer) = ring(entries, first);
        let (mut written, mut published, mut unreleased) = (VecDeque::new(), VecDeque::new(), 0);
        for step in steps {
            match step {
                Step::Push(value) => {
                    let held = written.len() + published.len() + unreleased;
                    let room = held < entries as usize;
                    prop_assert_eq!(producer.push(value), room);
                    if room {
                        written.push_back(value);
                    }
                }
                Step::Publish => {
                    producer.publish();
                    published.append(&mut written);
                    prop_assert_eq!(producer.waiting() as usize, published.len() + unreleased);
                }
                Step::Pop => {
                    let got = consumer.pop();
                    prop_assert_eq!(got, published.pop_front());
                    unreleased += usize::from(got.is_some());
                }
                Step::Release => {
                    consumer.release();
                    unreleased = 0;
                }
            }
        }
    }
}

#[test]
fn two_threads_pass_everything_on_whole_and_in_order() {
    const VALUES: u64 = 200_000;
    let (mut producer, mut consumer) = ring(64, u32::MAX - 1000);
    thread::scope(|s| {
        s.spawn(move || {
            for value in 0..VALUES {
                while !producer.push(value) {
                    thread::yield_now();
                }
                producer.publish();
            }
        });
        for value in 0..VALUES {
            let got = loop {
                match consumer.pop() {
                    Some(got) => break got,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(got, value);
            consumer.release();
        }
    });
}

#[test]
fn a_layout_that_does_not_fit_its_memory_makes_no_ring() {
    let good = Layout { producer: 0, consumer: 64, flags: 128, entries_at: 192, entries: 8 };
    let fits = |layout| Producer::<u64>::new(Arc::new(Mapping::anonymous(256).unwrap()), layout).is_some();
    assert!(fits(good));
    assert!(!fits(Layout { entries: 1024, ..good }));
    assert!(!fits(Layout { entries: 7, ..good }));
    assert!(!fits(Layout { producer: 2, ..good }));
    assert!(!fits(Layout { entries_at: 1 << 20, ..good }));
}

#[test]
fn the_kernels_wish_to_be_woken_is_seen() {
    let (producer, _consumer) = ring::<u64>(8, 0);
    assert!(!producer.needs_wakeup());
    // SAFETY: aligned and mapped, as the ring itself has seen; only atomics reach it.
    let flags = unsafe { producer.ring.flags.as_ref() };
    flags.store(abi::XDP_RING_NEED_WAKEUP, Ordering::Relaxed);
    assert!(producer.needs_wakeup());
}
