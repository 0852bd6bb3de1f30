//! The lanes over RDMA: writes into the other end's memory, sends over a reliable connection or as datagrams, and whole frames
//! past the kernel; on RDMA NICs, or in software (soft-RoCE).
//!
//! Layers: `*_ffi` (libibverbs, opened at run time: device, registered memory, queue pair, completions, requests), `sender` and
//! `receiver` (a ring over one queue pair), `polled` and `slots` (frames in memory that is only looked at), `meet` (the
//! control channel), `opened` (an end as a whole), `halves`. What sysfs says is in `ports`, what the kernel lacks in
//! `soft`, and what is refused, with its remedy, in `refusal`. A build without the feature `rdma` knows the lanes, and says that
//! they need one with it.

// Without the feature nothing uses what the settings lead to; its tests run all the same.
#![cfg_attr(not(feature = "rdma"), allow(dead_code, reason = "only with the feature"))]

mod config;
pub mod links;
mod meet;
mod ports;
mod refusal;
mod slots;
pub mod soft;
mod stamps;
mod way;

#[cfg(feature = "rdma")]
mod cm_ffi;
#[cfg(feature = "rdma")]
mod completions_ffi;
#[cfg(feature = "rdma")]
mod device_ffi;
#[cfg(feature = "rdma")]
mod halves;
#[cfg(feature = "rdma")]
mod managed;
#[cfg(feature = "rdma")]
mod memory_ffi;
#[cfg(feature = "rdma")]
mod opened;
#[cfg(not(feature = "rdma"))]
#[path = "without.rs"]
mod opened;
#[cfg(feature = "rdma")]
mod polled;
#[cfg(feature = "rdma")]
mod queue_ffi;
#[cfg(feature = "rdma")]
mod raw_port;
#[cfg(feature = "rdma")]
mod receiver;
#[cfg(feature = "rdma")]
mod request_ffi;
#[cfg(feature = "rdma")]
mod sender;
#[cfg(feature = "rdma")]
mod setup;
#[cfg(feature = "rdma")]
mod steer_ffi;

use std::path::Path;

use tickcert_results::{certificate::OrderChannel, evidence::Evidence};

pub use config::{Config, Connect, Operation};

use crate::api::{Caps, Link, OpenError, Role, Transport, Unmet, Variant};

/// Huge pages that each end's registered memory takes with the default settings, in MiB; more of it, for a longer stall,
/// is in ordinary pages, and the facts say so.
const HUGE_PAGES_MIB: u32 = 24;

/// Work requests of an RDMA device.
#[derive(Debug)]
pub enum Rdma {}

impl Transport for Rdma {
    type Config = Config;
    #[cfg(feature = "rdma")]
    type Rx = halves::RdmaRx;
    #[cfg(feature = "rdma")]
    type Tx = halves::RdmaTx;
    #[cfg(not(feature = "rdma"))]
    type Rx = opened::Never;
    #[cfg(not(feature = "rdma"))]
    type Tx = opened::Never;

