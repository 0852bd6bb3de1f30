//! The real wire: two interfaces of the host, cabled to each other, lent to the bench's namespaces.

use std::{
    fs,
    net::IpAddr,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use nix::mount::{MsFlags, mount};
use tickcert_probes::host;

use super::{
    connections,
    error::BenchError,
    journal::{Change, InterfaceState, Journal, JournalError},
    netlink::{Connection, Interface, NetlinkError},
    netns::Namespace,
    run_dir,
};

/// Why an interface must not be lent.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// Everything that has no other route goes through it.
    #[error("{interface} carries the default route, so the host would be cut off; name another, or use --force")]
    DefaultRoute {
        /// Which.
        interface: String,
    },
    /// Somebody is logged in through it.
    #[error("{interface} carries an SSH session (to {local}), which would be cut off; name another, or use --force")]
    SshSession {
        /// Which.
        interface: String,
        /// The session's address here.
        local: IpAddr,
    },
    /// The same one twice.
    #[error("{interface} can't be both ends of the wire; name two interfaces that are cabled to each other")]
    Same {
        /// Which.
        interface: String,
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
    let interface = connection.interface(name)?;
    let was = InterfaceState::read(connection, name)?;
    if !force {
        if was.routes.iter().any(super::netlink::Route::is_default) {
            return Err(InterfaceError::DefaultRoute { interface: name.into() }.into());
        }
        let sessions = connections::ssh_sessions();
        if let Some(local) = was.addresses.iter().map(|a| a.ip).find(|ip| sessions.contains(ip)) {
            return Err(InterfaceError::SshSession { interface: name.into(), local }.into());
        }
    }
    Ok(Candidate { interface, was })
}

/// Lends the two interfaces, in the calling thread's namespace; both are looked at before either is moved.
pub(super) fn lend(
    journal: &mut Journal,
    run_dir: &Path,
    names: [&str; 2],
    to: [&Namespace; 2],
    force: bool,
) -> Result<(), BenchError> {
    let [exchange, trader] = names;
    if exchange == trader {
        return Err(InterfaceError::Same { interface: exchange.into() }.into());
    }
    let mut connection = Connection::open()?;
    let candidates = [look_at(&mut connection, exchange, force)?, look_at(&mut connection, trader, force)?];
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

/// Whether an interface is only software, or a hypervisor stands between it and the wire, so that nothing better than
/// emulated evidence can come of it.
pub(super) fn is_virtual(namespace: &Namespace, name: &str) -> Result<bool, BenchError> {
    let found: Result<_, NetlinkError> = namespace.run(|| Connection::open()?.interface(name))?;
    Ok(found?.kind.is_some() || host::hypervisor(Path::new("/")) != "none")
}
