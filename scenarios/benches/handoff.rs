//! The bare queues: what one message costs in one thread, and a round trip between two threads on two cores.
//!
//! Without a workload: `tickcert run hand-off` has that. Messages of 64 bytes.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use criterion::Criterion;
use tickcert_probes::affinity;
use tickcert_scenarios::handoff::{Handoff, Job, Pop, Push, Queue, Wait};

type Message = [u64; 8];

const CAPACITY: usize = 1024;
/// A sleeping end looks this often whether it is over.
const NAP: Duration = Duration::from_millis(10);

/// In and out again, in one thread: nothing is contended, and nothing moves between cores.
struct Alone<'a> {
    criterion: &'a mut Criterion,
    name: String,
}

impl Job for Alone<'_> {
    type Out = ();
    fn run<Q: Queue>(self, _wait: Wait) {
        let (mut push, mut pop) = Q::open::<Message>(CAPACITY);
        self.criterion.benchmark_group("hand-off/in and out").bench_function(self.name, |b| {
            b.iter(|| {
                let _ = push.push(black_box([1; 8]));
                black_box(pop.pop())
            });
        });
    }
}

/// There by one queue and back by another of the same kind.
struct RoundTrip<'a> {
    criterion: &'a mut Criterion,
    name: String,
    second_core: u32,
}

fn next<M>(pop: &mut impl Pop<M>, wait: Wait) -> Option<M> {
    match wait {
        Wait::Busy => pop.pop(),
        Wait::Blocking => pop.wait(NAP),
    }
}

impl Job for RoundTrip<'_> {
    type Out = ();
    fn run<Q: Queue>(self, wait: Wait) {
        let (mut there, mut arrives) = Q::open::<Message>(CAPACITY);
        let (mut back, mut returns) = Q::open::<Message>(CAPACITY);
        let over = AtomicBool::new(false);
        thread::scope(|s| {
            let (over, core) = (&over, self.second_core);
            s.spawn(move || {
                affinity::pin(core).unwrap();
                while !over.load(Ordering::Relaxed) {
                    if let Some(message) = next(&mut arrives, wait) {
                        let _ = back.push(message);
                    }
                }
            });
            // In this thread, which is on the first core: criterion can't go to another.
            self.criterion.benchmark_group("hand-off/round trip").bench_function(self.name, |b| {
                b.iter_custom(|rounds| {
                    let start = Instant::now();
                    for _ in 0..rounds {
                        let _ = there.push([1; 8]);
                        while next(&mut returns, wait).is_none() {}
                    }
                    start.elapsed()
                });
            });
            over.store(true, Ordering::Relaxed);
        });
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .configure_from_args();
    let cores: Vec<u32> = affinity::allowed().unwrap().into_iter().collect();
    for handoff in Handoff::usual() {
        let _ = handoff.dispatch(Alone { criterion: &mut criterion, name: handoff.name() });
    }
    let &[first, second, ..] = cores.as_slice() else {
        println!("SKIPPED: round trips between two cores: needs two cores that this process may use");
        return;
    };
    affinity::pin(first).unwrap();
    for handoff in Handoff::all() {
        let job = RoundTrip { criterion: &mut criterion, name: handoff.name(), second_core: second };
        let _ = handoff.dispatch(job);
    }
    criterion.final_summary();
}
