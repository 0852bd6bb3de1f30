//! The agent: `tickcert endpoint --agent`, on the trader's host.

mod host;
mod tape;
mod trader;

use std::{
    io::{self, BufReader},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;
use tickcert_results::time::Nanos;
use tickcert_transports::api::{Role, Unmet};

use super::protocol::{self, Answer, Greeting, Problem, Received, Request};
use crate::{
    bench::{BenchError, OneEnd, huge_pages::HugePages, interfaces::InterfaceError, run_dir},
    run::{endpoints::Event, interrupt, scratch::Scratch},
};
use host::Found;
pub use host::boot_id;
use tape::Incoming;
use trader::Trader;

/// A run that is silent for so long, beyond what it has announced, is taken for gone.
const SILENCE: Duration = Duration::from_secs(60);
/// How often a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(200);
/// Messages and pieces that may wait.
const WAITING: usize = 8;

/// What the agent waits for.
enum Came {
    /// From the run.
    Run(Received<(u64, Request)>),
    /// From the trader of this number.
    Trader(u64, Event),
    /// The run is gone.
    Gone,
}

/// Serves one run, until it ends.
///
/// # Errors
/// When there is nothing to serve with: no folder for its files.
pub fn serve() -> Result<()> {
    interrupt::listen().context("can't listen for signals")?;
    let (tell, came) = mpsc::sync_channel(WAITING);
    let from_run = tell.clone();
    thread::spawn(move || listen(&from_run));
    let mut agent =
        Agent { scratch: Scratch::new()?, tell, lent: None, pages: None, found: None, tape: None, trader: None };
    // Whatever is said after this is said to a run of the same build.
    crate::endpoint::control::send(&mut io::stdout(), &Greeting::own())?;
    agent.obey(&came);
    // Whoever is left to hear it has no use for it.
    let _ = agent.give_back();
    Ok(())
}

fn listen(tell: &SyncSender<Came>) {
    let mut from = BufReader::new(io::stdin());
    while let Ok(Some(came)) = protocol::receive(&mut from) {
        if tell.send(Came::Run(came)).is_err() {
            return;
        }
    }
    let _ = tell.send(Came::Gone);
}

/// Until when a silent run is waited for.
struct Patience(Instant);

impl Patience {
    fn new(now: Instant) -> Self {
        Self(now + SILENCE)
    }

    /// The run has said something, and that it may be silent for so long. What it says after that, as the command to go, doesn't
    /// take back what it has announced.
    fn heard(&mut self, now: Instant, announced: Nanos) {
        self.0 = self.0.max(now + SILENCE + Duration::from(announced));
    }

    fn lasts(&self, now: Instant) -> bool {
        now < self.0
    }
}

/// What the agent holds for the run.
struct Agent {
    tell: SyncSender<Came>,
    // Given back in this order when this is dropped.
    trader: Option<Trader>,
    lent: Option<OneEnd>,
    pages: Option<HugePages>,
    found: Option<Found>,
    tape: Option<Incoming>,
    scratch: Scratch,
}

/// What a request gives: a value for the answer, `None` for no answer yet.
type Given = Result<Option<serde_json::Value>, Problem>;

fn value(of: impl Serialize) -> Given {
    serde_json::to_value(of).map(Some).map_err(|e| failed(&anyhow::Error::new(e)))
}

fn failed(error: &anyhow::Error) -> Problem {
    Problem::Failed { what: format!("{error:#}") }
}

/// As the run is to take it.
fn of_bench(error: BenchError) -> Problem {
    match error {
        BenchError::Interface(e @ InterfaceError::Missing { .. }) => Problem::NoInterface { what: e.to_string() },
        BenchError::Interface(e) => Problem::Refused { what: e.to_string() },
        e => Problem::Lacks { unmet: Unmet { needs: "an end of the wire".to_owned(), how: e.into_unmet().how } },
    }
}

impl Agent {
    /// Does what the run wants, until it wants no more or is gone.
    fn obey(&mut self, came: &Receiver<Came>) {
        let mut patience = Patience::new(Instant::now());
        while !interrupt::wanted() {
            let done = match came.recv_timeout(LOOK) {
                Ok(Came::Run(Received::Message((number, Request::GiveBack)))) => {
                    let left = self.give_back();
                    let _ = reply(number, Ok(left.into()));
                    return;
                }
                Ok(Came::Run(Received::Message((number, request)))) => {
                    match request {
                        Request::Hush { at_most } => patience.heard(Instant::now(), at_most),
                        // The trial is over: what was announced for it is too.
                        Request::Samples => patience = Patience::new(Instant::now()),
                        _ => patience.heard(Instant::now(), Nanos::ZERO),
                    }
                    self.answer(number, request)
                }
                Ok(Came::Run(Received::Piece(piece))) => {
                    patience.heard(Instant::now(), Nanos::ZERO);
                    self.piece(&piece)
                }
                Ok(Came::Trader(number, event)) => self.pass_on(number, event),
                Err(RecvTimeoutError::Timeout) if patience.lasts(Instant::now()) => Ok(()),
                Ok(Came::Gone) | Err(_) => return,
            };
            if done.is_err() {
                return;
            }
        }
    }

    /// Answers a request.
    fn answer(&mut self, number: u64, request: Request) -> io::Result<()> {
        if !matches!(request, Request::Alive) {
            // Whoever asks for something else sends no more of it.
            self.tape = None;
        }
        let given = self.give(number, request).transpose();
        given.map_or(Ok(()), |given| reply(number, given))
    }

    fn give(&mut self, number: u64, request: Request) -> Given {
        match request {
            Request::Survey { interface, force, core, boot_id } => {
                let (found, survey) = Found::look(interface, force, core, &boot_id)?;
                self.found = Some(found);
                value(survey)
            }
            Request::Preflight { lane, settings, virtual_link } => {
                value(host::preflight(&lane, &settings, virtual_link).map_err(|e| failed(&e))?)
            }
            Request::Lend { tuning } => {
                let found = self.found()?;
                let (name, force) = (&found.interface, found.force);
                let end =
                    OneEnd::lend(Role::Trader, name, force, tuning, &run_dir::default_path()).map_err(of_bench)?;
                let tuned = end.tuned.clone();
                self.lent = Some(end);
                value(tuned)
            }
            Request::Carrier { at_most } => value(self.lent()?.carrier(at_most).map_err(of_bench)?),
            Request::Hear { mac, at_most } => {
                let lent = self.lent()?;
                lent.meet(&mac).map_err(of_bench)?;
                value(lent.hear(at_most).map_err(of_bench)?)
            }
            Request::Probe { duration, threshold } => value(self.found()?.probe(duration, threshold)),
            Request::HugePages { lanes } => {
                let (pages, said) = host::huge_pages(&lanes, self.found()?.core).map_err(|e| failed(&e))?;
                self.pages = pages;
                value(said)
            }
            Request::Tape { bytes, sha256 } => {
                let path = self.tape_path();
                let incoming = Incoming::new(number, &path, bytes, sha256);
                self.tape = Some(incoming);
                // One that is empty is at its end already; no piece of it will come.
                if bytes == 0 { self.tape_is_here() } else { Ok(None) }
            }
            Request::Start { in_namespace } => value(self.start(number, in_namespace)?),
            Request::Tell { command } => {
                self.tell_trader(*command);
                Ok(None)
            }
            Request::Samples => value(self.send_samples()?),
            Request::End => value(self.end_trader()?),
            Request::CalibrateAgain => value(self.found_mut()?.calibrate_again()?),
            Request::GiveBack | Request::Hush { .. } | Request::Alive => Ok(None),
        }
    }

    fn found(&self) -> Result<&Found, Problem> {
        self.found.as_ref().ok_or_else(|| failed(&anyhow::anyhow!("the host was not surveyed")))
    }

    fn found_mut(&mut self) -> Result<&mut Found, Problem> {
        self.found.as_mut().ok_or_else(|| failed(&anyhow::anyhow!("the host was not surveyed")))
    }

    fn lent(&self) -> Result<&OneEnd, Problem> {
        self.lent.as_ref().ok_or_else(|| failed(&anyhow::anyhow!("the interface was not lent")))
    }

    /// What could not be given back.
    fn give_back(&mut self) -> Option<String> {
        self.trader = None;
        let lent = self.lent.take().and_then(|end| end.take_down().err()).map(|e| e.into_unmet().how);
        let pages = self.pages.take().and_then(|pages| pages.give_back().err()).map(|e| e.to_string());
        let all: Vec<String> = lent.into_iter().chain(pages).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

fn reply(number: u64, given: Result<serde_json::Value, Problem>) -> io::Result<()> {
    let answer = match given {
        Ok(value) => Answer::Done { to: number, value },
        Err(problem) => Answer::Problem { to: number, problem },
    };
    protocol::send(&mut io::stdout(), &answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_says_after_it_has_announced_a_silence_takes_nothing_back() {
        let begin = Instant::now();
        let mut patience = Patience::new(begin);
        patience.heard(begin, Nanos(90_000_000_000));
        // The command to go comes after the announcement.
        patience.heard(begin + Duration::from_secs(1), Nanos::ZERO);
        assert!(patience.lasts(begin + Duration::from_secs(149)));
        assert!(!patience.lasts(begin + Duration::from_secs(151)));
        patience.heard(begin + Duration::from_secs(120), Nanos::ZERO);
        assert!(patience.lasts(begin + Duration::from_secs(179)) && !patience.lasts(begin + Duration::from_secs(181)));
    }
}
