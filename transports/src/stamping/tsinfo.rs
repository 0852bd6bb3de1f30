//! What an interface can, by ethtool's netlink (`linux/ethtool_netlink.h`, Linux 5.6).

use std::io;

use super::{claims::Claims, ethtool::ask};
use crate::{generic_netlink::Generic, netlink::nested};

const ETHTOOL_MSG_TSINFO_GET: u8 = 25;
/// Of the answer.
const ETHTOOL_A_TSINFO_TIMESTAMPING: u16 = 2;
const ETHTOOL_A_TSINFO_TX_TYPES: u16 = 3;
const ETHTOOL_A_TSINFO_RX_FILTERS: u16 = 4;
const ETHTOOL_A_TSINFO_PHC_INDEX: u16 = 5;
/// Inside a set of bits: the words.
const ETHTOOL_A_BITSET_VALUE: u16 = 4;

/// Asks; `None` where the kernel has no such question.
///
/// # Errors
/// `ENODEV` where there is no such interface; `EOPNOTSUPP` where its driver knows nothing of stamps.
pub(super) fn read(interface: &str) -> io::Result<Option<Claims>> {
    let Some(answers) = ask(ETHTOOL_MSG_TSINFO_GET, interface)? else { return Ok(None) };
    answers.first().map(claims).transpose()
}

/// What is not in the answer there is not.
fn claims(answer: &Generic) -> io::Result<Claims> {
    let phc =
        answer.value(ETHTOOL_A_TSINFO_PHC_INDEX).and_then(|bytes| Some(u32::from_ne_bytes(*bytes.first_chunk()?)));
    Ok(Claims {
        flags: bits(answer, ETHTOOL_A_TSINFO_TIMESTAMPING)?,
        transmit_types: bits(answer, ETHTOOL_A_TSINFO_TX_TYPES)?,
        filters: bits(answer, ETHTOOL_A_TSINFO_RX_FILTERS)?,
        phc,
    })
}

/// The first 32 of a set of bits.
fn bits(answer: &Generic, kind: u16) -> io::Result<u32> {
    let Some(set) = answer.value(kind) else { return Ok(0) };
    let words = nested(&set, ETHTOOL_A_BITSET_VALUE)?;
    Ok(words.and_then(|words| Some(u32::from_ne_bytes(*words.first_chunk()?))).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{DefaultNla, Emitable};
    use proptest::prelude::*;

    use super::{super::ethtool::NLA_F_NESTED, *};

    fn set(kind: u16, bits: u32) -> DefaultNla {
        let value = [DefaultNla::new(ETHTOOL_A_BITSET_VALUE, bits.to_ne_bytes().to_vec())];
        let mut bytes = vec![0; value.as_slice().buffer_len()];
        value.as_slice().emit(&mut bytes);
        DefaultNla::new(kind | NLA_F_NESTED, bytes)
    }

    fn answer(attributes: Vec<DefaultNla>) -> Generic {
        Generic { kind: 21, header: [0; 4], attributes }
    }

    #[test]
    fn what_a_driver_claims_is_read_from_compact_sets() {
        let said = answer(vec![
            set(ETHTOOL_A_TSINFO_TIMESTAMPING, 0x5f),
            set(ETHTOOL_A_TSINFO_TX_TYPES, 0b11),
            set(ETHTOOL_A_TSINFO_RX_FILTERS, 0b11),
            DefaultNla::new(ETHTOOL_A_TSINFO_PHC_INDEX, 3_u32.to_ne_bytes().to_vec()),
        ]);
        let expected = Claims { flags: 0x5f, transmit_types: 3, filters: 3, phc: Some(3) };
        assert_eq!(claims(&said).unwrap(), expected);
        assert_eq!(claims(&answer(vec![])).unwrap(), Claims::default());
    }

    proptest! {
        #[test]
        fn arbitrary_sets_cause_no_panic(kind in 1_u16..7, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = claims(&answer(vec![DefaultNla::new(kind, bytes)]));
        }
    }
}
