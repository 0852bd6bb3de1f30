//! Captured packets read as what they are; streams are cut anywhere.

use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

const LOGIN: &str =
    "002f4c75736572202070617373776f72642020202020202020202020202020202020202020202020202020202020202030";
const ACCEPTED: &str = "001f41313638393139323132312020202020202020202020202020202020313335";

#[test]
fn the_captured_login_asks_for_the_most_recent_message_as_user() {
    let login = bytes(LOGIN);
    let Ok(Packet::LoginRequest(login)) = Packet::parse(&login) else { panic!() };
    assert_eq!((&login.username, &login.password, &login.session), (b"user  ", b"password  ", &[b' '; 10]));
    assert_eq!(parse_sequence(&login.sequence), Some(0));
    assert!(!format!("{login:?}").contains("password"));
}

#[test]
fn the_captured_acceptance_names_the_session_and_goes_on_at_135() {
    let accepted = bytes(ACCEPTED);
    let Ok(Packet::LoginAccepted(accepted)) = Packet::parse(&accepted) else { panic!() };
    assert_eq!(&accepted.session, b"1689192121");
    assert_eq!(parse_sequence(&accepted.sequence), Some(135));
}

#[test]
fn written_logins_have_the_captured_bytes() {
    let login = LoginRequest::new(*b"user  ", *b"password  ", [b' '; 10], 0);
    assert_eq!(login.as_bytes(), bytes(LOGIN));
    assert_eq!(LoginAccepted::new(*b"1689192121", 135).as_bytes(), bytes(ACCEPTED));
    assert_eq!(LoginRejected::new(RejectReason::NotAuthorised).as_bytes(), b"\0\x02JA");
}

#[test]
fn packets_without_payload_read_as_what_was_written() {
    for (packet, is) in [
        (SERVER_HEARTBEAT, Packet::ServerHeartbeat),
        (CLIENT_HEARTBEAT, Packet::ClientHeartbeat),
        (END_OF_SESSION, Packet::EndOfSession),
        (LOGOUT_REQUEST, Packet::LogoutRequest),
    ] {
        assert_eq!(Packet::parse(&packet), Ok(is));
    }
    assert_eq!(Packet::parse(&bytes("000152")), Ok(Packet::ClientHeartbeat));
    assert_eq!(Packet::parse(&bytes("000148")), Ok(Packet::ServerHeartbeat));
}

#[test]
fn a_packet_of_another_length_than_its_type_is_an_error() {
    assert_eq!(Packet::parse(b"\0\x02HH"), Err(SoupError::Length { kind: b'H', expected: 3, found: 4 }));
    assert_eq!(Packet::parse(b"\0\x02LL"), Err(SoupError::Length { kind: b'L', expected: 49, found: 4 }));
    assert_eq!(Packet::parse(b"\0\x02S"), Err(SoupError::Framing { announced: 4, found: 3 }));
    assert_eq!(Packet::parse(b"\0"), Err(SoupError::Framing { announced: 3, found: 1 }));
    assert_eq!(Packet::parse(b"\0\x01?"), Err(SoupError::UnknownType { byte: b'?' }));
    assert_eq!(Packet::parse(b"\0\x02JX"), Err(SoupError::UnknownReason { byte: b'X' }));
}

#[test]
fn numbers_fill_their_field_and_nothing_else_is_a_number() {
    assert_eq!(&padded_left(u64::MAX), b"18446744073709551615");
    assert_eq!(parse_sequence(&padded_left(u64::MAX)), Some(u64::MAX));
    assert_eq!(parse_sequence(b"7                   "), Some(7));
    assert_eq!(parse_sequence(b"99999999999999999999"), None);
    assert_eq!(parse_sequence(&[b' '; 20]), None);
    assert_eq!(parse_sequence(b"                  -1"), None);
}

#[test]
fn data_that_does_not_fit_is_not_written() {
    let mut out = [0; 8];
    assert_eq!(write_data(&mut out, SEQUENCED_DATA, b"abcde"), Some(&b"\0\x06Sabcde"[..]));
    assert_eq!(write_data(&mut out, SEQUENCED_DATA, b"abcdef"), None);
    let mut large = vec![0; 70_000];
    assert!(write_data(&mut large, SEQUENCED_DATA, &[0; 65_534]).is_some());
    assert_eq!(write_data(&mut large, SEQUENCED_DATA, &[0; 65_535]), None);
}

#[test]
fn a_packet_of_length_zero_ends_the_stream_with_its_offset() {
    let mut deframer = Deframer::new(64);
    let mut seen = 0;
    let error = deframer.push(b"\0\x01H\0\0\0\x01H", |_| seen += 1);
    assert_eq!((error, seen), (Err(SoupError::EmptyPacket { offset: 3 }), 1));
    assert_eq!(deframer.push(b"\0\x01H", |_| seen += 1), error);
    deframer.reset();
    assert_eq!((deframer.push(b"\0\x01H", |_| seen += 1), seen), (Ok(()), 2));
}

#[test]
fn an_oversize_packet_is_an_error_before_its_payload_comes() {
    let mut deframer = Deframer::new(64);
    assert_eq!(deframer.push(b"\0", |_| ()), Ok(()));
    assert_eq!(deframer.push(b"\x3f", |_| ()), Err(SoupError::Oversize { offset: 0, length: 65, limit: 64 }));
    let mut deframer = Deframer::new(64);
    assert_eq!(deframer.push(b"\0\x01H\0\x3e", |_| ()), Ok(()));
    assert!(!deframer.is_at_boundary());
}

proptest! {
    #[test]
    fn however_a_stream_is_cut_the_same_packets_come_out(
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
        cuts in proptest::collection::vec(1..17_usize, 0..60),
    ) {
        let mut stream = Vec::new();
        let mut wanted = Vec::new();
        for payload in &payloads {
            let mut room = [0; 64];
            wanted.push(write_data(&mut room, SEQUENCED_DATA, payload).unwrap().to_vec());
            stream.extend_from_slice(wanted.last().unwrap());
        }
        let mut deframer = Deframer::new(64);
        let mut found = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts {
            let (run, after) = rest.split_at(cut.min(rest.len()));
            deframer.push(run, |p| found.push(p.to_vec())).unwrap();
            rest = after;
        }
        deframer.push(rest, |p| found.push(p.to_vec())).unwrap();
        prop_assert_eq!(found, wanted);
        prop_assert!(deframer.is_at_boundary());
    }
}
