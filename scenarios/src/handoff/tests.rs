use std::{thread, time::Duration};

use super::*;

const CAPACITY: usize = 64;
const LONG: Duration = Duration::from_secs(60);

/// Each hand-off with a queue.
fn queues() -> Vec<Handoff> {
    Handoff::all().into_iter().filter(|handoff| handoff.about().is_some()).collect()
}

/// Runs the job on every queue.
fn each<J: Job<Out = ()>>(job: impl Fn(&'static About) -> J) {
    for handoff in queues() {
        println!("{}", handoff.name());
        handoff.dispatch(job(handoff.about().unwrap())).unwrap();
    }
}

struct InOrder;

impl Job for InOrder {
    type Out = ();
    fn run<Q: Queue>(self, wait: Wait) {
        const MESSAGES: u64 = 20_000;
        let (mut push, mut pop) = Q::open::<[u64; 8]>(CAPACITY);
        thread::scope(|s| {
            s.spawn(move || {
                for n in 0..MESSAGES {
                    while push.push([n; 8]).is_err() {
                        thread::yield_now();
                    }
                }
            });
            let mut next = 0;
            while next < MESSAGES {
                let got = if wait == Wait::Blocking { pop.wait(LONG) } else { pop.pop() };
                match got {
                    Some(message) => {
                        assert_eq!(message, [next; 8]);
                        next += 1;
                    }
                    None => thread::yield_now(),
                }
            }
            assert_eq!(pop.pop(), None);
        });
    }
}

#[test]
fn every_queue_delivers_each_message_once_whole_and_in_order() {
    each(|_| InOrder);
}

struct FillUp(&'static About);

impl Job for FillUp {
    type Out = ();
    fn run<Q: Queue>(self, _wait: Wait) {
        let (mut push, mut pop) = Q::open::<u64>(CAPACITY);
        let room = if self.0.bounded { CAPACITY as u64 } else { 1_000 };
        for n in 0..room {
            assert_eq!(push.push(n), Ok(()), "{n}");
        }
        if self.0.bounded {
            assert_eq!(push.push(room), Err(Full));
            assert_eq!((pop.pop(), push.push(room), push.push(0)), (Some(0), Ok(()), Err(Full)));
        }
        let first = u64::from(self.0.bounded);
        for n in first..room + first {
            assert_eq!(pop.pop(), Some(n));
        }
        assert_eq!(pop.pop(), None);
    }
}

#[test]
fn a_bounded_queue_is_full_at_its_capacity_and_has_lost_nothing_by_that() {
    each(FillUp);
}

struct Wakes;

impl Job for Wakes {
    type Out = ();
    fn run<Q: Queue>(self, wait: Wait) {
        if wait == Wait::Busy {
            return;
        }
        let (mut push, mut pop) = Q::open::<u64>(CAPACITY);
        // If it slept through, each round would take a minute.
        thread::scope(|s| {
            let (ask, asked) = std::sync::mpsc::channel();
            s.spawn(move || {
                for n in asked {
                    push.push(n).unwrap();
                }
            });
            for n in 0..200_u64 {
                ask.send(n).unwrap();
                let got = std::iter::from_fn(|| Some(pop.wait(LONG))).take(3).flatten().next();
                assert_eq!(got, Some(n));
            }
            drop(ask);
        });
    }
}

#[test]
fn a_taker_that_sleeps_is_woken_by_a_message() {
    each(|_| Wakes);
}

struct Many(&'static About);

impl Job for Many {
    type Out = ();
    fn run<Q: Queue>(self, _wait: Wait) {
        const EACH: u64 = 5_000;
        let (mut first, mut pop) = Q::open::<[u64; 2]>(CAPACITY);
        let second = first.another();
        assert_eq!(second.is_some(), self.0.many_producers);
        let Some(mut second) = second else { return };
        thread::scope(|s| {
            let send = |push: &mut Q::Push<[u64; 2]>, who| {
                for n in 0..EACH {
                    while push.push([who, n]).is_err() {
                        thread::yield_now();
                    }
                }
            };
            s.spawn(move || send(&mut first, 0));
            s.spawn(move || send(&mut second, 1));
            let mut next = [0, 0];
            while next != [EACH, EACH] {
                let Some([who, n]) = pop.pop() else {
                    thread::yield_now();
                    continue;
                };
                let next = &mut next[usize::try_from(who).unwrap()];
                assert_eq!(n, *next, "of producer {who}");
                *next += 1;
            }
        });
    }
}

#[test]
fn of_several_producers_each_keeps_its_order() {
    each(Many);
}

#[test]
fn every_hand_off_is_found_by_its_name_and_no_two_have_the_same() {
    let all = Handoff::all();
    for handoff in &all {
        assert_eq!(Handoff::by_name(&handoff.name()), Some(*handoff));
    }
    let names = |list: Vec<Handoff>| list.into_iter().map(Handoff::name).collect::<Vec<_>>();
    assert_eq!(
        names(Handoff::usual()),
        [
            "inline",
            "rtrb",
            "ringbuf",
            "disruptor",
            "array-queue",
            "seg-queue",
            "mpsc",
            "mutex",
            "mutex-parking-lot",
            "condvar",
            "ticket-lock"
        ]
    );
    assert!(all.len() > Handoff::usual().len());
}

#[test]
fn an_unknown_name_is_told_the_nearest_and_all_that_there_are() {
    let e = resolve(&["rtrb".into(), "mutexx".into()]).unwrap_err().to_string();
    assert!(
        e.starts_with("unknown hand-off `mutexx`; did you mean `mutex`?; there are: inline, rtrb, rtrb-blocking, "),
        "{e}"
    );
    assert_eq!(resolve(&["all".into(), "rtrb".into()]).unwrap(), Handoff::all());
}
