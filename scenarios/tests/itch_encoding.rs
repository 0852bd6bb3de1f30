//! Every message type encodes to the specification's offsets and parses back to itself.
#![cfg(test)]

use tickcert_results::time::Nanos;
use tickcert_scenarios::feed::itch::{
    AddOrder, AddOrderMpid, BrokenTrade, CrossTrade, DirectListing, Head, LuldCollar, MarketParticipantPosition,
    Message, Mpid, MwcbDeclineLevel, MwcbStatus, Noii, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedWithPrice, OrderReplace, Price4, Price8, QuotingPeriodUpdate, RegSho, RetailInterest, Side, Stock,
    StockDirectory, SystemEvent, Trade, TradingAction, WireMessage,
};
use zerocopy::IntoBytes;

const STOCK: Stock = Stock(*b"STOCK   ");
const LOW: Price4 = Price4(0x0102_0304);
const HIGH: Price4 = Price4(0x0506_0708);
const REFERENCE: u64 = 0x1112_1314_1516_1718;
const MATCH: u64 = 0x2122_2324_2526_2728;

fn head<M: WireMessage>() -> Head {
    Head::of::<M>(0x0a0b, 0x0c0d, Nanos(0xe1e2_e3e4_e5e6))
}

/// The bytes that must stand at each offset behind the head, which is checked as a whole.
fn expect<M: WireMessage + std::fmt::Debug>(message: &M, fields: &[(usize, &[u8])]) {
    let bytes = message.as_bytes();
    let mut image = vec![M::KIND, 0x0a, 0x0b, 0x0c, 0x0d, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6];
    for (offset, field) in fields {
        assert_eq!(image.len(), *offset, "{message:?}: the fields are contiguous");
        image.extend_from_slice(field);
    }
    assert_eq!(bytes, image, "{message:?}");
    let parsed = Message::parse(bytes).unwrap();
    assert_eq!(parsed.as_bytes(), bytes);
    let head = parsed.head();
    assert_eq!((head.kind(), head.locate(), head.tracking()), (M::KIND, 0x0a0b, 0x0c0d));
    assert_eq!(head.timestamp(), Nanos(0xe1e2_e3e4_e5e6));
}

const LOW_BYTES: &[u8] = &[1, 2, 3, 4];
const HIGH_BYTES: &[u8] = &[5, 6, 7, 8];
const STOCK_BYTES: &[u8] = b"STOCK   ";
const REFERENCE_BYTES: &[u8] = &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18];
const MATCH_BYTES: &[u8] = &[0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28];
const SHARES: u32 = 0x3132_3334;
const SHARES_BYTES: &[u8] = &[0x31, 0x32, 0x33, 0x34];

#[test]
fn events_directory_and_states_have_the_specified_offsets() {
    expect(&SystemEvent { head: head::<SystemEvent>(), event: b'Q' }, &[(11, b"Q")]);
    let directory = StockDirectory {
        head: head::<StockDirectory>(),
        stock: STOCK,
        market_category: b'Q',
        financial_status: b'N',
        round_lot: SHARES.into(),
        round_lots_only: b'Y',
        issue_classification: b'C',
        issue_sub_type: *b"Z ",
        authenticity: b'P',
        short_sale_threshold: b'n',
        ipo_flag: b'i',
        luld_tier: b'1',
        etp_flag: b'e',
        etp_leverage: 0x4142_4344.into(),
        inverse: b'I',
    };
    expect(
        &directory,
        &[
            (11, STOCK_BYTES),
            (19, b"QN"),
            (21, SHARES_BYTES),
            (25, b"YC"),
            (27, b"Z "),
            (29, b"Pni1e"),
            (34, b"ABCD"),
            (38, b"I"),
        ],
    );
    let action =
        TradingAction { head: head::<TradingAction>(), stock: STOCK, state: b'T', reserved: b' ', reason: *b"LUDP" };
    expect(&action, &[(11, STOCK_BYTES), (19, b"T "), (21, b"LUDP")]);
    expect(&RegSho { head: head::<RegSho>(), stock: STOCK, action: b'2' }, &[(11, STOCK_BYTES), (19, b"2")]);
    let position = MarketParticipantPosition {
        head: head::<MarketParticipantPosition>(),
        mpid: Mpid(*b"LIME"),
        stock: STOCK,
        primary: b'Y',
        mode: b'N',
        state: b'A',
    };
    expect(&position, &[(11, b"LIME"), (15, STOCK_BYTES), (23, b"YNA")]);
    let halt = OperationalHalt { head: head::<OperationalHalt>(), stock: STOCK, market: b'Q', action: b'H' };
    expect(&halt, &[(11, STOCK_BYTES), (19, b"QH")]);
}

