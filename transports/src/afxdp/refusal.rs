//! What a host, a driver or a device refuses, in words that say what to do.

use std::io;

use super::{
    abi,
    config::{Config, Copying},
};
use crate::api::{OpenError, Unmet};

/// Where a socket is to be bound.
pub(super) struct Place<'a> {
    pub(super) interface: &'a str,
    pub(super) driver: &'a str,
    pub(super) config: &'a Config,
}

/// What can be known before anything is tried.
pub(super) fn check_device(place: &Place<'_>, queues: Option<u32>, mtu: u32) -> Result<(), Unmet> {
    let Place { interface, driver, config } = place;
    if let Some(queues) = queues.filter(|queues| config.queue >= *queues) {
        return Err(Unmet {
            needs: format!("queue {}; {interface} ({driver}) has {queues}, counted from 0", config.queue),
            how: format!("set queue in [transport.afxdp] to less than {queues}, or: ethtool -L {interface} combined N"),
        });
    }
    let (longest, room) = (longest_frame(mtu), config.longest_received(driver));
    if longest > room {
        return Err(Unmet {
            needs: format!(
                "frames of at most {room} bytes; with an MTU of {mtu} those of {interface} have up to {longest}, and \
                 several chunks for one frame (XDP_USE_SG) are not used"
            ),
            how: format!("ip link set dev {interface} mtu {}, or a larger frame_size", room - OVERHEAD),
        });
    }
    Ok(())
}

/// Ethernet header and one VLAN tag.
const OVERHEAD: u32 = 14 + 4;

const fn longest_frame(mtu: u32) -> u32 {
    mtu.saturating_add(OVERHEAD)
}

/// Whether the driver has transmit stamps, by what the kernel says AF_XDP may ask of it.
pub(super) fn check_transmit_stamps(place: &Place<'_>, features: io::Result<Option<u64>>) -> Result<(), OpenError> {
    let Place { interface, driver, .. } = place;
    match features {
        Ok(Some(features)) if features & abi::NETDEV_XSK_FLAGS_TX_TIMESTAMP != 0 => Ok(()),
        Ok(Some(_)) => Err(Unmet {
            needs: format!("a driver with AF_XDP transmit stamps; {driver}, of {interface}, has none"),
            how: format!("use a NIC whose driver has them (mlx5_core, igc, stmmac, ...), or {WITHOUT_STAMPS}"),
        }
        .into()),
        Ok(None) => Err(no_metadata()),
        Err(e) => {
            let what = format!("ask the kernel whether {interface} has AF_XDP transmit stamps: {e}; {WITHOUT_STAMPS}");
            Err(io::Error::new(e.kind(), what).into())
        }
    }
}

const WITHOUT_STAMPS: &str = "set transmit_stamps = false in [transport.afxdp]";

fn no_metadata() -> OpenError {
    Unmet {
        needs: "a kernel that takes questions in front of frames (XDP_UMEM_TX_METADATA_LEN), for transmit_stamps"
            .to_owned(),
        how: format!("use Linux 6.11 or later, or {WITHOUT_STAMPS}"),
    }
    .into()
}

pub(super) fn no_interface(e: &io::Error, interface: &str) -> OpenError {
    match e.raw_os_error() {
        Some(libc::ENODEV) => Unmet {
            needs: format!("the interface {interface}: there is none of that name here"),
            how: "ip link shows those there are; name one of them".to_owned(),
        }
        .into(),
        _ => io::Error::new(e.kind(), format!("look at the interface {interface}: {e}")).into(),
    }
}

pub(super) fn no_socket(e: &io::Error) -> OpenError {
    match e.raw_os_error() {
        Some(libc::EAFNOSUPPORT) => Unmet {
            needs: "a kernel with AF_XDP sockets".to_owned(),
            how: "use Linux 5.9 or later, built with CONFIG_XDP_SOCKETS".to_owned(),
        }
        .into(),
        Some(libc::EPERM) => Unmet {
            needs: "the right to open AF_XDP sockets (CAP_NET_RAW)".to_owned(),
            how: "run as root on the host".to_owned(),
        }
        .into(),
        _ => io::Error::new(e.kind(), format!("open an AF_XDP socket: {e}")).into(),
    }
}

/// The kernel did not take the memory for frames.
pub(super) fn memory(e: &io::Error, bytes: usize, with_metadata: bool) -> OpenError {
    match e.raw_os_error() {
        Some(libc::EINVAL) if with_metadata => no_metadata(),
        // What it says when the memory would be more than this process may lock.
        Some(libc::ENOBUFS | libc::EPERM) => Unmet {
            needs: format!("{} KiB of locked memory for frames, more than this process may lock", bytes >> 10),
            how: "ulimit -l unlimited (LimitMEMLOCK= in a unit of systemd), or run as root, or set a smaller \
                  receive_ring in [transport.afxdp]"
                .to_owned(),
        }
        .into(),
        _ => io::Error::new(e.kind(), format!("share {bytes} bytes with the kernel for frames: {e}")).into(),
    }
}

pub(super) fn busy_poll(e: &io::Error) -> Unmet {
    match e.raw_os_error() {
        Some(libc::ENOPROTOOPT) => Unmet {
            needs: "a kernel that polls devices for sockets (SO_PREFER_BUSY_POLL)".to_owned(),
            how: "use Linux 5.11 or later, built with CONFIG_NET_RX_BUSY_POLL".to_owned(),
        },
        _ => Unmet {
            needs: format!("busy polling of the AF_XDP socket; the kernel answers {e}"),
            how: "run as root on the host (CAP_NET_ADMIN)".to_owned(),
        },
    }
}

