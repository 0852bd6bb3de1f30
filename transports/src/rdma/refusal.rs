//! What RDMA refuses, in words, with the remedy.

use std::io;

use nix::sys::resource::{Resource, getrlimit};

use crate::api::{OpenError, Unmet};

/// Memory that can't be had or registered.
pub(super) fn memory(bytes: usize, e: &io::Error) -> OpenError {
    let limit = getrlimit(Resource::RLIMIT_MEMLOCK).map_or(u64::MAX, |(soft, _)| soft);
    memory_with_limit(bytes, e, limit)
}

fn memory_with_limit(bytes: usize, e: &io::Error, limit: u64) -> OpenError {
    let mib = bytes.div_ceil(1 << 20);
    match e.raw_os_error() {
        // The kernel counts what is registered against the limit of locked memory, and says that there is no memory.
        Some(libc::ENOMEM | libc::EAGAIN | libc::EPERM) if limit != u64::MAX => OpenError::Unmet(Unmet {
            needs: format!("{mib} MiB more that may be locked in memory; the limit is {} KiB in all", limit / 1024),
            how: "ulimit -l unlimited (or LimitMEMLOCK=infinity for a service, or `memlock` in /etc/security/limits.conf); root needs none. A smaller receive_ring under [transport.rdma] takes less".to_owned(),
        }),
        _ => io::Error::new(e.kind(), format!("{mib} MiB can't be registered with the RDMA device: {e}; a smaller receive_ring under [transport.rdma] takes less")).into(),
    }
}

/// A step of a queue pair that the driver refuses.
pub(super) fn step(step: &str, e: &io::Error) -> OpenError {
    let hint = match (step, e.raw_os_error()) {
        (_, Some(libc::ENOMEM)) => {
            "; the device has too few resources: smaller receive_ring and send_ring under [transport.rdma] take less"
        }
        ("ready to receive", Some(libc::ETIMEDOUT | libc::ENETUNREACH | libc::EHOSTUNREACH)) => {
            "; the kernel finds no way to the other end's GID: do both have addresses of one network (`ip addr`), and do they answer (`ping`)?"
        }
        ("ready to receive", Some(libc::EINVAL | libc::ENODEV)) => {
            "; is gid_index right, and is mtu no more than both ports have active? (Two soft-RoCE devices of one network namespace can't reach each other)"
        }
        (_, Some(libc::EPERM | libc::EACCES)) => "; it takes root (CAP_NET_RAW for raw packets)",
        _ => "",
    };
    io::Error::new(e.kind(), format!("a queue pair can't be made {step}: {e}{hint}")).into()
}

/// Work completion statuses by number (`enum ibv_wc_status`), with what they mean to whoever runs a lane.
const STATUSES: [(&str, &str); 24] = [
    ("IBV_WC_SUCCESS", ""),
    ("IBV_WC_LOC_LEN_ERR", "a frame was longer than the buffer that waited for it"),
    ("IBV_WC_LOC_QP_OP_ERR", "this end's work request is not understood by its device"),
    ("IBV_WC_LOC_EEC_OP_ERR", ""),
    ("IBV_WC_LOC_PROT_ERR", "this end's memory is not registered for what was asked"),
    ("IBV_WC_WR_FLUSH_ERR", "the queue pair was in the error state already"),
    ("IBV_WC_MW_BIND_ERR", ""),
    ("IBV_WC_BAD_RESP_ERR", "the other end's answer is not understood"),
    ("IBV_WC_LOC_ACCESS_ERR", "the other end wrote where it may not"),
    ("IBV_WC_REM_INV_REQ_ERR", "the other end's device does not understand the request, or its buffer was too short"),
    ("IBV_WC_REM_ACCESS_ERR", "the other end's memory may not be written to there"),
    ("IBV_WC_REM_OP_ERR", "the other end could not do what was asked"),
    (
        "IBV_WC_RETRY_EXC_ERR",
        "the other end no longer answers: it has ended, its link is down, or frames of this size are dropped on the way",
    ),
    ("IBV_WC_RNR_RETRY_EXC_ERR", "the other end posts no receives"),
    ("IBV_WC_LOC_RDD_VIOL_ERR", ""),
    ("IBV_WC_REM_INV_RD_REQ_ERR", ""),
    ("IBV_WC_REM_ABORT_ERR", "the other end gave up"),
    ("IBV_WC_INV_EECN_ERR", ""),
    ("IBV_WC_INV_EEC_STATE_ERR", ""),
    ("IBV_WC_FATAL_ERR", "the device has failed"),
    ("IBV_WC_RESP_TIMEOUT_ERR", "the other end's device did not answer in time"),
    ("IBV_WC_GENERAL_ERR", "the device says no more"),
    ("IBV_WC_TM_ERR", ""),
    ("IBV_WC_TM_RNDV_INCOMPLETE", ""),
];

