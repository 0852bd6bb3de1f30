//! An order as the trader means it, and the packet that says so.

use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, big_endian::U16};

use super::{ouch::EnterOrder, soup};
use crate::feed::itch::{Price4, Side, Stock};

/// What changes from order to order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// n-th order of the repetition, from 1.
    pub user_ref_num: u32,
    /// Which way.
    pub side: Side,
    /// Shares.
    pub quantity: u32,
    /// Which stock.
    pub symbol: Stock,
    /// Limit.
    pub price: Price4,
}

/// What all orders of a run share. Single characters, as OUCH 5.0 codes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrderSettings {
    /// `0` day, `3` immediate or cancel, `5` GTX, `6` GTT, `E` after hours.
    pub time_in_force: char,
    /// `Y` visible, `N` hidden, `A` attributable.
    pub display: char,
    /// `A` agency, `P` principal, `R` riskless, `O` other.
    pub capacity: char,
    /// Client order id, at most 14 printable ASCII characters.
    pub cl_ord_id: String,
    /// Firm, four printable ASCII characters; sent as the order's one tag value.
    pub firm: String,
}

impl Default for OrderSettings {
    fn default() -> Self {
        Self {
            time_in_force: '3',
            display: 'Y',
            capacity: 'P',
            cl_ord_id: String::from("TICKCERT"),
            firm: String::from("TKCT"),
        }
    }
}

/// A setting that OUCH 5.0 cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order setting {setting} = `{value}`: must be {wanted}")]
pub struct SettingsError {
    setting: &'static str,
    value: String,
    wanted: &'static str,
}

/// The whole packet: SoupBinTCP head, Enter Order, and the tag value `Firm` (size 5: tag and four characters).
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct OrderPacket {
    length: U16,
    kind: u8,
    order: EnterOrder,
    firm_size: u8,
    firm_tag: u8,
    firm: [u8; 4],
}

/// A packet built once, of which each order fills in its own fields.
///
/// It has the size of the Enter Order most often seen on the wire: one tag value, the firm.
#[derive(Clone, Debug)]
pub struct OrderTemplate {
    packet: OrderPacket,
}

impl OrderTemplate {
    /// Bytes of every order packet: SoupBinTCP head 3, Enter Order 47, tag value 6.
    pub const LEN: usize = size_of::<OrderPacket>();

    /// Builds the packet.
    ///
    /// # Errors
    /// [`SettingsError`] for a setting that is not one of the listed codes, too long, or not printable ASCII.
    pub fn new(settings: &OrderSettings) -> Result<Self, SettingsError> {
        let order = EnterOrder {
            kind: b'O',
            user_ref_num: 0.into(),
            side: b'B',
            quantity: 0.into(),
            symbol: [b' '; 8],
            price: 0.into(),
            time_in_force: code("time_in_force", settings.time_in_force, b"0356E", "one of 0 3 5 6 E")?,
            display: code("display", settings.display, b"YNA", "one of Y N A")?,
            capacity: code("capacity", settings.capacity, b"APRO", "one of A P R O")?,
            intermarket_sweep: b'N',
            cross_type: b'N',
            cl_ord_id: text("cl_ord_id", &settings.cl_ord_id, 0, "at most 14 printable ASCII characters")?,
            appendage_length: 6.into(),
        };
        let firm = text("firm", &settings.firm, 4, "four printable ASCII characters")?;
        #[expect(clippy::cast_possible_truncation, reason = "56 - 2")]
        let length = (Self::LEN as u16 - 2).into();
        Ok(Self {
            packet: OrderPacket { length, kind: soup::UNSEQUENCED_DATA, order, firm_size: 5, firm_tag: 2, firm },
        })
    }

    /// Writes the packet of `order` to the front of `out`, and returns its length: [`Self::LEN`], or 0 without having
    /// touched `out` where that is shorter.
    #[inline]
    pub fn write(&self, out: &mut [u8], order: &Order) -> usize {
        let Ok((packet, _)) = OrderPacket::mut_from_prefix(out) else {
            return 0;
        };
        *packet = self.packet;
        packet.order.user_ref_num.set(order.user_ref_num);
        packet.order.side = order.side as u8;
        packet.order.quantity.set(order.quantity);
        packet.order.symbol = order.symbol.0;
        packet.order.price.set(u64::from(order.price.0));
        Self::LEN
    }

