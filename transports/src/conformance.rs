//! What every lane must do. [`suite!`] makes one test of each claim for each lane in the list, over the loopback
//! interface; a lane that this host can't run says so and is counted as skipped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use tickcert_results::time::Nanos;

use crate::api::{Flow, Interest, Link, Role, Rx, Transport, Tx, TxError};

/// The exchange's and the trader's end of a lane, opened.
pub(crate) struct Ends<T: Transport> {
    pub(crate) exchange: (T::Rx, T::Tx),
    pub(crate) trader: (T::Rx, T::Tx),
}

/// Ports that no other test of this process uses; other processes are avoided by the process id.
fn link() -> Link {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let n = NEXT.fetch_add(3, Ordering::Relaxed);
    let base = 20_000 + (u16::try_from(std::process::id() % 400).unwrap() * 90) + n;
    let at = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    Link {
        exchange_interface: "lo".into(),
        trader_interface: "lo".into(),
        ticks: at(base),
        orders: at(base + 1),
        trader: at(base + 2),
        is_virtual: true,
        receive_buffer: 1 << 20,
        connect_timeout: Nanos::SECOND * 5,
    }
}

/// Opens both ends, or says why not.
pub(crate) fn open<T: Transport>() -> Option<Ends<T>> {
    let config = T::Config::default();
    if let Err(unmet) = T::preflight(&config, true) {
        println!("SKIPPED: {}: {unmet}", T::NAME);
        return None;
    }
    let link = link();
    let (exchange, trader) = std::thread::scope(|scope| {
        let exchange = scope.spawn(|| T::open(&config, &link, Role::Exchange));
        let trader = T::open(&config, &link, Role::Trader);
        (exchange.join().unwrap(), trader)
    });
    Some(Ends { exchange: exchange.unwrap(), trader: trader.unwrap() })
}

/// Polls until `enough` says so; fails after five seconds.
pub(crate) fn until(rx: &mut impl Rx, interest: Interest, mut enough: impl FnMut(Flow, &[u8]) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut done = false;
    while !done {
        assert!(Instant::now() < deadline, "nothing more came within five seconds");
        rx.poll(interest, 16, |frame| done |= enough(frame.flow, frame.bytes)).unwrap();
    }
}

pub(crate) fn ticks_arrive_whole_and_in_order<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    let sizes = [1_usize, 41, 58, 72, 512, 1472];
    for (n, len) in sizes.iter().enumerate() {
        let fill = u8::try_from(n).unwrap();
        ends.exchange.1.send(Flow::Ticks, *len, |frame| frame.fill(fill)).unwrap();
    }
    ends.exchange.1.flush().unwrap();
    let mut got = Vec::new();
    until(&mut ends.trader.0, Interest::Ticks, |flow, bytes| {
        assert_eq!(flow, Flow::Ticks);
        got.push((bytes.len(), bytes[0], *bytes.last().unwrap()));
        got.len() == sizes.len()
    });
    let want: Vec<_> =
        sizes.iter().enumerate().map(|(n, len)| (*len, u8::try_from(n).unwrap(), u8::try_from(n).unwrap())).collect();
    assert_eq!(got, want);
}

pub(crate) fn orders_cross_both_ways_without_loss_of_a_byte<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    let (exchange, trader) = (&mut ends.exchange, &mut ends.trader);
    for n in 0..100_u8 {
        trader.1.send(Flow::Orders, 50, |frame| frame.fill(n)).unwrap();
        trader.1.flush().unwrap();
    }
    let mut bytes_in = Vec::new();
    until(&mut exchange.0, Interest::Orders, |_, bytes| {
        bytes_in.extend_from_slice(bytes);
        bytes_in.len() == 100 * 50
    });
    assert!(bytes_in.chunks(50).enumerate().all(|(n, c)| c.iter().all(|b| usize::from(*b) == n)));
    exchange.1.send(Flow::Orders, 67, |frame| frame.fill(9)).unwrap();
    exchange.1.flush().unwrap();
    let mut answer = 0;
    until(&mut trader.0, Interest::Orders, |flow, bytes| {
        assert_eq!(flow, Flow::Orders);
        answer += bytes.len();
        answer == 67
    });
}

