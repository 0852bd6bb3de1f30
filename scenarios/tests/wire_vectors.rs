//! Real captured MoldUDP64 packets (Nasdaq TotalView, 2023-08-22 about 09:30), decoded by hand.
#![cfg(test)]

use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::{Message, Price4, Side, Stock};
use tickcert_scenarios::feed::mold::{Kind, MoldPacket};

const ADD: &str = "303030303130303539420000000000e12f590001002441159800001f1aced85306000000000166b53e420000064049564f4f20202020000d55ac";
const REPLACE: &str = "303030303130303539420000000000e12f4500010023551db300001f1aced771e90000000000e6897f000000000145f2c700000064001036c8";
const DELETE: &str = "303030303130303539420000000000e12f5a00010013440dbd00001f1aced85ad80000000001668bd6";
const EXECUTED: &str =
    "303030303130303539420000000000e12f710001001f45092900021f1aced8f061000000000166929a00000019000000000003e63b";
const IMBALANCE: &str = "303030303130303539420000000000e1301f0001003249193e00001f1acede0ab2000000000000000100000000000000004e4d444320202020200007161000071610000716104f4c";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Checks the packet's frame, parses its one message, checks that it encodes to the same bytes, and hands it on.
fn single(hex: &str, sequence: u64, check: impl FnOnce(Message<'_>)) {
    let packet = bytes(hex);
    let mold = MoldPacket::parse(&packet).unwrap();
    assert_eq!(mold.session.to_string(), "000010059B");
    assert_eq!((mold.sequence, mold.kind), (sequence, Kind::Messages(1)));
    let blocks: Vec<_> = mold.messages().collect::<Result<_, _>>().unwrap();
    let [block] = blocks[..] else { panic!("one message, not {}", blocks.len()) };
    let message = Message::parse(block).unwrap();
    assert_eq!(message.as_bytes(), block);
    check(message);
}

#[test]
fn a_captured_add_decodes_to_its_known_fields() {
    single(ADD, 0xe1_2f59, |message| {
        let Message::AddOrder(add) = message else { panic!("{message:?}") };
        assert_eq!((add.head.locate(), add.head.tracking()), (0x1598, 0));
        assert_eq!(add.head.timestamp(), Nanos(0x1f1a_ced8_5306));
        assert_eq!((add.reference.get(), add.side, add.shares.get()), (0x0166_b53e, Side::Buy, 1600));
        assert_eq!((add.stock, add.price.get()), (Stock::new("IVOO").unwrap(), Price4(873_900)));
        assert_eq!(add.price.get().to_string(), "87.3900");
    });
}

#[test]
fn a_captured_replace_decodes_to_its_known_fields() {
    single(REPLACE, 0xe1_2f45, |message| {
        let Message::OrderReplace(replace) = message else { panic!("{message:?}") };
        assert_eq!((replace.original.get(), replace.reference.get()), (0xe6_897f, 0x0145_f2c7));
        assert_eq!((replace.shares.get(), replace.price.get()), (100, Price4(1_062_600)));
    });
}

#[test]
fn a_captured_delete_decodes_to_its_known_fields() {
    single(DELETE, 0xe1_2f5a, |message| {
        let Message::OrderDelete(delete) = message else { panic!("{message:?}") };
        assert_eq!((delete.head.locate(), delete.reference.get()), (0x0dbd, 0x0166_8bd6));
    });
}

#[test]
fn a_captured_execution_decodes_to_its_known_fields() {
    single(EXECUTED, 0xe1_2f71, |message| {
        let Message::OrderExecuted(executed) = message else { panic!("{message:?}") };
        assert_eq!((executed.head.locate(), executed.head.tracking()), (0x0929, 2));
        assert_eq!((executed.shares.get(), executed.match_number.get()), (25, 0x3_e63b));
    });
}

#[test]
fn a_captured_imbalance_decodes_to_its_known_fields() {
    single(IMBALANCE, 0xe1_301f, |message| {
        let Message::Noii(noii) = message else { panic!("{message:?}") };
        assert_eq!((noii.paired.get(), noii.imbalance.get(), noii.direction), (1, 0, b'N'));
        assert_eq!((noii.stock.to_string(), noii.far.get()), ("MDC".to_owned(), Price4(464_400)));
        assert_eq!((noii.cross, noii.variation), (b'O', b'L'));
        assert_eq!(noii.head.timestamp().get() / 1_000_000_000, 34_200, "09:30");
    });
}
