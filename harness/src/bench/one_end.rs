//! One end of a wire whose other end is on another host: an interface of this host in a namespace of its own. The two hosts set
//! up an end each, step by step, since neither has a carrier before both interfaces are on.

use std::{
    io,
    net::{SocketAddrV4, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tickcert_results::time::Nanos;
use tickcert_transports::api::Role;

use super::{
    Tuned, Tuning, Undo,
    ends::{self, End, RETRY},
    error::BenchError,
    fitting::Fitting,
    interfaces,
    journal::Journal,
    netlink::{Connection, NetlinkError},
    netns::Namespace,
};

/// Where the trader's host listens while the wire is tried.
const TRIAL_PORT: u16 = 26480;

/// An end that stands. Dropping it undoes every change to the host, as with a [`super::Bench`].
#[derive(Debug)]
pub struct OneEnd {
    role: Role,
    interface: String,
    /// How it is.
    pub tuned: Tuned,
    // Undone before the namespace is let go: fields are dropped in this order.
    undo: Undo,
    namespace: Namespace,
}

impl OneEnd {
    /// Lends the interface, from the network namespace of the calling thread, and switches it on; it may have no carrier yet.
    /// `run_dir` is the folder of the undo journal.
    ///
    /// # Errors
    /// [`BenchError`]; everything done until then is undone.
    pub fn lend(role: Role, interface: &str, force: bool, wanted: Tuning, run_dir: &Path) -> Result<Self, BenchError> {
        interfaces::check_one(interface, force)?;
        let namespace = Namespace::create()?;
        // Declared after the namespace, so that a failure below undoes before it lets go of it.
        let mut undo = Undo { host: Namespace::current()?, journal: Journal::new(run_dir) };
        let tuned = Tuned::of_host(&mut undo.journal, interface, wanted)?;
        interfaces::lend_one(&mut undo.journal, run_dir, interface, &namespace, force)?;
        let end = Self { role, interface: interface.to_owned(), tuned, undo, namespace };
        end.end().switch_on()?;
        Ok(end)
    }

    fn end(&self) -> End<'_> {
        let ip = match self.role {
            Role::Exchange => ends::EXCHANGE,
            Role::Trader => ends::TRADER,
        };
        End { namespace: &self.namespace, interface: &self.interface, ip }
    }

    /// Where its namespace can be entered while this lives.
    #[must_use]
    pub fn netns(&self) -> PathBuf {
        self.namespace.path()
    }

    /// Waits for the carrier; the hardware address.
    ///
    /// # Errors
    /// [`BenchError`] when none comes.
    pub fn carrier(&self, at_most: Nanos) -> Result<Vec<u8>, BenchError> {
        Ok(self.end().wait_for_carrier(at_most.into())?.mac)
    }

    /// Learns the other end's hardware address.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn meet(&self, mac: &[u8]) -> Result<(), BenchError> {
        let other = match self.role {
            Role::Exchange => ends::TRADER,
            Role::Trader => ends::EXCHANGE,
        };
        self.end().route_to(other, mac)
    }

    /// Listens until a datagram comes.
    ///
    /// # Errors
    /// [`BenchError::NotHeard`].
    pub fn hear(&self, at_most: Nanos) -> Result<(), BenchError> {
        let socket = self.socket(TRIAL_PORT)?;
        socket.set_read_timeout(Some(RETRY)).map_err(BenchError::Trial)?;
        let (until, mut received) = (Instant::now() + Duration::from(at_most), [0_u8; 16]);
        loop {
            match socket.recv_from(&mut received) {
                Ok(_) => return Ok(()),
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(e) => return Err(BenchError::Trial(e)),
            }
            if Instant::now() >= until {
                let waited_ms = Duration::from(at_most).as_millis();
                return Err(BenchError::NotHeard { interface: self.interface.clone(), waited_ms });
            }
        }
    }

    /// Sends datagrams to the other end while `goes_on` says so.
    ///
    /// # Errors
    /// [`BenchError::Trial`].
    pub fn call(&self, mut goes_on: impl FnMut() -> bool) -> Result<(), BenchError> {
        let socket = self.socket(0)?;
        while goes_on() {
            match socket.send_to(b"tickcert", SocketAddrV4::new(ends::TRADER, TRIAL_PORT)) {
                // The other end has not begun to listen, or is through with it.
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                sent => drop(sent.map_err(BenchError::Trial)?),
            }
            std::thread::sleep(RETRY);
        }
        Ok(())
    }

    fn socket(&self, port: u16) -> Result<UdpSocket, BenchError> {
        let end = self.end();
        end.namespace.run(|| UdpSocket::bind(SocketAddrV4::new(end.ip, port)))?.map_err(BenchError::Trial)
    }

    /// What is on the interface now.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn fitting(&self) -> Result<Fitting, BenchError> {
        let read = || Ok::<_, NetlinkError>(Fitting::of(&Connection::open()?.interface(&self.interface)?));
        Ok(self.namespace.run(read)??)
    }

    /// Brings the interface back to what was on it, when whoever used it has ended.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn restore(&self, fitting: Fitting) -> Result<(), BenchError> {
        Ok(self.namespace.run(|| fitting.restore(&mut Connection::open()?, &self.interface))??)
    }

    /// Takes it down, and says what could not be undone.
    ///
    /// # Errors
    /// [`BenchError::Journal`].
    pub fn take_down(mut self) -> Result<(), BenchError> {
        self.undo.now()
    }
}
