//! What becomes of the stamps of a lane that has none of its own.

use std::collections::BTreeMap;

use super::*;

struct Nowhere;

impl Tx for Nowhere {
    fn send(&mut self, _: Flow, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        fill(&mut vec![0; len]);
        Ok(TxToken(0))
    }
}

impl Rx for Nowhere {
    fn poll(&mut self, interest: Interest, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        let flow = if interest == Interest::Ticks { Flow::Ticks } else { Flow::Orders };
        (0..budget).for_each(|_| on_frame(Frame { flow, bytes: &[], meta: Default::default() }));
        Ok(budget)
    }
}

const CLOCK: StampClock = StampClock::Phc(9);

fn plan(fault: StampFault) -> FakeStamps {
    let faults = Some(StampFaults { fault, every: 3 });
    FakeStamps { clock: CLOCK, tx: faults, rx: faults }
}

/// Of six frames sent, how often each was stamped, and the times.
fn sent(fault: StampFault) -> (Vec<usize>, Vec<u64>) {
    let mut tx = FakeTx::new(Nowhere, Some(plan(fault)));
    let tokens: Vec<TxToken> = (0..6).map(|_| tx.send_stamped(Flow::Ticks, 1, |_| ()).unwrap()).collect();
    let mut came: Vec<(TxToken, Stamp)> = Vec::new();
    tx.stamps(|token, stamp| came.push((token, stamp)));
    assert!(came.iter().all(|(_, stamp)| stamp.clock == CLOCK));
    let times = |of: &TxToken| came.iter().filter(|(token, _)| token == of).count();
    (tokens.iter().map(times).collect(), came.iter().map(|(_, stamp)| stamp.at.raw()).collect())
}

fn facts(of: impl Fn(&mut dyn FnMut(&'static str, String))) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::new();
    of(&mut |name, value| drop(all.insert(name, value)));
    all
}

#[test]
fn every_third_stamp_of_what_is_sent_is_missing_late_twice_or_stale_and_no_other() {
    let hour = StampFault::Late { by: Nanos::SECOND * 3_600 };
    for (fault, times) in
        [(StampFault::Missing, 0), (StampFault::Zero, 0), (hour, 0), (StampFault::Duplicate, 2), (StampFault::Stale, 1)]
    {
        let (seen, at) = sent(fault);
        assert_eq!(seen, [1, 1, times, 1, 1, times], "{fault:?}");
        let backward = at.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert_eq!(backward, if fault == StampFault::Stale { 2 } else { 0 }, "{fault:?}");
    }
}

#[test]
fn a_late_stamp_comes_when_its_time_has_come() {
    let mut tx = FakeTx::new(Nowhere, Some(plan(StampFault::Late { by: Nanos::MILLI })));
    for _ in 0..3 {
        tx.send_stamped(Flow::Orders, 1, |_| ()).unwrap();
    }
    let mut came = 0;
    while came < 3 {
        tx.stamps(|_, _| came += 1);
    }
    tx.stamps(|_, _| came += 1);
    assert_eq!(came, 3);
}

#[test]
fn zeros_are_a_fact_and_are_not_there_where_there_were_none() {
    let mut tx = FakeTx::new(Nowhere, Some(plan(StampFault::Zero)));
    assert!(facts(|note| tx.facts(note)).is_empty());
    for _ in 0..6 {
        tx.send_stamped(Flow::Orders, 1, |_| ()).unwrap();
    }
    assert_eq!(facts(|note| tx.facts(note))[STAMPS_OF_ZERO], "2");
    let mut rx = FakeRx::new(Nowhere, Some(plan(StampFault::Zero)));
    rx.poll(Interest::Ticks, 3, |_| ()).unwrap();
    rx.poll(Interest::Orders, 4, |_| ()).unwrap();
    assert_eq!(facts(|note| rx.facts(note))[RECEIVED_STAMPS_OF_ZERO], "2", "each flow has its own turn");
}

#[test]
fn what_is_received_has_a_stamp_but_every_third() {
    let mut rx = FakeRx::new(Nowhere, Some(plan(StampFault::Missing)));
    let mut seen = Vec::new();
    rx.poll(Interest::Ticks, 6, |frame| seen.push(frame.meta.hw.is_some())).unwrap();
    assert_eq!(seen, [true, true, false, true, true, false]);
}

#[test]
fn without_a_plan_the_lanes_own_stamps_pass() {
    let mut tx = FakeTx::new(Nowhere, None);
    assert_eq!(tx.send_stamped(Flow::Ticks, 1, |_| ()).unwrap(), TxToken(0));
    let mut rx = FakeRx::new(Nowhere, None);
    rx.poll(Interest::Ticks, 1, |frame| assert_eq!(frame.meta.hw, None)).unwrap();
}