#[test]
fn circuit_breakers_and_collars_have_the_specified_offsets() {
    let decline = MwcbDeclineLevel {
        head: head::<MwcbDeclineLevel>(),
        level_1: Price8(REFERENCE).into(),
        level_2: Price8(MATCH).into(),
        level_3: Price8(REFERENCE).into(),
    };
    expect(&decline, &[(11, REFERENCE_BYTES), (19, MATCH_BYTES), (27, REFERENCE_BYTES)]);
    expect(&MwcbStatus { head: head::<MwcbStatus>(), breached: b'3' }, &[(11, b"3")]);
    let quoting = QuotingPeriodUpdate {
        head: head::<QuotingPeriodUpdate>(),
        stock: STOCK,
        release_time_seconds: SHARES.into(),
        qualifier: b'A',
        price: LOW.into(),
    };
    expect(&quoting, &[(11, STOCK_BYTES), (19, SHARES_BYTES), (23, b"A"), (24, LOW_BYTES)]);
    let collar = LuldCollar {
        head: head::<LuldCollar>(),
        stock: STOCK,
        reference_price: LOW.into(),
        upper: HIGH.into(),
        lower: LOW.into(),
        extension: SHARES.into(),
    };
    expect(&collar, &[(11, STOCK_BYTES), (19, LOW_BYTES), (23, HIGH_BYTES), (27, LOW_BYTES), (31, SHARES_BYTES)]);
}

#[test]
fn book_messages_have_the_specified_offsets() {
    let (reference, shares, price) = (REFERENCE.into(), SHARES.into(), LOW.into());
    let add = AddOrder { head: head::<AddOrder>(), reference, side: Side::Sell, shares, stock: STOCK, price };
    let fields: [(usize, &[u8]); 5] =
        [(11, REFERENCE_BYTES), (19, b"S"), (20, SHARES_BYTES), (24, STOCK_BYTES), (32, LOW_BYTES)];
    expect(&add, &fields);
    let head_f = head::<AddOrderMpid>();
    let attribution = Mpid(*b"LIME");
    let add = AddOrderMpid { head: head_f, reference, side: Side::Sell, shares, stock: STOCK, price, attribution };
    expect(&add, &[&fields[..], &[(36, b"LIME")]].concat());
    let match_number = MATCH.into();
    let executed = OrderExecuted { head: head::<OrderExecuted>(), reference, shares, match_number };
    let fields: [(usize, &[u8]); 3] = [(11, REFERENCE_BYTES), (19, SHARES_BYTES), (23, MATCH_BYTES)];
    expect(&executed, &fields);
    let head_c = head::<OrderExecutedWithPrice>();
    let executed = OrderExecutedWithPrice { head: head_c, reference, shares, match_number, printable: b'N', price };
    expect(&executed, &[&fields[..], &[(31, b"N"), (32, LOW_BYTES)]].concat());
    let cancel = OrderCancel { head: head::<OrderCancel>(), reference, shares };
    expect(&cancel, &[(11, REFERENCE_BYTES), (19, SHARES_BYTES)]);
    expect(&OrderDelete { head: head::<OrderDelete>(), reference }, &[(11, REFERENCE_BYTES)]);
    let replace =
        OrderReplace { head: head::<OrderReplace>(), original: reference, reference: MATCH.into(), shares, price };
    expect(&replace, &[(11, REFERENCE_BYTES), (19, MATCH_BYTES), (27, SHARES_BYTES), (31, LOW_BYTES)]);
}

