//! A device of DPDK as the lanes above it want it.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    sched::{CpuSet, sched_getaffinity},
    unistd::Pid,
};

use super::{
    arguments,
    config::{Config, Device},
    halves_ffi::{DpdkRx, DpdkTx},
    hugepages,
    port_ffi::Port,
    presence::Presence,
    shim_ffi::{Shim, Wanted},
};
use crate::{
    api::{Link, OpenError, Role, Unmet},
    raw::port::FramePort,
};

/// Buffers that a core keeps for itself, so that taking one needs no shared memory.
const CACHE: u32 = 256;
/// Between two looks for the other end.
const LOOK: Duration = Duration::from_millis(1);
/// Between two attempts to connect.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// What DPDK was started with; it can be only once in a process.
enum Started {
    With(Vec<String>),
    Never(String),
}

static STARTED: Mutex<Option<Started>> = Mutex::new(None);

/// A port, and how it came to be.
pub(super) struct Opened {
    pub(super) port: Port,
    eal: Vec<String>,
    /// Of memif only.
    presence: Option<Presence>,
}

impl Opened {
    /// # Errors
    /// When the other end is gone.
    pub(super) fn check_link(&self) -> io::Result<()> {
        if self.port.link_is_up() && !self.presence.as_ref().is_some_and(Presence::other_is_gone) {
            return Ok(());
        }
        let what = format!("the link of {} is down: the other end is gone", self.port.device().name);
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, what))
    }

    pub(super) fn facts(&self, note: &mut dyn FnMut(&'static str, String)) {
        let (found, device) = (&self.port.found, self.port.device());
        note("dpdk", self.port.shim.version_text());
        note("eal_arguments", self.eal.get(1..).unwrap_or_default().join(" "));
        note("device", format!("{} {}", device.name, device.arguments).trim().to_owned());
        note("driver", self.port.driver());
        note("numa_node", if found.numa_node < 0 { "any".to_owned() } else { found.numa_node.to_string() });
        note("descriptors", format!("{} to receive, {} to send", found.rx_descriptors, found.tx_descriptors));
        note("rx_stamps", if found.rx_stamps == 0 { "the driver has none" } else { "by the device" }.to_owned());
        note("device_clock", if found.timesync == 0 { "none that can be read" } else { "can be read" }.to_owned());
    }
}

/// DPDK's devices.
pub enum DpdkPort {}

impl FramePort for DpdkPort {
    type Config = Config;
    type Rx = DpdkRx;
    type Tx = DpdkTx;

    fn open(config: &Config, link: &Link, role: Role) -> Result<(DpdkRx, DpdkTx), OpenError> {
        let shim = Shim::get().map_err(no_libraries)?;
        let eal = start(shim, config, role)?;
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let device = arguments::device(config, link, role, number).map_err(|what| Unmet {
            needs: what.to_owned(),
            how: "name both under [transport.dpdk]: exchange_pci, trader_pci".to_owned(),
        })?;
        server_first(config, link, role)?;
        let wanted = Wanted {
            rx_descriptors: config.descriptors,
            tx_descriptors: config.descriptors,
            mbufs: config.buffers,
            mbuf_cache: CACHE,
        };
        let mut port = Port::prepare(shim, device, wanted).map_err(|e| {
            io::Error::other(format!("{e}{}", match e.error {
                // What `rte_eal_hotplug_add` gives for a name that no driver claims.
                -22 | -2 | -19 => "; is its driver among DPDK's (apt-get install librte-net-memif23, librte-net-af-xdp23, …), and are its arguments right? What the driver said stands on standard error",
                -12 => "; not enough memory: lower `buffers` or raise `memory_mib` under [transport.dpdk]",
                _ => "; what the driver said stands on standard error",
            }))
        })?;
        let presence = (config.device == Device::Memif).then(|| Presence::show(&link.meeting, role)).transpose()?;
        connect(&mut port, config, link, role)?;
        if presence.is_some() {
            port.hold_interrupts();
        }
        let opened = Arc::new(Opened { port, eal, presence });
        let mut rx = DpdkRx::new(Arc::clone(&opened), config.burst);
        // A client of memif gives the server buffers to fill only when it looks for frames.
        rx.refill()?;
        Ok((rx, DpdkTx::new(opened)))
    }
}

