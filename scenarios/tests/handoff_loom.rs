//! Our own synchronisation under every interleaving that loom finds: the same files as in the library, compiled against
//! loom's atomics, threads and cells instead of the standard library's.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a test that is made of the library's modules")]

#[path = "../src/handoff/bell.rs"]
mod bell;
#[path = "../src/handoff/over.rs"]
mod over;
#[path = "../src/handoff/ticket_lock.rs"]
mod ticket_lock;

mod sync {
    use std::time::Duration;

    use loom::cell;
    pub(super) use loom::{
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, AtomicU32, Ordering, fence},
        },
        thread::Thread,
    };

    #[derive(Debug)]
    pub(super) struct UnsafeCell<T>(cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(super) fn new(value: T) -> Self {
            Self(cell::UnsafeCell::new(value))
        }

        pub(super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            self.0.with_mut(f)
        }
    }

    /// Lets another thread go on: loom runs one at a time.
    pub(super) fn spin() {
        loom::thread::yield_now();
    }

    pub(super) fn this_thread() -> Thread {
        loom::thread::current()
    }

    /// Without a limit: a wake-up that is lost is a deadlock, which loom finds.
    pub(super) fn park(_limit: Duration) {
        loom::thread::park();
    }
}

use std::time::Duration;

use bell::Bell;
use loom::{
    model::Builder,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};
use over::Over;
use ticket_lock::TicketLock;

/// Every interleaving with at most so many preemptions, which is where such faults show.
fn model(preemptions: usize, check: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(check);
}

#[test]
fn under_the_ticket_lock_two_threads_never_have_the_value_at_once_and_no_change_is_lost() {
    model(3, || {
        let lock = Arc::new(TicketLock::new(0_u32));
        let other = lock.clone();
        let thread = thread::spawn(move || other.with(|value| *value += 1));
        lock.with(|value| *value += 1);
        thread.join().unwrap();
        assert_eq!(lock.with(|value| *value), 2);
    });
}

/// With a third thread two would wait at once, and yield to each other without end, which loom takes for a fault.
#[test]
fn the_ticket_lock_is_taken_again_and_again_by_either_thread() {
    model(2, || {
        let lock = Arc::new(TicketLock::new(0_u32));
        let other = lock.clone();
        let twice = |lock: &TicketLock<u32>| {
            lock.with(|value| *value += 1);
            lock.with(|value| *value += 1);
        };
        let thread = thread::spawn(move || twice(&other));
        twice(&lock);
        thread.join().unwrap();
        assert_eq!(lock.with(|value| *value), 4);
    });
}

/// The queue is a place that orders nothing by itself, so that only the word that it is over does.
#[test]
fn who_hears_that_it_is_over_finds_all_that_was_put_in_before() {
    model(3, || {
        let (place, over) = (Arc::new(AtomicU32::new(0)), Arc::new(Over::new()));
        let putter = {
            let (place, over) = (place.clone(), over.clone());
            thread::spawn(move || {
                place.store(1, Ordering::Relaxed);
                place.store(2, Ordering::Relaxed);
                over.say();
            })
        };
        while !over.is_said() {
            thread::yield_now();
        }
        assert_eq!(place.load(Ordering::Relaxed), 2);
        putter.join().unwrap();
    });
}

/// A counter stands for the queue: what is put in is a step of it.
fn taken(messages: &AtomicU32, seen: &mut u32) -> Option<u32> {
    (messages.load(Ordering::Acquire) > *seen).then(|| {
        *seen += 1;
        *seen
    })
}

#[test]
fn a_taker_that_goes_to_sleep_while_a_message_comes_is_woken() {
    model(3, || {
        let (messages, bell) = (Arc::new(AtomicU32::new(0)), Bell::new());
        let producer = {
            let (messages, bell) = (messages.clone(), bell.clone());
            thread::spawn(move || {
                for _ in 0..2 {
                    messages.fetch_add(1, Ordering::Release);
                    bell.ring();
                }
            })
        };
        let mut seen = 0;
        while seen < 2 {
            if taken(&messages, &mut seen).is_none() {
                bell.sleep_unless(Duration::ZERO, || taken(&messages, &mut seen));
            }
        }
        producer.join().unwrap();
    });
}

#[test]
fn of_two_producers_either_wakes_the_taker() {
    model(2, || {
        let (messages, bell) = (Arc::new(AtomicU32::new(0)), Bell::new());
        let producers: Vec<_> = (0..2)
            .map(|_| {
                let (messages, bell) = (messages.clone(), bell.clone());
                thread::spawn(move || {
                    messages.fetch_add(1, Ordering::Release);
                    bell.ring();
                })
            })
            .collect();
        let mut seen = 0;
        while seen < 2 {
            if taken(&messages, &mut seen).is_none() {
                bell.sleep_unless(Duration::ZERO, || taken(&messages, &mut seen));
            }
        }
        for producer in producers {
            producer.join().unwrap();
        }
    });
}
