//! Names of what the kernel numbers, as `ethtool -T` has them (`net/ethtool/common.c`).

/// `SOF_TIMESTAMPING_*` by bit.
const FLAGS: [&str; 19] = [
    "hardware-transmit",
    "software-transmit",
    "hardware-receive",
    "software-receive",
    "software-system-clock",
    "hardware-legacy-clock",
    "hardware-raw-clock",
    "option-id",
    "sched-transmit",
    "ack-transmit",
    "option-cmsg",
    "option-tsonly",
    "option-stats",
    "option-pktinfo",
    "option-tx-swhw",
    "bind-phc",
    "option-id-tcp",
    "option-rx-filter",
    "tx-completion",
];

/// `HWTSTAMP_TX_*` by number.
const TRANSMIT_TYPES: [&str; 4] = ["off", "on", "onestep-sync", "onestep-p2p"];

/// `HWTSTAMP_FILTER_*` by number.
const FILTERS: [&str; 16] = [
    "none",
    "all",
    "some",
    "ptpv1-l4-event",
    "ptpv1-l4-sync",
    "ptpv1-l4-delay-req",
    "ptpv2-l4-event",
    "ptpv2-l4-sync",
    "ptpv2-l4-delay-req",
    "ptpv2-l2-event",
    "ptpv2-l2-sync",
    "ptpv2-l2-delay-req",
    "ptpv2-event",
    "ptpv2-sync",
    "ptpv2-delay-req",
    "ntp-all",
];

fn named(names: &[&str], number: usize) -> String {
    names.get(number).map_or_else(|| format!("number {number}"), |name| (*name).to_owned())
}

pub(super) fn transmit_type(number: i32) -> String {
    named(&TRANSMIT_TYPES, usize::try_from(number).unwrap_or(usize::MAX))
}

pub(super) fn filter(number: i32) -> String {
    named(&FILTERS, usize::try_from(number).unwrap_or(usize::MAX))
}

fn all(what: &str, names: &[&str], bits: u32) -> impl Iterator<Item = String> {
    (0..32).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| format!("{what}{}", named(names, bit)))
}

/// What an interface can, a word for each.
pub(super) fn of(flags: u32, transmit_types: u32, filters: u32) -> Vec<String> {
    all("", &FLAGS, flags)
        .chain(all("transmit ", &TRANSMIT_TYPES, transmit_types))
        .chain(all("receive ", &FILTERS, filters))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_have_the_names_that_ethtool_prints_and_new_ones_their_number() {
        assert_eq!(
            of(0b101, 0b11, 1 << 12),
            ["hardware-transmit", "hardware-receive", "transmit off", "transmit on", "receive ptpv2-event"]
        );
        assert_eq!(of(1 << 31, 0, 0), ["number 31"]);
        assert_eq!(
            (transmit_type(1), filter(1), filter(-1)),
            ("on".into(), "all".into(), format!("number {}", usize::MAX))
        );
    }
}
