//! Both ends against each other, in memory, with a clock that stands still unless told.

use proptest::prelude::*;

use super::*;
use crate::{
    feed::itch::{Price4, Side, Stock},
    order_entry::{
        Order, OrderSettings, OrderTemplate,
        ouch::{CancelOrder, ServerMessage, reject},
        soup::{CLIENT_HEARTBEAT, END_OF_SESSION, LOGOUT_REQUEST, SERVER_HEARTBEAT, UNSEQUENCED_DATA, write_data},
    },
};
use zerocopy::IntoBytes;

const SECOND: Nanos = Nanos::SECOND;

fn credentials() -> Credentials {
    Credentials::new("trader", "secret").unwrap()
}

/// An order's whole packet.
fn order(user_ref_num: u32, quantity: u32) -> [u8; OrderTemplate::LEN] {
    let order =
        Order { user_ref_num, side: Side::Buy, quantity, symbol: Stock(*b"AAPL    "), price: Price4(1_548_000) };
    OrderTemplate::new(&OrderSettings::default()).unwrap().packet(&order)
}

/// What a client hears, in a form that can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    LoggedIn { next: u64, missed: u64 },
    Message(u64, Vec<u8>),
    Closed(CloseReason),
}

fn heard(event: ClientEvent<'_>) -> Heard {
    match event {
        ClientEvent::LoggedIn { next_sequence, missed, .. } => Heard::LoggedIn { next: next_sequence, missed },
        ClientEvent::Sequenced { sequence, message } => Heard::Message(sequence, message.to_vec()),
        ClientEvent::Closed(reason) => Heard::Closed(reason),
    }
}

/// A client and a server with a wire between them that delivers at once.
struct Pair {
    client: ClientSession,
    server: ServerSession,
    /// What the client has heard.
    heard: Vec<Heard>,
    /// What the server has heard of.
    events: Vec<ServerEvent>,
    /// Orders as the server's owner sees them.
    orders: Vec<Vec<u8>>,
    /// Everything that the server has sent.
    from_server: Vec<u8>,
    now: Nanos,
}

impl Pair {
    fn new(credentials_of_client: Credentials, config: &ServerConfig) -> Self {
        Self {
            client: ClientSession::new(credentials_of_client, Timers::default()),
            server: ServerSession::new(config).unwrap(),
            heard: Vec::new(),
            events: Vec::new(),
            orders: Vec::new(),
            from_server: Vec::new(),
            now: Nanos::ZERO,
        }
    }

    fn logged_in() -> Self {
        let mut pair = Self::new(credentials(), &ServerConfig::new(credentials()));
        pair.connect();
        assert!(pair.client.is_logged_in() && pair.server.is_logged_in());
        pair
    }

    fn connect(&mut self) {
        self.server.connected(self.now);
        let mut sent = Vec::new();
        self.client.connected(self.now, |bytes| sent.extend_from_slice(bytes));
        self.give_server(&sent);
    }

    fn disconnect(&mut self) {
        self.client.disconnected(|event| self.heard.push(heard(event)));
        self.server.disconnected(|event| self.events.push(event));
    }

    /// The server gets these bytes, and the client what it answers at once.
    fn give_server(&mut self, bytes: &[u8]) {
        let mut sent = Vec::new();
        self.server.receive(
            self.now,
            bytes,
            |bytes| sent.extend_from_slice(bytes),
            |order| self.orders.push(order.to_vec()),
            |event| self.events.push(event),
        );
        self.give_client(&sent);
    }

    fn give_client(&mut self, bytes: &[u8]) {
        self.from_server.extend_from_slice(bytes);
        self.client.receive(self.now, bytes, |event| self.heard.push(heard(event)));
    }

    fn pump(&mut self) -> usize {
        let mut sent = Vec::new();
        let taken = self.server.pump(self.now, usize::MAX, |bytes| sent.extend_from_slice(bytes));
        self.give_client(&sent);
        taken
    }

