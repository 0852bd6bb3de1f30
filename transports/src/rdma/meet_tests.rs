use std::net::Ipv4Addr;

use super::*;

fn hello(queue: u32) -> Hello {
    Hello {
        version: "1".to_owned(),
        operation: Operation::Ud,
        connect: Connect::Exchange,
        gid: [7; 16],
        mtu: 4096,
        streams: [StreamEnd { queue, address: u64::MAX, ..StreamEnd::default() }; 3],
    }
}

/// Both ends, as they are after they have met.
fn met(place: &Place) -> (Connection, Connection) {
    let end = |role, own: &Hello, other: &Hello| {
        let mut meeting = Meeting::at(place, role, Nanos::SECOND * 10)?;
        assert_eq!(&meeting.exchange(own)?, other);
        meeting.settle()
    };
    thread::scope(|s| {
        let trader = s.spawn(|| end(Role::Trader, &hello(1), &hello(2)));
        let exchange = end(Role::Exchange, &hello(2), &hello(1)).unwrap();
        (exchange, trader.join().unwrap().unwrap())
    })
}

/// A port that nobody listens at.
fn free_port() -> SocketAddrV4 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port())
}

fn wait_until_gone(connection: &Connection) -> io::Error {
    loop {
        if let Some(gone) = connection.gone() {
            return gone;
        }
        thread::yield_now();
    }
}

#[test]
fn ends_that_have_met_know_each_other_and_notice_when_one_goes() {
    let dir = tempfile::tempdir().unwrap();
    for place in [Place::Folder(dir.path().join("rdma.sock")), Place::Address(free_port())] {
        let (exchange, trader) = met(&place);
        assert!(exchange.gone().is_none() && trader.gone().is_none());
        drop(trader);
        assert_eq!(wait_until_gone(&exchange).kind(), io::ErrorKind::ConnectionAborted);
        // And again, with what the first meeting has left.
        let (exchange, trader) = met(&place);
        drop(exchange);
        wait_until_gone(&trader);
    }
}

#[test]
fn who_finds_nobody_gives_up_in_time_and_says_where_it_looked() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::Folder(dir.path().join("rdma.sock"));
    for role in [Role::Trader, Role::Exchange] {
        let e = Meeting::at(&place, role, Nanos::MILLI * 5).map(drop).unwrap_err();
        assert!(e.kind() == io::ErrorKind::TimedOut && e.to_string().contains("rdma.sock"), "{e}");
    }
}

#[test]
fn an_end_that_closes_or_says_something_else_is_an_error() {
    let address = free_port();
    let says = |words: &'static [u8]| {
        thread::scope(|s| {
            s.spawn(move || {
                let mut other = by_tcp(address, Role::Trader, Instant::now() + Duration::from_secs(10)).unwrap();
                other.write_all(words).unwrap();
            });
            let mut meeting = Meeting::at(&Place::Address(address), Role::Exchange, Nanos::SECOND * 10).unwrap();
            meeting.exchange(&hello(1)).unwrap_err()
        })
    };
    assert_eq!(says(b"").kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(says(b"{\"gid\": 3}\n").kind(), io::ErrorKind::InvalidData);
}

#[test]
fn ends_of_different_lanes_are_refused_with_what_differs() {
    let other = Hello { operation: Operation::RcSend, ..hello(1) };
    let text = hello(2).check(&other).unwrap_err().to_string();
    assert!(text.contains("RcSend") && text.contains("Ud"), "{text}");
    assert!(hello(2).check(&hello(1)).is_ok());
}

#[test]
fn ends_on_two_hosts_need_an_address_to_meet_at_and_those_on_one_do_not() {
    let address = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 26480);
    let link = |same_host| {
        serde_json::from_value::<Link>(serde_json::json!({
            "exchange_interface": "e", "trader_interface": "t", "ticks": "239.1.1.1:1", "orders": "10.77.0.1:2",
            "trader": "10.77.0.2:3", "is_virtual": true, "exchange_mac": [0, 0, 0, 0, 0, 0], "trader_mac": [0, 0, 0, 0, 0, 0],
            "meeting": "/run/x", "same_host": same_host, "packets_in_a_stall": 1, "connect_timeout": 1,
        }))
        .unwrap()
    };
    assert_eq!(Place::of(&link(true), Some(address)), Ok(Place::Folder("/run/x/rdma.sock".into())));
    assert_eq!(Place::of(&link(false), Some(address)), Ok(Place::Address(address)));
    assert!(Place::of(&link(false), None).unwrap_err().how.contains("control = "));
}
