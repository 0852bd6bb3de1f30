//! What every lane must do (`harness/tests/lanes/`), on both order channels, without a NIC.

use std::io;

use super::{
    DATAGRAM, Mischief,
    device::{RING, stamp_of},
    each_framing, ends, until,
};
use crate::api::{Flow, Interest, Rx, Tx, TxError};

#[test]
fn ticks_arrive_whole_and_in_order() {
    each_framing(|mut ends| {
        let sizes = [0_usize, 1, 17, 18, 19, 41, 58, 72, 511, 512, 1472];
        for (n, len) in (0_u8..).zip(sizes) {
            ends.exchange.1.send(Flow::Ticks, len, |frame| frame.fill(n)).unwrap();
        }
        ends.exchange.1.flush().unwrap();
        let mut got = Vec::new();
        until(&mut ends.trader.0, Interest::Ticks, |flow, bytes| {
            assert_eq!(flow, Flow::Ticks);
            got.push(bytes.to_vec());
            got.len() == sizes.len()
        });
        let want: Vec<_> = (0_u8..).zip(sizes).map(|(n, len)| vec![n; len]).collect();
        assert_eq!(got, want);
    });
}

#[test]
fn orders_cross_both_ways_without_loss_of_a_byte() {
    each_framing(|mut ends| {
        for n in 0..100_u8 {
            ends.trader.1.send(Flow::Orders, 50, |frame| frame.fill(n)).unwrap();
            ends.trader.1.flush().unwrap();
        }
        let mut came = Vec::new();
        until(&mut ends.exchange.0, Interest::Orders, |_, bytes| {
            came.extend_from_slice(bytes);
            came.len() == 100 * 50
        });
        assert!((0..100_u8).zip(came.chunks(50)).all(|(n, order)| order == [n; 50]));
        ends.exchange.1.send(Flow::Orders, 67, |frame| frame.fill(9)).unwrap();
        ends.exchange.1.flush().unwrap();
        let mut answer = Vec::new();
        until(&mut ends.trader.0, Interest::Orders, |flow, bytes| {
            assert_eq!(flow, Flow::Orders);
            answer.extend_from_slice(bytes);
            answer.len() == 67
        });
        assert_eq!(answer, [9; 67]);
    });
}

#[test]
fn nothing_waiting_is_no_error() {
    each_framing(|mut ends| {
        for interest in [Interest::Ticks, Interest::Orders] {
            for rx in [&mut ends.trader.0, &mut ends.exchange.0] {
                assert_eq!(rx.poll(interest, 8, |_| panic!("nothing was sent")).unwrap(), 0);
            }
        }
    });
}

#[test]
fn no_more_frames_than_the_budget_are_handed_over() {
    each_framing(|mut ends| {
        for n in 0..5_u8 {
            ends.exchange.1.send(Flow::Ticks, 20, |frame| frame.fill(n)).unwrap();
        }
        ends.exchange.1.flush().unwrap();
        // Some come by way of what is kept while orders are asked for.
        ends.trader.0.poll(Interest::Orders, 1, |_| panic!("no orders were sent")).unwrap();
        let mut got = Vec::new();
        while got.len() < 5 {
            let before = got.len();
            let said = ends.trader.0.poll(Interest::Ticks, 2, |frame| got.push(frame.bytes[0])).unwrap();
            assert_eq!(got.len() - before, usize::try_from(said).unwrap());
            assert!((1..=2).contains(&said));
        }
        assert_eq!(got, [0, 1, 2, 3, 4]);
        assert_eq!(ends.trader.0.poll(Interest::Ticks, 0, |_| panic!("budget of none")).unwrap(), 0);
        assert_eq!(ends.trader.0.poll(Interest::Orders, 0, |_| panic!("budget of none")).unwrap(), 0);
    });
}

#[test]
fn a_reply_may_be_sent_from_inside_poll() {
    each_framing(|mut ends| {
        ends.exchange.1.send(Flow::Ticks, 30, |frame| frame.fill(3)).unwrap();
        ends.exchange.1.flush().unwrap();
        let (rx, tx) = (&mut ends.trader.0, &mut ends.trader.1);
        until(rx, Interest::Ticks, |_, bytes| {
            tx.send(Flow::Orders, bytes.len(), |frame| frame.copy_from_slice(bytes)).unwrap();
            tx.flush().unwrap();
            true
        });
        // And from inside a poll for orders, where the connection itself has just been looked at.
        let (rx, tx) = (&mut ends.exchange.0, &mut ends.exchange.1);
        until(rx, Interest::Orders, |_, bytes| {
            assert_eq!(bytes, [3; 30]);
            tx.send(Flow::Orders, 10, |frame| frame.fill(4)).unwrap();
            tx.flush().unwrap();
            true
        });
        until(&mut ends.trader.0, Interest::Orders, |_, bytes| bytes == [4; 10]);
    });
}

