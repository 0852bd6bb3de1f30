//! ptp4l asked by its management socket.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use super::message::{Domain, Question};

/// ptp4l answers at once unless it is busy with a port.
const PATIENCE: Duration = Duration::from_millis(200);

/// A connection, which has a file of its own, since the answer needs an address to go to; the file goes with it.
pub(super) struct Client {
    socket: UnixDatagram,
    own: PathBuf,
    sequence: u16,
    domain: Domain,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.own);
    }
}

impl Client {
    /// Connects, and finds out which domain it serves by asking for `about` in all of them: in another it doesn't answer.
    ///
    /// # Errors
    /// Of the sockets; `TimedOut` where nothing answers.
    pub(super) fn connect(server: &Path, about: u16) -> io::Result<Self> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let name = format!("tickcert-ptp-{}-{}", process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        let own = std::env::temp_dir().join(name);
        let socket = UnixDatagram::bind(&own)?;
        let mut client = Self { socket, own, sequence: 0, domain: Domain { number: 0, profile: 0 } };
        // A server that isn't root answers too.
        fs::set_permissions(&client.own, Permissions::from_mode(0o666))?;
        client.socket.connect(server)?;
        client.socket.set_read_timeout(Some(PATIENCE))?;
        // That of most, then all others, each alone so that the one which answers is known.
        for profile in [0, 1] {
            for number in 0..=127 {
                client.domain = Domain { number, profile };
                let patience = if number == 0 { PATIENCE } else { Duration::from_millis(2) };
                if client.ask_for(about, 1, patience).is_ok() {
                    return Ok(client);
                }
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// The answer of the clock.
    ///
    /// # Errors
    /// `TimedOut` where none comes; whatever fails of the socket.
    pub(super) fn ask(&mut self, about: u16) -> io::Result<Vec<u8>> {
        self.ask_for(about, 1, PATIENCE)?.pop().ok_or_else(|| io::ErrorKind::TimedOut.into())
    }

    /// The answers of so many ports, or of those that answer in time.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) fn ask_ports(&mut self, about: u16, ports: u16) -> io::Result<Vec<Vec<u8>>> {
        self.ask_for(about, usize::from(ports), PATIENCE)
    }

    fn ask_for(&mut self, about: u16, answers: usize, patience: Duration) -> io::Result<Vec<Vec<u8>>> {
        self.sequence = self.sequence.wrapping_add(1);
        let question = Question { domain: self.domain, sequence: self.sequence, about };
        self.socket.send(&question.bytes(process::id()))?;
        let until = Instant::now() + patience;
        let (mut found, mut message) = (Vec::new(), [0; 1500]);
        while found.len() < answers {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv(&mut message) {
                Ok(length) => found.extend(question.answer(&message[..length]).map(<[u8]>::to_vec)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
                Err(e) => return Err(e),
            }
        }
        if found.is_empty() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(found) }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{super::message::tests::answer_to, *};

    #[test]
    fn a_server_of_another_domain_is_found_and_answers_of_two_ports_are_both_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ptp4l");
        let server = UnixDatagram::bind(&path).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        thread::scope(|s| {
            let serving = s.spawn(|| {
                let mut bytes = [0; 100];
                let mut answered = 0;
                while answered < 3 {
                    let (length, from) = server.recv_from(&mut bytes).unwrap();
                    // Only the domain 24 is its own.
                    if bytes[4] == 24 {
                        let to = from.as_pathname().unwrap();
                        server.send_to(&answer_to(&bytes[..length], b"first"), to).unwrap();
                        server.send_to(b"no message of PTP", to).unwrap();
                        server.send_to(&answer_to(&bytes[..length], b"second"), to).unwrap();
                        answered += 1;
                    }
                }
            });
            let mut client = Client::connect(&path, 0x2000).unwrap();
            assert_eq!(client.domain.number, 24);
            assert_eq!(client.ask_ports(0x2004, 2).unwrap(), [b"first".to_vec(), b"second".to_vec()]);
            assert_eq!(client.ask(0x2001).unwrap(), b"first");
            serving.join().unwrap();
        });
    }

    #[test]
    fn a_socket_without_a_server_is_an_error_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Client::connect(&folder.path().join("none"), 0x2000).is_err());
        let own = format!("tickcert-ptp-{}-", process::id());
        let left = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let left: Vec<_> = left.filter(|e| e.file_name().to_string_lossy().starts_with(&own)).collect();
        // Of other tests at most the one that is running.
        assert!(left.len() <= 1, "{left:?}");
    }
}
