//! The control channel: how both ends come to know what their queue pairs need to know of each other, and how each notices
//! that the other is gone. A unix socket in the folder where both meet, or TCP where they are on two hosts.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddrV4, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tickcert_results::time::Nanos;

use super::config::{Connect, Operation};
use crate::api::{Link, OpenError, Role, Unmet};

/// From one attempt to the next.
const RETRY: Duration = Duration::from_millis(1);
/// A line has less.
const LONGEST_LINE: u64 = 64 << 10;
/// The thread that waits for the other end's going calls nothing deep.
const STACK: usize = 64 << 10;

/// What one end of a stream tells the other's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamEnd {
    /// Number of the queue pair.
    pub(super) queue: u32,
    /// Number of its first packet.
    pub(super) first_packet: u32,
    /// Memory that the other may write to, if there is any.
    pub(super) address: u64,
    /// What opens it.
    pub(super) key: u32,
    /// Slots in it.
    pub(super) slots: u32,
}

/// What one end tells the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Of this program: what crosses is no format that others have to understand.
    pub(super) version: String,
    pub(super) operation: Operation,
    pub(super) connect: Connect,
    pub(super) gid: [u8; 16],
    pub(super) mtu: u32,
    /// Of ticks, orders and answers.
    pub(super) streams: [StreamEnd; 3],
}

