//! The two endpoint processes as the parent sees them: started, commanded, watched, ended.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use serde_json::Value;
use tickcert_results::time::Nanos;
use tickcert_transports::{
    Lane, SettingsError,
    api::{Job, Link, Role, Transport, Unmet},
    dispatch, read_settings,
};

use super::interrupt;
use crate::{
    bench::{BenchError, fitting::Fittings},
    endpoint::control::{self, Command, ExchangeReport, PingPongReport, PingPongSpec, Report, TraderReport, TrialSpec},
};

/// Beyond what a trial should take: time for loading, warming and writing on a host that stalls.
const GRACE: Duration = Duration::from_secs(30);
/// How often a wait looks whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(100);
/// The end of a dead endpoint's standard error that is looked at, in bytes.
const LAST_WORDS: u64 = 500;

/// Why a trial gave no samples.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// An endpoint could not be started.
    #[error("can't start the {0:?} endpoint")]
    Start(Role, #[source] io::Error),
    /// An endpoint reported that it can't go on.
    #[error("the {0:?} endpoint: {1}")]
    Failed(Role, String),
    /// The lane can't run here after all.
    #[error("the {0:?} endpoint {1}")]
    Unmet(Role, Unmet),
    /// An endpoint's process ended.
    #[error("the {0:?} endpoint ended in the middle ({1})")]
    Died(Role, String),
    /// An endpoint did not answer in time.
    #[error("the {0:?} endpoint did not answer within {1:?}")]
    Silent(Role, Duration),
    /// An endpoint said something out of turn.
    #[error("the {0:?} endpoint said something that was not expected: {1}")]
    OutOfTurn(Role, String),
    /// The control channel broke.
    #[error("the control channel to the {0:?} endpoint broke")]
    Channel(Role, #[source] io::Error),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Where the endpoints are to run.
#[derive(Clone, Debug)]
pub struct Homes<'a> {
    /// Network namespace of the exchange; `None` for the caller's.
    pub exchange: Option<&'a Path>,
    /// Network namespace of the trader.
    pub trader: Option<&'a Path>,
    /// Folder for what the endpoints print on standard error.
    pub logs: &'a Path,
    /// The `tickcert` that serves as endpoint; `None` for the caller itself.
    pub program: Option<&'a Path>,
}

struct StaysOnTheHost<'s>(&'s Value);

impl Job for StaysOnTheHost<'_> {
    type Out = Result<bool, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::stays_on_the_host(&read_settings::<T>(self.0)?))
    }
}

impl<'a> Homes<'a> {
    /// Those for a lane: its devices may be the host's, and not the bench's.
    ///
    /// # Errors
    /// Settings that the transport doesn't understand.
    pub fn of_lane(&self, lane: Lane, settings: &Value) -> Result<Self, SettingsError> {
        let here = dispatch(lane, StaysOnTheHost(settings))?;
        Ok(if here { Self { exchange: None, trader: None, ..self.clone() } } else { self.clone() })
    }

    /// Of the wire's interfaces, as they are now.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn fittings(&self, link: &'a Link) -> Result<Fittings<'a>, BenchError> {
        Fittings::read([(self.exchange, &link.exchange_interface), (self.trader, &link.trader_interface)])
    }
}

/// Both endpoints. Dropping it ends them.
pub struct Pair {
    exchange: Endpoint,
    trader: Endpoint,
    events: Receiver<(Role, Event)>,
}

enum Event {
    Said(Report),
    Broken(io::Error),
    Ended,
}

struct Endpoint {
    child: Child,
    commands: ChildStdin,
    /// What it prints on standard error, from this position on.
    log: (PathBuf, u64),
}

impl Pair {
    /// Starts both processes; they wait for commands.
    ///
    /// # Errors
    /// [`TrialError::Start`].
    pub fn start(homes: &Homes<'_>) -> Result<Self, TrialError> {
        let (said, events) = mpsc::channel();
        let start =
            |role, netns| Endpoint::start(role, netns, homes, said.clone()).map_err(|e| TrialError::Start(role, e));
        Ok(Self {
            exchange: start(Role::Exchange, homes.exchange)?,
            trader: start(Role::Trader, homes.trader)?,
            events,
        })
    }