    const NAME: &'static str = "rdma";
    const DECIDED_BY_LANE: &'static str = r#"{"operation": "rc-write", "connect": "exchange"}"#;
    const VARIANTS: &'static [Variant] = &[
        Variant {
            lane: "rdma-rc-write",
            summary: "RDMA writes with immediate value over a reliable connection; ticks and orders as datagrams",
            settings: r#"{"operation": "rc-write"}"#,
        },
        Variant {
            lane: "rdma-rc-write/poll",
            summary: "the same, plain writes that the reader finds in its memory",
            settings: r#"{"operation": "rc-write-poll"}"#,
        },
        Variant {
            lane: "rdma-rc-write/cm",
            summary: "as rdma-rc-write, connected by rdma_cm",
            settings: r#"{"operation": "rc-write", "connect": "cm"}"#,
        },
        Variant {
            lane: "rdma-rc-send",
            summary: "sends over a reliable connection; ticks and orders as datagrams",
            settings: r#"{"operation": "rc-send"}"#,
        },
        Variant {
            lane: "rdma-rc-send/cm",
            summary: "the same, connected by rdma_cm",
            settings: r#"{"operation": "rc-send", "connect": "cm"}"#,
        },
        Variant {
            lane: "rdma-ud",
            summary: "unreliable datagrams of RDMA; ticks and orders as datagrams",
            settings: r#"{"operation": "ud"}"#,
        },
        Variant {
            lane: "rdma-raw",
            summary: "Ethernet frames through raw packet queue pairs (ConnectX), on the bench's interfaces; orders as datagrams",
            settings: r#"{"operation": "raw"}"#,
        },
    ];

    fn preflight(config: &Config, link_is_virtual: bool) -> Result<Caps, Unmet> {
        opened::preflight()?;
        let root = Path::new("/");
        let caps = |evidence, why: &str, own_wire| Caps {
            orders: OrderChannel::Datagram,
            evidence,
            evidence_why: why.to_owned(),
            own_wire,
        };
        if config.operation == Operation::Raw {
            // Over the bench's interfaces: which devices those have is known when they are there.
            return if link_is_virtual {
                Err(no_raw())
            } else {
                Ok(caps(
                    Evidence::Software,
                    "stamped by the CPU's clock around raw packet queue pairs of a real device",
                    None,
                ))
            };
        }
        if config.is_soft() {
            soft::check(root)?;
        } else if !devices(root, config)? {
            let why = "stamped by the CPU's clock around work requests of a real device";
            let wire = [&config.exchange_device, &config.trader_device].map(|name| name.as_deref().unwrap_or_default());
            return Ok(caps(Evidence::Software, why, Some(wire.join(" - "))));
        }
        let why = "RDMA is done in software, over an interface of this host: no NIC took part";
        Ok(caps(Evidence::Emulated, why, Some("soft-RoCE".to_owned())))
    }

    fn passes_by_queues(config: &Config) -> bool {
        config.operation == Operation::Raw
    }

    fn takes_no_stamps(config: &Config) -> Option<&'static str> {
        match config.operation {
            Operation::RcWritePoll => {
                Some("a plain write completes nothing at its reader, and at its writer only with the acknowledgement")
            }
            Operation::Raw => None,
            _ if config.is_soft() => Some("soft-RoCE stamps no completions"),
            Operation::RcWrite | Operation::RcSend | Operation::Ud => None,
        }
    }

    fn huge_pages_mib(config: &Config) -> u32 {
        if config.huge_pages { 2 * HUGE_PAGES_MIB } else { 0 }
    }

    fn wants_soft_rdma(config: &Config) -> bool {
        config.operation != Operation::Raw && config.is_soft()
    }

    /// Soft-RoCE sends from the namespace that the host started in (before Linux 7), and devices named are the host's.
    fn stays_on_the_host(config: &Config) -> bool {
        config.operation != Operation::Raw
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(Self::Rx, Self::Tx), OpenError> {
        opened::open(config, link, role)
    }
}

fn no_raw() -> Unmet {
    Unmet {
        needs: "two ConnectX NICs as the bench's interfaces: only they have raw packet queue pairs with flow steering"
            .to_owned(),
        how: "name their interfaces under [bench] (exchange_interface, trader_interface), or leave this lane out"
            .to_owned(),
    }
}

/// Whether RDMA of the devices named is done in software; the exchange's is one of this host.
fn devices(root: &Path, config: &Config) -> Result<bool, Unmet> {
    let (Some(exchange), Some(_)) = (&config.exchange_device, &config.trader_device) else {
        return Err(Unmet {
            needs: "an RDMA device for each end; one is named".to_owned(),
            how: "name both under [transport.rdma]: exchange_device = \"mlx5_0\", trader_device = \"mlx5_0\" (each is its own host's), or neither for soft-RoCE".to_owned(),
        });
    };
    ports::Port::new(root, exchange, config.port).check(root)?;
    Ok(ports::is_software(root, exchange))
}

#[cfg(test)]
mod tests;