    /// Both clocks strike; returns what the client and the server had to say of their own.
    fn tick(&mut self, now: Nanos) -> (Vec<u8>, Vec<u8>) {
        self.now = now;
        let (mut up, mut down) = (Vec::new(), Vec::new());
        self.client.tick(now, |bytes| up.extend_from_slice(bytes), |event| self.heard.push(heard(event)));
        self.server.tick(now, |bytes| down.extend_from_slice(bytes), |event| self.events.push(event));
        self.give_server(&up);
        self.give_client(&down);
        (up, down)
    }

    /// The last message heard, as OUCH.
    fn last_message(&self) -> ServerMessage<'_> {
        let Some(Heard::Message(_, message)) = self.heard.last() else { panic!("{:?}", self.heard) };
        ServerMessage::parse(message).unwrap()
    }
}

#[test]
fn a_login_is_accepted_whatever_the_case_of_its_credentials() {
    let mut pair = Pair::new(Credentials::new("TRADER", "SeCrEt").unwrap(), &ServerConfig::new(credentials()));
    pair.connect();
    assert_eq!(pair.heard, [Heard::LoggedIn { next: 1, missed: 0 }]);
    assert_eq!(pair.events, [ServerEvent::LoggedIn { requested: 1, from: 1 }]);
    assert_eq!(pair.from_server, b"\0\x1fA  TICKCERT                   1");
}

#[test]
fn a_wrong_password_or_user_is_rejected_as_not_authorised_and_both_ends_close() {
    for (user, password) in [("trader", "wrong"), ("other", "secret"), ("trader", "")] {
        let mut pair = Pair::new(Credentials::new(user, password).unwrap(), &ServerConfig::new(credentials()));
        pair.connect();
        let reason = CloseReason::LoginRejected(RejectReason::NotAuthorised);
        assert_eq!(pair.from_server, b"\0\x02JA");
        assert_eq!(pair.heard, [Heard::Closed(reason)]);
        assert_eq!(pair.events, [ServerEvent::Closed(reason)]);
        assert!(reason.to_string().contains("wrong username or password"));
    }
}

#[test]
fn another_session_and_a_number_not_reached_are_not_available() {
    let login = |session: &[u8; 10], sequence: &[u8; 20]| {
        let mut server = ServerSession::new(&ServerConfig::new(credentials())).unwrap();
        server.connected(Nanos::ZERO);
        let mut sent = Vec::new();
        let packet = [b"\0\x2fLtrader", &b"secret    "[..], session, sequence].concat();
        server.receive(Nanos::ZERO, &packet, |bytes| sent.extend_from_slice(bytes), |_| (), |_| ());
        sent
    };
    let one = b"                   1";
    assert_eq!(login(b"OTHER     ", one), b"\0\x02JS");
    assert_eq!(login(b"          ", b"                   2"), b"\0\x02JS");
    assert_eq!(login(b"          ", b"                 one"), b"\0\x02JS");
    assert_eq!(login(b"  tickcert", one)[..3], *b"\0\x1fA");
    assert_eq!(login(b"TICKCERT  ", b"0                   ")[..3], *b"\0\x1fA");
}

#[test]
fn names_that_do_not_fit_their_fields_are_refused() {
    assert_eq!(Credentials::new("seventy", ""), Err(CredentialError::Username));
    assert_eq!(Credentials::new("ok", "eleven char"), Err(CredentialError::Password));
    assert!(!format!("{:?}", credentials()).contains("secret"));
    for session in ["", "   ", "eleven char"] {
        let config = ServerConfig { session: session.into(), ..ServerConfig::new(credentials()) };
        assert_eq!(ServerSession::new(&config).unwrap_err(), CredentialError::Session);
    }
}