    /// Process ids of exchange and trader.
    #[must_use]
    pub fn ids(&self) -> (u32, u32) {
        (self.exchange.child.id(), self.trader.child.id())
    }

    /// Runs one trial; the samples lie in the files that the specs name.
    ///
    /// # Errors
    /// [`TrialError`]; the pair is of no further use then.
    pub fn trial(
        &mut self,
        exchange: &TrialSpec,
        trader: &TrialSpec,
        lasts: Nanos,
    ) -> Result<(ExchangeReport, TraderReport), TrialError> {
        self.command(Role::Exchange, &Command::Open(Box::new(exchange.clone())))?;
        self.command(Role::Trader, &Command::Open(Box::new(trader.clone())))?;
        self.begin()?;
        let limit = GRACE + Duration::from(lasts) + Duration::from(exchange.late_after * 2);
        let (mut exchanged, mut traded) = (None, None);
        self.collect(limit, |role, report| {
            match (role, report) {
                (Role::Exchange, Report::Exchanged(r)) => exchanged = Some((**r).clone()),
                (Role::Trader, Report::Traded(r)) => traded = Some((**r).clone()),
                _ => return false,
            }
            true
        })?;
        Ok((exchanged.unwrap_or_default(), traded.unwrap_or_default()))
    }

    /// Runs one ping-pong; the reports are the exchange's and the trader's.
    ///
    /// # Errors
    /// As [`Pair::trial`].
    pub fn ping_pong(
        &mut self,
        exchange: &PingPongSpec,
        trader: &PingPongSpec,
    ) -> Result<(PingPongReport, PingPongReport), TrialError> {
        self.command(Role::Exchange, &Command::OpenPingPong(Box::new(exchange.clone())))?;
        self.command(Role::Trader, &Command::OpenPingPong(Box::new(trader.clone())))?;
        self.begin()?;
        let limit = GRACE + Duration::from(exchange.duration + exchange.warm_up);
        let (mut initiated, mut echoed) = (None, None);
        self.collect(limit, |role, report| {
            match (role, report) {
                (Role::Exchange, Report::PingPonged(r)) => initiated = Some(r.clone()),
                (Role::Trader, Report::PingPonged(r)) => echoed = Some(r.clone()),
                _ => return false,
            }
            true
        })?;
        Ok((initiated.unwrap_or_default(), echoed.unwrap_or_default()))
    }

    /// Both ready, then the trader goes, then, when it is in its loop, the exchange.
    fn begin(&mut self) -> Result<(), TrialError> {
        self.collect(GRACE, |_, report| matches!(report, Report::Ready))?;
        self.command(Role::Trader, &Command::Go)?;
        self.one(GRACE, Role::Trader, |r| matches!(r, Report::Running))?;
        self.command(Role::Exchange, &Command::Go)?;
        self.one(GRACE, Role::Exchange, |r| matches!(r, Report::Running))
    }

    fn command(&mut self, role: Role, command: &Command) -> Result<(), TrialError> {
        let endpoint = match role {
            Role::Exchange => &mut self.exchange,
            Role::Trader => &mut self.trader,
        };
        match control::send(&mut endpoint.commands, command) {
            // The reason will be in what the process said, or in how it ended.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(self.explain_end(role)),
            other => other.map_err(|e| TrialError::Channel(role, e)),
        }
    }

    /// One report from each end.
    fn collect(&mut self, limit: Duration, mut take: impl FnMut(Role, &Report) -> bool) -> Result<(), TrialError> {
        let deadline = Instant::now() + limit;
        let mut missing = vec![Role::Exchange, Role::Trader];
        while let Some(waiting_for) = missing.first().copied() {
            let (role, report) = self.next(deadline, waiting_for, limit)?;
            if !take(role, &report) {
                return Err(TrialError::OutOfTurn(role, format!("{report:?}")));
            }
            missing.retain(|r| *r != role);
        }
        Ok(())
    }

    fn one(&mut self, limit: Duration, from: Role, is: impl Fn(&Report) -> bool) -> Result<(), TrialError> {
        let (role, report) = self.next(Instant::now() + limit, from, limit)?;
        if role == from && is(&report) { Ok(()) } else { Err(TrialError::OutOfTurn(role, format!("{report:?}"))) }
    }

