//! What a run may change of the host.

use std::{
    net::IpAddr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tickcert_transports::{rdma::soft, stamping::Configuration};

use crate::bench::{
    fitting::Fitting,
    netlink::{Address, Connection, NetlinkError, Route},
};

/// A change, with what is needed to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// A network namespace was given a name (a bind mount onto a file), so that it outlives its processes.
    NamespacePinned {
        /// The file.
        file: PathBuf,
    },
    /// An interface was moved into a network namespace.
    InterfaceMoved {
        /// Its name, there as here.
        interface: String,
        /// Where the namespace can be opened: a pinned file, or a path that goes with the run's process.
        namespace: PathBuf,
        /// Whether `namespace` is a pinned file.
        pinned: bool,
        /// What moving takes away.
        was: InterfaceState,
    },
    /// An address was added.
    AddressAdded {
        /// To which interface.
        interface: String,
        /// Which.
        address: Address,
    },
    /// A route was added.
    RouteAdded {
        /// Through which interface.
        interface: String,
        /// Which.
        route: Route,
    },
    /// How an interface stamps frames was set; undone only as long as it is still so.
    StampingSet {
        /// Of which interface.
        interface: String,
        /// As it was.
        before: Configuration,
        /// What may be tried one after the other, since a driver may refuse some of it.
        attempts: Vec<Configuration>,
    },
    /// What came of it: known only afterwards, and then what counts for the [`Self::StampingSet`] of that interface.
    StampingCame {
        /// Of which interface.
        interface: String,
        /// As the driver has it, which may be none of the attempts; `null` where it refused them all.
        set: Option<Configuration>,
    },
    /// All that an interface receives was sent to one of its queues; undone only as long as it is still so.
    ReceiveTableSet {
        /// Of which interface.
        interface: String,
        /// The queue of each entry, as it was.
        before: Vec<u32>,
        /// Which is in every entry now.
        queue: u32,
    },
    /// A kernel module was loaded.
    ModuleLoaded {
        /// Which.
        module: String,
    },
    /// An interface was made.
    InterfaceMade {
        /// Its name.
        interface: String,
    },
    /// An RDMA device was made, in software.
    RdmaDeviceMade {
        /// Its name.
        device: String,
    },
    /// A value of procfs or sysfs was set.
    ValueSet {
        /// Its file.
        file: PathBuf,
        /// As it was.
        before: String,
    },
}

impl Change {
    /// Whether a run can have made it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::NamespacePinned { file } | Self::ValueSet { file, .. } => check_path(file),
            Self::InterfaceMoved { interface, namespace, was, .. } => {
                check_name(interface)?;
                check_path(namespace)?;
                was.addresses.iter().try_for_each(check_address)?;
                was.routes.iter().try_for_each(check_route)
            }
            Self::StampingSet { interface, .. }
            | Self::StampingCame { interface, .. }
            | Self::ReceiveTableSet { interface, .. } => check_name(interface),
            Self::ModuleLoaded { module } if soft::MODULES.contains(&module.as_str()) => Ok(()),
            Self::ModuleLoaded { module } => Err(format!("{module:?} is no module that a run loads")),
            Self::InterfaceMade { interface } => check_name(interface),
            Self::RdmaDeviceMade { device } => check_name(device),
            Self::AddressAdded { interface, address } => check_name(interface).and_then(|()| check_address(address)),
            Self::RouteAdded { interface, route } => check_name(interface).and_then(|()| check_route(route)),
        }
    }
}

/// Runs write down whole paths.
fn check_path(path: &Path) -> Result<(), String> {
    if path.is_absolute() && !path.as_os_str().as_bytes().contains(&0) {
        return Ok(());
    }
    Err(format!("{} is no path that a run writes to", path.display()))
}

/// As the kernel has it (`dev_valid_name` in `net/core/dev.c`): at most `IFNAMSIZ` - 1 bytes, without slash, colon and blanks.
fn check_name(name: &str) -> Result<(), String> {
    let bad = |c: char| c == '/' || c == ':' || c == '\0' || c.is_ascii_whitespace();
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name == "." || name == ".." || name.contains(bad) {
        return Err(format!("{name:?} is no name of an interface"));
    }
    Ok(())
}

fn check_address(address: &Address) -> Result<(), String> {
    check_prefix(address.ip, address.prefix_length)
}

fn check_route(route: &Route) -> Result<(), String> {
    check_prefix(route.destination, route.prefix_length)?;
    match route.gateway {
        Some(gateway) if gateway.is_ipv4() != route.destination.is_ipv4() => {
            Err(format!("{gateway} is no gateway to {}", route.destination))
        }
        _ => Ok(()),
    }
}

fn check_prefix(ip: IpAddr, length: u8) -> Result<(), String> {
    let most = if ip.is_ipv4() { 32 } else { 128 };
    if length <= most { Ok(()) } else { Err(format!("{ip}/{length} is no network")) }
}

/// What an interface loses when it moves to another namespace, or may come back with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceState {
    /// Switched on.
    pub up: bool,
    /// In bytes.
    pub mtu: u32,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Its routes, without those that come with the addresses.
    pub routes: Vec<Route>,
    /// What moving doesn't take away, but whoever used it may have changed; where it isn't known, nothing is done about it.
    #[serde(default)]
    pub fitting: Option<Fitting>,
}

impl InterfaceState {
    /// As it is now.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn read(connection: &mut Connection, name: &str) -> Result<Self, NetlinkError> {
        let interface = connection.interface(name)?;
        Ok(Self {
            up: interface.up,
            mtu: interface.mtu,
            addresses: connection.addresses(&interface)?,
            routes: connection.routes(&interface)?,
            fitting: Some(Fitting::of(&interface)),
        })
    }

    /// Brings an interface back to it; what is so already stays.
    ///
    /// # Errors
    /// [`NetlinkError`] of the first step that failed.
    pub fn restore(&self, connection: &mut Connection, name: &str) -> Result<(), NetlinkError> {
        let interface = connection.interface(name)?;
        if interface.mtu != self.mtu {
            connection.set_mtu(&interface, self.mtu)?;
        }
        for &address in &self.addresses {
            connection.add_address(&interface, address).or_else(ignore_if_so)?;
        }
        if interface.up != self.up {
            connection.set_up(&interface, self.up)?;
        }
        for route in &self.routes {
            connection.add_route(&interface, route).or_else(ignore_if_so)?;
        }
        // Last: whatever comes of it, the host has its interface back.
        self.fitting.map_or(Ok(()), |fitting| fitting.restore(connection, name))
    }
}

/// What is as it should be already is no error.
pub(super) fn ignore_if_so(e: NetlinkError) -> Result<(), NetlinkError> {
    if e.is_already_so() { Ok(()) } else { Err(e) }
}