/// The kernel or the driver did not take the socket for the queue.
pub(super) fn bind(e: &io::Error, place: &Place<'_>) -> OpenError {
    let Place { interface, driver, config } = place;
    match e.raw_os_error() {
        Some(libc::EOPNOTSUPP | libc::EINVAL) if config.copy == Copying::ZeroCopy => Unmet {
            needs: format!("a driver with AF_XDP zero-copy; {driver}, of {interface}, answers {}", with_name(e)),
            how: "use the lane afxdp-copy, or a NIC whose driver has it (ice, i40e, ixgbe, igb, igc, mlx5, ...)"
                .to_owned(),
        }
        .into(),
        Some(libc::EBUSY) => Unmet {
            needs: format!("queue {} of {interface} for itself: another AF_XDP socket has it", config.queue),
            how: "end the program that uses it, or set another queue in [transport.afxdp]".to_owned(),
        }
        .into(),
        Some(libc::ENETDOWN) => {
            Unmet { needs: format!("{interface} to be up"), how: format!("ip link set dev {interface} up") }.into()
        }
        Some(libc::EINVAL) => io::Error::new(
            e.kind(),
            format!("bind to queue {} of {interface} ({driver}): {e}; has it that many queues?", config.queue),
        )
        .into(),
        _ => io::Error::new(e.kind(), format!("bind to queue {} of {interface} ({driver}): {e}", config.queue)).into(),
    }
}

/// With the name that a driver's source has for it.
fn with_name(e: &io::Error) -> String {
    let errno = e.raw_os_error().map(nix::errno::Errno::from_raw);
    errno.map_or_else(|| e.to_string(), |errno| format!("{errno:?} ({})", errno.desc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(config: &Config) -> Place<'_> {
        Place { interface: "eth9", driver: "some_driver", config }
    }

    fn text(e: impl Into<OpenError>) -> String {
        let e = e.into();
        assert!(matches!(e, OpenError::Unmet(_)), "{e}");
        e.to_string()
    }

    #[test]
    fn a_queue_that_the_device_has_not_is_refused_with_how_many_it_has() {
        let config = Config { queue: 4, ..Config::default() };
        let text = text(check_device(&place(&config), Some(4), 1500).unwrap_err());
        for part in ["queue 4", "eth9", "some_driver", "has 4", "ethtool -L"] {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        assert!(check_device(&place(&config), Some(5), 1500).is_ok());
        assert!(check_device(&place(&config), None, 1500).is_ok());
    }

    #[test]
    fn frames_that_would_take_several_chunks_are_refused_before_they_come() {
        let small = Config::default();
        let text = text(check_device(&place(&small), None, 9000).unwrap_err());
        assert!(text.contains("XDP_USE_SG") && text.contains("mtu 1774"), "{text}");
        let large = Config { frame_size: Some(4096), ..Config::default() };
        assert!(check_device(&place(&large), None, 3800).is_ok());
        // A device that would cut them in two of its own accord.
        let zero_copy = Config { copy: Copying::ZeroCopy, frame_size: Some(2048), ..Config::default() };
        let igb = Place { driver: "igb", ..place(&zero_copy) };
        assert!(check_device(&igb, None, 1500).unwrap_err().needs.contains("at most 1024 bytes"));
        assert!(check_device(&place(&zero_copy), None, 1500).is_ok());
    }

    #[test]
    fn zero_copy_refused_names_driver_and_errno() {
        let config = Config { copy: Copying::ZeroCopy, ..Config::default() };
        let text = text(bind(&io::Error::from_raw_os_error(libc::EOPNOTSUPP), &place(&config)));
        assert!(text.contains("some_driver") && text.contains("EOPNOTSUPP") && text.contains("afxdp-copy"), "{text}");
    }

    #[test]
    fn memory_beyond_the_limit_is_answered_with_the_limit() {
        for with_metadata in [false, true] {
            let text = text(memory(&io::Error::from_raw_os_error(libc::ENOBUFS), 1 << 24, with_metadata));
            assert!(text.contains("16384 KiB") && text.contains("ulimit -l"), "{text}");
        }
    }

    #[test]
    fn transmit_stamps_that_are_not_to_be_had_are_refused_with_driver_or_kernel_and_the_way_without() {
        let config = Config { transmit_stamps: true, ..Config::default() };
        let check = |features| check_transmit_stamps(&place(&config), features);
        assert!(check(Ok(Some(0b101))).is_ok());
        let refused = [
            (text(check(Ok(Some(0b110))).unwrap_err()), "some_driver, of eth9"),
            (text(check(Ok(None)).unwrap_err()), "Linux 6.11"),
            (text(memory(&io::Error::from_raw_os_error(libc::EINVAL), 1 << 24, true)), "Linux 6.11"),
        ];
        for (text, part) in refused {
            assert!(text.contains(part) && text.contains("transmit_stamps = false"), "{text}");
        }
        let failed = check(Err(io::Error::from_raw_os_error(libc::EMFILE))).unwrap_err();
        assert!(matches!(&failed, OpenError::Io(e) if e.to_string().contains("eth9")), "{failed}");
        let without = memory(&io::Error::from_raw_os_error(libc::EINVAL), 1 << 24, false);
        assert!(matches!(without, OpenError::Io(_)), "{without}");
    }
}
