//! What each fault does to the frames of a flow.

use super::*;

/// Keeps what it is sent; has no room where it is told so.
#[derive(Default)]
struct Sink {
    frames: Vec<Vec<u8>>,
    /// Of which flows they were.
    flows: Vec<Flow>,
    /// Of the sends to come, whether there is no room, the last first; beyond them there is always room.
    full: Vec<bool>,
}

impl Tx for Sink {
    fn send(&mut self, flow: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        if self.full.pop() == Some(true) {
            return Err(TxError::Full);
        }
        let mut frame = vec![0; len];
        fill(&mut frame);
        self.frames.push(frame);
        self.flows.push(flow);
        Ok(TxToken(0))
    }
}

fn faulty(fault: Fault, every: u32) -> Faulty<Sink> {
    Faulty::new(Sink::default(), Flow::Orders, Some(FaultPlan { fault, every }))
}

/// Sends orders as a trader does, each until it is taken.
fn send_all(tx: &mut Faulty<Sink>, orders: std::ops::Range<u8>) {
    for n in orders {
        send(tx, n);
    }
}

/// Sends one; how often there was no room.
fn send(tx: &mut Faulty<Sink>, n: u8) -> u32 {
    let mut refused = 0;
    while let Err(e) = tx.send(Flow::Orders, 2, |f| f.copy_from_slice(&[n, 0])) {
        assert!(matches!(e, TxError::Full), "{e}");
        refused += 1;
    }
    refused
}

/// The orders 0 to 3 as they come out of a half with a fault in every second one, and how many it says to have put in.
fn orders_sent_with(fault: Fault) -> (Vec<Vec<u8>>, u64) {
    let mut tx = faulty(fault, 2);
    send_all(&mut tx, 0..4);
    (tx.inner.frames.clone(), tx.injected())
}

/// Looks until `frames` are out, however long it takes.
fn look_until(tx: &mut Faulty<Sink>, frames: usize) {
    while tx.inner.frames.len() < frames {
        tx.look().unwrap();
    }
}

/// One of each kind.
const FAULTS: [Fault; 7] = [
    Fault::Lose,
    Fault::Duplicate,
    Fault::Corrupt,
    Fault::CorruptHead,
    Fault::Reorder,
    SHORT,
    Fault::Full { times: 2 },
];
const LONG: Fault = Fault::Delay { by: Nanos(3_600_000_000_000) };
const SHORT: Fault = Fault::Delay { by: Nanos(1_000_000) };

#[test]
fn every_second_order_is_lost_repeated_or_spoilt_and_no_other() {
    let of = |frames: &[[u8; 2]]| (frames.iter().map(|f| f.to_vec()).collect(), 2);
    assert_eq!(orders_sent_with(Fault::Lose), of(&[[0, 0], [2, 0]]));
    assert_eq!(orders_sent_with(Fault::Duplicate), of(&[[0, 0], [1, 0], [1, 0], [2, 0], [3, 0], [3, 0]]));
    assert_eq!(orders_sent_with(Fault::Corrupt), of(&[[0, 0], [1, 1], [2, 0], [3, 1]]));
    assert_eq!(orders_sent_with(Fault::CorruptHead), of(&[[0, 0], [0, 0], [2, 0], [2, 0]]));
}

#[test]
fn market_data_and_what_is_sent_without_faults_is_never_touched_or_counted() {
    for fault in FAULTS {
        let mut tx = faulty(fault, 1);
        tx.send(Flow::Ticks, 1, |f| f[0] = 7).unwrap();
        tx.without_faults().send(Flow::Orders, 1, |f| f[0] = 8).unwrap();
        assert_eq!((&tx.inner.frames, tx.injected()), (&vec![vec![7], vec![8]], 0), "{fault:?}");
    }
}

#[test]
fn faults_in_market_data_leave_orders_alone_and_what_was_kept_back_goes_on_with_its_flow() {
    for fault in FAULTS {
        let mut tx = Faulty::new(Sink::default(), Flow::Ticks, Some(FaultPlan { fault, every: 2 }));
        tx.send(Flow::Orders, 1, |f| f[0] = 8).unwrap();
        assert_eq!((&tx.inner.frames, tx.injected()), (&vec![vec![8]], 0), "{fault:?}");
        for n in 0..3 {
            while tx.send(Flow::Ticks, 1, |f| f[0] = n).is_err() {}
        }
        let ticks = 3 + usize::from(fault == Fault::Duplicate) - usize::from(fault == Fault::Lose);
        look_until(&mut tx, 1 + ticks);
        assert_eq!(tx.inner.flows, [vec![Flow::Orders], vec![Flow::Ticks; ticks]].concat(), "{fault:?}");
        assert_eq!(tx.injected(), 1, "{fault:?}");
    }
}

