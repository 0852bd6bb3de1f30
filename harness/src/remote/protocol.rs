//! What a run and its agent on another host say to each other: one JSON object a line, and behind a line that announces them
//! the bytes of a file.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tickcert_results::{
    certificate::{ClockProbe, Host, NoiseProbe, Setting},
    time::Nanos,
};
use tickcert_scenarios::profile::Deferral;
use tickcert_transports::api::{MacAddress, Unmet};

use crate::{
    endpoint::control::{self, Command, Report},
    version,
};

/// The first that an agent says; a run goes on with one of its own build only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Version and commit.
    pub tickcert_agent: String,
}

impl Greeting {
    /// Of this build.
    #[must_use]
    pub fn own() -> Self {
        Self { tickcert_agent: version::LONG.to_owned() }
    }
}

/// Run to agent, each behind its number. Each but the last three is answered, under that number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// Look at the host, and take it for this run; gives a [`Survey`].
    Survey {
        /// Interface of the trader.
        interface: String,
        /// Even if the default route or an SSH session goes through it.
        force: bool,
        /// Core of the trader; `None` for the last that there is.
        core: Option<u32>,
        /// Of the run's own host: on the same one the run holds the lock already.
        boot_id: String,
    },
    /// Say what a lane can do here; gives `Result<Caps, Unmet>`.
    Preflight {
        /// The lane.
        lane: String,
        /// Its settings.
        settings: Value,
        /// Over a virtual wire.
        virtual_link: bool,
    },
    /// Lend the interface, and switch it on; gives how it puts off its interrupts, where the kernel says so.
    Lend {
        /// How it is to.
        deferral: Option<Deferral>,
    },
    /// Wait for the carrier; gives the hardware address.
    Carrier {
        /// How long.
        at_most: Nanos,
    },
    /// Learn the exchange's hardware address, and listen for datagrams; answered when one has come.
    Hear {
        /// The exchange's.
        mac: Vec<u8>,
        /// How long.
        at_most: Nanos,
    },
    /// Look at settings and noise, and what measuring costs; gives a [`Probed`].
    Probe {
        /// How long the core is watched.
        duration: Nanos,
        /// A gap longer than this counts.
        threshold: Nanos,
    },
    /// Set huge pages aside for these lanes; gives what there is to say about it.
    HugePages {
        /// Names and settings.
        lanes: Vec<(String, Value)>,
    },
    /// Take the tape, whose bytes follow in pieces.
    Tape {
        /// Of the whole file.
        bytes: u64,
        /// The tape's own.
        sha256: String,
    },
    /// Start a trader.
    Start {
        /// In the bench's namespace, and not in the host's.
        in_namespace: bool,
    },
    /// Send the trader's samples in pieces; gives their number of bytes.
    Samples,
    /// End the trader, and set the interface back.
    End,
    /// Calibrate the clock again; gives its record.
    CalibrateAgain,
    /// Give back everything, and end.
    GiveBack,
    /// Tell the trader.
    Tell {
        /// What.
        command: Box<Command>,
    },
    /// Nothing will be said for so long.
    Hush {
        /// How long.
        at_most: Nanos,
    },
    /// The run is still there.
    Alive,
}

/// Agent to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// What was asked for.
    Done {
        /// Number of the request.
        to: u64,
        /// As the request says.
        value: Value,
    },
    /// It can't be had.
    Problem {
        /// Number of the request.
        to: u64,
        /// Why.
        problem: Problem,
    },
    /// The trader says so.
    Said {
        /// What.
        report: Box<Report>,
    },
    /// The trader says nothing any more.
    TraderEnded {
        /// How it ended.
        how: String,
    },
}

/// Why a request can't be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
pub enum Problem {
    /// The host lacks something.
    Lacks {
        /// What, and the remedy.
        unmet: Unmet,
    },
    /// The interface must not be lent, or the core not be used.
    Refused {
        /// Why.
        what: String,
    },
    /// There is no such interface.
    NoInterface {
        /// Which, and those that there are.
        what: String,
    },
    /// Another run is measuring there.
    Busy {
        /// Its process, where that can be told.
        holder: Option<u32>,
    },
    /// Something failed.
    Failed {
        /// What, with causes.
        what: String,
    },
}

