//! What a run asks of its agent, each request with the type of its answer.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tickcert_results::{
    certificate::{ClockProbe, Host},
    time::{Nanos, TickScale},
};
use tickcert_transports::{
    Lane,
    api::{Caps, Unmet},
};

use super::{Inbox, Problem, RemoteError, Session, protocol};
use crate::{
    bench::{Tuned, Tuning},
    endpoint::control::Command,
    remote::protocol::{Probed, Request, Survey},
};

/// An answer that takes no work is here within this.
const SOON: Duration = Duration::from_secs(30);
/// The longest that a piece of a file may take on a slow line.
const PIECE: Duration = Duration::from_secs(60);

impl Survey {
    /// Before the agent was asked.
    pub(super) fn unknown() -> Self {
        let none =
            tickcert_results::certificate::CalibrationRecord { hz: 0.0, error_ppm: 0.0, bracket_ns: 0.0, triples: 0 };
        let clock = ClockProbe {
            clocksource: String::new(),
            invariant_tsc: false,
            read_cost_ns: 0.0,
            granularity_ticks: 0,
            start: none,
            end: None,
            drift_ppm: None,
            drift_allowed_ppm: None,
        };
        Self { host: Host::default(), core: 0, clock, virtual_because: None, buffer_limit: None }
    }
}

impl Session {
    /// Asks, and waits for the answer.
    pub(super) fn ask<T: DeserializeOwned>(&self, request: &Request, at_most: Duration) -> Result<T, RemoteError> {
        let number = self.say(request)?;
        self.answer(number, at_most, true, |_| ())
    }

    fn say(&self, request: &Request) -> Result<u64, RemoteError> {
        self.pipe.request(request).map_err(|_| self.lost().into())
    }

    /// Waits for the answer to a request; pieces that come before it are handed over, and each buys more time.
    fn answer<T: DeserializeOwned>(
        &self,
        number: u64,
        at_most: Duration,
        may_stop: bool,
        mut on_piece: impl FnMut(Vec<u8>),
    ) -> Result<T, RemoteError> {
        let mut deadline = Instant::now() + at_most;
        loop {
            match self.next(deadline, may_stop)? {
                Some(Inbox::Piece(piece)) => {
                    on_piece(piece);
                    deadline = deadline.max(Instant::now() + PIECE);
                }
                // To one that nobody waits for any more.
                Some(Inbox::Answer(to, _)) if to != number => {}
                Some(Inbox::Answer(_, Ok(value))) => {
                    return serde_json::from_value(value)
                        .map_err(|e| self.failed(format!("its answer is not understood: {e}")));
                }
                Some(Inbox::Answer(_, Err(problem))) => {
                    return Err(RemoteError::Problem { host: self.host().to_owned(), problem });
                }
                Some(Inbox::Greeting(_)) => {}
                None => {
                    // Whatever it is about, it is not heard any more: nothing that comes later is to be taken for an answer.
                    let lost = self.lost();
                    self.pipe.close();
                    return Err(lost.into());
                }
            }
        }
    }

    fn failed(&self, what: String) -> RemoteError {
        RemoteError::Problem { host: self.host().to_owned(), problem: Problem::Failed { what } }
    }

    /// The scale of its clock.
    #[must_use]
    pub fn scale(&self) -> TickScale {
        TickScale::from_hz(self.survey().clock.start.hz)
    }

