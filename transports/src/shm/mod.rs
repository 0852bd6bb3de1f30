//! `shm`: rings of shared memory between the two processes. No kernel, no wire and no driver: the floor that every other
//! lane stands on, since it costs what the two cores and the memory between them cost, and the harness itself.
//!
//! Layers: `geometry` says what lies where, `memory` makes and maps the pages, `meet` hands them to the other
//! process, `ring` moves frames through them.

mod geometry;
mod halves;
mod meet;
mod memory;
mod received_fd_ffi;
mod ring;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use tickcert_results::{certificate::OrderChannel, evidence::Evidence};

use crate::api::{Caps, Link, OpenError, Role, Transport, Unmet, Variant};
use geometry::{Geometry, Which};
use halves::{ShmRx, ShmTx};
use memory::Shared;
use ring::{Reader, Writer};

/// The lane.
pub struct Shm;

/// Its settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Bytes of each of its three rings; one that is full makes the sender wait and loses nothing.
    #[serde(deserialize_with = "ring_bytes")]
    pub ring_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { ring_bytes: 1 << 20 }
    }
}

fn ring_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let bytes = usize::deserialize(deserializer)?;
    if !Geometry::RING_BYTES.contains(&bytes) {
        let (least, most) = Geometry::RING_BYTES.into_inner();
        return Err(D::Error::custom(format!("ring_bytes = {bytes} is not between {least} and {most}")));
    }
    Ok(bytes)
}

impl Transport for Shm {
    type Config = Config;
    type Rx = ShmRx;
    type Tx = ShmTx;

    const NAME: &'static str = "shm";
    const DECIDED_BY_LANE: &'static str = "{}";
    const VARIANTS: &'static [Variant] = &[Variant {
        lane: "shm",
        summary: "rings of shared memory between the two processes: the floor; ticks and orders as datagrams",
        settings: "{}",
    }];

    fn takes_no_stamps(_config: &Config) -> Option<&'static str> {
        Some("its frames cross memory that both processes share, and no NIC")
    }

    fn needs_one_host(_config: &Config) -> bool {
        true
    }

    fn preflight(_config: &Config, _link_is_virtual: bool) -> Result<Caps, Unmet> {
        Ok(Caps {
            orders: OrderChannel::Datagram,
            evidence: Evidence::Emulated,
            evidence_why: "frames cross shared memory: no wire and no NIC took part".to_owned(),
            own_wire: Some("shared memory".to_owned()),
        })
    }

    fn open(config: &Config, link: &Link, role: Role) -> Result<(ShmRx, ShmTx), OpenError> {
        let shared = match role {
            Role::Exchange => {
                let shared = memory::create(Geometry::new(config.ring_bytes)).map_err(without_memfd)?;
                meet::hand_over(&shared, &link.meeting, link.connect_timeout)?;
                shared
            }
            Role::Trader => meet::take_over(&link.meeting, link.connect_timeout)?,
        };
        Ok(ends(shared, role)?)
    }
}

/// Both halves of one end.
fn ends(shared: Shared, role: Role) -> io::Result<(ShmRx, ShmTx)> {
    let Shared { geometry, map, .. } = shared;
    let map = Arc::new(map);
    let reader = |which| Reader::new(Arc::clone(&map), geometry, which);
    let writer = |which| Writer::new(Arc::clone(&map), geometry, which);
    Ok(match role {
        Role::Exchange => {
            let rx = ShmRx { ticks: None, orders: reader(Which::Orders)? };
            (rx, ShmTx { ticks: Some(writer(Which::Ticks)?), orders: writer(Which::Answers)?, sent: 0 })
        }
        Role::Trader => {
            let rx = ShmRx { ticks: Some(reader(Which::Ticks)?), orders: reader(Which::Answers)? };
            (rx, ShmTx { ticks: None, orders: writer(Which::Orders)?, sent: 0 })
        }
    })
}

fn without_memfd(e: io::Error) -> OpenError {
    match e.raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM) => OpenError::Unmet(Unmet {
            needs: format!("memfd_create, which the kernel refused ({e})"),
            how: "allow it in the container's seccomp profile; Linux has it since 3.17".to_owned(),
        }),
        _ => OpenError::Io(e),
    }
}
