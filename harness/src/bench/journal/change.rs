//! What a run may change of the host.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bench::netlink::{Address, Connection, NetlinkError, Route};

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
    /// A value of procfs or sysfs was set.
    ValueSet {
        /// Its file.
        file: PathBuf,
        /// As it was.
        before: String,
    },
}

/// What an interface loses when it moves to another namespace.
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
        Ok(())
    }
}

/// What is as it should be already is no error.
pub(super) fn ignore_if_so(e: NetlinkError) -> Result<(), NetlinkError> {
    if e.is_already_so() { Ok(()) } else { Err(e) }
}
