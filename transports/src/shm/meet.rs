//! How the two processes come to the same memory: over a unix socket in the folder where they meet, which, unlike an
//! abstract name, can be reached from every network namespace.

use std::{
    fs,
    io::{self, IoSlice, Read, Write},
    os::{
        fd::AsRawFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use tickcert_results::time::Nanos;

use super::{
    geometry::Geometry,
    memory::{self, Shared},
    received_fd_ffi,
};

/// What the exchange says with the memory: this, and the lines of a ring on which frames begin.
const MAGIC: u64 = u64::from_be_bytes(*b"tc-shm-1");
/// What the trader says when it has mapped it.
const MAPPED: u8 = 1;
/// From one attempt to the next.
const RETRY: Duration = Duration::from_millis(1);

fn socket_in(meeting: &Path) -> PathBuf {
    meeting.join("shm.sock")
}

/// As exchange: waits for the trader, hands it the memory, and returns when it is mapped there.
pub(super) fn hand_over(shared: &Shared, meeting: &Path, timeout: Nanos) -> io::Result<()> {
    let path = socket_in(meeting);
    // Of the trial before, whose exchange may have been killed.
    match fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(explain("remove", &path, &e)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(|e| explain("listen at", &path, &e))?;
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + Duration::from(timeout);
    let mut trader = retry(deadline, || listener.accept().map(|(stream, _)| stream))
        .map_err(|e| explain("wait for the trader at", &path, &e))?;
    let _ = fs::remove_file(&path);
    trader.set_nonblocking(false)?;
    trader.set_read_timeout(Some(timeout.into()))?;
    let hello = [MAGIC.to_ne_bytes(), (shared.geometry.starts as u64).to_ne_bytes()].concat();
    let fds = [shared.file.as_raw_fd()];
    let with = [ControlMessage::ScmRights(&fds)];
    let sent = sendmsg::<()>(trader.as_raw_fd(), &[IoSlice::new(&hello)], &with, MsgFlags::MSG_NOSIGNAL, None)?;
    if sent != hello.len() {
        return Err(io::Error::other("the unix socket took only a part of a message of 16 bytes"));
    }
    let mut answer = [0];
    trader.read_exact(&mut answer).map_err(|e| explain("wait until the trader has mapped what it got at", &path, &e))
}

/// As trader: waits for the exchange, and maps the memory that it hands over.
pub(super) fn take_over(meeting: &Path, timeout: Nanos) -> io::Result<Shared> {
    let path = socket_in(meeting);
    let deadline = Instant::now() + Duration::from(timeout);
    let mut exchange =
        retry(deadline, || UnixStream::connect(&path)).map_err(|e| explain("meet the exchange at", &path, &e))?;
    exchange.set_read_timeout(Some(timeout.into()))?;
    let mut hello = [0; 16];
    let (bytes, fd) = received_fd_ffi::receive(&exchange, &mut hello)
        .map_err(|e| explain("receive the shared memory at", &path, &e))?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&hello[at..at + 8]);
        u64::from_ne_bytes(word)
    };
    let geometry = Geometry::of_starts(word(8)).filter(|_| bytes == hello.len() && word(0) == MAGIC);
    let (Some(fd), Some(geometry)) = (fd, geometry) else {
        let what = "the other end handed over no shared memory, or is another version of this program";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    };
    let shared = memory::adopt(fd, geometry)?;
    exchange.write_all(&[MAPPED])?;
    Ok(shared)
}

/// Tries until it is there, or it is too late.
fn retry<T>(deadline: Instant, mut what: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    use io::ErrorKind::{ConnectionRefused, Interrupted, NotFound, WouldBlock};
    loop {
        match what() {
            Err(e) if matches!(e.kind(), ConnectionRefused | Interrupted | NotFound | WouldBlock) => {
                if Instant::now() >= deadline {
                    let said = "nobody came in time: did the other end start?";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, said));
                }
                thread::sleep(RETRY);
            }
            other => return other,
        }
    }
}

fn explain(what: &str, path: &Path, e: &io::Error) -> io::Error {
    let hint = match e.kind() {
        io::ErrorKind::InvalidInput => "; its path is too long for a unix socket: set TMPDIR to a shorter one",
        io::ErrorKind::PermissionDenied => "; both ends must run as the same user",
        _ => "",
    };
    io::Error::new(e.kind(), format!("{what} {}: {e}{hint}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trader_that_finds_nobody_gives_up_in_time_and_says_where_it_looked() {
        let dir = tempfile::tempdir().unwrap();
        let e = take_over(dir.path(), Nanos::MILLI * 5).map(drop).unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::TimedOut);
        assert!(e.to_string().contains("shm.sock"), "{e}");
    }

    #[test]
    fn an_exchange_whose_trader_never_comes_gives_up_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let shared = memory::create(Geometry::new(0)).unwrap();
        let e = hand_over(&shared, dir.path(), Nanos::MILLI * 5).unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn who_hands_over_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(socket_in(dir.path())).unwrap();
        let impostor = thread::spawn(move || listener.accept().unwrap().0.write_all(&[7; 16]));
        let e = take_over(dir.path(), Nanos::SECOND).map(drop).unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::InvalidData);
        impostor.join().unwrap().unwrap();
    }

    #[test]
    fn a_socket_that_a_killed_run_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(socket_in(dir.path())).unwrap());
        let shared = memory::create(Geometry::new(0)).unwrap();
        thread::scope(|s| {
            let trader = s.spawn(|| take_over(dir.path(), Nanos::SECOND * 5).map(|shared| shared.geometry));
            hand_over(&shared, dir.path(), Nanos::SECOND * 5).unwrap();
            assert_eq!(trader.join().unwrap().unwrap(), shared.geometry);
        });
        assert!(!socket_in(dir.path()).exists());
    }
}