    /// The packet of `order`, for who has no buffer to fill.
    #[must_use]
    pub fn packet(&self, order: &Order) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        self.write(&mut bytes, order);
        bytes
    }
}

const _: () = assert!(OrderTemplate::LEN == 56);

fn code(setting: &'static str, value: char, allowed: &[u8], wanted: &'static str) -> Result<u8, SettingsError> {
    u8::try_from(value).ok().filter(|byte| allowed.contains(byte)).ok_or_else(|| SettingsError {
        setting,
        value: value.to_string(),
        wanted,
    })
}

/// `value` padded with spaces to `N`, if it is printable and has from `least` to `N` characters.
fn text<const N: usize>(
    setting: &'static str,
    value: &str,
    least: usize,
    wanted: &'static str,
) -> Result<[u8; N], SettingsError> {
    let printable = value.bytes().all(|b| (b' '..=b'~').contains(&b));
    let mut padded = [b' '; N];
    match padded.get_mut(..value.len()) {
        Some(front) if printable && value.len() >= least => front.copy_from_slice(value.as_bytes()),
        _ => {
            return Err(SettingsError { setting, value: value.to_owned(), wanted });
        }
    }
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::{
        super::ouch::{ClientMessage, OptionTag},
        *,
    };

    const ORDER: Order = Order {
        user_ref_num: 0x71,
        side: Side::Sell,
        quantity: 225,
        symbol: Stock(*b"CVLT    "),
        price: Price4(630_200),
    };

    /// The Enter Order captured on 2023-05-11, whose side is `T`, with a plain sale instead.
    #[test]
    fn an_order_with_the_settings_of_a_captured_one_has_its_bytes() {
        let settings = OrderSettings {
            time_in_force: '0',
            display: 'Y',
            capacity: 'A',
            cl_ord_id: "H8FUB8IV".into(),
            firm: "LIME".into(),
        };
        let packet = OrderTemplate::new(&settings).unwrap().packet(&ORDER);
        let mut captured =
            *b"\0\x36UO\0\0\0\x71T\0\0\0\xe1CVLT    \0\0\0\0\0\x09\x9d\xb80YANNH8FUB8IV      \0\x06\x05\x02LIME";
        captured[8] = b'S';
        assert_eq!(packet, captured);
    }

    #[test]
    fn a_written_order_reads_back_as_meant() {
        let packet = OrderTemplate::new(&OrderSettings::default()).unwrap().packet(&ORDER);
        let ClientMessage::EnterOrder(order, mut tags) = ClientMessage::parse(&packet[3..]).unwrap() else {
            panic!("not an Enter Order");
        };
        assert_eq!(order.user_ref_num.get(), 0x71);
        assert_eq!((order.side, order.quantity.get(), order.price.get()), (b'S', 225, 630_200));
        let firm = tags.next().unwrap().unwrap();
        assert_eq!((firm.tag(), firm.value), (Some(OptionTag::Firm), &b"TKCT"[..]));
        assert_eq!(tags.next(), None);
    }

    #[test]
    fn a_buffer_too_short_for_an_order_is_left_as_it_was() {
        let template = OrderTemplate::new(&OrderSettings::default()).unwrap();
        let mut short = [7; OrderTemplate::LEN - 1];
        assert_eq!(template.write(&mut short, &ORDER), 0);
        assert_eq!(short, [7; OrderTemplate::LEN - 1]);
        let mut long = [7; OrderTemplate::LEN + 1];
        assert_eq!(template.write(&mut long, &ORDER), OrderTemplate::LEN);
        assert_eq!(long[OrderTemplate::LEN], 7);
    }

    #[test]
    fn a_setting_that_ouch_cannot_carry_is_named_with_what_it_may_be() {
        let bad = [
            (OrderSettings { time_in_force: '9', ..Default::default() }, "time_in_force = `9`"),
            (OrderSettings { display: 'é', ..Default::default() }, "display = `é`"),
            (OrderSettings { capacity: 'X', ..Default::default() }, "one of A P R O"),
            (OrderSettings { cl_ord_id: "fifteen letters".into(), ..Default::default() }, "at most 14"),
            (OrderSettings { firm: "TKC".into(), ..Default::default() }, "four printable"),
            (OrderSettings { firm: "TK\nT".into(), ..Default::default() }, "four printable"),
        ];
        for (settings, says) in bad {
            let error = OrderTemplate::new(&settings).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