/// What the agent finds on its host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Survey {
    /// The host.
    pub host: Host,
    /// The core that the trader runs on.
    pub core: u32,
    /// The clock, once calibrated.
    pub clock: ClockProbe,
    /// Why no better than emulated evidence can come of the interface, if so.
    pub virtual_because: Option<String>,
    /// Most bytes that a receive buffer gets; `None` for no such limit.
    pub buffer_limit: Option<usize>,
}

/// What the agent measures of its host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Probed {
    /// Settings that spoil measurements.
    pub audit: Vec<Setting>,
    /// Noise of the trader's core, or why there is none.
    pub noise: Result<NoiseProbe, String>,
    /// Cost of a stamp.
    pub stamp_cost_ns: Option<f64>,
    /// Cost of recording one event.
    pub record_cost_ns: Option<f64>,
}

/// A hardware address as it is sent; what has no Ethernet address has none to give.
#[must_use]
pub fn ethernet(mac: Vec<u8>) -> MacAddress {
    mac.try_into().unwrap_or_default()
}

/// Bytes of a file that are sent at once.
pub const PIECE: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line<M> {
    Message(M),
    /// So many bytes follow.
    Piece(usize),
}

/// A message, or a piece of a file.
#[derive(Debug)]
pub enum Received<M> {
    /// A message.
    Message(M),
    /// Bytes.
    Piece(Vec<u8>),
}

/// Says something.
///
/// # Errors
/// When the other side is gone.
pub fn send(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    control::send(out, &Line::Message(message))
}

/// Sends a piece of a file, at most [`PIECE`] long.
///
/// # Errors
/// When the other side is gone.
pub fn send_piece(out: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    control::send(out, &Line::<()>::Piece(piece.len()))?;
    out.write_all(piece)?;
    out.flush()
}

/// What comes next; `None` when the other side has closed.
///
/// # Errors
/// When it can't be read or understood.
pub fn receive<M: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<Received<M>>> {
    match control::receive(from)? {
        None => Ok(None),
        Some(Line::Message(message)) => Ok(Some(Received::Message(message))),
        Some(Line::Piece(len)) if len <= PIECE => {
            let mut piece = vec![0; len];
            from.read_exact(&mut piece)?;
            Ok(Some(Received::Piece(piece)))
        }
        Some(Line::Piece(len)) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("a piece of {len} bytes, and {PIECE} are the most")))
        }
    }
}

/// Sends a file, piece by piece; returns its bytes.
///
/// # Errors
/// When it can't be read (its own error is in the inner result, and nothing more is sent), or the other side is gone.
pub fn send_file(file: &mut impl Read, mut piece: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<io::Result<u64>> {
    let (mut buffer, mut sent) = (vec![0; PIECE], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Ok(sent)),
            Ok(n) => {
                piece(&buffer[..n])?;
                sent += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Ok(Err(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_pieces_come_out_as_they_went_in_whatever_bytes_a_piece_holds() {
        let mut wire = Vec::new();
        send(&mut wire, &Request::Alive).unwrap();
        send_piece(&mut wire, b"{\"message\":1}\n\0\xff").unwrap();
        send(&mut wire, &Request::Samples).unwrap();
        let mut from = wire.as_slice();
        let mut next = || receive::<Request>(&mut from).unwrap();
        assert!(matches!(next(), Some(Received::Message(Request::Alive))));
        assert!(matches!(next(), Some(Received::Piece(p)) if p == b"{\"message\":1}\n\0\xff"));
        assert!(matches!(next(), Some(Received::Message(Request::Samples))));
        assert!(next().is_none());
    }

    #[test]
    fn a_piece_larger_than_any_of_ours_or_cut_short_is_an_error() {
        for line in ["{\"piece\":1048577}\n", "{\"piece\":4}\nab", "{\"piece\":-1}\n", "{\"other\":1}\n"] {
            assert!(receive::<Request>(&mut line.as_bytes()).is_err(), "{line}");
        }
    }
}
