//! Both ends of the order session over a real TCP connection on loopback.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Instant,
};

use tickcert_results::time::Nanos;
use tickcert_scenarios::{
    feed::itch::{Price4, Side, Stock},
    order_entry::{
        Order, OrderSettings, OrderTemplate,
        ouch::ServerMessage,
        session::{
            ClientEvent, ClientSession, CloseReason, Credentials, ServerConfig, ServerEvent, ServerSession, Timers,
        },
    },
};

const ORDERS: u32 = 1_000;

fn since(start: Instant) -> Nanos {
    Nanos(u64::try_from(start.elapsed().as_nanos()).unwrap())
}

/// Serves connections until one logs out; returns the orders seen and the events.
fn serve(listener: &TcpListener) -> (Vec<Vec<u8>>, Vec<ServerEvent>) {
    let start = Instant::now();
    let credentials = Credentials::new("trader", "secret").unwrap();
    let mut server = ServerSession::new(&ServerConfig::new(credentials)).unwrap();
    let (mut orders, mut events) = (Vec::new(), Vec::new());
    while events.last() != Some(&ServerEvent::Closed(CloseReason::LoggedOut)) {
        let (mut stream, _) = listener.accept().unwrap();
        server.connected(since(start));
        let mut bytes = [0; 700];
        let mut answers = Vec::new();
        loop {
            let length = match stream.read(&mut bytes) {
                Ok(length) => length,
                Err(e) if e.kind() == ErrorKind::ConnectionReset => 0,
                Err(e) => panic!("{e}"),
            };
            if length == 0 {
                server.disconnected(|event| events.push(event));
                break;
            }
            server.receive(
                since(start),
                &bytes[..length],
                |bytes| answers.extend_from_slice(bytes),
                |order| orders.push(order.to_vec()),
                |event| events.push(event),
            );
            server.pump(since(start), usize::MAX, |bytes| {
                answers.extend_from_slice(bytes);
            });
            if stream.write_all(&answers).is_err() {
                // The client is gone; the next read says so.
            }
            answers.clear();
            if matches!(events.last(), Some(ServerEvent::Closed(_))) {
                break;
            }
        }
    }
    (orders, events)
}

/// Reads until `done` of what the client has heard, which `on_event` is told.
fn listen(
    client: &mut ClientSession,
    stream: &mut TcpStream,
    start: Instant,
    mut on_event: impl FnMut(ClientEvent<'_>),
    mut done: impl FnMut(&ClientSession) -> bool,
) {
    let mut bytes = [0; 999];
    while !done(client) {
        let length = stream.read(&mut bytes).unwrap();
        assert!(length > 0, "the server has closed");
        client.receive(since(start), &bytes[..length], &mut on_event);
    }
}

#[test]
fn a_thousand_orders_over_two_connections_are_each_accepted_once_and_a_wrong_login_is_turned_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || serve(&listener));
    let start = Instant::now();

    let mut stranger = ClientSession::new(Credentials::new("trader", "guess").unwrap(), Timers::default());
    let mut stream = TcpStream::connect(address).unwrap();
    stranger.connected(since(start), |bytes| stream.write_all(bytes).unwrap());
    let mut turned_away = false;
    let mut bytes = [0; 64];
    while !turned_away {
        let length = stream.read(&mut bytes).unwrap();
        stranger.receive(since(start), &bytes[..length], |e| {
            turned_away = matches!(e, ClientEvent::Closed(CloseReason::LoginRejected(_)));
        });
    }
    drop(stream);

    let mut client = ClientSession::new(Credentials::new("trader", "secret").unwrap(), Timers::default());
    let template = OrderTemplate::new(&OrderSettings::default()).unwrap();
    let mut sent = Vec::new();
    let mut accepted = Vec::new();
    for half in [1..=ORDERS / 2, ORDERS / 2 + 1..=ORDERS] {
        let mut stream = TcpStream::connect(address).unwrap();
        client.connected(since(start), |bytes| stream.write_all(bytes).unwrap());
        let mut hear = |event: ClientEvent<'_>| {
            if let ClientEvent::Sequenced { message, .. } = event
                && let Ok(ServerMessage::OrderAccepted(m, _)) = ServerMessage::parse(message)
            {
                accepted.push(m.user_ref_num.get());
            }
        };
        listen(&mut client, &mut stream, start, &mut hear, ClientSession::is_logged_in);
        let last = *half.end();
        for user_ref_num in half {
            let symbol = Stock(*b"AAPL    ");
            let order = Order { user_ref_num, side: Side::Sell, quantity: 10, symbol, price: Price4(1_000_000) };
            let packet = template.packet(&order);
            stream.write_all(&packet).unwrap();
            client.sent(since(start));
            sent.push(packet.to_vec());
        }
        listen(&mut client, &mut stream, start, &mut hear, |c| c.next_sequence() > u64::from(last));
        if last == ORDERS {
            client.logout(|bytes| stream.write_all(bytes).unwrap(), |_| ());
        } else {
            client.disconnected(|_| ());
        }
    }
    let (orders, events) = server.join().unwrap();
    assert_eq!(orders, sent);
    assert_eq!(accepted, (1..=ORDERS).collect::<Vec<_>>());
    assert_eq!(events.iter().filter(|e| matches!(e, ServerEvent::LoggedIn { .. })).count(), 2);
}
