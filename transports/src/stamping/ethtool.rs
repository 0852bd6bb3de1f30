//! Questions to ethtool's netlink about one interface (`linux/ethtool_netlink.h`, Linux 5.6).

use std::io;

use netlink_packet_core::{DefaultNla, Emitable};

use crate::generic_netlink::{Generic, ask_family};

/// The family, as the kernel wants its name.
const FAMILY: &[u8] = b"ethtool\0";
/// The first attribute of each question.
const ETHTOOL_A_HEADER: u16 = 1;
const ETHTOOL_A_HEADER_DEV_NAME: u16 = 2;
const ETHTOOL_A_HEADER_FLAGS: u16 = 3;
/// Bits come as words of 32, not as a list of names.
const ETHTOOL_FLAG_COMPACT_BITSETS: u32 = 1;
/// `linux/netlink.h`: the attribute's contents are attributes.
pub(super) const NLA_F_NESTED: u16 = 1 << 15;

const ETHTOOL_MSG_LINKMODES_GET: u8 = 4;
const ETHTOOL_A_LINKMODES_SPEED: u16 = 5;

/// Asks; `None` where the kernel has no such question.
///
/// # Errors
/// `ENODEV` where there is no such interface; `EOPNOTSUPP` where its driver has no answer.
pub(super) fn ask(question: u8, interface: &str) -> io::Result<Option<Vec<Generic>>> {
    let mut name = interface.as_bytes().to_vec();
    name.push(0);
    let of_interface = [
        DefaultNla::new(ETHTOOL_A_HEADER_DEV_NAME, name),
        DefaultNla::new(ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_COMPACT_BITSETS.to_ne_bytes().to_vec()),
    ];
    let mut header = vec![0; of_interface.as_slice().buffer_len()];
    of_interface.as_slice().emit(&mut header);
    ask_family(FAMILY, question, DefaultNla::new(ETHTOOL_A_HEADER | NLA_F_NESTED, header))
}

/// The speed of an interface's link in Mbit/s; -1 where its driver doesn't know it, as while the link is down.
///
/// # Errors
/// As [`ask`].
pub(super) fn speed(interface: &str) -> io::Result<i64> {
    let answers = ask(ETHTOOL_MSG_LINKMODES_GET, interface)?.unwrap_or_default();
    Ok(answers.first().map_or(-1, speed_in))
}

fn speed_in(answer: &Generic) -> i64 {
    let word = answer.value(ETHTOOL_A_LINKMODES_SPEED).and_then(|bytes| bytes.first_chunk().copied());
    // Signed in what the kernel means, unsigned on the wire.
    word.map_or(-1, |bytes| i32::from_ne_bytes(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_read_and_what_stands_for_unknown_is_none() {
        let answer = |attributes| Generic { kind: 21, header: [0; 4], attributes };
        let of = |speed: u32| answer(vec![DefaultNla::new(ETHTOOL_A_LINKMODES_SPEED, speed.to_ne_bytes().to_vec())]);
        assert_eq!(speed_in(&of(25_000)), 25_000);
        assert_eq!(speed_in(&of(u32::MAX)), -1);
        assert_eq!(speed_in(&answer(vec![])), -1);
        assert_eq!(speed_in(&answer(vec![DefaultNla::new(ETHTOOL_A_LINKMODES_SPEED, vec![1])])), -1);
    }
}
