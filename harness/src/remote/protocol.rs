//! What a run and its agent on another host say to each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tickcert_results::{
    certificate::{ClockProbe, Host, NoiseProbe, NotRun, Setting},
    time::Nanos,
};
use tickcert_transports::api::{MacAddress, Unmet};

use crate::{
    bench::Tuning,
    endpoint::control::{Command, Report},
    version,
};

pub use super::framing::{PIECE, Received, receive, send, send_file, send_piece};

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
    /// Lend the interface, and switch it on; gives a [`Tuned`](crate::bench::Tuned).
    Lend {
        /// How it is to be.
        tuning: Tuning,
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
    /// What can't be counted there.
    pub uncounted: Vec<NotRun>,
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