#[test]
fn trades_and_indications_have_the_specified_offsets() {
    let trade = Trade {
        head: head::<Trade>(),
        reference: REFERENCE.into(),
        side: Side::Buy,
        shares: SHARES.into(),
        stock: STOCK,
        price: LOW.into(),
        match_number: MATCH.into(),
    };
    expect(
        &trade,
        &[(11, REFERENCE_BYTES), (19, b"B"), (20, SHARES_BYTES), (24, STOCK_BYTES), (32, LOW_BYTES), (36, MATCH_BYTES)],
    );
    let cross = CrossTrade {
        head: head::<CrossTrade>(),
        shares: REFERENCE.into(),
        stock: STOCK,
        price: LOW.into(),
        match_number: MATCH.into(),
        cross: b'O',
    };
    expect(&cross, &[(11, REFERENCE_BYTES), (19, STOCK_BYTES), (27, LOW_BYTES), (31, MATCH_BYTES), (39, b"O")]);
    expect(&BrokenTrade { head: head::<BrokenTrade>(), match_number: MATCH.into() }, &[(11, MATCH_BYTES)]);
    let noii = Noii {
        head: head::<Noii>(),
        paired: REFERENCE.into(),
        imbalance: MATCH.into(),
        direction: b'N',
        stock: STOCK,
        far: LOW.into(),
        near: HIGH.into(),
        reference_price: LOW.into(),
        cross: b'O',
        variation: b'L',
    };
    expect(
        &noii,
        &[
            (11, REFERENCE_BYTES),
            (19, MATCH_BYTES),
            (27, b"N"),
            (28, STOCK_BYTES),
            (36, LOW_BYTES),
            (40, HIGH_BYTES),
            (44, LOW_BYTES),
            (48, b"OL"),
        ],
    );
    let retail = RetailInterest { head: head::<RetailInterest>(), stock: STOCK, interest: b'A' };
    expect(&retail, &[(11, STOCK_BYTES), (19, b"A")]);
    let listing = DirectListing {
        head: head::<DirectListing>(),
        stock: STOCK,
        eligible: b'Y',
        minimum: LOW.into(),
        maximum: HIGH.into(),
        near: LOW.into(),
        near_time: MATCH.into(),
        lower: LOW.into(),
        upper: HIGH.into(),
    };
    expect(
        &listing,
        &[
            (11, STOCK_BYTES),
            (19, b"Y"),
            (20, LOW_BYTES),
            (24, HIGH_BYTES),
            (28, LOW_BYTES),
            (32, MATCH_BYTES),
            (40, LOW_BYTES),
            (44, HIGH_BYTES),
        ],
    );
}

#[test]
fn values_come_back_from_the_wire_as_they_went() {
    let replace = OrderReplace {
        head: head::<OrderReplace>(),
        original: REFERENCE.into(),
        reference: MATCH.into(),
        shares: SHARES.into(),
        price: HIGH.into(),
    };
    let Ok(Message::OrderReplace(seen)) = Message::parse(replace.as_bytes()) else { panic!("a replace") };
    assert_eq!((seen.original.get(), seen.reference.get()), (REFERENCE, MATCH));
    assert_eq!((seen.shares.get(), seen.price.get()), (SHARES, HIGH));
    let decline = MwcbDeclineLevel {
        head: head::<MwcbDeclineLevel>(),
        level_1: Price8(1).into(),
        level_2: Price8(u64::MAX).into(),
        level_3: Price8(3).into(),
    };
    let Ok(Message::MwcbDeclineLevel(seen)) = Message::parse(decline.as_bytes()) else { panic!("a level") };
    assert_eq!((seen.level_1.get(), seen.level_2.get()), (Price8(1), Price8(u64::MAX)));
}

#[test]
fn a_timestamp_beyond_48_bits_is_held_at_the_last() {
    let head = Head::of::<OrderDelete>(1, 0xffff, Nanos(u64::MAX));
    assert_eq!((head.timestamp(), head.tracking()), (Nanos((1 << 48) - 1), 0xffff));
}
