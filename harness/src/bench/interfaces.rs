//! The real wire: two interfaces of the host, cabled to each other, lent to the bench's namespaces.

use std::{
    fs,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use nix::mount::{MsFlags, mount};
use tickcert_transports::spare::{HostUse, NotSpared};

use super::{
    error::BenchError,
    journal::{Change, InterfaceState, Journal, JournalError},
    netlink::{Connection, Interface, Route},
    netns::Namespace,
    run_dir,
};

/// Why an interface must not be lent.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// The host needs it.
    #[error("{0}; name another{instead}", instead = or_force(.0))]
    NotSpared(NotSpared),
    /// The same one twice.
    #[error("{interface} can't be both ends of the wire; name two interfaces that are cabled to each other")]
    Same {
        /// Which.
        interface: String,
    },
    /// No such interface in the network namespace that the bench is set up from.
    #[error(
        "there is no interface {interface} here; there are: {}; what a killed run was lent comes back with `tickcert clean`",
        there_are.join(", ")
    )]
    Missing {
        /// Which.
        interface: String,
        /// Those that there are, but for the loopback.
        there_are: Vec<String>,
    },
    /// The loopback can't be moved.
    #[error(
        "{interface} is the loopback and stays in its namespace; for a bench without hardware leave the interfaces away"
    )]
    Loopback {
        /// Which.
        interface: String,
    },
}

const fn or_force(why: &NotSpared) -> &'static str {
    if why.can_be_forced() { ", or use --force-interfaces" } else { "" }
}

/// An interface that may be lent, as it is now.
struct Candidate {
    interface: Interface,
    was: InterfaceState,
}

/// Looks at an interface of the calling thread's namespace.
fn look_at(connection: &mut Connection, name: &str, force: bool) -> Result<Candidate, BenchError> {
    if name == "lo" {
        return Err(InterfaceError::Loopback { interface: name.into() }.into());
    }
    if !connection.is_here(name)? {
        let others = connection.interfaces()?.into_iter().map(|i| i.name).filter(|n| n != "lo").collect();
        return Err(InterfaceError::Missing { interface: name.into(), there_are: others }.into());
    }
    let interface = connection.interface(name)?;
    let was = InterfaceState::read(connection, name)?;
    let routed = default_routes(connection)?;
    match HostUse::read().and_default_routes(routed).spares(Path::new("/"), name) {
        Err(why) if !(force && why.can_be_forced()) => return Err(InterfaceError::NotSpared(why).into()),
        _ => {}
    }
    Ok(Candidate { interface, was })
}

/// Interfaces that a default route goes through, be it one of several next hops.
fn default_routes(connection: &mut Connection) -> Result<Vec<String>, BenchError> {
    let mut names = Vec::new();
    for interface in connection.interfaces()? {
        if connection.routes(&interface)?.iter().any(Route::is_default) {
            names.push(interface.name);
        }
    }
    Ok(names)
}

/// Looks at both, and moves neither.
fn look_at_both(connection: &mut Connection, names: [&str; 2], force: bool) -> Result<[Candidate; 2], BenchError> {
    let [exchange, trader] = names;
    if exchange == trader {
        return Err(InterfaceError::Same { interface: exchange.into() }.into());
    }
    Ok([look_at(connection, exchange, force)?, look_at(connection, trader, force)?])
}

/// Whether the two may be lent, in the calling thread's namespace.
pub(super) fn check(names: [&str; 2], force: bool) -> Result<(), BenchError> {
    look_at_both(&mut Connection::open()?, names, force).map(|_| ())
}

/// Whether the one may be lent, in the calling thread's namespace.
pub(crate) fn check_one(name: &str, force: bool) -> Result<(), BenchError> {
    look_at(&mut Connection::open()?, name, force).map(|_| ())
}

/// Lends one interface, in the calling thread's namespace.
pub(super) fn lend_one(
    journal: &mut Journal,
    run_dir: &Path,
    name: &str,
    to: &Namespace,
    force: bool,
) -> Result<(), BenchError> {
    let mut connection = Connection::open()?;
    let candidate = look_at(&mut connection, name, force)?;
    move_one(journal, run_dir, &mut connection, candidate, to)
}

/// Lends the two interfaces, in the calling thread's namespace; both are looked at before either is moved.
pub(super) fn lend(
    journal: &mut Journal,
    run_dir: &Path,
    names: [&str; 2],
    to: [&Namespace; 2],
    force: bool,
) -> Result<(), BenchError> {
    let mut connection = Connection::open()?;
    let candidates = look_at_both(&mut connection, names, force)?;
    for (candidate, namespace) in candidates.into_iter().zip(to) {
        move_one(journal, run_dir, &mut connection, candidate, namespace)?;
    }
    Ok(())
}

fn move_one(
    journal: &mut Journal,
    run_dir: &Path,
    connection: &mut Connection,
    candidate: Candidate,
    to: &Namespace,
) -> Result<(), BenchError> {
    let Candidate { interface, was } = candidate;
    // The kernel hands a device back when its namespace goes, but destroys an interface that is only software: its
    // namespace gets a name for as long as it holds it, so that it outlives a killed run.
    let pinned = interface.kind.is_some();
    let namespace = if pinned { pin(journal, run_dir, to)? } else { to.path() };
    journal.record(Change::InterfaceMoved { interface: interface.name.clone(), namespace, pinned, was })?;
    connection.set_up(&interface, false)?;
    Ok(connection.move_to(&interface, to.as_fd())?)
}

/// Binds the namespace to a file of its own.
fn pin(journal: &mut Journal, run_dir: &Path, namespace: &Namespace) -> Result<PathBuf, BenchError> {
    run_dir::prepare(run_dir).map_err(JournalError::from)?;
    let name = namespace.path().display().to_string().replace('/', "-");
    let file = run_dir.join(format!("netns{name}"));
    journal.record(Change::NamespacePinned { file: file.clone() })?;
    let failed = |source| JournalError::Set { path: file.clone(), source };
    fs::write(&file, "").map_err(failed)?;
    let bound = mount(Some(&namespace.path()), &file, None::<&str>, MsFlags::MS_BIND, None::<&str>);
    bound.map_err(|errno| failed(errno.into()))?;
    Ok(file)
}
