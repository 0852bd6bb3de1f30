//! What every lane must do, whichever it is.

use std::{
    io,
    time::{Duration, Instant},
};

use tickcert_transports::api::{Flow, Interest, Rx, Transport, Tx, TxError};

use crate::bursts::{
    after_more_ticks_than_fit_what_came_is_whole_and_in_order_and_the_lane_lives_on,
    more_frames_than_a_ring_holds_arrive_whole_and_in_order_if_they_are_read_along,
};

/// The exchange's and the trader's end of a lane, opened.
pub(crate) struct Ends<T: Transport> {
    pub(crate) exchange: (T::Rx, T::Tx),
    pub(crate) trader: (T::Rx, T::Tx),
}

/// One claim: its name is what must hold.
pub(crate) struct Claim {
    pub(crate) name: &'static str,
    at: usize,
}

/// Declares the claims: their list, and the choice among them for a lane known at compile time.
macro_rules! claims {
    ($($claim:ident),+ $(,)?) => {
        /// Every claim.
        pub(crate) fn all() -> Vec<Claim> {
            [$(stringify!($claim)),+].into_iter().enumerate().map(|(at, name)| Claim { name, at }).collect()
        }

        impl Claim {
            /// Tests it; panics where it doesn't hold.
            pub(crate) fn test<T: Transport>(&self, ends: &mut Ends<T>) {
                let tests: &[fn(&mut Ends<T>)] = &[$($claim::<T>),+];
                tests[self.at](ends);
            }
        }
    };
}

claims! {
    ticks_arrive_whole_and_in_order,
    orders_cross_both_ways_without_loss_of_a_byte,
    nothing_waiting_is_no_error,
    no_more_frames_than_the_budget_are_handed_over,
    a_reply_may_be_sent_from_inside_poll,
    each_flow_is_handed_over_only_to_who_asks_for_it,
    a_frame_too_long_is_refused_and_the_lane_lives_on,
    more_frames_than_a_ring_holds_arrive_whole_and_in_order_if_they_are_read_along,
    after_more_ticks_than_fit_what_came_is_whole_and_in_order_and_the_lane_lives_on,
    a_reader_that_stopped_fills_the_lane_or_loses_but_never_blocks,
}

/// Sends one frame, as soon as there is room.
pub(crate) fn put(tx: &mut impl Tx, flow: Flow, len: usize, fill: impl Fn(&mut [u8])) {
    taken(|| tx.send(flow, len, &fill).map(drop));
}

pub(crate) fn flush(tx: &mut impl Tx) {
    taken(|| tx.flush());
}

/// Tries until there is room; fails after five seconds.
fn taken(mut attempt: impl FnMut() -> Result<(), TxError>) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while let Err(e) = attempt() {
        assert!(matches!(e, TxError::Full), "{e}");
        assert!(Instant::now() < deadline, "there was no room for five seconds");
    }
}

/// Polls until `enough` says so; fails after five seconds.
fn until(rx: &mut impl Rx, interest: Interest, mut enough: impl FnMut(Flow, &[u8]) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut done = false;
    while !done {
        assert!(Instant::now() < deadline, "nothing more came within five seconds");
        rx.poll(interest, 16, |frame| done |= enough(frame.flow, frame.bytes)).unwrap();
    }
}