#[test]
fn a_client_without_a_login_is_dropped_after_30_seconds_whatever_else_it_says() {
    let mut server = ServerSession::new(&ServerConfig::new(credentials())).unwrap();
    let mut events = Vec::new();
    server.connected(SECOND);
    for second in 2..31 {
        let now = SECOND * second;
        server.receive(now, &CLIENT_HEARTBEAT, |_| (), |_| (), |event| events.push(event));
        server.tick(now, |_| panic!("nothing is sent before a login"), |event| events.push(event));
    }
    assert_eq!(events, []);
    server.tick(SECOND * 31, |_| (), |event| events.push(event));
    assert_eq!(events, [ServerEvent::Closed(CloseReason::LoginTimeout)]);
}

#[test]
fn each_side_sends_a_heartbeat_after_a_second_of_its_own_silence() {
    let mut pair = Pair::logged_in();
    assert_eq!(pair.tick(Nanos(999_999_999)), (vec![], vec![]));
    assert_eq!(pair.tick(SECOND), (CLIENT_HEARTBEAT.to_vec(), SERVER_HEARTBEAT.to_vec()));
    assert_eq!(pair.tick(SECOND), (vec![], vec![]));
    pair.now = Nanos(1_500_000_000);
    pair.client.sent(pair.now);
    assert_eq!(pair.tick(SECOND * 2), (vec![], SERVER_HEARTBEAT.to_vec()));
    assert_eq!(pair.tick(Nanos(2_500_000_000)), (CLIENT_HEARTBEAT.to_vec(), vec![]));
}

#[test]
fn heartbeats_keep_an_idle_session_up_for_hours() {
    let mut pair = Pair::logged_in();
    for second in 1..7200 {
        pair.tick(SECOND * second);
    }
    assert!(pair.client.is_logged_in() && pair.server.is_logged_in());
}

#[test]
fn a_silent_client_is_dropped_after_15_seconds_and_a_silent_server_is_given_up() {
    let mut pair = Pair::logged_in();
    let mut event = None;
    pair.server.tick(Nanos(14_999_999_999), |_| (), |e| event = Some(e));
    assert_eq!(event, None);
    pair.server.tick(SECOND * 15, |_| (), |e| event = Some(e));
    assert_eq!(event, Some(ServerEvent::Closed(CloseReason::PeerSilent)));
    let mut event = None;
    pair.client.tick(Nanos(14_999_999_999), |_| (), |e| event = Some(heard(e)));
    assert_eq!(event, None);
    pair.client.tick(SECOND * 15, |_| (), |e| event = Some(heard(e)));
    assert_eq!(event, Some(Heard::Closed(CloseReason::PeerSilent)));
}

#[test]
fn a_server_that_never_answers_the_login_is_given_up_too() {
    let mut client = ClientSession::new(credentials(), Timers::default());
    client.connected(SECOND, |_| ());
    let mut event = None;
    client.tick(SECOND * 16, |_| panic!("no heartbeat before the login is accepted"), |e| event = Some(heard(e)));
    assert_eq!(event, Some(Heard::Closed(CloseReason::PeerSilent)));
}

#[test]
fn an_order_is_seen_whole_at_once_and_accepted_when_the_owner_pumps() {
    let mut pair = Pair::logged_in();
    let before = pair.from_server.len();
    pair.give_server(&order(1, 100));
    assert_eq!(pair.orders, [order(1, 100).to_vec()]);
    assert_eq!(pair.from_server.len(), before);
    assert!(pair.server.has_pending());
    pair.now = Nanos(1_234);
    assert_eq!(pair.pump(), 1);
    let ServerMessage::OrderAccepted(accepted, tags) = pair.last_message() else { panic!() };
    assert_eq!((accepted.user_ref_num.get(), accepted.quantity.get(), accepted.price.get()), (1, 100, 1_548_000));
    assert_eq!((accepted.timestamp.get(), accepted.order_state, &accepted.symbol), (1_234, b'L', b"AAPL    "));
    assert_eq!(tags.bytes(), b"\x05\x02TKCT");
    assert_eq!(pair.server.counters().accepted, 1);
}