#[test]
fn without_a_plan_or_with_one_for_no_frame_nothing_goes_wrong() {
    for plan in [None, Some(FaultPlan { fault: Fault::Lose, every: 0 })] {
        let mut tx = Faulty::new(Sink::default(), Flow::Orders, plan);
        assert_eq!((send(&mut tx, 1), tx.injected(), tx.inner.frames.len()), (0, 0, 1));
        tx.look().unwrap();
    }
}

#[test]
fn an_order_to_be_overtaken_goes_right_after_the_next_which_is_not_kept_back() {
    let mut tx = faulty(Fault::Reorder, 1);
    send_all(&mut tx, 0..4);
    assert_eq!((&tx.inner.frames, tx.injected()), (&vec![vec![1, 0], vec![0, 0], vec![3, 0], vec![2, 0]], 2));
}

#[test]
fn an_order_that_nothing_overtakes_goes_alone_and_is_no_fault() {
    let mut tx = faulty(Fault::Reorder, 1);
    send(&mut tx, 0);
    assert_eq!(tx.inner.frames.len(), 0);
    look_until(&mut tx, 1);
    assert_eq!(tx.injected(), 0);
}

#[test]
fn a_delayed_order_is_overtaken_while_it_waits_and_goes_when_its_time_has_come() {
    let (frames, injected) = orders_sent_with(LONG);
    assert_eq!((frames, injected), (vec![vec![0, 0], vec![2, 0]], 2));
    let mut tx = faulty(SHORT, 1);
    let begin = Instant::now();
    send_all(&mut tx, 0..3);
    look_until(&mut tx, 3);
    assert!(begin.elapsed() >= Duration::from_millis(1));
    assert_eq!((&tx.inner.frames, tx.injected()), (&vec![vec![0, 0], vec![1, 0], vec![2, 0]], 3));
}

#[test]
fn a_delayed_order_that_is_due_goes_before_the_next() {
    let mut tx = faulty(SHORT, 2);
    send_all(&mut tx, 0..2);
    let due = tx.faults.as_ref().unwrap().held[0].due.unwrap();
    while Instant::now() < due {}
    send(&mut tx, 2);
    assert_eq!(tx.inner.frames, [[0, 0], [1, 0], [2, 0]]);
}

#[test]
fn a_refused_order_passes_after_as_many_refusals_as_were_asked_for_and_is_one_fault() {
    let mut tx = faulty(Fault::Full { times: 3 }, 2);
    assert_eq!([0, 1, 2, 3].map(|n| send(&mut tx, n)), [0, 3, 0, 3]);
    assert_eq!((&tx.inner.frames, tx.injected()), (&vec![vec![0, 0], vec![1, 0], vec![2, 0], vec![3, 0]], 2));
}

#[test]
fn a_lane_that_is_full_itself_costs_no_fault_and_adds_none() {
    for fault in FAULTS {
        let (mut free, mut full) = (faulty(fault, 2), faulty(fault, 2));
        for n in 0..8 {
            send(&mut free, n);
            // As long as a send of this order meets it, and not the next one.
            full.inner.full = vec![true; 3];
            send(&mut full, n);
            full.inner.full.clear();
        }
        let frames = if fault == Fault::Lose { 4 } else { 8 };
        for tx in [&mut free, &mut full] {
            look_until(tx, frames);
        }
        let sorted = |mut frames: Vec<Vec<u8>>| {
            frames.sort();
            frames
        };
        assert_eq!(sorted(free.inner.frames.clone()), sorted(full.inner.frames.clone()), "{fault:?}");
        // Nothing comes after the last order that could overtake it.
        let injected = if fault == Fault::Reorder { 3 } else { 4 };
        assert_eq!((free.injected(), full.injected()), (injected, injected), "{fault:?}");
    }
}

#[test]
fn a_copy_that_finds_no_room_waits_and_its_order_is_not_sent_again() {
    let mut tx = faulty(Fault::Duplicate, 1);
    tx.inner.full = vec![true, false];
    assert_eq!(send(&mut tx, 1), 0);
    assert_eq!(tx.inner.frames, [[1, 0]]);
    send(&mut tx, 2);
    assert_eq!((&tx.inner.frames, tx.injected()), (&vec![vec![1, 0], vec![1, 0], vec![2, 0], vec![2, 0]], 2));
}
