//! On the loopback, which has the kernel's stamps both ways.

use std::{
    collections::BTreeMap,
    io::Read,
    net::{TcpListener, TcpStream, UdpSocket},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use tickcert_results::stamp::Stamp;

use super::*;
use crate::api::{RxMeta, TxToken};

const SOFTWARE: EndStamping = EndStamping { clock: None, transmit: false, receive: false };

fn pair() -> (UdpSocket, UdpSocket) {
    let [here, there] = [(), ()].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    here.connect(there.local_addr().unwrap()).unwrap();
    there.connect(here.local_addr().unwrap()).unwrap();
    (here, there)
}

/// Takes stamps until there are so many frames that have one.
fn take(stamper: &mut Stamper, socket: &impl AsRawFd, frames: usize) -> BTreeMap<TxToken, Vec<Stamp>> {
    let mut all: BTreeMap<TxToken, Vec<Stamp>> = BTreeMap::new();
    let until = Instant::now() + Duration::from_secs(10);
    while all.len() < frames && Instant::now() < until {
        stamper.take(socket.as_raw_fd(), |frame, stamp| all.entry(frame).or_default().push(stamp));
    }
    all
}

fn facts(stamper: &Stamper) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    stamper.facts(&mut |name, value| all.push((name, value)));
    all
}

fn receive(received: &mut Received, socket: &impl AsRawFd) -> RxMeta {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match received.receive(socket.as_raw_fd(), &mut [0; 100]) {
            Ok((_, meta)) => return meta,
            Err(_) if Instant::now() < until => {}
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn each_datagram_has_a_stamp_of_its_own_by_its_name_and_it_lies_before_its_arrival() {
    let (here, there) = pair();
    let mut stamper = send_datagrams(&here, SOFTWARE).unwrap();
    let mut received = receive_at(&there);
    let mut arrivals = BTreeMap::new();
    // Names that are not the kernel's numbers.
    for frame in (0..100).map(|n| TxToken(n * 7 + 3)) {
        here.send(&[0; 50]).unwrap();
        stamper.datagram(frame);
        let meta = receive(&mut received, &there);
        arrivals.insert(frame, meta.kernel.unwrap());
        assert_eq!(meta.hw, None);
    }
    let left = take(&mut stamper, &here, 100);
    assert_eq!(left.len(), 100);
    for (frame, stamps) in left {
        assert_eq!(stamps.len(), 1, "{frame:?}");
        assert!(stamps[0].at <= arrivals[&frame].at && stamps[0].clock == StampClock::Kernel, "{frame:?}");
    }
    assert_eq!(facts(&stamper), []);
}

/// The kernel begins to stamp what arrives a moment after the first socket has asked for it: when this returns, it has.
fn receive_at(socket: &UdpSocket) -> Received {
    let received = super::receive(socket, SOFTWARE).unwrap();
    let (here, there) = pair();
    let mut first = super::receive(&there, SOFTWARE).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        here.send(&[0; 50]).unwrap();
        if receive(&mut first, &there).kernel.is_some() {
            return received;
        }
        assert!(Instant::now() < until, "the kernel stamps nothing that arrives");
    }
}

#[test]
fn a_stamp_of_a_frame_that_nobody_named_is_counted_and_after_a_refusal_none_is_anybodys() {
    let (here, _there) = pair();
    let mut stamper = send_datagrams(&here, SOFTWARE).unwrap();
    here.send(&[0; 50]).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while facts(&stamper).is_empty() && Instant::now() < until {
        assert!(take(&mut stamper, &here, 0).is_empty());
        stamper.take(here.as_raw_fd(), |frame, _| panic!("{frame:?}"));
    }
    assert_eq!(facts(&stamper), [(crate::api::STAMPS_OF_NOBODY, "1".to_owned())]);
    stamper.refused();
    here.send(&[0; 50]).unwrap();
    stamper.datagram(TxToken(1));
    while facts(&stamper)[0].1 == "1" && Instant::now() < until {
        stamper.take(here.as_raw_fd(), |frame, _| panic!("{frame:?}"));
    }
    assert!(facts(&stamper).iter().any(|(name, _)| *name == "transmit_stamps_given_up"));
}

fn stream() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (there, _) = listener.accept().unwrap();
    here.set_nodelay(true).unwrap();
    (here, there)
}

/// Writes orders, by name, each of another length.
fn write(here: &TcpStream, stamper: &mut Stamper, orders: u32, mut after: impl FnMut(usize)) {
    use std::io::Write;
    let mut sent = 0_u32;
    for order in 0..orders {
        let len = 40 + order as usize % 13;
        { here }.write_all(&vec![0; len]).unwrap();
        sent += u32::try_from(len).unwrap();
        stamper.bytes(sent, TxToken(order));
        after(len);
    }
}

#[test]
fn an_order_on_a_stream_is_named_by_its_last_byte_and_comes_with_a_stamp_there() {
    let (_here, there) = pair();
    let _stamping = receive_at(&there);
    let (here, mut there) = stream();
    let mut stamper = send_bytes(&here, SOFTWARE).unwrap();
    write(&here, &mut stamper, 50, |len| there.read_exact(&mut vec![0; len]).unwrap());
    let left = take(&mut stamper, &here, 50);
    let mut last = None;
    for (frame, stamps) in &left {
        assert!(last < Some(stamps[0].at), "{frame:?}");
        last = Some(stamps[0].at);
    }
    assert_eq!(left.len(), 50);

    let mut received = super::receive(&there, SOFTWARE).unwrap();
    write(&here, &mut stamper, 1, |_| {});
    assert!(receive(&mut received, &there).kernel.is_some());
}

#[test]
fn orders_that_share_a_segment_have_one_stamp_and_it_is_the_last_ones() {
    let (here, mut there) = stream();
    let mut stamper = send_bytes(&here, SOFTWARE).unwrap();
    socket2::SockRef::from(&here).set_tcp_cork(true).unwrap();
    let mut bytes = 0;
    write(&here, &mut stamper, 5, |len| bytes += len);
    socket2::SockRef::from(&here).set_tcp_cork(false).unwrap();
    there.read_exact(&mut vec![0; bytes]).unwrap();
    let left = take(&mut stamper, &here, 1);
    assert_eq!(left.keys().collect::<Vec<_>>(), [&TxToken(4)], "{left:?}");
}
