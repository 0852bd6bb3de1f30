//! The virtual wire: a veth pair with an end in each namespace. The host's own namespace is never touched.

use std::{
    os::fd::AsFd,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{ends::MTU, error::BenchError, netlink::Connection, netns::Namespace};

/// Names of the two ends, exchange first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) exchange: String,
    pub(super) trader: String,
}

/// Names that no other bench of this host uses now, so that a capture or a log of several benches can be told apart:
/// `tc`, process and serial number in hexadecimal, and the end. At most 15 bytes, as many as the kernel takes: process
/// numbers have up to 6 digits (`PID_MAX_LIMIT` is 2^22), which leaves 5 for the serial number and its dash.
pub(super) fn unique_names() -> Names {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed) & 0xffff;
    let stem = format!("tc{:x}-{serial:x}", process::id() & 0x3f_ffff);
    Names { exchange: format!("{stem}e"), trader: format!("{stem}t") }
}

/// Makes the pair.
pub(super) fn create(names: &Names, exchange: &Namespace, trader: &Namespace) -> Result<(), BenchError> {
    exchange
        .run(|| Connection::open()?.create_veth(&names.exchange, &names.trader, trader.as_fd(), MTU))?
        .map_err(BenchError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_the_kernels_fifteen_bytes() {
        let names: Vec<Names> = (0..100).map(|_| unique_names()).collect();
        let mut all: Vec<&str> = names.iter().flat_map(|n| [n.exchange.as_str(), n.trader.as_str()]).collect();
        assert!(all.iter().all(|n| n.len() <= 15), "{all:?}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 200);
    }

    #[test]
    fn the_longest_name_fits() {
        assert!(format!("tc{:x}-{:x}e", 0x3f_ffff, 0xffff).len() <= 15);
    }
}