    /// What a lane can do there.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn preflight(
        &self,
        lane: Lane,
        settings: &Value,
        virtual_link: bool,
    ) -> Result<Result<Caps, Unmet>, RemoteError> {
        let (lane, settings) = (lane.name().to_owned(), settings.clone());
        self.ask(&Request::Preflight { lane, settings, virtual_link }, SOON)
    }

    /// Lends the trader's interface; gives how it is then.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn lend(&self, tuning: Tuning) -> Result<Tuned, RemoteError> {
        self.ask(&Request::Lend { tuning }, SOON)
    }

    /// Waits for its carrier; gives its hardware address.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn carrier(&self, at_most: Nanos) -> Result<Vec<u8>, RemoteError> {
        self.ask(&Request::Carrier { at_most }, SOON + at_most.into())
    }

    /// Waits there for a datagram, while `call` sends some; whoever sends is told when to end.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn hear(
        &self,
        mac: Vec<u8>,
        at_most: Nanos,
        call: impl FnOnce(&dyn Fn() -> bool) + Send,
    ) -> Result<(), RemoteError> {
        let number = self.say(&Request::Hear { mac, at_most })?;
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|s| {
            s.spawn(|| call(&|| !over.load(std::sync::atomic::Ordering::Relaxed)));
            let heard = self.answer(number, SOON + at_most.into(), true, |_| ());
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            heard
        })
    }

    /// Settings, noise and costs.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn probe(&self, duration: Nanos, threshold: Nanos) -> Result<Probed, RemoteError> {
        self.ask(&Request::Probe { duration, threshold }, SOON + duration.into())
    }

    /// Sets huge pages aside for these lanes; gives what there is to say about it.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn huge_pages(&self, lanes: Vec<(String, Value)>) -> Result<Option<String>, RemoteError> {
        self.ask(&Request::HugePages { lanes }, SOON)
    }

    /// Sends the tape.
    ///
    /// # Errors
    /// [`RemoteError`], also where it can't be read here or not be written there.
    pub fn send_tape(&self, path: &Path, sha256: &str) -> Result<(), RemoteError> {
        let open = || -> io::Result<(File, u64)> {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        let (mut file, bytes) = open().map_err(|e| self.failed(format!("the tape can't be read: {e}")))?;
        let number = self.say(&Request::Tape { bytes, sha256: sha256.to_owned() })?;
        let sent = protocol::send_file(&mut file, |piece| self.pipe.piece(piece)).map_err(|_| self.lost())?;
        match sent {
            Ok(n) if n == bytes => self.answer(number, PIECE, true, |_| ()),
            Ok(n) => Err(self.failed(format!("the tape has changed while it was sent: {n} bytes instead of {bytes}"))),
            Err(e) => Err(self.failed(format!("the tape can't be read: {e}"))),
        }
    }

    /// Starts a trader.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(crate) fn start_trader(&self, in_namespace: bool) -> Result<(), RemoteError> {
        self.ask(&Request::Start { in_namespace }, SOON)
    }

    /// Tells the trader; what it says comes by itself.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(crate) fn tell(&self, command: &Command) -> Result<(), RemoteError> {
        self.say(&Request::Tell { command: Box::new(command.clone()) }).map(drop)
    }

    /// Says nothing for so long but what is asked for: a trial is to be measured.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(crate) fn hush(&self, at_most: Duration) -> Result<(), RemoteError> {
        let nanos = Nanos(u64::try_from(at_most.as_nanos()).unwrap_or(u64::MAX));
        self.say(&Request::Hush { at_most: nanos })?;
        self.pipe.hush(Some(at_most));
        Ok(())
    }

    /// Fetches the trader's samples into a file.
    ///
    /// # Errors
    /// [`RemoteError`], also where they can't be written here.
    pub(crate) fn fetch_samples(&self, path: &Path) -> Result<(), RemoteError> {
        self.pipe.hush(None);
        let (mut file, mut written) = (File::create(path), 0_u64);
        let number = self.say(&Request::Samples)?;
        let bytes: u64 = self.answer(number, SOON, true, |piece| {
            written += piece.len() as u64;
            if let Ok(open) = &mut file
                && let Err(e) = open.write_all(&piece)
            {
                file = Err(e);
            }
        })?;
        match file {
            Err(e) => Err(self.failed(format!("its samples can't be written to {}: {e}", path.display()))),
            Ok(_) if written != bytes => Err(self.failed(format!("of its samples {written} bytes came, of {bytes}"))),
            Ok(_) => Ok(()),
        }
    }

    /// Ends the trader, and sets back what it may have left on its interface. Whether or not the user wants to stop.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(crate) fn end_trader(&self) -> Result<(), RemoteError> {
        self.pipe.hush(None);
        let number = self.say(&Request::End)?;
        self.answer(number, SOON, false, |_| ())
    }

    /// Calibrates its clock again.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn calibrate_again(&self) -> Result<ClockProbe, RemoteError> {
        self.ask(&Request::CalibrateAgain, SOON)
    }

    /// Has everything given back; gives what could not be.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn give_back(&self) -> Result<Option<String>, RemoteError> {
        let number = self.say(&Request::GiveBack)?;
        self.answer(number, PIECE, false, |_| ())
    }
}
