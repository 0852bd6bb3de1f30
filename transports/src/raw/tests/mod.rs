//! The layer as a whole, over a device that is only memory.

mod claims;
mod device;
mod frames;
mod noise;
mod stream;

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    thread,
    time::{Duration, Instant},
};

use tickcert_results::{certificate::OrderChannel, time::Nanos};

use self::device::{Memory, Mischief};
use super::{Framing, RawRx, RawTx};
use crate::api::{Flow, Interest, Link, OpenError, Role, Rx, SoftRdma};

/// One end, opened.
type End = (RawRx<Memory>, RawTx<Memory>);

/// Both ends, and the wire between them.
struct Ends {
    exchange: End,
    trader: End,
    wire: Memory,
}

pub(crate) fn link() -> Link {
    let (exchange, trader) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    Link {
        exchange_interface: "exchange".to_owned(),
        trader_interface: "trader".to_owned(),
        ticks: SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477),
        orders: SocketAddrV4::new(exchange, 26_400),
        trader: SocketAddrV4::new(trader, 26_401),
        is_virtual: true,
        exchange_mac: [2, 0, 0, 0, 0, 1],
        trader_mac: [0; 6],
        meeting: std::env::temp_dir(),
        same_host: true,
        packets_in_a_stall: 400,
        connect_timeout: Nanos(20_000_000_000),
        stamping: None,
        soft_rdma: SoftRdma::NotMade,
    }
}

fn open(wire: &Memory, framing: Framing, link: &Link, role: Role) -> Result<End, OpenError> {
    super::open::<Memory>(wire, framing, link, role)
}

/// Both ends over a new wire. Each waits for the other, so one opens in a thread of its own.
fn ends(framing: Framing, mischief: Mischief) -> Ends {
    let (wire, link) = (Memory::new(mischief), link());
    let (exchange, trader) = thread::scope(|scope| {
        let exchange = scope.spawn(|| open(&wire, framing, &link, Role::Exchange));
        let trader = open(&wire, framing, &link, Role::Trader);
        (exchange.join().unwrap().unwrap(), trader.unwrap())
    });
    Ends { exchange, trader, wire }
}

const DATAGRAM: Framing = Framing { vlan: None, orders: OrderChannel::Datagram };
const TCP: Framing = Framing { vlan: None, orders: OrderChannel::Tcp };

/// On both order channels, with a VLAN and without.
fn each_framing(claim: impl Fn(Ends)) {
    for orders in [OrderChannel::Datagram, OrderChannel::Tcp] {
        for vlan in [None, Some(7)] {
            claim(ends(Framing { vlan, orders }, Mischief::default()));
        }
    }
}

/// Polls until `enough` says so; fails after a minute.
fn until(rx: &mut impl Rx, interest: Interest, mut enough: impl FnMut(Flow, &[u8]) -> bool) {
    let mut done = false;
    patiently(|| {
        rx.poll(interest, 16, |frame| done |= enough(frame.flow, frame.bytes)).unwrap();
        done
    });
}

/// Repeats `step` until it says that it is done; fails after a minute.
fn patiently(mut step: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !step() {
        assert!(Instant::now() < deadline, "nothing more came within a minute");
        thread::yield_now();
    }
}

#[test]
fn a_vlan_out_of_range_is_refused() {
    for vlan in [0, 4095] {
        let refused =
            open(&Memory::new(Mischief::default()), Framing { vlan: Some(vlan), ..DATAGRAM }, &link(), Role::Trader);
        let Err(OpenError::Io(e)) = refused else { panic!("{vlan} was taken") };
        assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
    }
}