    fn next(&mut self, deadline: Instant, waiting_for: Role, limit: Duration) -> Result<(Role, Report), TrialError> {
        loop {
            if interrupt::wanted() {
                return Err(TrialError::Interrupted);
            }
            match self.events.recv_timeout(LOOK) {
                Ok((role, Event::Said(Report::Failed { error }))) => return Err(TrialError::Failed(role, error)),
                Ok((role, Event::Said(Report::Unmet(unmet)))) => return Err(TrialError::Unmet(role, unmet)),
                Ok((role, Event::Said(report))) => return Ok((role, report)),
                Ok((role, Event::Broken(e))) => return Err(TrialError::Channel(role, e)),
                Ok((role, Event::Ended)) => return Err(self.explain_end(role)),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(_) => return Err(TrialError::Silent(waiting_for, limit)),
            }
        }
    }

    fn explain_end(&mut self, role: Role) -> TrialError {
        while let Ok((from, event)) = self.events.try_recv() {
            if let (true, Event::Said(Report::Failed { error })) = (from == role, event) {
                return TrialError::Failed(role, error);
            }
        }
        let endpoint = match role {
            Role::Exchange => &mut self.exchange,
            Role::Trader => &mut self.trader,
        };
        let how = endpoint.child.wait().map_or_else(|e| e.to_string(), describe);
        let said = endpoint.last_words().map(|words| format!("; the last it said: {words}"));
        TrialError::Died(role, how + &said.unwrap_or_default())
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}"),
        (None, Some(code)) => format!("exit status {code}"),
        (None, None) => "for an unknown reason".to_owned(),
    }
}

impl Endpoint {
    fn start(role: Role, netns: Option<&Path>, homes: &Homes<'_>, said: Sender<(Role, Event)>) -> io::Result<Self> {
        let program = homes.program.map_or_else(std::env::current_exe, |program| Ok(program.to_owned()))?;
        let mut command = std::process::Command::new(program);
        command.arg("endpoint").arg("--parent").arg(std::process::id().to_string());
        if let Some(netns) = netns {
            command.arg("--netns").arg(netns);
        }
        let log = homes.logs.join(format!("{}.log", if role == Role::Exchange { "exchange" } else { "trader" }));
        let file = File::options().create(true).append(true).open(&log)?;
        let log = (log, file.metadata()?.len());
        // A group of its own: Ctrl-C is for the parent, which ends its endpoints in good order.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn()?;
        let (Some(commands), Some(reports)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the endpoint has no pipes"));
        };
        std::thread::spawn(move || {
            let mut reports = BufReader::new(reports);
            loop {
                let event = match control::receive(&mut reports) {
                    Ok(Some(report)) => Event::Said(report),
                    Ok(None) => Event::Ended,
                    Err(e) => Event::Broken(e),
                };
                let last = !matches!(event, Event::Said(_));
                if said.send((role, event)).is_err() || last {
                    return;
                }
            }
        });
        Ok(Self { child, commands, log })
    }

    /// The last line of its standard error: a library that ends its process (DPDK does) says there why.
    fn last_words(&self) -> Option<String> {
        let (path, from) = &self.log;
        let mut file = File::open(path).ok()?;
        let end = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(end.saturating_sub(LAST_WORDS).max(*from))).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing of it stays.
        let _ = control::send(&mut self.commands, &Command::Quit);
        let deadline = Instant::now() + Duration::from_millis(500);
        while Instant::now() < deadline && !interrupt::wanted() {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ends_of_a_lane_whose_nics_are_the_hosts_stay_in_its_namespace_and_others_go_to_the_benchs() {
        let (exchange, trader, logs) = (Path::new("/e"), Path::new("/t"), Path::new("/"));
        let homes = Homes { exchange: Some(exchange), trader: Some(trader), logs, program: None };
        for (name, wanted) in [("dpdk-pci", None), ("dpdk-afxdp", Some(exchange)), ("kernel-udp", Some(exchange))] {
            let lane = Lane::by_name(name).unwrap();
            let settings = lane.settings(&serde_json::Map::new()).unwrap();
            assert_eq!(homes.of_lane(lane, &settings).unwrap().exchange, wanted, "{name}");
        }
        assert!(homes.of_lane(Lane::by_name("shm").unwrap(), &json!({ "colour": 1 })).is_err());
    }
}
