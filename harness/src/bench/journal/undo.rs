//! The inverse of each change.

use std::{
    ffi::CString,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    kmod::{DeleteModuleFlags, delete_module},
    mount::{MntFlags, umount2},
};

use tickcert_probes::sysfs;
use tickcert_transports::{
    rdma::{links, soft},
    stamping::{Configuration, Kernel},
};

use super::{Change, InterfaceState, change::ignore_if_so, ignore_missing, stamping};
use crate::bench::{
    netlink::{Connection, NetlinkError},
    netns::{Namespace, NamespaceError},
    steering,
};

/// Why a change is still there.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// rtnetlink.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The namespace of a moved interface.
    #[error("{interface} can't be brought back")]
    Namespace {
        /// Which.
        interface: String,
        /// Why.
        source: NamespaceError,
    },
    /// It is neither here nor there.
    #[error(
        "{interface} hasn't come back from the bench's network namespace; see `ip link` (the kernel may have renamed it)"
    )]
    Lost {
        /// Which.
        interface: String,
    },
    /// How an interface stamps can't be set back.
    #[error("how {interface} stamps frames can't be set back to {before}")]
    Stamping {
        /// Which.
        interface: String,
        /// As it was.
        before: Configuration,
        /// Why.
        source: io::Error,
    },
    /// The queues that an interface receives on can't be set back.
    #[error("which queues {interface} receives on can't be set back (`ethtool -X {interface} default` does it)")]
    ReceiveTable {
        /// Which.
        interface: String,
        /// Why.
        source: io::Error,
    },
    /// A value can't be set back.
    #[error("{} can't be set back to {value:?}", file.display())]
    Value {
        /// Which.
        file: PathBuf,
        /// As it was.
        value: String,
        /// Why.
        source: io::Error,
    },
    /// Where an interrupt goes was set back, and the kernel has it otherwise.
    #[error(
        "{} was set back to {value:?} and is {is:?}: while its interface is down the kernel keeps where the interrupt was to go last (`ip link set INTERFACE up`, then `tickcert clean`)",
        file.display()
    )]
    Interrupt {
        /// Which.
        file: PathBuf,
        /// As it was.
        value: String,
        /// As it is.
        is: String,
    },
    /// An RDMA device can't be removed.
    #[error("the RDMA device {device} can't be removed (`rdma link delete {device}` does it)")]
    RdmaDevice {
        /// Which.
        device: String,
        /// Why.
        source: io::Error,
    },
    /// An RDMA device that others have open.
    #[error("the RDMA device {device} is still in use, by the processes {holders:?}: end them, then `tickcert clean`")]
    RdmaDeviceInUse {
        /// Which.
        device: String,
        /// Who has it open.
        holders: Vec<u32>,
    },
    /// A module can't be unloaded.
    #[error("the module {module} can't be unloaded (`modprobe -r {module}` does it)")]
    Module {
        /// Which.
        module: String,
        /// Why.
        source: Errno,
    },
    /// A pinned namespace can't be let go.
    #[error("the pinned network namespace {} can't be removed", file.display())]
    Unpin {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Whether the process that made the changes still lives, and with it the paths below its folder in `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Alive,
    Dead,
}

/// What came of undoing.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// What somebody else has changed since, and was therefore left alone, in words.
    pub(super) left: Vec<String>,
    /// What could not be undone.
    pub(super) errors: Vec<UndoError>,
}

/// Undoes all that can be, the last change first.
pub(super) fn undo_all(changes: &[Change], owner: Owner) -> Undone {
    let mut done = Undone::default();
    for change in changes.iter().rev() {
        match undo(change, changes, owner) {
            Ok(left) => done.left.extend(left),
            Err(e) => done.errors.push(e),
        }
    }
    done
}

/// What was left alone, if it was.
fn undo(change: &Change, all: &[Change], owner: Owner) -> Result<Option<String>, UndoError> {
    match change {
        Change::StampingSet { interface, before, attempts } => {
            stamping::undo(&Kernel, interface, *before, &stamping::ours(all, interface, attempts))
        }
        Change::ReceiveTableSet { interface, before, queue } => steering::undo(interface, before, *queue),
        change => undo_own(change, owner).map(|()| None),
    }
}

/// Of what only a run changes.
fn undo_own(change: &Change, owner: Owner) -> Result<(), UndoError> {
    match change {
        Change::NamespacePinned { file } => unpin(file),
        Change::InterfaceMoved { interface, namespace, pinned, was } => {
            let reachable = (*pinned || owner == Owner::Alive).then_some(namespace.as_path());
            bring_back(interface, reachable, was)
        }
        Change::AddressAdded { interface, address } => {
            with_interface(interface, |connection, found| connection.remove_address(found, *address))
        }
        Change::RouteAdded { interface, route } => {
            with_interface(interface, |connection, found| connection.remove_route(found, route))
        }
        Change::StampingSet { .. } | Change::StampingCame { .. } | Change::ReceiveTableSet { .. } => Ok(()),
        Change::ModuleLoaded { module } => unload(module),
        Change::InterfaceMade { interface } => with_interface(interface, |connection, found| connection.delete(found)),
        Change::RdmaDeviceMade { device } => remove_rdma_device(device),
        Change::ValueSet { file, before } => set_back(file, before)
            .or_else(ignore_missing)
            .map_err(|source| UndoError::Value { file: file.clone(), value: before.clone(), source })
            .and_then(|()| look_at_interrupt(file, before)),
    }
}

/// Whether an interrupt is where it was set back to. One that was to move and had not come since is still to move when its interface
/// was shut meanwhile: setting it back then sets what will be overridden (`irq_set_affinity_deactivated` in `kernel/irq/manage.c`).
fn look_at_interrupt(file: &Path, before: &str) -> Result<(), UndoError> {
    if file.file_name().is_none_or(|name| name != "smp_affinity_list") {
        return Ok(());
    }
    let Ok(is) = fs::read_to_string(file) else { return Ok(()) };
    if sysfs::core_list(&is) == sysfs::core_list(before) {
        return Ok(());
    }
    Err(UndoError::Interrupt { file: file.into(), value: before.to_owned(), is: is.trim().to_owned() })
}

/// Sets a value that is there; one that is gone is not made, wherever the path leads.
fn set_back(file: &Path, before: &str) -> io::Result<()> {
    File::options().write(true).truncate(true).open(file)?.write_all(before.as_bytes())
}

/// Takes something from an interface; an interface that is gone has taken it along.
fn with_interface(
    name: &str,
    undo: impl FnOnce(&mut Connection, &crate::bench::netlink::Interface) -> Result<(), NetlinkError>,
) -> Result<(), UndoError> {
    let mut connection = Connection::open()?;
    let undone = connection.interface(name).and_then(|found| undo(&mut connection, &found));
    Ok(undone.or_else(ignore_if_so)?)
}

/// How long processes that were killed may take to close a device, and how often it is looked.
const CLOSED: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Removes a device that nobody has open any more: the kernel would wait for who has, for ever.
fn remove_rdma_device(device: &str) -> Result<(), UndoError> {
    let until = Instant::now() + CLOSED;
    loop {
        let holders = links::holders(Path::new("/"), device);
        if holders.is_empty() {
            break;
        }
        if Instant::now() >= until {
            return Err(UndoError::RdmaDeviceInUse { device: device.into(), holders });
        }
        thread::sleep(LOOK);
    }
    match links::remove(device) {
        Err(source) if !GONE.contains(&source.raw_os_error().unwrap_or_default()) => {
            Err(UndoError::RdmaDevice { device: device.into(), source })
        }
        _ => Ok(()),
    }
}

/// No such device, or no RDMA at all any more.
const GONE: [i32; 4] = [libc::ENODEV, libc::ENOENT, libc::EPROTONOSUPPORT, libc::ECONNREFUSED];

/// Unloads a module that nobody has come to use since: soft-RoCE would take devices along that others have made.
fn unload(module: &str) -> Result<(), UndoError> {
    if soft::is_in_use(Path::new("/")) {
        return Ok(());
    }
    let name = CString::new(module).unwrap_or_default();
    match delete_module(&name, DeleteModuleFlags::O_NONBLOCK) {
        // Gone already, or in use by others.
        Ok(()) | Err(Errno::ENOENT | Errno::EWOULDBLOCK | Errno::EBUSY) => Ok(()),
        Err(source) => Err(UndoError::Module { module: module.into(), source }),
    }
}

/// How long a device may take to come back by itself: the kernel takes namespaces apart in the background.
const RETURN: Duration = Duration::from_secs(10);

/// Moves an interface back from `namespace`, or, where that can't be reached any more, waits for the kernel to do so.
fn bring_back(name: &str, namespace: Option<&Path>, was: &InterfaceState) -> Result<(), UndoError> {
    let mut connection = Connection::open()?;
    if !connection.is_here(name)? {
        let lost = || UndoError::Lost { interface: name.into() };
        match namespace {
            Some(path) => fetch(name, path)?,
            None if connection.wait_until_here(name, RETURN)? => {}
            None => return Err(lost()),
        }
        if !connection.is_here(name)? {
            return Err(lost());
        }
    }
    Ok(was.restore(&mut connection, name)?)
}

fn fetch(name: &str, from: &Path) -> Result<(), UndoError> {
    let failed = |source| UndoError::Namespace { interface: name.into(), source };
    let here = Namespace::current().map_err(failed)?;
    let there = Namespace::open(from).map_err(failed)?;
    let moved = there
        .run(|| {
            let mut connection = Connection::open()?;
            let interface = connection.interface(name)?;
            connection.set_up(&interface, false)?;
            connection.move_to(&interface, std::os::fd::AsFd::as_fd(&here))
        })
        .map_err(failed)?;
    Ok(moved.or_else(ignore_if_so)?)
}

fn unpin(file: &Path) -> Result<(), UndoError> {
    let failed = |source| UndoError::Unpin { file: file.into(), source };
    match umount2(file, MntFlags::MNT_DETACH) {
        // Not mounted, or not even made.
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
        Err(errno) => return Err(failed(errno.into())),
    }
    fs::remove_file(file).or_else(ignore_missing).map_err(failed)
}