#[test]
fn each_flow_is_handed_over_only_to_who_asks_for_it() {
    each_framing(|mut ends| {
        let exchange = &mut ends.exchange;
        for n in 0..20_u8 {
            exchange.1.send(Flow::Orders, 24, |frame| frame.fill(n)).unwrap();
            exchange.1.send(Flow::Ticks, 40, |frame| frame.fill(n)).unwrap();
        }
        exchange.1.flush().unwrap();
        let (mut ticks, mut answers) = (Vec::new(), Vec::new());
        until(&mut ends.trader.0, Interest::Orders, |flow, bytes| {
            assert_eq!(flow, Flow::Orders);
            answers.extend_from_slice(bytes);
            answers.len() >= 5 * 24
        });
        until(&mut ends.trader.0, Interest::Ticks, |flow, bytes| {
            assert_eq!((flow, bytes.len()), (Flow::Ticks, 40));
            ticks.push(bytes[0]);
            ticks.len() == 20
        });
        if answers.len() < 20 * 24 {
            until(&mut ends.trader.0, Interest::Orders, |_, bytes| {
                answers.extend_from_slice(bytes);
                answers.len() == 20 * 24
            });
        }
        assert!((0..20_u8).eq(ticks));
        assert!((0..20_u8).zip(answers.chunks(24)).all(|(n, answer)| answer == [n; 24]));
    });
}

#[test]
fn a_frame_too_long_is_refused_and_the_lane_lives_on() {
    each_framing(|mut ends| {
        for (flow, len) in [(Flow::Orders, 1 << 20), (Flow::Orders, 1473)] {
            let refused = ends.trader.1.send(flow, len, |_| panic!("there is no room for it"));
            assert!(matches!(refused, Err(TxError::Io(e)) if e.kind() == io::ErrorKind::InvalidInput));
        }
        ends.trader.1.send(Flow::Orders, 10, |frame| frame.fill(1)).unwrap();
        ends.trader.1.flush().unwrap();
        until(&mut ends.exchange.0, Interest::Orders, |_, bytes| bytes == [1; 10]);
    });
}

#[test]
fn only_the_exchange_sends_ticks() {
    each_framing(|mut ends| {
        let refused = ends.trader.1.send(Flow::Ticks, 10, |_| panic!("it has nowhere to go"));
        assert!(matches!(refused, Err(TxError::Io(e)) if e.kind() == io::ErrorKind::Unsupported));
    });
}

#[test]
fn a_reader_that_stopped_fills_the_lane_and_never_blocks_or_tears_an_order() {
    each_framing(|mut ends| {
        let mut sent = 0;
        while ends.trader.1.send(Flow::Orders, 1000, |frame| frame.fill(5)).is_ok() {
            let _ = ends.trader.1.flush();
            sent += 1;
            assert!(sent <= RING, "a ring of {RING} took {sent} frames");
        }
        assert!(matches!(ends.trader.1.send(Flow::Orders, 1000, |_| ()), Err(TxError::Full)));
        let mut came = 0;
        let (exchange, trader) = (&mut ends.exchange, &mut ends.trader);
        super::patiently(|| {
            let _ = trader.1.flush();
            trader.0.poll(Interest::Orders, 8, |_| panic!("nothing was answered")).unwrap();
            exchange.0.poll(Interest::Orders, 8, |frame| came += frame.bytes.len()).unwrap();
            came == sent * 1000
        });
    });
}

#[test]
fn frames_that_overtake_each_other_are_handed_over_as_they_come() {
    let mut ends = ends(DATAGRAM, Mischief { swap: 2, ..Mischief::default() });
    for n in 0..4_u8 {
        ends.exchange.1.send(Flow::Ticks, 20, |frame| frame.fill(n)).unwrap();
    }
    ends.exchange.1.flush().unwrap();
    let mut got = Vec::new();
    ends.trader.0.poll(Interest::Ticks, 8, |frame| got.push(frame.bytes[0])).unwrap();
    assert_eq!(got, [1, 0, 3, 2]);
}

/// Others come too: of what TCP has to say for itself.
#[test]
fn each_sent_frames_stamp_comes_once_and_by_the_name_that_send_gave_it() {
    each_framing(|mut ends| {
        let tx = &mut ends.exchange.1;
        let mut sent = Vec::new();
        for flow in [Flow::Ticks, Flow::Orders, Flow::Ticks, Flow::Orders] {
            sent.push(tx.send(flow, 30, |frame| frame.fill(1)).unwrap());
            tx.flush().unwrap();
        }
        let mut stamps = Vec::new();
        tx.stamps(|name, at| stamps.push((name, at)));
        for name in sent {
            let its = stamps.iter().filter(|(of, _)| *of == name).map(|(_, at)| *at);
            assert!(its.eq([stamp_of(name)]), "{name:?}: {stamps:?}");
        }
        tx.stamps(|name, _| panic!("{name:?} has its stamp already"));
    });
}