/// Sees to it that the trader's end of memif comes when the exchange's takes it: a client that finds a server which listens
/// but isn't started yet is sent away, and the driver doesn't try again.
fn server_first(config: &Config, link: &Link, role: Role) -> io::Result<()> {
    if config.device != Device::Memif {
        return Ok(());
    }
    if role == Role::Exchange {
        // Left over if an end was killed; both are made again.
        for role in [Role::Exchange, Role::Trader] {
            let _ = fs::remove_file(arguments::socket(&link.meeting, role));
        }
        return Ok(());
    }
    let socket = arguments::socket(&link.meeting, role);
    let deadline = Instant::now() + Duration::from(link.connect_timeout);
    while !socket.exists() {
        if Instant::now() > deadline {
            let what = format!("the exchange made no memif socket within {}", link.connect_timeout);
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Starts the port and waits for its link, which with memif is the other end.
fn connect(port: &mut Port, config: &Config, link: &Link, role: Role) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from(link.connect_timeout);
    // The socket that the trader saw may be left over. Each attempt writes a line to standard error, so there are not too
    // many of them.
    let may_come = config.device == Device::Memif && role == Role::Trader;
    while let Err(e) = port.start() {
        if !may_come || Instant::now() > deadline {
            return Err(io::Error::other(format!(
                "{e}; are its arguments right (with one that it does not know a driver may fall back on its defaults)? What the driver said stands on standard error"
            )));
        }
        thread::sleep(BETWEEN_ATTEMPTS);
    }
    if config.device == Device::Memif && role == Role::Exchange {
        symlink(arguments::LISTENS, arguments::socket(&link.meeting, Role::Trader))?;
    }
    while !port.link_is_up() {
        if Instant::now() > deadline {
            let name = &port.device().name;
            let what = format!("the link of {name} is not up within {}", link.connect_timeout);
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Starts DPDK, or finds that it was; what it was started with.
fn start(shim: &Shim, config: &Config, role: Role) -> Result<Vec<String>, OpenError> {
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*started {
        Some(Started::With(eal)) => return Ok(eal.clone()),
        Some(Started::Never(why)) => return Err(io::Error::other(why.clone()).into()),
        None => {}
    }
    hugepages::check(Path::new("/"), config.memory_mib)?;
    let eal = arguments::eal(config, role, own_core()?);
    match shim.start(&eal) {
        Ok(()) => {
            *started = Some(Started::With(eal.clone()));
            Ok(eal)
        }
        Err(error) => {
            // The other end may have taken them in the meantime.
            hugepages::check(Path::new("/"), config.memory_mib)?;
            let why = format!(
                "DPDK does not start with `{}`: {}; check memory_mib and eal_arguments under [transport.dpdk]; what DPDK said stands on standard error",
                eal.get(1..).unwrap_or_default().join(" "),
                shim.error_text(error)
            );
            *started = Some(Started::Never(why.clone()));
            Err(io::Error::other(why).into())
        }
    }
}

/// The core that this thread is bound to, or the first that it may use.
fn own_core() -> io::Result<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    (0..CpuSet::count())
        .find(|core| allowed.is_set(*core).unwrap_or_default())
        .ok_or_else(|| io::Error::other("no core may be used"))
}

/// Whether DPDK's libraries are here; nothing is started.
///
/// # Errors
/// [`Unmet`], with what to install.
pub(super) fn preflight() -> Result<(), Unmet> {
    Shim::get().map(|_| ()).map_err(no_libraries)
}

fn no_libraries(said: &str) -> Unmet {
    Unmet {
        needs: format!("the libraries of DPDK 22.11 ({said})"),
        how: "apt-get install libdpdk-dev (or the librte-*23 packages alone)".to_owned(),
    }
}
