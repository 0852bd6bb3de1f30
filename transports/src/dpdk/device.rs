//! A device of DPDK as the lanes above it want it.

use std::{
    fs, io,
    net::UdpSocket,
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
    arguments::{self, interface},
    config::{Config, Device},
    drops,
    halves_ffi::{DpdkRx, DpdkTx},
    hugepages::{self, Pool},
    port_ffi::{Port, Wanted},
    presence::Presence,
    shim_ffi::Shim,
    sizes::Sizes,
    xdp_counts_ffi, xdp_program,
};
use crate::{
    afxdp::{
        device_ffi::Device as Interface,
        port::{join, wait_for_carrier},
    },
    api::{DROPPED, Link, OpenError, Role, Unmet},
    raw::port::FramePort,
};

/// Between two looks for the other end.
const LOOK: Duration = Duration::from_millis(1);
/// How long pages of a process that was killed may take to be free again.
const GIVEN_BACK: Duration = Duration::from_secs(1);
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
    /// Frames that may come within the profile's stall, where who sends does not wait for room.
    in_a_stall: Option<usize>,
    is_afxdp: bool,
    /// Keeps the group joined, so that the interface lets its frames through; nothing is read from it.
    _membership: Option<UdpSocket>,
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
        note("numa_node", if found.node < 0 { "any".to_owned() } else { found.node.to_string() });
        note("descriptors", format!("{} to receive, {} to send", found.rx_descriptors, found.tx_descriptors));
        if let Some(frames) = self.in_a_stall.filter(|frames| *frames > found.rx_descriptors.into()) {
            let short = match self.port.short_of() {
                Some(meant) => format!("the device has no more of the {meant} asked for"),
                None => "by the settings, or as many as the driver serves".to_owned(),
            };
            note(
                "descriptors_short_of_stall",
                format!("{frames} frames may come within the profile's `stall`; {short}"),
            );
        }
        note(
            "rx_stamps",
            match (found.info.rx_stamps, found.stamps.offset) {
                (0, _) => "the driver has none",
                (_, ..0) => "off (receive_stamps)",
                _ => "by the device",
            }
            .to_owned(),
        );
        self.note_drops(note);
        note("device_clock", if found.has_clock { "can be read" } else { "none that can be read" }.to_owned());
    }
}

impl Opened {
    fn note_drops(&self, note: &mut dyn FnMut(&'static str, String)) {
        let mut counts = match self.port.counts() {
            Ok(counts) => counts,
            Err(e) => return note("device_counts", format!("unknown ({e})")),
        };
        if self.is_afxdp {
            counts.missed += xdp_counts_ffi::ring_full();
        }
        if let Some(dropped) = drops::in_words(&counts) {
            note(DROPPED, dropped);
        }
        for (name, n) in [("receive_errors", counts.receive_errors), ("send_errors", counts.send_errors)] {
            if n > 0 {
                note(name, n.to_string());
            }
        }
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
        let interface = (config.device == Device::Afxdp).then(|| interface(link, role));
        if let Some(interface) = interface {
            xdp_program::none_on(interface)?;
        }
        let wanted = Wanted {
            sizes: Sizes::new(config, link),
            stamps: config.receive_stamps,
            // Its own address isn't that of the bench's interface, which frames are for, and of the group it knows nothing.
            promiscuous: config.device == Device::Pci,
        };
        let mut port = Port::prepare(shim, device, wanted).map_err(|e| {
            io::Error::other(format!("{e}{}", match (e.call.as_str(), e.error) {
                // A name that no driver claims.
                ("rte_eal_hotplug_add", -22 | -2 | -19) => "; is its driver among DPDK's (apt-get install librte-net-memif23, librte-net-af-xdp23, …), and are its arguments right? What the driver said stands on standard error",
                (_, -12) => "; not enough memory: lower `buffers` or raise `memory_mib` under [transport.dpdk]",
                _ => "; what the driver said stands on standard error",
            }))
        })?;
        if config.receive_stamps && port.found.info.rx_stamps == 0 {
            return Err(no_stamps(&port.driver()).into());
        }
        let presence = (config.device == Device::Memif).then(|| Presence::show(&link.meeting, role)).transpose()?;
        connect(&mut port, config, link, role)?;
        if presence.is_some() {
            port.hold_interrupts();
        }
        let membership = interface.map(|interface| settle(interface, link, role)).transpose()?.flatten();
        let in_a_stall = (config.device != Device::Memif).then_some(link.packets_in_a_stall);
        let is_afxdp = interface.is_some();
        let opened = Arc::new(Opened { port, eal, in_a_stall, is_afxdp, _membership: membership, presence });
        let mut rx = DpdkRx::new(Arc::clone(&opened), config.burst);
        // A client of memif gives the server buffers to fill only when it looks for frames.
        rx.refill()?;
        Ok((rx, DpdkTx::new(opened)))
    }
}

/// Waits until the interface has its carrier again, which DPDK's driver for AF_XDP doesn't look at, and joins the ticks'
/// group.
fn settle(interface: &str, link: &Link, role: Role) -> io::Result<Option<UdpSocket>> {
    wait_for_carrier(&Interface::open(interface)?, interface, link.connect_timeout.into())?;
    join(link, role)
}

fn no_stamps(driver: &str) -> Unmet {
    Unmet {
        needs: format!("a driver that writes the arrival's time into frames; {driver} has no stamps"),
        how: "set receive_stamps = false under [transport.dpdk]".to_owned(),
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
    let core = own_core()?;
    let pool = Pool::of_core(Path::new("/"), core);
    hugepages::check_soon(&pool, config.memory_mib, GIVEN_BACK)?;
    let eal = arguments::eal(config, role, core, pool.node());
    match shim.start(&eal) {
        Ok(()) => {
            *started = Some(Started::With(eal.clone()));
            Ok(eal)
        }
        Err(error) => {
            // The other end may have taken them in the meantime.
            hugepages::check(&pool, config.memory_mib)?;
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
fn own_core() -> io::Result<u32> {
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    (0..CpuSet::count())
        .find(|core| allowed.is_set(*core).unwrap_or_default())
        .and_then(|core| u32::try_from(core).ok())
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