#[test]
fn orders_that_cannot_be_are_rejected_with_their_reason_and_others_go_on() {
    let altered = |number, at: usize, byte| {
        let mut packet = order(number, 100);
        packet[at] = byte;
        packet
    };
    let mut unknown_type = order(9, 1);
    unknown_type[3] = b'z';
    for (packet, reason) in [
        (order(1, 0), reject::INVALID_QUANTITY),
        (order(1, 1_000_000), reject::INVALID_QUANTITY),
        (altered(1, 8, b'X'), reject::INVALID_SIDE),
        (altered(1, 13, 0), reject::INVALID_SYMBOL),
        (altered(1, 21, 1), reject::INVALID_PRICE),
        (altered(1, 30, b'?'), reject::INVALID_DISPLAY),
        (altered(1, 33, b'?'), reject::INVALID_CROSS_ORDER),
        (altered(1, 49, 5), reject::OTHER),
        (altered(1, 50, 0), reject::OTHER),
        (unknown_type, reject::OTHER),
    ] {
        let mut pair = Pair::logged_in();
        pair.give_server(&packet);
        pair.pump();
        let ServerMessage::Rejected(rejected) = pair.last_message() else { panic!("{packet:?}") };
        assert_eq!(rejected.reason.get(), reason, "{packet:?}");
        pair.give_server(&order(10, 999_999));
        pair.pump();
        assert!(matches!(pair.last_message(), ServerMessage::OrderAccepted(..)));
    }
}

#[test]
fn a_user_ref_num_that_is_not_above_the_last_gets_no_answer() {
    let mut pair = Pair::logged_in();
    for number in [5, 5, 4, 6] {
        pair.give_server(&order(number, 1));
    }
    assert_eq!(pair.pump(), 4);
    let counters = pair.server.counters();
    assert_eq!((counters.accepted, counters.stale, pair.server.next_sequence()), (2, 2, 3));
    pair.server.forget_user_ref_nums();
    pair.give_server(&order(1, 1));
    pair.pump();
    assert_eq!(pair.server.counters().accepted, 3);
}