impl Hello {
    /// Whether both are of one kind.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn check(&self, other: &Self) -> io::Result<()> {
        if (&self.version, self.operation, self.connect) == (&other.version, other.operation, other.connect) {
            return Ok(());
        }
        let what = format!(
            "the other end is version {} with {:?} by {:?}, and this one {} with {:?} by {:?}: both must be the same",
            other.version, other.operation, other.connect, self.version, self.operation, self.connect
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    fn patient_for(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(timeout)),
            Self::Tcp(stream) => stream.set_nonblocking(false).and_then(|()| stream.set_read_timeout(timeout)),
        }
    }

    fn shut_down(&self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(into),
            Self::Tcp(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The channel while the ends are getting to know each other.
pub(super) struct Meeting {
    stream: BufReader<Stream>,
    place: String,
}

/// Where the ends meet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Address(SocketAddrV4),
}

impl Place {
    fn of(link: &Link, control: Option<SocketAddrV4>) -> Result<Self, Unmet> {
        match control {
            _ if link.same_host => Ok(Self::Folder(link.meeting.join("rdma.sock"))),
            Some(address) => Ok(Self::Address(address)),
            None => Err(Unmet {
                needs: "an address at which the trader, on another host, reaches the exchange".to_owned(),
                how: "under [transport.rdma]: control = \"10.0.0.1:26480\", an address of the exchange's host and a port that is free".to_owned(),
            }),
        }
    }
}

impl Meeting {
    /// Meets the other end, at `control` where that is on another host.
    ///
    /// # Errors
    /// When nobody comes in time, or it is not said where.
    pub(super) fn new(link: &Link, control: Option<SocketAddrV4>, role: Role) -> Result<Self, OpenError> {
        Ok(Self::at(&Place::of(link, control)?, role, link.connect_timeout)?)
    }

    fn at(place: &Place, role: Role, timeout: Nanos) -> io::Result<Self> {
        let deadline = Instant::now() + Duration::from(timeout);
        let (name, stream) = match place {
            Place::Folder(path) => (path.display().to_string(), in_folder(path, role, deadline).map(Stream::Unix)),
            Place::Address(address) => (address.to_string(), by_tcp(*address, role, deadline).map(Stream::Tcp)),
        };
        let stream = stream.map_err(|e| explain("meet the other end at", &name, &e))?;
        stream.patient_for(Some(timeout.into()))?;
        Ok(Self { stream: BufReader::new(stream), place: name })
    }

    /// Tells the other end, and hears the same of it.
    ///
    /// # Errors
    /// When it is gone, or says what can't be understood.
    pub(super) fn exchange<T: Serialize + DeserializeOwned>(&mut self, own: &T) -> io::Result<T> {
        let mut line = serde_json::to_vec(own)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        let mut text = String::new();
        let heard = (&mut self.stream).take(LONGEST_LINE).read_line(&mut text);
        match heard.map_err(|e| explain("hear the other end at", &self.place, &e))? {
            0 => Err(explain("hear the other end at", &self.place, &io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(serde_json::from_str(&text)?),
        }
    }

    /// Both are ready. From here on the channel says only that the other end is still there.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn settle(mut self) -> io::Result<Connection> {
        self.exchange(&true)?;
        Connection::watch(self.stream.into_inner())
    }
}

/// The channel in the timed loop, where a flag is all that is looked at of it: a thread that sleeps until the other end
/// goes sets it.
pub(super) struct Connection {
    stream: Stream,
    gone: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Connection {
    fn watch(stream: Stream) -> io::Result<Self> {
        stream.patient_for(None)?;
        let gone = Arc::new(AtomicBool::new(false));
        let (mut watched, flag) = (stream.try_clone()?, Arc::clone(&gone));
        let watcher = thread::Builder::new().name("rdma-watch".to_owned()).stack_size(STACK).spawn(move || {
            let mut byte = [0];
            // Nothing is ever said here.
            while matches!(watched.read(&mut byte), Ok(1..)) {}
            flag.store(true, Ordering::Release);
        })?;
        Ok(Self { stream, gone, watcher: Some(watcher) })
    }

    /// That the other end is gone, if it is.
    #[inline]
    pub(super) fn gone(&self) -> Option<io::Error> {
        self.gone.load(Ordering::Acquire).then(|| {
            let what = "the other end is gone: its control connection is closed";
            io::Error::new(io::ErrorKind::ConnectionAborted, what)
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.stream.shut_down();
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

fn in_folder(path: &Path, role: Role, deadline: Instant) -> io::Result<UnixStream> {
    if role == Role::Trader {
        return retry(deadline, || UnixStream::connect(path));
    }
    // Of the trial before, whose exchange may have been killed.
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    let stream = retry(deadline, || listener.accept().map(|(stream, _)| stream));
    let _ = fs::remove_file(path);
    stream
}

fn by_tcp(address: SocketAddrV4, role: Role, deadline: Instant) -> io::Result<TcpStream> {
    let stream = if role == Role::Trader {
        retry(deadline, || TcpStream::connect(address))?
    } else {
        let listener = retry(deadline, || TcpListener::bind(address))?;
        listener.set_nonblocking(true)?;
        retry(deadline, || listener.accept().map(|(stream, _)| stream))?
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tries until it is there, or it is too late.
fn retry<T>(deadline: Instant, mut what: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    use io::ErrorKind::{AddrInUse, ConnectionRefused, Interrupted, NotFound, WouldBlock};
    loop {
        match what() {
            Err(e) if matches!(e.kind(), AddrInUse | ConnectionRefused | Interrupted | NotFound | WouldBlock) => {
                if Instant::now() >= deadline {
                    let said = format!("nobody came in time ({e}): did the other end start?");
                    return Err(io::Error::new(io::ErrorKind::TimedOut, said));
                }
                thread::sleep(RETRY);
            }
            other => return other,
        }
    }
}

fn explain(what: &str, place: &str, e: &io::Error) -> io::Error {
    let hint = match e.kind() {
        io::ErrorKind::InvalidInput => "; its path is too long for a unix socket: set TMPDIR to a shorter one",
        io::ErrorKind::PermissionDenied => "; both ends must run as the same user",
        io::ErrorKind::UnexpectedEof => "; it has closed: what it says tells why",
        _ => "",
    };
    io::Error::new(e.kind(), format!("{what} {place}: {e}{hint}"))
}

#[cfg(test)]
#[path = "meet_tests.rs"]
mod tests;
