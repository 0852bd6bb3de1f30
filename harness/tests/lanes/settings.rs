//! Lanes with settings other than their defaults: those that take another branch, and rings so small that they wrap and
//! run over at once. For each the claims of [`tried`], and a whole trial, on a lane with a session in one.

use serde_json::{Map, Value};
use tickcert_results::time::PerSecond;
use tickcert_transports::Lane;

use crate::{
    claims::{self, Claim},
    faults::{self, Case},
};

/// Lane, and settings as a profile has them.
const TABLE: &[(&str, &str)] = &[
    ("kernel-udp-busypoll", r#"{"prefer_busy_poll": false, "busy_poll_budget": 1}"#),
    ("io-uring", r#"{"defer_taskrun": false}"#),
    ("io-uring", r#"{"buffers": 2}"#),
    ("io-uring/tcp", r#"{"defer_taskrun": false, "buffers": 2, "send_buffers": 1}"#),
    ("io-uring/zc", r#"{"defer_taskrun": false, "send_buffers": 1}"#),
    ("shm", r#"{"ring_bytes": 65536}"#),
    ("afxdp-copy", r#"{"vlan": 100}"#),
    ("afxdp-copy", r#"{"need_wakeup": false}"#),
    ("afxdp-copy", r#"{"frame_size": 4096}"#),
    ("afxdp-copy", r#"{"receive_ring": 64, "send_ring": 64}"#),
    ("afxdp-copy/skb", r#"{"vlan": 4094, "receive_ring": 64}"#),
    ("afxdp-copy/busypoll", r#"{"need_wakeup": false, "prefer_busy_poll": false, "busy_poll_budget": 1}"#),
    ("afxdp-copy/tcp", r#"{"vlan": 1, "receive_ring": 64, "send_ring": 64, "frame_size": 4096}"#),
    ("dpdk-memif", r#"{"burst": 1}"#),
    ("dpdk-memif", r#"{"burst": 8, "descriptors": 64, "buffers": 512}"#),
    ("dpdk-memif", r#"{"descriptors": 4096, "buffers": 16383, "vlan": 100}"#),
    ("dpdk-memif/tcp", r#"{"burst": 1, "descriptors": 64, "vlan": 1}"#),
    ("rdma-rc-write", r#"{"receive_ring": 64, "send_ring": 16, "signal_every": 1, "inline_bytes": 0}"#),
    ("rdma-rc-write", r#"{"mtu": 256, "huge_pages": false}"#),
    ("rdma-rc-write/poll", r#"{"receive_ring": 64, "send_ring": 16, "signal_every": 8, "inline_bytes": 64}"#),
    ("rdma-rc-write/poll", r#"{"mtu": 256}"#),
    ("rdma-rc-send", r#"{"receive_ring": 64, "send_ring": 16, "signal_every": 8, "inline_bytes": 0, "mtu": 512}"#),
    ("rdma-rc-send/cm", r#"{"traffic_class": 104, "service_level": 3, "mtu": 1024}"#),
    ("rdma-ud", r#"{"receive_ring": 64, "send_ring": 16, "signal_every": 1, "inline_bytes": 0}"#),
    ("rdma-ud", r#"{"traffic_class": 104, "service_level": 3, "gid_index": 1}"#),
    ("dpdk-afxdp", r#"{"burst": 8, "vlan": 100, "device_arguments": "busy_budget=0"}"#),
];

/// A lane with settings of its own.
pub(crate) struct Set {
    pub(crate) lane: Lane,
    pub(crate) wanted: Map<String, Value>,
    /// As in the names of tests.
    pub(crate) name: String,
}

impl Set {
    /// A lane as it is.
    pub(crate) fn of(lane: Lane) -> Self {
        Self { lane, wanted: Map::new(), name: lane.name().to_owned() }
    }

    fn new(lane: &str, settings: &str) -> Self {
        let lane = Lane::by_name(lane).unwrap();
        let name = format!("{} {}", lane.name(), settings.replace(['"', ' '], ""));
        Self { lane, wanted: serde_json::from_str(settings).unwrap(), name }
    }
}

pub(crate) fn all() -> impl Iterator<Item = Set> {
    TABLE.iter().map(|(lane, settings)| Set::new(lane, settings))
}

/// Those claims that can be tried on the lane one after the other: not what leaves it behind full.
pub(crate) fn tried(lane: Lane) -> Vec<Claim> {
    claims_of(lane).filter(|claim| !claim.name.starts_with("a_reader_that_stopped")).collect()
}

/// All claims, but for one on DPDK's driver for AF_XDP. With both its ends in one process, which no run has, two or three
/// frames each way are lost once some 2048 have crossed without a poll in vain between, and why is not known. There a
/// [`LONG`] trial, in two processes, stands for it.
///
/// None on lanes that rdma_cm connects: its library keeps a device open for as long as its process lives, and until then one in
/// software can't be taken away. Their trials, in processes of their own, stand for them.
pub(crate) fn claims_of(lane: Lane) -> impl Iterator<Item = Claim> {
    let here = lane.name() != "dpdk-afxdp";
    let may_stay_open = !lane.name().ends_with("/cm");
    let claims = claims::all().into_iter().filter(move |_| may_stay_open);
    claims.filter(move |claim| here || !claim.name.starts_with("more_frames_than_a_ring"))
}

/// Slow enough that a ring of 64 frames outlasts a short stall of the host.
pub(crate) const CASE: Case = Case {
    rate: PerSecond(2_000.0),
    packets: 400,
    ..Case::valid("a_trial_with_these_settings_is_valid", None, faults::nothing_is_missing)
};

/// More ticks, and more orders, than the rings of DPDK's driver for AF_XDP hold.
pub(crate) const LONG: Case = Case {
    rate: PerSecond(20_000.0),
    packets: 6_000,
    ..Case::valid(
        "more_ticks_and_orders_than_the_drivers_rings_hold_cross_in_a_trial",
        None,
        faults::nothing_is_missing,
    )
};
