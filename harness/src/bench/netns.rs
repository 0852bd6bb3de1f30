//! Network namespaces without a name: held by file descriptors only, so that nothing of them is left when their holder
//! dies, however it dies.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    panic,
    path::{Path, PathBuf},
    process, thread,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns, unshare},
};

/// Why a network namespace can't be made or entered.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// The kernel makes none.
    #[error("a network namespace can't be made: {source}{}", if matches!(source, Errno::EPERM) { " (needs CAP_SYS_ADMIN: run as root, or where user namespaces are allowed)" } else { "" })]
    Create {
        /// Its errno.
        source: Errno,
    },
    /// The path can't be opened.
    #[error("the network namespace {} can't be opened: does the process that holds it still live, and is it of the same user?", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It can't be entered.
    #[error(
        "the network namespace {path} can't be entered: {source} (needs CAP_SYS_ADMIN in the user namespace that made it)"
    )]
    Enter {
        /// Which.
        path: String,
        /// Its errno.
        source: Errno,
    },
    /// No thread to work in it.
    #[error("no thread for work in a network namespace")]
    Thread(#[source] io::Error),
}

/// A network namespace, alive while this is (or while a thread or an interface-less socket is in it).
#[derive(Debug)]
pub struct Namespace {
    fd: OwnedFd,
}

/// The calling thread's own namespace; `/proc/self` would be the main thread's.
const OWN: &str = "/proc/thread-self/ns/net";

impl Namespace {
    /// Makes one; the calling thread stays where it is.
    ///
    /// # Errors
    /// [`NamespaceError`].
    pub fn create() -> Result<Self, NamespaceError> {
        on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).map_err(|source| NamespaceError::Create { source })?;
            Self::current()
        })?
    }

    /// The one that the calling thread is in.
    ///
    /// # Errors
    /// [`NamespaceError::Open`].
    pub fn current() -> Result<Self, NamespaceError> {
        Self::open(Path::new(OWN))
    }

    /// The one that a path stands for: [`Namespace::path`] of another process, or a name made with `ip netns`.
    ///
    /// # Errors
    /// [`NamespaceError::Open`].
    pub fn open(path: &Path) -> Result<Self, NamespaceError> {
        let file = File::open(path).map_err(|source| NamespaceError::Open { path: path.into(), source })?;
        Ok(Self { fd: file.into() })
    }

    /// Where other processes of this user find it while this lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", process::id(), self.fd.as_raw_fd()))
    }

    /// Does `work` on a thread inside the namespace; sockets and interfaces that it makes belong there.
    ///
    /// # Errors
    /// [`NamespaceError`] when the thread doesn't get there.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
        on_thread(|| {
            setns(&self.fd, CloneFlags::CLONE_NEWNET)
                .map_err(|source| NamespaceError::Enter { path: self.path().display().to_string(), source })?;
            Ok(work())
        })?
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Puts the calling thread, and all threads and processes that it starts from now on, into the namespace at `path`.
///
/// An endpoint calls it before it starts any thread. `/sys/class/net` goes on showing the interfaces of the namespace
/// that sysfs was mounted in; netlink and ioctls see the new one.
///
/// # Errors
/// [`NamespaceError`].
pub fn enter(path: &Path) -> Result<(), NamespaceError> {
    let namespace = Namespace::open(path)?;
    setns(&namespace.fd, CloneFlags::CLONE_NEWNET)
        .map_err(|source| NamespaceError::Enter { path: path.display().to_string(), source })
}

/// A thread of its own for work that changes the thread's namespace; a panic of the work is passed on.
fn on_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
    thread::scope(|s| {
        let started =
            thread::Builder::new().name("netns".into()).spawn_scoped(s, work).map_err(NamespaceError::Thread)?;
        Ok(started.join().unwrap_or_else(|payload| panic::resume_unwind(payload)))
    })
}
