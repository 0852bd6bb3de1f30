//! What TCP adds: nothing is lost, whatever the wire does.

use std::io;

use super::{DATAGRAM, Ends, Mischief, TCP, device::Memory, ends, link, open, patiently, until};
use crate::api::{Flow, Interest, Link, OpenError, Role, Rx, Segments, Tx, TxError};
use tickcert_results::time::Nanos;

/// Orders one way and an answer to each the other, all numbered, until all have come.
fn trade(ends: &mut Ends, orders: u32) {
    const LEN: usize = 48;
    let (exchange, trader) = (&mut ends.exchange, &mut ends.trader);
    let (mut sent, mut answered, mut came, mut back) = (0, 0, Vec::new(), Vec::new());
    let put = |tx: &mut super::RawTx<Memory>, n: u32| match tx.send(Flow::Orders, LEN, |out| {
        out.fill(0);
        out[..4].copy_from_slice(&n.to_be_bytes());
    }) {
        Ok(_) => {
            let _ = tx.flush();
            1
        }
        Err(TxError::Full) => 0,
        Err(e) => panic!("{e}"),
    };
    patiently(|| {
        if sent < orders {
            sent += put(&mut trader.1, sent);
        }
        exchange.0.poll(Interest::Orders, 4, |frame| came.extend_from_slice(frame.bytes)).unwrap();
        if usize::try_from(answered).unwrap() < came.len() / LEN {
            answered += put(&mut exchange.1, answered);
        }
        trader.0.poll(Interest::Orders, 4, |frame| back.extend_from_slice(frame.bytes)).unwrap();
        back.len() == usize::try_from(orders).unwrap() * LEN
    });
    for stream in [came, back] {
        let numbers = stream.chunks(LEN).map(|order| u32::from_be_bytes(order[..4].try_into().unwrap()));
        assert!(numbers.eq(0..orders));
    }
}

#[test]
fn lost_segments_are_sent_again() {
    trade(&mut ends(TCP, Mischief { lose: 31, swap: 0 }), 300);
}

#[test]
fn segments_that_overtake_each_other_are_put_in_order() {
    trade(&mut ends(TCP, Mischief { lose: 0, swap: 3 }), 2000);
}

#[test]
fn each_write_is_a_segment_of_its_own() {
    let mut ends = ends(TCP, Mischief::default());
    trade(&mut ends, 500);
    for end in [&ends.exchange, &ends.trader] {
        assert_eq!(end.1.segments(), Some(Segments { writes: 500, segments: 500 }));
    }
    assert_eq!(super::ends(DATAGRAM, Mischief::default()).trader.1.segments(), None);
}

#[test]
fn a_segment_that_finds_the_device_full_leaves_when_there_is_room() {
    let mut ends = ends(TCP, Mischief::default());
    let tx = &mut ends.exchange.1;
    let mut ticks = 0;
    while tx.send(Flow::Ticks, 20, |frame| frame.fill(1)).is_ok() {
        ticks += 1;
    }
    tx.send(Flow::Orders, 30, |frame| frame.fill(2)).unwrap();
    assert!(matches!(tx.flush(), Err(TxError::Full)));
    assert!(matches!(tx.send(Flow::Orders, 30, |_| panic!("there is no room")), Err(TxError::Full)));
    until(&mut ends.trader.0, Interest::Ticks, |_, _| {
        ticks -= 1;
        ticks == 0
    });
    tx.flush().unwrap();
    // At once, and not after a retransmission: one look finds it.
    let mut answer = Vec::new();
    ends.trader.0.poll(Interest::Orders, 4, |frame| answer.extend_from_slice(frame.bytes)).unwrap();
    assert_eq!(answer, [2; 30]);
}

#[test]
fn an_end_that_goes_is_told_to_the_other_after_its_last_byte() {
    let Ends { exchange, mut trader, wire: _ } = ends(TCP, Mischief::default());
    let (mut exchange_rx, mut exchange_tx) = exchange;
    trader.1.send(Flow::Orders, 40, |frame| frame.fill(6)).unwrap();
    trader.1.flush().unwrap();
    drop(trader);
    let (mut came, mut end) = (0, None);
    patiently(|| {
        end = exchange_rx.poll(Interest::Orders, 4, |frame| came += frame.bytes.len()).err();
        end.is_some()
    });
    let end = end.unwrap();
    assert_eq!((came, end.kind()), (40, io::ErrorKind::ConnectionAborted));
    assert!(end.to_string().contains("closed the order stream"), "{end}");
    // Nobody is there to answer, but that is found out only by trying.
    assert!(exchange_tx.send(Flow::Orders, 10, |_| ()).is_ok());
}

#[test]
fn nobody_at_the_other_end_is_an_error_that_says_so() {
    for role in [Role::Exchange, Role::Trader] {
        let link = Link { connect_timeout: Nanos(50_000_000), ..link() };
        let nobody = open(&Memory::new(Mischief::default()), TCP, &link, role);
        let Err(OpenError::Io(e)) = nobody else { panic!("somebody was there") };
        assert_eq!(e.kind(), io::ErrorKind::TimedOut);
        assert!(e.to_string().contains("end early"), "{e}");
    }
}

#[test]
fn an_end_that_comes_late_is_still_found() {
    let (wire, link) = (Memory::new(Mischief::default()), link());
    std::thread::scope(|scope| {
        let trader = scope.spawn(|| open(&wire, TCP, &link, Role::Trader));
        // The trader has begun, and begun again, before anybody listens.
        let mut attempts = 0;
        patiently(|| {
            attempts += usize::from(wire.intercept(Role::Exchange).is_some());
            attempts == 5
        });
        let exchange = open(&wire, TCP, &link, Role::Exchange).unwrap();
        let mut ends = Ends { exchange, trader: trader.join().unwrap().unwrap(), wire: wire.clone() };
        trade(&mut ends, 20);
    });
}
