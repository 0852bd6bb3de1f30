//! The bare queues: what one message costs in one thread, and a round trip between two threads on two cores.
//!
//! Without a workload: `tickcert run hand-off` has that. Messages of 64 bytes. What a cache line takes from core to core may
//! change while they run, so each round trip has one of a ring right before it, and the ratio to that is printed.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss, missing_docs, reason = "a bench")]

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
const SAMPLES: usize = 30;
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

/// What each round trip is held against.
const REFERENCE: &str = "rtrb";

/// There by one queue and back by another of the same kind; the median of a round trip over criterion's samples, in ns.
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
    type Out = f64;
    fn run<Q: Queue>(self, wait: Wait) -> f64 {
        let (mut there, mut arrives) = Q::open::<Message>(CAPACITY);
        let (mut back, mut returns) = Q::open::<Message>(CAPACITY);
        let (over, mut each) = (AtomicBool::new(false), Vec::new());
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
                    let took = start.elapsed();
                    each.push(took.as_secs_f64() * 1e9 / rounds as f64);
                    took
                });
            });
            over.store(true, Ordering::Relaxed);
        });
        // The first are criterion's own search for how many rounds a sample takes.
        let mut samples = each.split_off(each.len().saturating_sub(SAMPLES));
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(SAMPLES)
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
    let mut round_trip =
        |handoff: Handoff, name| handoff.dispatch(RoundTrip { criterion: &mut criterion, name, second_core: second });
    for handoff in Handoff::all().into_iter().filter(|handoff| handoff.about().is_some()) {
        let name = handoff.name();
        let reference =
            Handoff::by_name(REFERENCE).and_then(|ring| round_trip(ring, format!("{REFERENCE} before {name}")));
        if let Some((of_ring, took)) = reference.zip(round_trip(handoff, name.clone())) {
            println!("{name}: {:.2} of {REFERENCE} right before it", took / of_ring);
        }
    }
    criterion.final_summary();
}