pub(crate) fn nothing_waiting_is_no_error<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    for interest in [Interest::Ticks, Interest::Orders] {
        assert_eq!(ends.trader.0.poll(interest, 8, |_| panic!("nothing was sent")).unwrap(), 0);
        assert_eq!(ends.exchange.0.poll(interest, 8, |_| panic!("nothing was sent")).unwrap(), 0);
    }
}

pub(crate) fn no_more_frames_than_the_budget_are_handed_over<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    for _ in 0..5 {
        ends.exchange.1.send(Flow::Ticks, 20, |frame| frame.fill(1)).unwrap();
    }
    ends.exchange.1.flush().unwrap();
    let (mut total, deadline) = (0, Instant::now() + Duration::from_secs(5));
    while total < 5 {
        assert!(Instant::now() < deadline);
        let mut seen = 0;
        let said = ends.trader.0.poll(Interest::Ticks, 2, |_| seen += 1).unwrap();
        assert_eq!(seen, said);
        assert!(seen <= 2);
        total += seen;
    }
    assert_eq!(ends.trader.0.poll(Interest::Ticks, 0, |_| panic!("budget of none")).unwrap(), 0);
}

pub(crate) fn a_reply_may_be_sent_from_inside_poll<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    ends.exchange.1.send(Flow::Ticks, 30, |frame| frame.fill(3)).unwrap();
    ends.exchange.1.flush().unwrap();
    let (rx, tx) = (&mut ends.trader.0, &mut ends.trader.1);
    until(rx, Interest::Ticks, |_, bytes| {
        tx.send(Flow::Orders, bytes.len(), |frame| frame.copy_from_slice(bytes)).unwrap();
        tx.flush().unwrap();
        true
    });
    until(&mut ends.exchange.0, Interest::Orders, |_, bytes| {
        assert_eq!(bytes, [3; 30]);
        true
    });
}

pub(crate) fn a_frame_too_long_is_refused_and_the_lane_lives_on<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    let refused = ends.trader.1.send(Flow::Orders, 1 << 20, |_| ());
    assert!(matches!(refused, Err(TxError::Io(e)) if e.kind() == io::ErrorKind::InvalidInput));
    ends.trader.1.send(Flow::Orders, 10, |frame| frame.fill(1)).unwrap();
    ends.trader.1.flush().unwrap();
    until(&mut ends.exchange.0, Interest::Orders, |_, bytes| bytes == [1; 10]);
}

pub(crate) fn a_reader_that_stopped_fills_the_lane_or_loses_but_never_blocks<T: Transport>() {
    let Some(mut ends) = open::<T>() else { return };
    let deadline = Instant::now() + Duration::from_secs(5);
    for _ in 0..20_000 {
        assert!(Instant::now() < deadline, "a send waited for the reader");
        match ends.trader.1.send(Flow::Orders, 1000, |frame| frame.fill(5)) {
            Ok(_) => {}
            Err(TxError::Full) => return,
            Err(TxError::Io(e)) => panic!("{e}"),
        }
    }
}

pub(crate) fn the_same_ports_twice_are_refused_by_name<T: Transport>() {
    let config = T::Config::default();
    if T::preflight(&config, true).is_err() {
        return;
    }
    let link = link();
    let _held = (std::net::UdpSocket::bind(link.orders).unwrap(), std::net::TcpListener::bind(link.orders).unwrap());
    let Err(e) = T::open(&config, &link, Role::Exchange) else { panic!("took a port that was held") };
    let text = e.to_string();
    assert!(text.contains(&link.orders.port().to_string()) && text.contains("another program"), "{text}");
}

/// One test of each claim, in a module named after the lane.
macro_rules! suite {
    ($module:ident, $lane:ty) => {
        mod $module {
            crate::conformance::claims!($lane:
                ticks_arrive_whole_and_in_order,
                orders_cross_both_ways_without_loss_of_a_byte,
                nothing_waiting_is_no_error,
                no_more_frames_than_the_budget_are_handed_over,
                a_reply_may_be_sent_from_inside_poll,
                a_frame_too_long_is_refused_and_the_lane_lives_on,
                a_reader_that_stopped_fills_the_lane_or_loses_but_never_blocks,
                the_same_ports_twice_are_refused_by_name,
            );
        }
    };
}

macro_rules! claims {
    ($lane:ty: $($claim:ident),+ $(,)?) => {
        $(
            #[test]
            fn $claim() {
                crate::conformance::$claim::<$lane>();
            }
        )+
    };
}

pub(crate) use {claims, suite};