/// The name of a work completion's status.
pub(super) fn status_name(status: u32) -> &'static str {
    usize::try_from(status).ok().and_then(|n| STATUSES.get(n)).map_or("a status of no name", |(name, _)| name)
}

/// A work request that failed: the status, and what the vendor says.
pub(super) fn completion(what: &str, status: u32, vendor_error: u32) -> io::Error {
    let meaning = usize::try_from(status).ok().and_then(|n| STATUSES.get(n)).map_or("", |(_, meaning)| meaning);
    let meaning = if meaning.is_empty() { String::new() } else { format!(": {meaning}") };
    let name = status_name(status);
    io::Error::new(
        io::ErrorKind::ConnectionAborted,
        format!("a {what} failed with {name} ({status}, vendor_err {vendor_error:#x}){meaning}"),
    )
}

/// Where ports carry smaller packets than a lane needs.
pub(super) fn mtu(device: &str, active: u32, wanted: u32, interface: &str) -> Unmet {
    Unmet {
        needs: format!("packets of {wanted} bytes; {device} has {active} active"),
        // What RoCE v2 has around the payload, up to the next round number.
        how: format!(
            "ip link set {interface} mtu {} at both ends, and as much on the switch between (or a smaller `mtu` under [transport.rdma], where the lane can do with it)",
            wanted + 104
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_completion_is_named_with_its_status_what_it_means_and_the_vendors_word() {
        let text = completion("send", 12, 0x81).to_string();
        assert_eq!(
            text,
            "a send failed with IBV_WC_RETRY_EXC_ERR (12, vendor_err 0x81): the other end no longer answers: it has ended, its link is down, or frames of this size are dropped on the way"
        );
        assert!(completion("receive", 3, 0).to_string().ends_with("IBV_WC_LOC_EEC_OP_ERR (3, vendor_err 0x0)"));
        assert!(completion("receive", 77, 0).to_string().contains("a status of no name (77"));
    }

    #[test]
    fn a_limit_of_locked_memory_is_a_need_and_without_one_it_is_memory_that_is_short() {
        let error = io::Error::from_raw_os_error(libc::ENOMEM);
        let OpenError::Unmet(unmet) = memory_with_limit(5 << 20, &error, 64 << 10) else {
            panic!("a limit is a need");
        };
        assert!(unmet.needs.contains("5 MiB") && unmet.needs.contains("64 KiB"), "{unmet}");
        assert!(unmet.how.contains("ulimit -l unlimited") && unmet.how.contains("LimitMEMLOCK"), "{unmet}");
        assert!(matches!(memory_with_limit(1, &error, u64::MAX), OpenError::Io(_)));
    }

    #[test]
    fn a_way_that_is_not_found_and_a_right_that_is_missing_are_told_apart() {
        let said = |step_name, errno| step(step_name, &io::Error::from_raw_os_error(errno)).to_string();
        assert!(said("ready to receive", libc::ETIMEDOUT).contains("no way to the other end"));
        assert!(said("ready to receive", libc::EINVAL).contains("gid_index"));
        assert!(said("out of nothing", libc::EPERM).contains("CAP_NET_RAW"));
        assert!(said("out of nothing", libc::ENOMEM).contains("send_ring"));
    }

    #[test]
    fn a_packet_that_is_too_small_comes_with_the_interfaces_mtu_that_mends_it() {
        let unmet = mtu("mlx5_0", 1024, 2048, "ens1f0");
        assert!(unmet.needs.contains("2048") && unmet.needs.contains("1024"), "{unmet}");
        assert!(unmet.how.starts_with("ip link set ens1f0 mtu 2152 at both ends"), "{unmet}");
    }
}
