//! Whether io_uring can be had here, and what to do where it can't.

use std::{io, path::Path};

use tickcert_results::certificate::OrderChannel;

use super::{Config, ring_ffi::Ring};
use crate::api::{OpenError, Unmet};

/// Finds out by making a small ring, as the lane would.
pub(super) fn check(config: &Config) -> Result<(), Unmet> {
    let unmet = |needs: &str, how: &str| Err(Unmet { needs: needs.to_owned(), how: how.to_owned() });
    if config.zero_copy && config.orders == OrderChannel::Tcp {
        let how = "use io-uring/zc, or io-uring/tcp";
        return unmet("orders as datagrams, since only they are sent without copying", how);
    }
    let ring = Ring::new(4, config.defer_taskrun).map_err(|e| refused(&e))?;
    if config.napi {
        ring.poll_device().map_err(|e| no_napi(&e))?;
    }
    Ok(())
}

/// What a refusal of the kernel stands for.
pub(super) fn refused(e: &io::Error) -> Unmet {
    let (needs, how) = match e.raw_os_error() {
        Some(libc::ENOSYS) => ("a kernel with io_uring", "Linux 6.1 or later, built with CONFIG_IO_URING".to_owned()),
        Some(libc::EPERM | libc::EACCES) => ("the right to use io_uring", permit()),
        Some(libc::EINVAL) => (
            "an io_uring with SINGLE_ISSUER and DEFER_TASKRUN",
            "Linux 6.1 or later; before that `defer_taskrun = false` in [transport.io-uring] helps from 6.0".to_owned(),
        ),
        Some(libc::ENOMEM) => ("memory that may be locked", "raise `ulimit -l`, or run as root".to_owned()),
        _ => ("io_uring", "see the kernel's log".to_owned()),
    };
    Unmet { needs: format!("{needs} ({e})"), how }
}

fn permit() -> String {
    let set = std::fs::read_to_string(Path::new("/proc/sys/kernel/io_uring_disabled")).unwrap_or_default();
    match set.trim() {
        "1" => {
            "run as root or as a member of kernel.io_uring_group, or `sysctl -w kernel.io_uring_disabled=0`".to_owned()
        }
        "2" => "`sysctl -w kernel.io_uring_disabled=0`".to_owned(),
        _ => "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile".to_owned(),
    }
}

/// Why a ring doesn't poll devices.
pub(super) fn no_napi(e: &io::Error) -> Unmet {
    Unmet {
        needs: format!("a kernel whose io_uring polls devices ({e})"),
        how: "Linux 6.9 or later, built with CONFIG_NET_RX_BUSY_POLL".to_owned(),
    }
}

/// What was only found out while opening.
#[expect(clippy::needless_pass_by_value, reason = "in the shape that map_err wants")]
pub(super) fn at_open(e: io::Error) -> OpenError {
    match e.raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM | libc::EACCES | libc::EINVAL | libc::ENOMEM) => refused(&e).into(),
        _ => OpenError::Io(io::Error::new(e.kind(), format!("set up io_uring: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_need_with_what_mends_it() {
        let of = |errno| refused(&io::Error::from_raw_os_error(errno));
        assert!(of(libc::EPERM).how.contains("seccomp") || of(libc::EPERM).how.contains("io_uring_disabled"));
        assert!(of(libc::EINVAL).how.contains("6.1"));
        assert!(of(libc::ENOSYS).how.contains("CONFIG_IO_URING"));
    }

    #[test]
    fn settings_that_can_not_be_are_refused_before_anything_is_opened() {
        let both = Config { zero_copy: true, orders: OrderChannel::Tcp, ..Config::default() };
        assert!(check(&both).unwrap_err().how.contains("io-uring/zc"));
        let read = |json| serde_json::from_str::<Config>(json).map_err(|e| e.to_string());
        for (json, said) in [
            (r#"{"buffers": 1000}"#, "1000 is no power of two from 1 to 32768"),
            (r#"{"buffers": 65536}"#, "from 1 to 32768"),
            (r#"{"send_buffers": 0}"#, "0 is not from 1 to 65535"),
        ] {
            let text = read(json).unwrap_err();
            assert!(text.contains(said), "{json}: {text}");
        }
        assert!(read(r#"{"buffers": 32768, "send_buffers": 65535}"#).is_ok());
    }
}
