//! Captured messages (2023-05-11 and 2024-04-29) read as their captions say, and broken ones are errors.

use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::*;

/// Hex of a test vector without its SoupBinTCP head.
fn message(hex: &str) -> Vec<u8> {
    (6..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

const ENTER: &str =
    "0036554f0000007154000000e143564c54202020200000000000099db83059414e4e4838465542384956202020202020000605024c494d45";
const ACCEPTED: &str = "004a53410000289b4d64af8700753a8d42000000284144424520202020000000000048e7483559000000000f56b4f5414e4e4c3736383237303120202020202020000905024d4c524f021230";
const CANCEL: &str = "000a555800752e7100000000";
const CANCELED: &str = "001353430000289b4d68131700753a8d0000002855";

#[test]
fn the_captured_enter_order_reads_as_225_cvlt_at_63_02_sold_short_for_lime() {
    let bytes = message(ENTER);
    let Ok(ClientMessage::EnterOrder(order, tags)) = ClientMessage::parse(&bytes) else { panic!() };
    assert_eq!(order.user_ref_num.get(), 0x71);
    assert_eq!(order.side, b'T');
    assert_eq!(order.quantity.get(), 225);
    assert_eq!(&order.symbol, b"CVLT    ");
    assert_eq!(order.price.get(), 630_200);
    assert_eq!(
        [order.time_in_force, order.display, order.capacity, order.intermarket_sweep, order.cross_type],
        *b"0YANN"
    );
    assert_eq!(&order.cl_ord_id, b"H8FUB8IV      ");
    let tags: Vec<_> = tags.map(Result::unwrap).collect();
    assert_eq!(tags, [TagValue { number: 2, value: b"LIME" }]);
    assert_eq!(tags[0].tag(), Some(OptionTag::Firm));
}

#[test]
fn the_captured_acceptance_reads_as_40_adbe_with_two_tag_values() {
    let bytes = message(ACCEPTED);
    let Ok(ServerMessage::OrderAccepted(accepted, tags)) = ServerMessage::parse(&bytes) else { panic!() };
    assert_eq!(accepted.timestamp.get(), 0x0000_289b_4d64_af87);
    assert_eq!(accepted.user_ref_num.get(), 0x0075_3a8d);
    assert_eq!((accepted.side, accepted.quantity.get(), &accepted.symbol), (b'B', 40, b"ADBE    "));
    assert_eq!(accepted.price.get(), 0x48_e748);
    assert_eq!(accepted.order_reference_number.get(), 0x0f56_b4f5);
    assert_eq!((accepted.time_in_force, accepted.order_state), (b'5', b'L'));
    assert_eq!(&accepted.cl_ord_id, b"7682701       ");
    let tags: Vec<_> = tags.map(|t| t.unwrap().tag().unwrap()).collect();
    assert_eq!(tags, [OptionTag::Firm, OptionTag::BboWeightIndicator]);
}

#[test]
fn the_captured_cancel_and_its_answer_read_as_40_shares_at_the_users_wish() {
    let bytes = message(CANCEL);
    let Ok(ClientMessage::CancelOrder(cancel)) = ClientMessage::parse(&bytes) else { panic!() };
    assert_eq!((cancel.user_ref_num.get(), cancel.quantity.get()), (0x0075_2e71, 0));
    let bytes = message(CANCELED);
    let Ok(ServerMessage::OrderCanceled(canceled)) = ServerMessage::parse(&bytes) else { panic!() };
    assert_eq!((canceled.quantity.get(), canceled.reason), (40, b'U'));
}

/// Sizes of the fixed parts by type byte, from the specification's tables.
const CLIENT: [(u8, usize); 5] = [(b'O', 47), (b'U', 40), (b'X', 9), (b'M', 10), (b'Q', 1)];
const SERVER: [(u8, usize); 14] = [
    (b'S', 10),
    (b'A', 64),
    (b'U', 68),
    (b'C', 18),
    (b'D', 32),
    (b'E', 36),
    (b'B', 36),
    (b'J', 29),
    (b'P', 13),
    (b'I', 13),
    (b'T', 30),
    (b'M', 18),
    (b'R', 16),
    (b'Q', 13),
];

#[test]
fn every_type_is_read_at_its_own_length_and_at_no_other() {
    for (kind, size) in CLIENT {
        let mut bytes = vec![0; size + 1];
        bytes[0] = kind;
        assert!(ClientMessage::parse(&bytes[..size]).is_ok(), "{}", kind as char);
        assert!(size == 1 || ClientMessage::parse(&bytes[..size - 1]).is_err(), "{}", kind as char);
        assert!(ClientMessage::parse(&bytes).is_err(), "{}", kind as char);
    }
    for (kind, size) in SERVER {
        let mut bytes = vec![0; size + 1];
        bytes[0] = kind;
        assert!(ServerMessage::parse(&bytes[..size]).is_ok(), "{}", kind as char);
        assert!(ServerMessage::parse(&bytes[..size - 1]).is_err(), "{}", kind as char);
        assert!(ServerMessage::parse(&bytes).is_err(), "{}", kind as char);
    }
}

#[test]
fn no_bytes_and_unknown_types_are_errors() {
    assert_eq!(ClientMessage::parse(&[]), Err(OuchError::Empty));
    assert_eq!(ServerMessage::parse(&[]), Err(OuchError::Empty));
    let error = ClientMessage::parse(b"zz").unwrap_err().to_string();
    assert!(error.contains("0x7a") && error.contains("client to exchange"), "{error}");
}

#[test]
fn an_appendage_shorter_than_announced_is_an_error_with_both_lengths() {
    let mut bytes = message(ENTER);
    bytes.pop();
    assert_eq!(
        ClientMessage::parse(&bytes),
        Err(OuchError::Appendage { message: "Enter Order", announced: 6, found: 5 })
    );
}

#[test]
fn broken_tag_values_are_errors_that_name_their_offset_and_end_the_list() {
    let mut tags = TagValues::new(b"\x02\x12\x30\x05\x02LI");
    assert!(tags.next().unwrap().is_ok());
    assert_eq!(tags.next(), Some(Err(OuchError::TruncatedTag { offset: 3, announced: 5, found: 3 })));
    assert_eq!(tags.next(), None);
    let mut tags = TagValues::new(b"\x00\x12");
    assert_eq!(tags.next(), Some(Err(OuchError::EmptyTag { offset: 0 })));
    let mut tags = TagValues::new(b"\x04\x02LIM");
    assert_eq!(tags.next(), Some(Err(OuchError::TagLength { offset: 0, tag: 2, expected: 4, found: 3 })));
}

#[test]
fn an_unlisted_tag_is_handed_over_with_its_number() {
    let field = TagValues::new(b"\x03\x13ab").next().unwrap().unwrap();
    assert_eq!((field.number, field.tag(), field.value), (0x13, None, &b"ab"[..]));
}

#[test]
fn every_listed_tag_has_its_own_number() {
    for number in 0..=u8::MAX {
        if let Some(tag) = OptionTag::from_number(number) {
            assert_eq!(tag as u8, number);
        }
    }
}

proptest! {
    #[test]
    fn what_is_read_as_a_message_is_written_back_as_the_same_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 1..120), pick in 0..5_usize) {
        let (kind, size) = CLIENT[pick];
        bytes.resize(bytes.len().max(size), 0);
        bytes[0] = kind;
        let appendage = bytes.len() - size;
        match kind {
            b'O' | b'U' => bytes[size - 2..size].copy_from_slice(&u16::try_from(appendage).unwrap().to_be_bytes()),
            _ => bytes.truncate(size),
        }
        let again = match ClientMessage::parse(&bytes).unwrap() {
            ClientMessage::EnterOrder(m, tags) => [m.as_bytes(), tags.bytes()].concat(),
            ClientMessage::ReplaceOrder(m, tags) => [m.as_bytes(), tags.bytes()].concat(),
            ClientMessage::CancelOrder(m) => m.as_bytes().to_vec(),
            ClientMessage::ModifyOrder(m) => m.as_bytes().to_vec(),
            ClientMessage::AccountQuery(m) => m.as_bytes().to_vec(),
        };
        prop_assert_eq!(again, bytes);
    }
}
