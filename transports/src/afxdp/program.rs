//! The XDP program and its map of sockets, through libbpf. It hangs on a BPF link that this process holds, so that it is
//! gone when the process is, however that ends.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use libbpf_rs::{ErrorKind, MapCore, MapFlags, Object, ObjectBuilder, OpenObject, PrintLevel};

use super::{
    abi,
    config::{Config, Mode},
    link_ffi,
    refusal::Place,
    steer::Steer,
    syscalls_ffi::XdpSocket,
};
use crate::api::{OpenError, Unmet};

/// Compiled by build.rs from `steer.bpf.c`.
static PLAIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/steer.bpf.o"));
/// The same, with the driver's stamps.
static STAMPING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/steer-stamps.bpf.o"));

/// `BPF_F_XDP_DEV_BOUND_ONLY` of `linux/bpf.h`, Linux 6.3: loaded for one device, whose driver's functions it may call.
const DEVICE_BOUND: u32 = 1 << 6;

/// The program at work; it is taken off when this is dropped.
#[derive(Debug)]
pub(super) struct Attached {
    _link: OwnedFd,
}

/// Whether this build can load it.
#[expect(clippy::unnecessary_wraps, reason = "a build without the feature answers otherwise")]
pub(super) const fn preflight() -> Result<(), Unmet> {
    Ok(())
}

/// The program in the kernel, on no device yet.
pub(super) struct Loaded {
    object: Object,
}

/// Loads the program, which it takes the right to on the host.
pub(super) fn load(place: &Place<'_>, index: u32, steer: Steer) -> Result<Loaded, OpenError> {
    let Place { driver, config, .. } = *place;
    // It would write to standard error, which is the harness's.
    libbpf_rs::set_print(Some((PrintLevel::Warn, |_, _| ())));
    let failed = |e: libbpf_rs::Error| refused(&e, config, driver);
    let file = if config.receive_stamps { STAMPING } else { PLAIN };
    let mut object = ObjectBuilder::default().open_memory(file).map_err(failed)?;
    prepare(&mut object, config.queue, steer).map_err(failed)?;
    if config.receive_stamps {
        for mut program in object.progs_mut() {
            program.set_ifindex(index);
            program.set_flags(DEVICE_BOUND);
        }
    }
    Ok(Loaded { object: object.load().map_err(failed)? })
}

impl Loaded {
    /// Puts it on the device, with `socket` for its queue.
    pub(super) fn attach(&self, place: &Place<'_>, index: u32, socket: &XdpSocket) -> Result<Attached, OpenError> {
        let Place { driver, config, .. } = *place;
        let sockets = self.object.maps().find(|map| map.name() == "sockets").ok_or_else(broken)?;
        let descriptor = socket.as_fd().as_raw_fd();
        sockets
            .update(&config.queue.to_ne_bytes(), &descriptor.to_ne_bytes(), MapFlags::ANY)
            .map_err(|e| refused(&e, config, driver))?;
        let program = self.object.progs().next().ok_or_else(broken)?;
        let mode = match config.mode {
            Mode::Native => abi::XDP_FLAGS_DRV_MODE,
            Mode::Skb => abi::XDP_FLAGS_SKB_MODE,
        };
        // The link keeps the program, and that its map; libbpf's own handles may go.
        let link = link_ffi::create(program.as_fd(), index, mode).map_err(|e| not_attached(&e, place))?;
        Ok(Attached { _link: link })
    }
}

/// Sets the ports, and a place for as many sockets as it takes.
fn prepare(object: &mut OpenObject, queue: u32, steer: Steer) -> libbpf_rs::Result<()> {
    for mut map in object.maps_mut() {
        if map.name() == "sockets" {
            map.set_max_entries(queue.saturating_add(1))?;
        } else if let Some(ports) = map.initial_value_mut().and_then(|bytes| bytes.first_chunk_mut()) {
            *ports = steer.bytes();
        }
    }
    Ok(())
}

fn broken() -> io::Error {
    io::Error::other("the XDP program in this binary is not the one that it was built for; build it again from scratch")
}

fn refused(e: &libbpf_rs::Error, config: &Config, driver: &str) -> OpenError {
    if e.kind() == ErrorKind::PermissionDenied {
        return Unmet {
            needs: "the right to load BPF programs".to_owned(),
            how: "run as root on the host (CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW): a user namespace is not enough"
                .to_owned(),
        }
        .into();
    }
    if config.receive_stamps {
        return Unmet {
            needs: format!("a driver with XDP receive stamps (Linux 6.3); with {driver} the program doesn't load: {e}"),
            how: "set receive_stamps = false in [transport.afxdp]".to_owned(),
        }
        .into();
    }
    io::Error::other(format!("load the XDP program: {e}; it needs Linux 5.9 with CONFIG_BPF_SYSCALL")).into()
}

fn not_attached(e: &io::Error, place: &Place<'_>) -> OpenError {
    let Place { interface, driver, config } = *place;
    let mode = match config.mode {
        Mode::Native => "native",
        Mode::Skb => "skb",
    };
    match e.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => Unmet {
            needs: format!("{interface} without an XDP program: another one is on it already ({e})"),
            how: format!(
                "end the program that put it there, or take it off: ip link set dev {interface} xdp off (it is shown \
                 by: ip link show dev {interface})"
            ),
        }
        .into(),
        Some(libc::EOPNOTSUPP) if config.mode == Mode::Native => Unmet {
            needs: format!("a driver with native XDP; {driver}, of {interface}, answers {e}"),
            how: "use the lane afxdp-copy/skb, or a NIC whose driver has XDP".to_owned(),
        }
        .into(),
        Some(libc::EPERM) => Unmet {
            needs: "the right to put an XDP program on an interface".to_owned(),
            how: "run as root on the host (CAP_NET_ADMIN and CAP_BPF)".to_owned(),
        }
        .into(),
        _ => {
            let hint =
                "; the kernel's log (dmesg) may say why, often that MTU, LRO or the number of queues is in the way";
            io::Error::new(e.kind(), format!("put the XDP program on {interface} ({driver}, {mode}): {e}{hint}")).into()
        }
    }
}