fn ticks_arrive_whole_and_in_order<T: Transport>(ends: &mut Ends<T>) {
    let sizes = [1_usize, 41, 58, 72, 512, 1472];
    for (n, len) in sizes.iter().enumerate() {
        let fill = u8::try_from(n).unwrap();
        put(&mut ends.exchange.1, Flow::Ticks, *len, |frame| frame.fill(fill));
    }
    flush(&mut ends.exchange.1);
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

fn orders_cross_both_ways_without_loss_of_a_byte<T: Transport>(ends: &mut Ends<T>) {
    let (exchange, trader) = (&mut ends.exchange, &mut ends.trader);
    for n in 0..50_u8 {
        put(&mut trader.1, Flow::Orders, 50, |frame| frame.fill(n));
        flush(&mut trader.1);
    }
    let mut bytes_in = Vec::new();
    until(&mut exchange.0, Interest::Orders, |_, bytes| {
        bytes_in.extend_from_slice(bytes);
        bytes_in.len() == 50 * 50
    });
    assert!(bytes_in.chunks(50).enumerate().all(|(n, c)| c.iter().all(|b| usize::from(*b) == n)));
    put(&mut exchange.1, Flow::Orders, 67, |frame| frame.fill(9));
    flush(&mut exchange.1);
    let mut answer = 0;
    until(&mut trader.0, Interest::Orders, |flow, bytes| {
        assert_eq!(flow, Flow::Orders);
        answer += bytes.len();
        answer == 67
    });
}

fn nothing_waiting_is_no_error<T: Transport>(ends: &mut Ends<T>) {
    for interest in [Interest::Ticks, Interest::Orders] {
        assert_eq!(ends.trader.0.poll(interest, 8, |_| panic!("nothing was sent")).unwrap(), 0);
        assert_eq!(ends.exchange.0.poll(interest, 8, |_| panic!("nothing was sent")).unwrap(), 0);
    }
}

fn no_more_frames_than_the_budget_are_handed_over<T: Transport>(ends: &mut Ends<T>) {
    for _ in 0..5 {
        put(&mut ends.exchange.1, Flow::Ticks, 20, |frame| frame.fill(1));
    }
    flush(&mut ends.exchange.1);
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

fn a_reply_may_be_sent_from_inside_poll<T: Transport>(ends: &mut Ends<T>) {
    put(&mut ends.exchange.1, Flow::Ticks, 30, |frame| frame.fill(3));
    flush(&mut ends.exchange.1);
    let (rx, tx) = (&mut ends.trader.0, &mut ends.trader.1);
    until(rx, Interest::Ticks, |_, bytes| {
        put(tx, Flow::Orders, bytes.len(), |frame| frame.copy_from_slice(bytes));
        flush(tx);
        true
    });
    until(&mut ends.exchange.0, Interest::Orders, |_, bytes| {
        assert_eq!(bytes, [3; 30]);
        true
    });
}

fn a_frame_too_long_is_refused_and_the_lane_lives_on<T: Transport>(ends: &mut Ends<T>) {
    let refused = ends.trader.1.send(Flow::Orders, 1 << 20, |_| ());
    assert!(matches!(refused, Err(TxError::Io(e)) if e.kind() == io::ErrorKind::InvalidInput));
    put(&mut ends.trader.1, Flow::Orders, 10, |frame| frame.fill(1));
    flush(&mut ends.trader.1);
    until(&mut ends.exchange.0, Interest::Orders, |_, bytes| bytes == [1; 10]);
}

fn a_reader_that_stopped_fills_the_lane_or_loses_but_never_blocks<T: Transport>(ends: &mut Ends<T>) {
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

fn each_flow_is_handed_over_only_to_who_asks_for_it<T: Transport>(ends: &mut Ends<T>) {
    let exchange = &mut ends.exchange;
    put(&mut exchange.1, Flow::Orders, 24, |frame| frame.fill(7));
    put(&mut exchange.1, Flow::Ticks, 40, |frame| frame.fill(3));
    flush(&mut exchange.1);
    until(&mut ends.trader.0, Interest::Ticks, |flow, bytes| {
        assert_eq!((flow, bytes), (Flow::Ticks, &[3; 40][..]));
        true
    });
    let mut answer = 0;
    until(&mut ends.trader.0, Interest::Orders, |flow, bytes| {
        assert!(flow == Flow::Orders && bytes.iter().all(|b| *b == 7));
        answer += bytes.len();
        answer == 24
    });
}
