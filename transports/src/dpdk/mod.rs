//! The lanes over DPDK: memif between two processes, AF_XDP through DPDK's driver, and any NIC that DPDK drives itself.
//!
//! Layers: `shim.c` (DPDK's inline functions) and `shim_interrupts.c` (its interrupt thread), `shim_ffi` (these and DPDK's
//! others in Rust, opened at run time), `port_ffi` and `halves_ffi` (a port and its queues), `presence` (whether the other
//! end of memif is there), `device` (starting DPDK, connecting). A build without the feature `dpdk` knows the lanes, and says
//! that they need one with it.

// Without the feature nothing uses what the settings lead to; its tests run all the same.
#![cfg_attr(not(feature = "dpdk"), allow(dead_code, reason = "only with the feature"))]

mod arguments;
mod config;
mod hugepages;
mod pci;
mod sizes;

#[cfg(feature = "dpdk")]
mod device;
#[cfg(not(feature = "dpdk"))]
#[path = "without.rs"]
mod device;
#[cfg(feature = "dpdk")]
#[cfg(test)]
mod device_tests;
#[cfg(feature = "dpdk")]
mod drops;
#[cfg(feature = "dpdk")]
mod halves_ffi;
#[cfg(feature = "dpdk")]
mod port_ffi;
#[cfg(feature = "dpdk")]
mod presence;
#[cfg(feature = "dpdk")]
mod shim_ffi;
#[cfg(feature = "dpdk")]
mod xdp_counts_ffi;
#[cfg(feature = "dpdk")]
mod xdp_program;

use std::path::Path;

use tickcert_results::evidence::Evidence;

pub use config::{Config, Device};
pub use hugepages::Pool as HugePagePool;
pub use pci::PciAddress;

use crate::{
    api::{Caps, Link, OpenError, Role, Transport, UDP_HEADERS, Unmet, Variant},
    raw::{self, Framing, RawRx, RawTx},
    spare::HostUse,
};

/// Frames through a poll-mode driver of DPDK.
#[derive(Debug)]
pub enum Dpdk {}

impl Transport for Dpdk {
    type Config = Config;
    type Rx = RawRx<device::DpdkPort>;
    type Tx = RawTx<device::DpdkPort>;

    const NAME: &'static str = "dpdk";
    const DECIDED_BY_LANE: &'static str = r#"{"device": "memif", "orders": "datagram"}"#;
    const VARIANTS: &'static [Variant] = &[
        Variant {
            lane: "dpdk-memif",
            summary: "DPDK's memif: rings in memory shared by the two processes; orders as datagrams",
            settings: r#"{"device": "memif"}"#,
        },
        Variant {
            lane: "dpdk-memif/tcp",
            summary: "the same, orders in a SoupBinTCP session on TCP in user space",
            settings: r#"{"device": "memif", "orders": "tcp"}"#,
        },
        Variant {
            lane: "dpdk-afxdp",
            summary: "DPDK's driver for AF_XDP, on the bench's interfaces; orders as datagrams",
            settings: r#"{"device": "afxdp"}"#,
        },
        Variant {
            lane: "dpdk-pci",
            summary: "two NICs that DPDK drives itself, by PCI address; orders as datagrams",
            settings: r#"{"device": "pci"}"#,
        },
    ];

    fn headers_before_ticks(_config: &Config) -> Option<u32> {
        Some(UDP_HEADERS)
    }

    fn preflight(config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        device::preflight()?;
        let (evidence, evidence_why, own_wire) = match config.device {
            Device::Memif => (
                Evidence::Emulated,
                "the wire is memory that both processes share: no NIC took part",
                Some("memif".to_owned()),
            ),
            Device::Afxdp if link_is_virtual => (Evidence::Emulated, "the wire is a veth pair: no NIC took part", None),
            Device::Afxdp => {
                (Evidence::Software, "stamped by the CPU's clock around DPDK's AF_XDP driver on a real device", None)
            }
            Device::Pci => {
                let wire = nics(config)?;
                (Evidence::Software, "stamped by the CPU's clock around DPDK's driver of a real device", Some(wire))
            }
        };
        Ok(Caps { orders: config.orders, evidence, evidence_why: evidence_why.to_owned(), own_wire })
    }

    fn queue(config: &Config) -> Option<u32> {
        // As its arguments name it.
        (config.device == Device::Afxdp).then_some(0)
    }

    fn takes_no_stamps(config: &Config) -> Option<&'static str> {
        match config.device {
            Device::Memif => Some("its frames cross memory that both processes share, and no NIC"),
            Device::Afxdp => Some("DPDK's driver for AF_XDP hands no stamps on"),
            Device::Pci if !config.receive_stamps => Some(
                "DPDK has the NIC, and stamps only with receive_stamps = true under [transport.dpdk], and only what arrives",
            ),
            Device::Pci => None,
        }
    }

    fn needs_one_host(config: &Config) -> bool {
        config.device == Device::Memif
    }

    fn huge_pages_mib(config: &Config) -> u32 {
        config.memory_mib.saturating_mul(2)
    }

    /// A driver that shares its NIC with the kernel's looks for the interface, which only its own namespace shows.
    fn stays_on_the_host(config: &Config) -> bool {
        config.device == Device::Pci
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError> {
        let framing = Framing { vlan: config.vlan, orders: config.orders };
        raw::open::<device::DpdkPort>(config, framing, link, role)
    }
}

/// Both NICs in words, if they can be had.
fn nics(config: &Config) -> Result<String, Unmet> {
    let (Some(exchange), Some(trader)) = (&config.exchange_pci, &config.trader_pci) else {
        return Err(Unmet {
            needs: "the PCI addresses of two NICs that are cabled to each other".to_owned(),
            how: "under [transport.dpdk]: exchange_pci = \"0000:03:00.0\", trader_pci = \"0000:03:00.1\" (`lspci -D -d ::0200` lists them)".to_owned(),
        });
    };
    if exchange == trader {
        return Err(Unmet {
            needs: format!("two NICs; {exchange} is named for both ends"),
            how: "name another for one of them".to_owned(),
        });
    }
    let host = HostUse::read();
    for address in [exchange, trader] {
        pci::check(Path::new("/"), address, &host, config.force_pci)?;
    }
    Ok(format!("{exchange} - {trader}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nics_that_dpdk_drives_are_the_hosts() {
        for (json, stays) in [(r#"{"device": "pci"}"#, true), (r#"{"device": "afxdp"}"#, false), ("{}", false)] {
            assert_eq!(Dpdk::stays_on_the_host(&serde_json::from_str(json).unwrap()), stays, "{json}");
        }
    }

    #[test]
    fn one_nic_as_both_ends_and_none_at_all_are_needs() {
        let none = nics(&Config::default()).unwrap_err();
        assert!(none.how.contains("exchange_pci"), "{none}");
        let json = r#"{"device": "pci", "exchange_pci": "0000:03:00.0", "trader_pci": "0000:03:00.0"}"#;
        let one = nics(&serde_json::from_str(json).unwrap()).unwrap_err();
        assert!(one.needs.contains("both ends"), "{one}");
    }
}