#[test]
fn a_cancel_is_refused_and_a_query_answered_for_no_order_rests() {
    let mut pair = Pair::logged_in();
    pair.give_server(&order(7, 1));
    pair.pump();
    let mut sent = Vec::new();
    let cancel = CancelOrder { kind: b'X', user_ref_num: 7.into(), quantity: 0.into() };
    pair.client
        .send(pair.now, cancel.as_bytes(), |bytes| {
            sent.extend_from_slice(bytes);
        })
        .unwrap();
    pair.give_server(&sent);
    pair.pump();
    assert!(matches!(pair.last_message(), ServerMessage::CancelReject(m) if m.user_ref_num.get() == 7));
    pair.give_server(b"\0\x02UQ");
    pair.pump();
    assert!(matches!(pair.last_message(), ServerMessage::AccountQueryResponse(m) if m.next_user_ref_num.get() == 8));
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed_and_nothing_twice() {
    let mut pair = Pair::logged_in();
    pair.give_server(&order(1, 1));
    pair.pump();
    pair.give_server(&[order(2, 1), order(3, 1)].concat());
    pair.disconnect();
    assert_eq!(pair.heard.last(), Some(&Heard::Closed(CloseReason::Disconnected)));
    // The orders had arrived: they are answered, and the answers wait for the client.
    assert_eq!(pair.pump(), 2);
    assert_eq!(pair.client.next_sequence(), 2);
    pair.connect();
    let sequences: Vec<u64> =
        pair.heard.iter().filter_map(|h| if let Heard::Message(n, _) = h { Some(*n) } else { None }).collect();
    assert_eq!(sequences, [1, 2, 3]);
    assert_eq!(pair.events.last(), Some(&ServerEvent::LoggedIn { requested: 2, from: 2 }));
    pair.give_server(&order(3, 1));
    pair.pump();
    assert_eq!(pair.server.counters().stale, 1);
}

#[test]
fn messages_no_longer_stored_are_reported_as_missed() {
    let config = ServerConfig { stored_messages: 2, ..ServerConfig::new(credentials()) };
    let mut pair = Pair::new(credentials(), &config);
    pair.connect();
    for number in 1..=5 {
        pair.give_server(&order(number, 1));
    }
    pair.disconnect();
    pair.pump();
    pair.heard.clear();
    pair.connect();
    assert_eq!(pair.heard[0], Heard::LoggedIn { next: 4, missed: 3 });
    assert_eq!(pair.heard.len(), 3);
    assert_eq!(pair.client.next_sequence(), 6);
}

#[test]
fn a_queue_that_is_full_is_answered_while_receiving_and_loses_nothing() {
    let config = ServerConfig { pending_bytes: 0, ..ServerConfig::new(credentials()) };
    let mut pair = Pair::new(credentials(), &config);
    pair.connect();
    for number in 1..=100 {
        pair.give_server(&order(number, 1));
    }
    pair.pump();
    assert_eq!((pair.server.counters().accepted, pair.orders.len()), (100, 100));
    assert!(pair.server.counters().forced > 0);
}

#[test]
fn a_logout_closes_both_ends_and_the_next_login_goes_on() {
    let mut pair = Pair::logged_in();
    let mut sent = Vec::new();
    pair.client.logout(|bytes| sent.extend_from_slice(bytes), |event| pair.heard.push(heard(event)));
    assert_eq!(sent, LOGOUT_REQUEST);
    pair.give_server(&sent);
    assert_eq!(pair.events.last(), Some(&ServerEvent::Closed(CloseReason::LoggedOut)));
    assert_eq!(pair.client.send(pair.now, b"Q", |_| ()), Err(SendError::NotLoggedIn));
    pair.connect();
    assert!(pair.client.is_logged_in());
}

#[test]
fn an_ended_session_answers_what_waits_says_so_and_takes_no_login_any_more() {
    let mut pair = Pair::logged_in();
    pair.give_server(&order(1, 1));
    let mut sent = Vec::new();
    pair.server.end_session(pair.now, |bytes| sent.extend_from_slice(bytes), |event| pair.events.push(event));
    assert!(sent.ends_with(&END_OF_SESSION) && sent.len() > END_OF_SESSION.len());
    pair.give_client(&sent);
    assert_eq!(pair.heard.last(), Some(&Heard::Closed(CloseReason::EndOfSession)));
    assert_eq!(pair.client.next_sequence(), 1);
    pair.connect();
    let reason = CloseReason::LoginRejected(RejectReason::SessionNotAvailable);
    assert_eq!(pair.heard.last(), Some(&Heard::Closed(reason)));
}

#[test]
fn debug_packets_are_skipped_by_both_ends_before_and_after_the_login() {
    let debug = b"\0\x06+hello";
    let mut pair = Pair::new(credentials(), &ServerConfig::new(credentials()));
    pair.server.connected(pair.now);
    pair.give_server(debug);
    let mut login = Vec::new();
    pair.client.connected(pair.now, |bytes| login.extend_from_slice(bytes));
    pair.give_client(debug);
    pair.give_server(&login);
    pair.give_client(debug);
    pair.give_server(debug);
    assert!(pair.client.is_logged_in() && pair.server.is_logged_in());
    assert_eq!(pair.heard, [Heard::LoggedIn { next: 1, missed: 0 }]);
}

#[test]
fn packets_that_have_no_place_close_the_session_with_their_type() {
    let mut pair = Pair::logged_in();
    pair.give_server(&SERVER_HEARTBEAT);
    assert_eq!(pair.events.last(), Some(&ServerEvent::Closed(CloseReason::Unexpected(b'H'))));
    pair.give_client(&CLIENT_HEARTBEAT);
    assert_eq!(pair.heard.last(), Some(&Heard::Closed(CloseReason::Unexpected(b'R'))));
    let mut pair = Pair::new(credentials(), &ServerConfig::new(credentials()));
    pair.server.connected(pair.now);
    pair.give_server(&order(1, 1));
    assert_eq!(pair.orders.len(), 0);
    assert_eq!(pair.events, [ServerEvent::Closed(CloseReason::Unexpected(b'U'))]);
}

#[test]
fn a_stream_that_cannot_be_followed_closes_the_session_once() {
    let mut pair = Pair::logged_in();
    pair.events.clear();
    pair.give_server(b"\0\0");
    pair.give_server(b"\0\0");
    assert!(matches!(pair.events[..], [ServerEvent::Closed(CloseReason::Framing(_))]));
    pair.give_client(b"\xff\xff");
    assert!(matches!(pair.heard.last(), Some(Heard::Closed(CloseReason::Framing(_)))));
}

#[test]
fn a_message_too_long_for_the_session_is_not_sent() {
    let mut pair = Pair::logged_in();
    let error = pair.client.send(pair.now, &[0; SESSION_MAX_PACKET], |_| panic!()).unwrap_err();
    assert!(error.to_string().contains("at most 1021"), "{error}");
}

/// What the server does with these bytes, handed in runs that end at `cuts`.
fn outcome(stream: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, Vec<ServerEvent>, Vec<u8>) {
    let mut pair = Pair::new(credentials(), &ServerConfig::new(credentials()));
    pair.server.connected(pair.now);
    let mut rest = stream;
    for &cut in cuts {
        let (run, after) = rest.split_at(cut.min(rest.len()));
        pair.give_server(run);
        rest = after;
    }
    pair.give_server(rest);
    pair.pump();
    (pair.orders, pair.events, pair.from_server)
}

/// What the client hears of these bytes, handed in runs that end at `cuts`.
fn client_outcome(stream: &[u8], cuts: &[usize]) -> Vec<Heard> {
    let mut client = ClientSession::new(credentials(), Timers::default());
    client.connected(Nanos::ZERO, |_| ());
    let mut events = Vec::new();
    let mut rest = stream;
    for &cut in cuts {
        let (run, after) = rest.split_at(cut.min(rest.len()));
        client.receive(Nanos::ZERO, run, |event| events.push(heard(event)));
        rest = after;
    }
    client.receive(Nanos::ZERO, rest, |event| events.push(heard(event)));
    events
}

proptest! {
    #[test]
    fn however_the_clients_bytes_are_cut_the_server_does_the_same(
        picks in proptest::collection::vec((0..6_u8, 0..20_u32, 0..300_u32), 0..12),
        cuts in proptest::collection::vec(1..60_usize, 0..40),
    ) {
        let mut stream = Vec::new();
        let mut client = ClientSession::new(credentials(), Timers::default());
        client.connected(Nanos::ZERO, |bytes| stream.extend_from_slice(bytes));
        for (pick, number, quantity) in picks {
            let mut room = [0; 64];
            match pick {
                0 => stream.extend_from_slice(&CLIENT_HEARTBEAT),
                1 => stream.extend_from_slice(b"\0\x04+abc"),
                2 => stream.extend_from_slice(write_data(&mut room, UNSEQUENCED_DATA, &vec![b'X'; number as usize]).unwrap()),
                _ => stream.extend_from_slice(&order(number, quantity)),
            }
        }
        prop_assert_eq!(outcome(&stream, &cuts), outcome(&stream, &[]));
    }

    #[test]
    fn however_the_servers_bytes_are_cut_the_client_hears_the_same(
        numbers in proptest::collection::vec(1..1000_u32, 0..12),
        cuts in proptest::collection::vec(1..60_usize, 0..40),
    ) {
        let mut pair = Pair::logged_in();
        for number in numbers {
            pair.give_server(&order(number, 1));
        }
        pair.pump();
        let stream = pair.from_server;
        prop_assert_eq!(client_outcome(&stream, &cuts), client_outcome(&stream, &[]));
    }
}
